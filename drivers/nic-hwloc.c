/* SPDX-License-Identifier: Apache-2.0 */
/* NICs of an XML topology: hwloc's network and OpenFabrics OS devices below a PCI function. It
 * tells names and addresses, no link state. Virtual interfaces hang below the machine there and are
 * left out (place.h), virtual functions without an interface are no OS device. */
#include "drivers/nic.h"
#include "drivers/place.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

/* hwloc 3 gives usNIC's RDMA devices both types at once; only a network interface has an Address.
 */
static bool is_network(hwloc_obj_t object)
{
	return object->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK &&
	       !hwloc_obj_get_info_by_name(object, "NodeGUID");
}

static bool is_rdma(hwloc_obj_t object)
{
	return object->attr->osdev.type == HWLOC_OBJ_OSDEV_OPENFABRICS ||
	       (object->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK && !is_network(object));
}

static int add_network(struct discovery *d, hwloc_obj_t object, const char *pci)
{
	_cleanup_(device_freep) struct device *nic = NULL;
	int r = device_new(&nic, DEVICE_NIC, object->name);

	if (r < 0)
		return r;
	nic->nic.physical = true;
	if (device_set_string(&nic->nic.name, object->name) < 0 ||
	    device_set_string(&nic->nic.nic_kind, "physical") < 0 ||
	    device_set_string(&nic->nic.mac, hwloc_obj_get_info_by_name(object, "Address")) < 0)
		return -ENOMEM;
	r = place_at_pci(d, nic, pci);
	if (r == 0)
		r = discovery_add(d, &nic);
	return r == -EEXIST ? 0 : r;
}

int nic_from_hwloc(struct discovery *d)
{
	char pci[PLACE_PCI_SIZE];
	int r = 0;

	for (hwloc_obj_t o = NULL; r == 0 && (o = place_next_object(d, o));)
		if (is_network(o) && place_of_object(o, pci))
			r = add_network(d, o, pci);
	for (hwloc_obj_t o = NULL; r == 0 && (o = place_next_object(d, o));)
		if (is_rdma(o) && place_of_object(o, pci))
			r = nic_rdma_place(d, o->name, pci);
	return r;
}
