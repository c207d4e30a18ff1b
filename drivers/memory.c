/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA nodes and their memory. hwloc shows the nodes; whose CPUs they are is asked of the kernel,
 * because hwloc places memory without CPUs (HBM, CXL, a GPU's) beside the CPUs next to it. A node
 * is RAM of the host unless it is a GPU's memory, empty, or outside of our cpuset; it is offered as
 * RAM only when it has CPUs of its own. Once nodes are known, cores and packages learn theirs. */
#include "drivers/distance.h"
#include "drivers/driver.h"
#include "drivers/hugepages.h"
#include "drivers/sysfs.h"
#include "drivers/topology.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What hwloc calls memory (subtype of a node, hwloc 2.0 to 2.12), as we call it. */
static const struct {
	const char *subtype, *kind;
} memory_kinds[] = {
	{ "DRAM", "dram" },   { "HBM", "hbm" },	      { "MCDRAM", "hbm" },
	{ "NVM", "pmem" },    { "GPUMemory", "gpu" }, { "CXL-DRAM", "cxl" },
	{ "CXL-NVM", "cxl" }, { "CXL-HBM", "cxl" },   { "CXL-GPUMemory", "gpu" },
};

static const char *memory_kind(hwloc_obj_t object)
{
	const char *dax = hwloc_obj_get_info_by_name(object, "DAXType");

	for (size_t i = 0; object->subtype && i < ARRAY_SIZE(memory_kinds); i++)
		if (strcasecmp(object->subtype, memory_kinds[i].subtype) == 0)
			return memory_kinds[i].kind;
	/* kmem: memory of a DAX device given to the kernel as RAM; SPM may be HBM or CXL. */
	return dax && strcmp(dax, "NVM") == 0 ? "pmem" : NULL;
}

/* The CPUs that the kernel gives to the node, as a list or as the older mask. */
static int kernel_cpus(struct discovery *d, unsigned number, struct cpuset **ret)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "devices/system/node/node%u/cpulist", number);
	r = sysfs_list(d->host->sys_fd, path, ret);
	if (r != SYSFS_ABSENT)
		return r;
	(void)snprintf(path, sizeof(path), "devices/system/node/node%u/cpumap", number);
	return sysfs_mask(d->host->sys_fd, path, ret);
}

/* Without the kernel's word the CPUs beside the memory are its own, unless they are another's. */
static int hwloc_cpus(struct discovery *d, hwloc_obj_t object, struct cpuset **ret)
{
	return topology_node_is_main(d->topology, object) ? cpuset_from_hwloc(ret, object->cpuset)
							  : cpuset_new(ret);
}

/* All that are online and its own, allowed or not; claimed gathers those of all nodes. */
static int node_cpus(struct discovery *d, hwloc_obj_t object, struct cpuset *claimed,
		     struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	int r = kernel_cpus(d, object->os_index, &cpus);

	if (r == SYSFS_GARBAGE)
		r = discovery_note(d, "memory", "the list of CPUs of node %u is garbled",
				   object->os_index);
	if (r >= 0 && !cpus)
		r = hwloc_cpus(d, object, &cpus);
	if (r >= 0)
		r = cpuset_intersect(cpus, d->machine->online);
	if (r >= 0 && cpuset_intersects(cpus, claimed))
		r = discovery_note(d, "memory",
				   "node %u claims CPUs that belong to a node before it already",
				   object->os_index);
	if (r >= 0)
		r = cpuset_subtract(cpus, claimed);
	if (r >= 0)
		r = cpuset_union(claimed, cpus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(cpus);
	return 0;
}

/* Whether it is RAM that may be handed out, and if not, why. */
static int judge(struct discovery *d, struct device *node, hwloc_obj_t object)
{
	bool gpu = topology_node_is_gpu(object) ||
		   (node->memory.memory_kind && strcmp(node->memory.memory_kind, "gpu") == 0);
	bool allowed = cpuset_has(d->machine->allowed_nodes, object->os_index);
	const char *why = gpu				   ? "its memory belongs to a GPU"
			  : node->memory.memory_bytes == 0 ? "it has no memory"
			  : !allowed ? "the agent's own cpuset leaves its memory out"
			  : cpuset_empty(node->memory.cpus) ? "it has no CPUs of its own: "
							      "its memory is not ordinary RAM"
							    : NULL;

	node->memory.host_memory = !gpu && allowed && node->memory.memory_bytes > 0;
	node->offerable = !why;
	return device_set_string(&node->reason, why);
}

static int node_fill(struct discovery *d, struct device *node, hwloc_obj_t object,
		     struct cpuset *claimed)
{
	bool only = hwloc_get_nbobjs_by_type(topology_hwloc(d->topology), HWLOC_OBJ_NUMANODE) == 1;
	int r = node_cpus(d, object, claimed, &node->memory.cpus);

	node->node = (int32_t)object->os_index;
	node->memory.number = object->os_index;
	node->memory.memory_bytes = object->attr->numanode.local_memory;
	if (r == 0)
		r = cpuset_from_hwloc(&node->local_cpus, object->cpuset);
	if (r == 0)
		r = cpuset_intersect(node->local_cpus, d->machine->allowed);
	if (r == 0)
		r = device_set_string(&node->memory.memory_kind, memory_kind(object));
	if (r == 0)
		r = device_set_string(&node->pci, hwloc_obj_get_info_by_name(object, "PCIBusID"));
	if (r == 0)
		r = distance_fill(&node->memory, d->topology, object);
	if (r == 0)
		r = hugepages_fill(&node->memory, d->host, only);
	if (r == 0)
		r = judge(d, node, object);
	return r < 0 ? r : cpuset_intersect(node->memory.cpus, d->machine->allowed);
}

static int node_add(struct discovery *d, hwloc_obj_t object, struct cpuset *claimed)
{
	_cleanup_(device_freep) struct device *node = NULL;
	char name[16];
	int r;

	if (object->os_index > CPUSET_MAX)
		return discovery_note(d, "memory", "a NUMA node has no usable number");
	(void)snprintf(name, sizeof(name), "%u", object->os_index);
	r = device_new(&node, DEVICE_NODE, name);
	if (r == 0)
		r = node_fill(d, node, object, claimed);
	if (r == 0)
		r = discovery_add(d, &node);
	if (r == -EEXIST)
		return discovery_note(d, "memory", "there are two NUMA nodes %s", name);
	return r;
}

/* A node of the kernel that hwloc could not place: said, and never handed out. */
static int note_unplaced(struct discovery *d)
{
	_cleanup_(cpuset_freep) struct cpuset *online = NULL;
	int r = sysfs_list(d->host->sys_fd, "devices/system/node/online", &online);

	if (r == SYSFS_GARBAGE)
		return discovery_note(d, "memory", "the list of NUMA nodes is garbled");
	cpuset_each (number, online) {
		char id[24];

		(void)snprintf(id, sizeof(id), "node-%d", number);
		if (r >= 0 && !discovery_find(d, id))
			r = discovery_note(
				d, "memory",
				"node %d is online and left out: what it tells is missing "
				"or contradicts another node",
				number);
	}
	return r < 0 ? r : 0;
}

static void place_by_cpus(struct discovery *d, const struct device *node)
{
	struct device *core, *package;
	size_t cursor = 0;

	while ((core = discovery_next(d, DEVICE_CORE, &cursor)))
		if (cpuset_subset(core->core.cpus, node->memory.cpus))
			core->node = node->node;
	cursor = 0;
	while ((package = discovery_next(d, DEVICE_PACKAGE, &cursor)))
		if (!cpuset_empty(package->package.cpus) &&
		    cpuset_subset(package->package.cpus, node->memory.cpus))
			package->node = node->node;
}

static int memory_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(cpuset_freep) struct cpuset *claimed = NULL;
	hwloc_topology_t h = topology_hwloc(d->topology);
	struct device *node;
	hwloc_obj_t object = NULL;
	size_t cursor = 0;
	int r = cpuset_new(&claimed);

	while (r == 0 && (object = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, object)))
		r = node_add(d, object, claimed);
	if (r == 0)
		r = note_unplaced(d);
	while ((node = discovery_next(d, DEVICE_NODE, &cursor)))
		place_by_cpus(d, node);
	return r < 0 ? fail_set(f, r, "cannot list the NUMA nodes: %s", strerror(-r)) : 0;
}

static const char *const memory_watch[] = { "memory", "node", NULL };

const struct driver driver_memory = {
	.name = "memory",
	.phase = DRIVER_PHASE_MEMORY,
	.probe = memory_probe,
	.watch = memory_watch,
};
