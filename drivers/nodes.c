/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes by sysfs; see nodes.h. Nothing below /dev is looked at: a node there may be missing,
 * be named otherwise, or be made later by whoever needs it. */
#include "drivers/nodes.h"

#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int nodes_add(struct device_rules *into, bool block, uint32_t major, uint32_t minor)
{
	return device_rules_add(into, &(struct device_rule){ .block = block,
							     .major = major,
							     .minor = minor,
							     .access = DEVICE_ACCESS_USE });
}

int nodes_add_dev(const struct host *host, bool block, const char *path, struct device_rules *into)
{
	uint32_t major, minor;
	char line[64];

	if (fs_read_line(host->sys_fd, path, line, sizeof(line)) < 0 ||
	    device_rule_parse_numbers(line, &major, &minor) < 0)
		return 0;
	return nodes_add(into, block, major, minor);
}

static int below_function(const struct host *host, const struct nodes_class *class,
			  const char *name, bool *ret)
{
	_cleanup_(place_done) struct place place = { 0 };
	int r = place_find(host, class->name, name, &place);

	*ret = r == 0 && strcmp(place.pci, class->pci) == 0;
	return r == -ENOMEM ? r : 0;
}

static int has_content(const struct host *host, const struct nodes_class *class, const char *name,
		       bool *ret)
{
	_cleanup_free_ char *path = NULL;
	char line[128];

	if (asprintf(&path, "class/%s/%s/%s", class->name, name, class->file) < 0)
		return -ENOMEM;
	*ret = fs_read_line(host->sys_fd, path, line, sizeof(line)) == 0 &&
	       strcmp(line, class->content) == 0;
	return 0;
}

int nodes_add_class(const struct host *host, const struct nodes_class *class,
		    struct device_rules *into)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[512];
	int r = 0;

	(void)snprintf(path, sizeof(path), "class/%s", class->name); /* ours: short */
	if (fs_list(host->sys_fd, path, &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++) {
		bool belongs = false;

		r = class->pci ? below_function(host, class, *name, &belongs)
			       : has_content(host, class, *name, &belongs);
		(void)snprintf(path, sizeof(path), "class/%s/%s/dev", class->name,
			       *name); /* a name has at most 255 bytes */
		if (r == 0 && belongs)
			r = nodes_add_dev(host, false, path, into);
	}
	return r;
}

/* Documentation/driver-api/vfio.rst: /dev/vfio/GROUP with the container /dev/vfio/vfio, or, newer,
 * the function's own node with /dev/iommu. */
int nodes_add_vfio(const struct host *host, const char *pci, struct device_rules *into)
{
	const struct nodes_class own = { .name = "vfio-dev", .pci = pci };
	_cleanup_free_ char *driver = NULL, *group = NULL;
	size_t before = into->count;
	char path[512];
	int r;

	(void)snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", pci); /* fits */
	if (fs_link_name(host->sys_fd, path, &driver) < 0 || strcmp(driver, "vfio-pci") != 0)
		return 0;
	r = nodes_add_class(host, &own, into);
	(void)snprintf(path, sizeof(path), "bus/pci/devices/%s/iommu_group", pci); /* fits */
	if (r == 0 && fs_link_name(host->sys_fd, path, &group) == 0) {
		(void)snprintf(path, sizeof(path), "class/vfio/%s/dev", group); /* as above */
		r = nodes_add_dev(host, false, path, into);
	}
	if (r == 0 && into->count > before)
		r = nodes_add_dev(host, false, "class/misc/vfio/dev", into);
	if (r == 0 && into->count > before)
		r = nodes_add_dev(host, false, "class/misc/iommu/dev", into);
	return r;
}
