/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device sits; see place.h. The kernel hangs every class device below the bus device that
 * carries it, so the link's text is read and nothing is followed: it works on captured trees whose
 * targets were not captured. */
#include "drivers/place.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void place_done(struct place *p)
{
	free(p->path);
	*p = (struct place){ 0 };
}

static size_t hex_digits(const char *text)
{
	size_t n = 0;

	while (isxdigit((unsigned char)text[n]))
		n++;
	return n;
}

bool place_is_pci_address(const char *text)
{
	size_t domain = hex_digits(text);

	if (domain < 4 || domain > 8 || text[domain] != ':')
		return false;
	text += domain + 1;
	return hex_digits(text) == 2 && text[2] == ':' && hex_digits(text + 3) == 2 &&
	       text[5] == '.' && text[6] >= '0' && text[6] <= '7' && text[7] == 0;
}

static void copy(char *room, size_t size, const char *text)
{
	if (strlen(text) < size)
		memcpy(room, text, strlen(text) + 1);
	else
		room[0] = 0;
}

/* Native NVMe multipath puts the namespace below /sys/devices/virtual/nvme-subsystem, although
 * hardware carries it (drivers/nvme/host/multipath.c). */
static bool below_virtual(const char *path)
{
	return strstr(path, "devices/virtual/") && !strstr(path, "/nvme-subsystem/");
}

int place_parse(const char *path, const char *class, struct place *ret)
{
	_cleanup_free_ char *parts = strdup(path);
	struct place p = { .path = strdup(path), .is_virtual = below_virtual(path) };
	const char *previous = "";
	char *rest, *part;

	if (!parts || !p.path) {
		place_done(&p);
		return -ENOMEM;
	}
	for (part = strtok_r(parts, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (place_is_pci_address(part))
			copy(p.pci, sizeof(p.pci), part);
		if (strcmp(part, class) == 0)
			copy(p.parent, sizeof(p.parent), previous);
		previous = part;
	}
	*ret = p;
	return 0;
}

int place_find(const struct host *host, const char *class, const char *name, struct place *ret)
{
	_cleanup_free_ char *target = NULL;
	int r = -ENOENT;

	for (size_t i = 0; r < 0 && r != -ENOMEM && i < 2; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "class/%s/%s%s", class, name, i == 0 ? "" : "/device") < 0)
			return -ENOMEM;
		r = fs_readlink(host->sys_fd, path, &target);
	}
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	return place_parse(target, class, ret);
}

int place_at_node(struct discovery *d, struct device *device, int32_t node)
{
	char id[32];
	const struct device *memory;

	if (node < 0)
		return 0;
	device->node = node;
	(void)snprintf(id, sizeof(id), "node-%d", node); /* fits: ten digits at most */
	memory = discovery_find(d, id);
	if (!memory || cpuset_empty(memory->memory.cpus))
		return 0;
	device->local_cpus = cpuset_free(device->local_cpus);
	return cpuset_copy(&device->local_cpus, memory->memory.cpus);
}

static int near_function(struct device *device, const struct device *function)
{
	device->node = function->node;
	device->local_cpus = cpuset_free(device->local_cpus);
	return cpuset_copy(&device->local_cpus, function->local_cpus);
}

static int near_object(struct discovery *d, struct device *device, hwloc_obj_t object)
{
	struct cpuset *cpus = NULL;
	int r = topology_locality(d->topology, object, &device->node, &cpus);

	if (r < 0)
		return r;
	cpuset_free(device->local_cpus);
	device->local_cpus = cpus;
	return 0;
}

hwloc_obj_t place_function(struct discovery *d, const char *pci)
{
	for (hwloc_obj_t o = NULL; (o = hwloc_get_next_pcidev(topology_hwloc(d->topology), o));) {
		char address[PLACE_PCI_SIZE];

		topology_pci_address(o, address);
		if (strcmp(address, pci) == 0)
			return o;
	}
	return NULL;
}

int place_at_pci(struct discovery *d, struct device *device, const char *pci)
{
	char path[128];
	const struct device *function;
	hwloc_obj_t object;
	int32_t node;

	if (!place_is_pci_address(pci))
		return 0;
	if (device_set_string(&device->pci, pci) < 0)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "pci-%s", pci); /* an address has at most 16 bytes */
	function = discovery_find(d, path);
	if (function)
		return near_function(device, function);
	object = place_function(d, pci);
	if (object)
		return near_object(d, device, object);
	(void)snprintf(path, sizeof(path), "bus/pci/devices/%s/numa_node", pci); /* as above */
	if (fs_read_i32(d->host->sys_fd, path, &node) < 0)
		return 0;
	return place_at_node(d, device, node);
}

bool place_of_object(hwloc_obj_t object, char room[PLACE_PCI_SIZE])
{
	for (hwloc_obj_t o = object; o; o = o->parent) {
		if (o->type != HWLOC_OBJ_PCI_DEVICE)
			continue;
		topology_pci_address(o, room);
		return true;
	}
	return false;
}

hwloc_obj_t place_next_object(struct discovery *d, hwloc_obj_t previous)
{
	char pci[PLACE_PCI_SIZE];
	hwloc_obj_t o = previous;

	while ((o = hwloc_get_next_osdev(topology_hwloc(d->topology), o)))
		if (o->name && place_of_object(o, pci))
			return o;
	return NULL;
}
