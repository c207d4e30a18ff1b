/* SPDX-License-Identifier: Apache-2.0 */
/* Distances between devices; see path.h. */
#include "model/path.h"

#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(
	path_class,
	enum path_class, [PATH_SWITCH] = "switch", [PATH_ROOT] = "root-port", [PATH_NODE] = "node",
	[PATH_PACKAGE] = "package", [PATH_MACHINE] = "machine", [PATH_UNKNOWN] = "unknown");

/* One step wider is worth more than both ends of a step narrower. */
static const uint32_t weights[PATH_CLASSES] = {
	[PATH_SWITCH] = 1,  [PATH_ROOT] = 2,	 [PATH_NODE] = 4,
	[PATH_PACKAGE] = 8, [PATH_MACHINE] = 16, [PATH_UNKNOWN] = 16,
};

uint32_t path_weight(enum path_class class)
{
	return weights[class];
}

bool path_open(const struct inventory *inv, const struct device *d)
{
	struct inventory_summary s;

	if (d->node >= 0)
		return false;
	inventory_summarise(inv, &s);
	return s.numa_nodes > 1;
}

const char *path_bridges(const struct inventory *inv, const struct device *d)
{
	char id[64];
	const struct device *function;
	size_t prefix = strlen("pci-");

	if (!d->pci || strlen(d->pci) + prefix >= sizeof(id))
		return "";
	memcpy(id, "pci-", prefix);
	memcpy(id + prefix, d->pci, strlen(d->pci) + 1);
	function = inventory_find(inv, id);
	return function && function->function.path ? function->function.path : "";
}

/* Steps behind the first bridge and its slash. */
static const char *below(const char *path)
{
	size_t size = strcspn(path, "/");

	return path + size + (path[size] == '/');
}

/* Steps both behind what they have in common. */
static unsigned strip_common(const char **a, const char **b)
{
	unsigned n = 0;

	while (**a && **b) {
		size_t x = strcspn(*a, "/"), y = strcspn(*b, "/");

		if (x != y || strncmp(*a, *b, x) != 0)
			break;
		n++;
		*a = below(*a);
		*b = below(*b);
	}
	return n;
}

unsigned path_common(const char *a, const char *b)
{
	return strip_common(&a, &b);
}

unsigned path_shared_bridges(const struct inventory *inv, const struct device *a,
			     const struct device *b)
{
	return path_common(path_bridges(inv, a), path_bridges(inv, b));
}

static const struct cpuset *cpus_of_node(const struct inventory *inv, unsigned number)
{
	inventory_each (node, inv, DEVICE_NODE)
		if (node->memory.number == number)
			return node->memory.cpus;
	return NULL;
}

static bool one_package(const struct inventory *inv, const struct cpuset *a, const struct cpuset *b)
{
	inventory_each (package, inv, DEVICE_PACKAGE)
		if (cpuset_intersects(package->package.cpus, a) &&
		    cpuset_intersects(package->package.cpus, b))
			return true;
	return false;
}

static enum path_class between_nodes(const struct inventory *inv, unsigned a, unsigned b)
{
	if (a == b)
		return PATH_NODE;
	return one_package(inv, cpus_of_node(inv, a), cpus_of_node(inv, b)) ? PATH_PACKAGE
									    : PATH_MACHINE;
}

enum path_class path_between(const struct inventory *inv, const struct device *a,
			     const struct device *b)
{
	const char *x = path_bridges(inv, a), *y = path_bridges(inv, b);

	/* One bridge may be left of each: the port of the switch that it is plugged into. */
	if (strip_common(&x, &y) > 0)
		return *below(x) || *below(y) ? PATH_ROOT : PATH_SWITCH;
	if (path_open(inv, a) || path_open(inv, b))
		return PATH_UNKNOWN;
	return a->node < 0 || b->node < 0
		       ? PATH_NODE
		       : between_nodes(inv, (unsigned)a->node, (unsigned)b->node);
}

/* What the device says of its CPUs goes before what it says of its node. */
static bool is_at(const struct device *d, unsigned node, const struct cpuset *cpus)
{
	if (!cpuset_empty(d->local_cpus) && !cpuset_empty(cpus))
		return cpuset_intersects(d->local_cpus, cpus);
	return d->node >= 0 && (unsigned)d->node == node;
}

enum path_class path_to_nodes(const struct inventory *inv, const struct device *d,
			      const struct cpuset *nodes)
{
	enum path_class best = PATH_UNKNOWN;

	cpuset_each (node, nodes) {
		enum path_class class = PATH_UNKNOWN;

		if (is_at(d, (unsigned)node, cpus_of_node(inv, (unsigned)node)))
			return PATH_NODE;
		if (d->node >= 0)
			class = between_nodes(inv, (unsigned)d->node, (unsigned)node);
		else if (!path_open(inv, d))
			class = PATH_NODE;
		best = class < best ? class : best;
	}
	return best;
}

static uint32_t told_link(const struct device *a, const struct device *b)
{
	size_t size = b->pci ? strlen(b->pci) : 0;

	for (const char *link = a->gpu.links; size > 0 && link && *link;) {
		if (strncmp(link, b->pci, size) == 0 && link[size] == '=')
			return (uint32_t)strtoul(link + size + 1, NULL, 10);
		link += strcspn(link, ",");
		link += *link == ',';
	}
	return 0;
}

uint32_t path_link(const struct device *a, const struct device *b)
{
	uint32_t there, back;

	if (a->kind != DEVICE_GPU || b->kind != DEVICE_GPU)
		return 0;
	there = told_link(a, b);
	back = told_link(b, a);
	return there > back ? there : back;
}
