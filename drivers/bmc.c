/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is a baseboard management controller, and its firmware where the kernel's IPMI
 * driver has asked for it already. SMBIOS may have named it before; it is one and the same. It
 * sends no IPMI command: a BMC may take seconds to answer. */
#include "drivers/component.h"
#include "drivers/driver.h"
#include "drivers/label.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Any one of these shows a BMC; the last is what udev makes of it. */
static const struct {
	bool below_sys;
	const char *directory, *prefix;
} signs[] = {
	{ true, "class/ipmi", "ipmi" },
	{ true, "bus/platform/devices", "ipmi_bmc." },
	{ true, "bus/platform/devices", "ipmi_si." },
	{ false, "dev", "ipmi" },
};

static bool find_sign(const struct host *host, size_t i, char room[256])
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int fd = signs[i].below_sys ? host->sys_fd : host->root_fd;

	if (fs_list(fd, signs[i].directory, &names, NULL) < 0)
		return false;
	for (char **name = names; *name; name++)
		if (strncmp(*name, signs[i].prefix, strlen(signs[i].prefix)) == 0) {
			(void)snprintf(room, 256, "%s/%s", signs[i].directory,
				       *name); /* longer: cut */
			return true;
		}
	return false;
}

/* Documentation/driver-api/ipmi.rst: the attributes of the ipmi_bmc device. */
static int read_attributes(const struct host *host, struct device *device)
{
	struct device_firmware *f = &device->firmware;
	_cleanup_close_ int fd = -1;
	char path[256], version[32];

	if (!find_sign(host, 1, path))
		return 0;
	fd = fs_open_dir(host->sys_fd, path);
	if (label_read(fd, "firmware_revision", &f->version) < 0 ||
	    label_read(fd, "guid", &f->serial) < 0 ||
	    label_read(fd, "manufacturer_id", &f->vendor) < 0)
		return -ENOMEM;
	if (fs_read_line(fd, "ipmi_version", version, sizeof(version)) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "IPMI %s", version); /* fits */
	return label_set(&f->product, path);
}

static int bmc_probe(struct discovery *d, struct fail *f)
{
	struct device *device = discovery_find(d, "firmware-bmc-0");
	bool found = device;
	char path[256];
	int r = 0;

	for (size_t i = 0; !found && i < ARRAY_SIZE(signs); i++)
		found = find_sign(d->host, i, path);
	if (!found)
		return 0;
	if (!device)
		r = component_add(d, "bmc", "bmc-0", &device);
	if (r == 0)
		r = device_set_string(&device->firmware.state, "present");
	if (r == 0)
		r = read_attributes(d->host, device);
	return r < 0 ? fail_set(f, r, "cannot list the BMC: %s", strerror(-r)) : 0;
}

static const char *const bmc_subsystems[] = { "ipmi", NULL };

const struct driver driver_bmc = {
	.name = "bmc",
	.phase = DRIVER_PHASE_ANNOTATE,
	.probe = bmc_probe,
	.watch = bmc_subsystems,
};
