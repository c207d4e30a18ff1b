/* SPDX-License-Identifier: Apache-2.0 */
/* How the machine booted: UEFI or legacy, Secure Boot, and the firmware images that UEFI's system
 * resource table (ESRT) lists. Where the kernel shows nothing of its firmware (many captures, other
 * architectures) nothing is claimed. */
#include "drivers/component.h"
#include "drivers/driver.h"
#include "drivers/sysfs.h"
#include "drivers/topology.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* UEFI specification, EFI_GLOBAL_VARIABLE. */
#define GLOBAL_VARIABLE "8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum { EFIVAR_ATTRIBUTE_BYTES = 4 }; /* before the value: Documentation/filesystems/efivarfs.rst */

enum { VARIABLE_OFF = 0, VARIABLE_ON = 1, VARIABLE_UNKNOWN = -1 };

/* A one-byte variable: by efivarfs, or by the older directory of sysfs. */
static int read_variable(const struct host *host, const char *name)
{
	_cleanup_free_ char *path = NULL, *old = NULL, *value = NULL;
	size_t size;

	if (asprintf(&path, "firmware/efi/efivars/%s-" GLOBAL_VARIABLE, name) < 0 ||
	    asprintf(&old, "firmware/efi/vars/%s-" GLOBAL_VARIABLE "/data", name) < 0)
		return VARIABLE_UNKNOWN;
	if (fs_read(host->sys_fd, path, 64, &value, &size) == 0 &&
	    size == EFIVAR_ATTRIBUTE_BYTES + 1)
		return value[EFIVAR_ATTRIBUTE_BYTES] == 1;
	free(TAKE_PTR(value));
	if (fs_read(host->sys_fd, old, 64, &value, &size) == 0 && size >= 1)
		return value[0] == 1;
	return VARIABLE_UNKNOWN;
}

static int add_state(struct discovery *d, const char *component, const char *state)
{
	struct device *device;
	int r = component_add(d, component, component, &device);

	return r < 0 ? r : device_set_string(&device->firmware.state, state);
}

/* Without enrolled keys (setup mode) the firmware checks nothing, whatever SecureBoot says. */
static int add_secure_boot(struct discovery *d)
{
	int on = read_variable(d->host, "SecureBoot");

	if (on == VARIABLE_UNKNOWN)
		return 0;
	if (read_variable(d->host, "SetupMode") == VARIABLE_ON)
		on = VARIABLE_OFF;
	return add_state(d, "secure-boot", on == VARIABLE_ON ? "enabled" : "disabled");
}

/* Documentation/ABI/testing/sysfs-firmware-efi-esrt. */
static const char *const image_kinds[] = { NULL, "system", "device", "uefi-driver" };

static int add_image(struct discovery *d, const char *entry)
{
	_cleanup_free_ char *path = NULL, *class = NULL, *version = NULL;
	_cleanup_close_ int fd = -1;
	uint32_t kind = 0;
	struct device *device;
	char name[80];
	int r;

	if (asprintf(&path, "firmware/efi/esrt/entries/%s", entry) < 0)
		return -ENOMEM;
	fd = fs_open_dir(d->host->sys_fd, path);
	if (fd < 0 || sysfs_string(fd, "fw_class", &class) < 0 ||
	    sysfs_string(fd, "fw_version", &version) < 0)
		return fd < 0 ? 0 : -ENOMEM;
	(void)snprintf(name, sizeof(name), "esrt-%s", class ? class : entry); /* longer: cut */
	r = component_add(d, "esrt", name, &device);
	if (r < 0)
		return r;
	sysfs_u32(fd, "fw_type", &kind);
	device->firmware.version = TAKE_PTR(version);
	device->firmware.product = TAKE_PTR(class);
	return kind < ARRAY_SIZE(image_kinds)
		       ? device_set_string(&device->firmware.state, image_kinds[kind])
		       : 0;
}

static int add_images(struct discovery *d)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = 0;

	if (fs_list(d->host->sys_fd, "firmware/efi/esrt/entries", &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++)
		r = add_image(d, *name);
	return r;
}

/* The kernel makes firmware/efi at boot when it was started by UEFI. Without it a PC that shows the
 * rest of its firmware's tables was started the old way. */
static const char *boot_kind(const struct discovery *d)
{
	int fd = d->host->sys_fd;

	if (fs_exists(fd, "firmware/efi"))
		return "uefi";
	if (fs_exists(fd, "firmware/memmap") || fs_exists(fd, "firmware/acpi"))
		return "legacy";
	return NULL;
}

static int boot_probe(struct discovery *d, struct fail *f)
{
	const char *kind = boot_kind(d);
	int r = kind ? add_state(d, "boot", kind) : 0;

	if (r == 0)
		r = add_secure_boot(d);
	if (r == 0)
		r = add_images(d);
	return r < 0 ? fail_set(f, r, "cannot list how the machine booted: %s", strerror(-r)) : 0;
}

const struct driver driver_boot = {
	.name = "boot",
	.phase = DRIVER_PHASE_ANNOTATE,
	.probe = boot_probe,
};
