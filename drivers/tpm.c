/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted platform modules by /sys/class/tpm; one that SMBIOS names is the same one. It sends no
 * command to the chip. */
#include "drivers/component.h"
#include "drivers/driver.h"
#include "drivers/label.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* tpm_version_major is there since Linux 5.6; `caps` is of 1.2 alone, the resource-managed tpmrmN
 * of 2.0 alone (drivers/char/tpm/tpm-sysfs.c, tpm-chip.c). NULL: cannot tell. */
static const char *read_version(struct discovery *d, int fd, const char *name)
{
	char path[64], major[16];

	if (fs_read_line(fd, "tpm_version_major", major, sizeof(major)) == 0)
		return strcmp(major, "2") == 0 ? "2.0" : "1.2";
	(void)snprintf(path, sizeof(path), "class/tpmrm/tpmrm%s", name + strlen("tpm")); /* fits */
	if (fs_exists(d->host->sys_fd, path))
		return "2.0";
	return fs_exists(fd, "caps") || fs_exists(fd, "device/caps") ? "1.2" : NULL;
}

static int add(struct discovery *d, const char *name)
{
	char id[64], path[64];
	struct device *device;
	_cleanup_close_ int fd = -1;
	int r;

	(void)snprintf(id, sizeof(id), "firmware-tpm-%s", name + strlen("tpm")); /* 10 digits */
	(void)snprintf(path, sizeof(path), "class/tpm/%s", name);
	fd = fs_open_dir(d->host->sys_fd, path);
	device = discovery_find(d, id);
	r = device ? 0 : component_add(d, "tpm", id + strlen("firmware-"), &device);
	if (r < 0 || device_set_string(&device->firmware.state, "present") < 0)
		return r < 0 ? r : -ENOMEM;
	if (device->firmware.version)
		return 0;
	return device_set_string(&device->firmware.version, read_version(d, fd, name));
}

static int tpm_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	uint32_t number;
	int r = 0;

	if (fs_list(d->host->sys_fd, "class/tpm", &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++)
		if (strncmp(*name, "tpm", 3) == 0 && parse_u32(*name + 3, &number) == 0)
			r = add(d, *name);
	return r < 0 ? fail_set(f, r, "cannot list the TPMs: %s", strerror(-r)) : 0;
}

static const char *const tpm_subsystems[] = { "tpm", NULL };

const struct driver driver_tpm = {
	.name = "tpm",
	.phase = DRIVER_PHASE_ANNOTATE,
	.probe = tpm_probe,
	.watch = tpm_subsystems,
};
