/* SPDX-License-Identifier: Apache-2.0 */
/* Which block devices are disks, and how they are attached; see disk.h. Pure: by name, and by the
 * buses that the text of the sysfs link goes through. */
#include "drivers/disk.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Documentation/admin-guide/devices.txt; each is followed by a number (or "-" in dm-0). */
static const char *const software[] = { "loop", "ram",	"zram",	  "dm-", "md",	 "nbd",
					"zd",	"drbd", "bcache", "rbd", "nullb" };
static const char *const drives[] = { "sr", "fd", "scd" }; /* optical and floppy */

/* In this order: a SATA or SAS disk is a SCSI one to the kernel as well. */
static const struct {
	const char *part, *transport;
} transports[] = {
	{ "/nvme", "nvme" },  { "/virtio", "virtio" },	 { "/usb", "usb" },
	{ "/ata", "sata" },   { "/end_device-", "sas" }, { "/mmc_host/", "mmc" },
	{ "/ndbus", "pmem" }, { "/xen/", "xen" },	 { "/vbd-", "xen" },
	{ "/host", "scsi" },
};

static const struct {
	const char *prefix, *transport;
} names[] = {
	{ "nvme", "nvme" }, { "vd", "virtio" }, { "mmcblk", "mmc" },
	{ "pmem", "pmem" }, { "xvd", "xen" },	{ "sd", "scsi" },
};

static bool named(const char *name, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(name, prefixes[i], n) == 0 && isdigit((unsigned char)name[n]))
			return true;
	}
	return false;
}

/* ".../block/sda/sda1": a class link to a partition goes through its disk. */
static bool is_partition(const char *path, const char *name)
{
	const char *last = strrchr(path, '/');
	const char *block = strstr(path, "/block/");

	if (block && last && last != block + strlen("/block"))
		return true;
	/* Below nvme there is no directory `block`: "nvme0n1/nvme0n1p1". */
	return strncmp(name, "nvme", 4) == 0 && strchr(name, 'p') && !block;
}

/* The boot and replay-protected areas of an eMMC beside its user area. */
static bool is_mmc_area(const char *name)
{
	return strncmp(name, "mmcblk", 6) == 0 && (strstr(name, "boot") || strstr(name, "rpmb"));
}

/* "nvme0c0n1": one path to the shared namespace nvme0n1 (drivers/nvme/host/multipath.c). */
static bool is_nvme_path(const char *name)
{
	unsigned subsystem, controller, space;
	int end = 0;

	return sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &space, &end) == 3 &&
	       end > 0;
}

bool disk_is_real(const char *path, const char *name)
{
	return !named(name, software, ARRAY_SIZE(software)) &&
	       !named(name, drives, ARRAY_SIZE(drives)) && !is_mmc_area(name) &&
	       !is_nvme_path(name) && !is_partition(path, name);
}

const char *disk_transport(const char *path, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if (strstr(path, transports[i].part))
			return transports[i].transport;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(name, names[i].prefix, strlen(names[i].prefix)) == 0)
			return names[i].transport;
	return NULL;
}
