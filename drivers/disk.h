/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which disks the host itself uses: mounts, swap, and what is stacked on them. */

#include "util/device_rule.h"
#include "util/host.h"

#include <stdbool.h>

struct device;
struct discovery;

/* disk-hwloc.c: the disks of an XML topology. -ENOMEM. */
int disk_from_hwloc(struct discovery *d);

struct disk_use; /* the host's mount and swap tables, read once */

int disk_use_load(struct disk_use **ret, const struct host *host); /* -ENOMEM */
struct disk_use *disk_use_free(struct disk_use *u);
static inline void disk_use_freep(struct disk_use **u)
{
	disk_use_free(*u);
}

/* Why a whole disk is in use, a sentence in room; "" where nothing shows that it is. fd is its
 * directory of sysfs. Looks at the disk and its partitions. */
void disk_use_reason(const struct disk_use *u, const char *name, int fd, char room[128]);

/* The transport of a disk by the text of its sysfs link and name: "nvme", "virtio", "sata", "sas",
 * "usb", "mmc", "pmem", "xen", "scsi"; NULL unknown. */
const char *disk_transport(const char *path, const char *name);
/* Whether a block device of that name and link is a disk: not a partition, an optical or floppy
 * drive, or what software makes (loop, ram, zram, dm, md, nbd, zd). */
bool disk_is_real(const char *path, const char *name);

/* disk-nodes.c: struct driver's nodes() */
int disk_nodes(const struct host *host, const struct device *device, struct device_rules *into);
