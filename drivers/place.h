/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a device of a class (net, block, drm, ...) sits in the machine: its PCI address, and by it
 * the NUMA node and CPUs near it. */

#include "drivers/driver.h"
#include "drivers/topology.h"

enum { PLACE_PCI_SIZE = 32, PLACE_PARENT_SIZE = 64 };

struct place {
	char pci[PLACE_PCI_SIZE];	/* "" where no PCI function carries it */
	char parent[PLACE_PARENT_SIZE]; /* directory above the class's name: "virtio0", "vgem" */
	char *path; /* as the kernel's link says: "../../devices/pci0000:00/0000:00:03.0/net/eth0"
		     */
	bool is_virtual; /* below /sys/devices/virtual: no hardware carries it */
};
void place_done(struct place *p);

/* Whether the text is a PCI address with a domain of 4 to 8 hexadecimal digits. */
bool place_is_pci_address(const char *text);

/* What the path of a class device tells; class is the name of its class. -ENOMEM. */
int place_parse(const char *path, const char *class, struct place *ret);

/* Of class/CLASS/NAME below the host's sysfs, by the link itself or, where a capture made it a
 * directory, by its `device` link. -ENOENT where neither is there, -ENOMEM. */
int place_find(const struct host *host, const char *class, const char *name, struct place *ret);

/* Sets pci, node and local_cpus of a device: as the PCI function of that address has them, else as
 * hwloc or the function's numa_node says. An unknown address leaves the rest unknown. -ENOMEM. */
int place_at_pci(struct discovery *d, struct device *device, const char *pci);

/* Sets node and local_cpus; negative: unknown. -ENOMEM. */
int place_at_node(struct discovery *d, struct device *device, int32_t node);

/* hwloc's object of the PCI function with that address, NULL where it knows none. */
hwloc_obj_t place_function(struct discovery *d, const char *pci);

/* The PCI function that carries an hwloc OS device, into room; false where none does. */
bool place_of_object(hwloc_obj_t object, char room[PLACE_PCI_SIZE]);

/* The next OS device of the topology that is on a bus (hwloc's whole view has virtual ones too,
 * hung below the machine), NULL at the end. */
hwloc_obj_t place_next_object(struct discovery *d, hwloc_obj_t previous);
