/* SPDX-License-Identifier: Apache-2.0 */
/* Disks of an XML topology: hwloc's storage OS devices, whose infos name model, serial, firmware
 * and size where the machine was described by a program that could read udev's database. */
#include "drivers/disk.h"
#include "drivers/driver.h"
#include "drivers/label.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <string.h>

/* hwloc's words for storage that is no disk. */
static bool is_other(const char *subtype)
{
	return subtype &&
	       (strcmp(subtype, "Removable Media Device") == 0 || strcmp(subtype, "Tape") == 0);
}

/* A "dax" device is memory in character form, that hwloc lists beside the block form. */
static bool is_disk(hwloc_obj_t object)
{
	return object->attr->osdev.type == HWLOC_OBJ_OSDEV_BLOCK && object->name &&
	       strncmp(object->name, "dax", 3) != 0 && disk_is_real("", object->name) &&
	       !is_other(object->subtype);
}

static int take_infos(hwloc_obj_t object, struct device *disk)
{
	const char *size = hwloc_obj_get_info_by_name(object, "Size");
	uint64_t kib;

	if (size && parse_u64(size, &kib) == 0 && kib < UINT64_MAX >> 10)
		disk->disk.size_bytes = kib << 10;
	if (label_set(&disk->disk.model, hwloc_obj_get_info_by_name(object, "Model")) < 0 ||
	    label_set(&disk->disk.serial, hwloc_obj_get_info_by_name(object, "SerialNumber")) < 0 ||
	    label_set(&disk->disk.firmware, hwloc_obj_get_info_by_name(object, "Revision")) < 0)
		return -ENOMEM;
	return device_set_string(&disk->disk.transport, disk_transport("", object->name));
}

static int locate(struct discovery *d, hwloc_obj_t object, struct device *disk)
{
	char pci[PLACE_PCI_SIZE];

	if (place_of_object(object, pci))
		return place_at_pci(d, disk, pci);
	return topology_locality(d->topology, object, &disk->node, &disk->local_cpus);
}

int disk_from_hwloc(struct discovery *d)
{
	int r = 0;

	for (hwloc_obj_t o = NULL;
	     r == 0 && (o = hwloc_get_next_osdev(topology_hwloc(d->topology), o));) {
		_cleanup_(device_freep) struct device *disk = NULL;

		if (!is_disk(o))
			continue;
		r = device_new(&disk, DEVICE_DISK, o->name);
		if (r == 0)
			r = device_set_string(&disk->disk.name, o->name);
		if (r == 0)
			r = take_infos(o, disk);
		if (r == 0)
			r = locate(d, o, disk);
		if (r == 0)
			r = discovery_add(d, &disk);
		r = r == -EEXIST ? 0 : r;
	}
	return r;
}
