/* SPDX-License-Identifier: Apache-2.0 */
/* The device nodes of a disk: its block device and its partitions. Not those of its controller or
 * of pass-through (/dev/nvme0, /dev/ng0n1, /dev/sgN): commands sent there may format or delete a
 * neighbour's namespace, or change what the controller does for all of them. */
#include "drivers/disk.h"
#include "drivers/nodes.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add_partition(const struct host *host, const char *disk, const char *part,
			 struct device_rules *into)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "class/block/%s/%s/partition", disk, part); /* fits */
	if (!fs_exists(host->sys_fd, path))
		return 0;
	(void)snprintf(path, sizeof(path), "class/block/%s/%s/dev", disk, part); /* fits */
	return nodes_add_dev(host, true, path, into);
}

int disk_nodes(const struct host *host, const struct device *device, struct device_rules *into)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[300];
	int r;

	if (device->kind != DEVICE_DISK || !device->disk.name ||
	    (size_t)snprintf(path, sizeof(path), "class/block/%s/dev", device->disk.name) >=
		    sizeof(path))
		return 0;
	r = nodes_add_dev(host, true, path, into);
	path[strlen(path) - strlen("/dev")] = 0;
	if (r < 0 || fs_list(host->sys_fd, path, &names, NULL) < 0)
		return r;
	for (char **name = names; r == 0 && *name; name++)
		r = add_partition(host, device->disk.name, *name, into);
	return r;
}
