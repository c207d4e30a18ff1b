/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions, bridges included. sysfs is asked first: it has domains of 32 bits (VMD, virtual
 * machines), which hwloc leaves out, and all that hwloc does not keep. hwloc answers for locality
 * where the kernel has none, and is all there is of an XML topology. Nothing is derived from a
 * bandwidth: a speed is reported only where it was told as such. */
#include "drivers/driver.h"
#include "drivers/pci-class.h"
#include "drivers/pci-link.h"
#include "drivers/sysfs.h"
#include "drivers/topology.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PCI_FOLDER "bus/pci/devices"

static int function_new(struct device **ret, const char *address)
{
	_cleanup_(device_freep) struct device *d = NULL;
	int r = device_new(&d, DEVICE_PCI, address);

	if (r == 0)
		r = device_set_string(&d->pci, address);
	if (r == 0) {
		d->offerable = false;
		r = device_set_string(&d->reason,
				      "a function is handed out as the GPU, NIC or disk behind it");
	}
	if (r == 0)
		*ret = TAKE_PTR(d);
	return r;
}

static int set_class(struct device_pci *p, uint32_t class_code)
{
	p->class_code = class_code;
	return class_code == DEVICE_UNKNOWN_U32
		       ? 0
		       : device_set_string(&p->class_name, pci_class_name(class_code));
}

/* ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0 -> 0000:00:01.0. What is no function (the
 * host bridge, a platform device above it) is stepped over. */
static int bridge_path(struct device_pci *p, const char *target)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_free_ char *copy = strdup(target);
	char *rest = NULL, *part, *before = NULL;

	if (!copy)
		return -ENOMEM;
	for (part = strtok_r(copy, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (!pci_address_valid(part))
			continue;
		if (before) /* the last one is the function itself */
			buf_format(&path, "%s%s", path.size ? "/" : "", before);
		before = part;
	}
	return buf_error(&path) < 0 ? buf_error(&path) : device_set_string(&p->path, path.data);
}

static void read_link(struct device_pci *p, int folder)
{
	static const struct {
		const char *file;
		size_t offset;
	} speeds[] = {
		{ "current_link_speed", offsetof(struct device_pci, link_speed_mts) },
		{ "max_link_speed", offsetof(struct device_pci, link_speed_maximum_mts) },
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (fs_read_line(folder, speeds[i].file, text, sizeof(text)) == 0)
			*(uint32_t *)((char *)p + speeds[i].offset) = pci_link_speed_mts(text);
	sysfs_u32(folder, "current_link_width", &p->link_width);
	sysfs_u32(folder, "max_link_width", &p->link_width_maximum);
	/* A port with nothing behind it says 0 lanes, one whose width cannot be read 255. */
	if (p->link_width == 255)
		p->link_width = DEVICE_UNKNOWN_U32;
	if (p->link_width_maximum == 255 || p->link_width_maximum == 0)
		p->link_width_maximum = DEVICE_UNKNOWN_U32;
}

static int read_attributes(struct device_pci *p, int folder)
{
	uint32_t class_code = DEVICE_UNKNOWN_U32;
	int r;

	sysfs_hex(folder, "class", &class_code);
	sysfs_hex(folder, "vendor", &p->vendor_id);
	sysfs_hex(folder, "device", &p->device_id);
	sysfs_hex(folder, "subsystem_vendor", &p->subsystem_vendor_id);
	sysfs_hex(folder, "subsystem_device", &p->subsystem_device_id);
	sysfs_u32(folder, "sriov_numvfs", &p->virtual_functions);
	sysfs_u32(folder, "sriov_totalvfs", &p->virtual_functions_maximum);
	read_link(p, folder);
	r = set_class(p, class_code);
	if (r == 0)
		r = sysfs_link_name(folder, "driver", &p->driver);
	if (r == 0)
		r = sysfs_link_name(folder, "iommu_group", &p->iommu_group);
	if (r == 0)
		r = sysfs_link_name(folder, "physfn", &p->physical_function);
	return r;
}

/* numa_node is -1 where the firmware does not say; local_cpus is then every CPU and means nothing,
 * and else those of the node (drivers/pci/pci-sysfs.c), which the node itself tells better. */
static int kernel_locality(struct discovery *d, struct device *function, int folder)
{
	int32_t number = DEVICE_NO_NODE;
	const struct device *node;
	char id[24];

	if (fs_read_i32(folder, "numa_node", &number) < 0 || number < 0)
		return 0;
	(void)snprintf(id, sizeof(id), "node-%d", number);
	node = discovery_find(d, id);
	if (!node)
		return discovery_note(d, "pci", "%s is said to be at node %d, which does not exist",
				      function->pci, number);
	function->node = number;
	return cpuset_copy(&function->local_cpus, node->local_cpus);
}

static hwloc_obj_t hwloc_function(const struct topology *t, const char *address)
{
	hwloc_topology_t h = topology_hwloc(t);
	hwloc_obj_t object = NULL, bridge = NULL;
	char room[32];

	while ((object = hwloc_get_next_pcidev(h, object))) {
		topology_pci_address(object, room);
		if (strcmp(room, address) == 0)
			return object;
	}
	while ((bridge = hwloc_get_next_bridge(h, bridge))) {
		topology_pci_address(bridge, room);
		if (bridge->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI &&
		    strcmp(room, address) == 0)
			return bridge;
	}
	return NULL;
}

static int locality(struct discovery *d, struct device *function, int folder)
{
	hwloc_obj_t object;
	int r = kernel_locality(d, function, folder);

	if (r < 0 || function->node != DEVICE_NO_NODE)
		return r;
	object = hwloc_function(d->topology, function->pci);
	if (!object) /* a domain of 32 bits; a machine of one node still tells where it is */
		object = hwloc_get_root_obj(topology_hwloc(d->topology));
	return topology_locality(d->topology, object, &function->node, &function->local_cpus);
}

static int function_fill(struct discovery *d, struct device *function, int all, const char *name)
{
	_cleanup_close_ int folder = fs_open_dir(all, name);
	_cleanup_free_ char *target = NULL;
	int r = folder < 0 ? 0 : read_attributes(&function->function, folder);

	if (folder < 0) /* gone since it was listed, or a link into nowhere */
		return discovery_note(d, "pci", "%s cannot be opened: %s", name, strerror(-folder));
	if (r == 0 && function->function.class_code == DEVICE_UNKNOWN_U32)
		r = discovery_note(d, "pci", "%s does not tell its class", name);
	if (r == 0)
		r = locality(d, function, folder);
	if (r < 0 || fs_readlink(all, name, &target) < 0)
		return r;
	return bridge_path(&function->function, target);
}

static int sysfs_functions(struct discovery *d, int all)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;
	int r = fs_list(all, ".", &names, &count);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		_cleanup_(device_freep) struct device *function = NULL;

		if (!pci_address_valid(names[i]))
			continue;
		r = function_new(&function, names[i]);
		if (r == 0)
			r = function_fill(d, function, all, names[i]);
		if (r == 0)
			r = discovery_add(d, &function);
	}
	return r < 0 ? r : 0;
}

static bool is_function(hwloc_obj_t object)
{
	return object->type == HWLOC_OBJ_PCI_DEVICE ||
	       (object->type == HWLOC_OBJ_BRIDGE &&
		object->attr->bridge.upstream_type == HWLOC_OBJ_BRIDGE_PCI);
}

static int hwloc_path(struct device_pci *p, hwloc_obj_t object)
{
	char path[512] = "", longer[512], address[32];

	for (hwloc_obj_t above = object->parent; above; above = above->parent) {
		if (!is_function(above))
			continue;
		topology_pci_address(above, address);
		if ((size_t)snprintf(longer, sizeof(longer), "%s%s%s", address, *path ? "/" : "",
				     path) >= sizeof(longer))
			break; /* deeper than a PCI tree of 256 busses is drawn */
		memcpy(path, longer, sizeof(path));
	}
	return device_set_string(&p->path, path);
}

static int hwloc_fill(struct discovery *d, struct device *function, hwloc_obj_t object)
{
	const struct hwloc_pcidev_attr_s *pci = object->type == HWLOC_OBJ_BRIDGE
							? &object->attr->bridge.upstream.pci
							: &object->attr->pcidev;
	int r;

	function->function.vendor_id = pci->vendor_id;
	function->function.device_id = pci->device_id;
	if (pci->subvendor_id || pci->subdevice_id) { /* 0:0 of a function without them */
		function->function.subsystem_vendor_id = pci->subvendor_id;
		function->function.subsystem_device_id = pci->subdevice_id;
	}
	r = set_class(&function->function, (uint32_t)pci->class_id << 8);
	if (r == 0)
		r = hwloc_path(&function->function, object);
	if (r == 0)
		r = topology_locality(d->topology, object, &function->node, &function->local_cpus);
	return r;
}

static int hwloc_add(struct discovery *d, hwloc_obj_t object)
{
	_cleanup_(device_freep) struct device *function = NULL;
	char address[32];
	int r;

	topology_pci_address(object, address);
	r = function_new(&function, address);
	if (r == 0)
		r = hwloc_fill(d, function, object);
	if (r == 0)
		r = discovery_add(d, &function);
	if (r == -EEXIST)
		return discovery_note(d, "pci", "there are two functions at %s", address);
	return r;
}

static int hwloc_functions(struct discovery *d)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	hwloc_obj_t object = NULL;
	int r = 0;

	while (r == 0 && (object = hwloc_get_next_bridge(h, object)))
		if (is_function(object))
			r = hwloc_add(d, object);
	while (r == 0 && (object = hwloc_get_next_pcidev(h, object)))
		r = hwloc_add(d, object);
	return r;
}

static int pci_probe(struct discovery *d, struct fail *f)
{
	_cleanup_close_ int all = fs_open_dir(d->host->sys_fd, PCI_FOLDER);
	int r = all >= 0 ? sysfs_functions(d, all) : hwloc_functions(d);

	return r < 0 ? fail_set(f, r, "cannot list the PCI functions: %s", strerror(-r)) : 0;
}

static const char *const pci_watch[] = { "pci", NULL };

const struct driver driver_pci = {
	.name = "pci",
	.phase = DRIVER_PHASE_PCI,
	.probe = pci_probe,
	.watch = pci_watch,
};
