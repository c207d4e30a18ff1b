/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Device nodes of hardware, by the numbers that sysfs gives in `dev` files (Documentation/ABI/
 * testing/sysfs-dev, "MAJOR:MINOR"), for the drivers' nodes(). What is absent or makes no sense
 * adds nothing: 0. Nodes are for reading and writing. All return 0, -ENOMEM, or -E2BIG for more
 * than a list holds. */

#include "drivers/driver.h"

int nodes_add(struct device_rules *into, bool block, uint32_t major, uint32_t minor);
/* The path of a `dev` file below sysfs. */
int nodes_add_dev(const struct host *host, bool block, const char *path, struct device_rules *into);

struct nodes_class {	     /* which character devices of a class belong to a device */
	const char *name;    /* "drm" */
	const char *pci;     /* those below this PCI function */
	const char *file;    /* or: whose attribute of this name, "ibdev", */
	const char *content; /* has this text */
};
int nodes_add_class(const struct host *host, const struct nodes_class *class,
		    struct device_rules *into);
/* For a PCI function that vfio-pci drives: its group, and what groups are used with. */
int nodes_add_vfio(const struct host *host, const char *pci, struct device_rules *into);
