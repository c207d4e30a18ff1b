/* SPDX-License-Identifier: Apache-2.0 */
/* Regions; see region.h. */
#include "model/region.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SLIT_LOCAL = 10, /* include/linux/topology.h, as the next one */
	SLIT_REMOTE_DEFAULT = 20,
	SLIT_MAX = 255, /* ACPI 6.5, 5.2.17: one byte each */
};

struct regions {
	struct region *items;
	size_t count;
};

void region_free_all(struct region *regions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cpuset_free(regions[i].cpus);
		cpuset_free(regions[i].nodes);
	}
	free(regions);
}

static void regions_done(struct regions *r)
{
	region_free_all(r->items, r->count);
}

static struct region *add(struct regions *r, enum align_level level)
{
	struct region *grown = reallocarray(r->items, r->count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	r->items = grown;
	grown = &r->items[r->count];
	*grown = (struct region){ .level = level };
	if (cpuset_new(&grown->cpus) < 0 || cpuset_new(&grown->nodes) < 0) {
		cpuset_free(grown->cpus);
		return NULL;
	}
	r->count++;
	return grown;
}

static int add_nodes(struct regions *r, const struct inventory *inv)
{
	inventory_each (node, inv, DEVICE_NODE) {
		struct region *region;

		if (cpuset_empty(node->memory.cpus))
			continue;
		region = add(r, ALIGN_NODE);
		if (!region || cpuset_union(region->cpus, node->memory.cpus) < 0 ||
		    cpuset_add(region->nodes, node->memory.number) < 0)
			return -ENOMEM;
		(void)snprintf(region->label, sizeof(region->label), "node %u",
			       node->memory.number); /* 5 + 10 digits fit */
	}
	return 0;
}

static int add_packages(struct regions *r, const struct inventory *inv)
{
	inventory_each (package, inv, DEVICE_PACKAGE) {
		struct region *region;

		if (cpuset_empty(package->package.cpus))
			continue;
		region = add(r, ALIGN_PACKAGE);
		if (!region || cpuset_union(region->cpus, package->package.cpus) < 0)
			return -ENOMEM;
		(void)snprintf(region->label, sizeof(region->label), "package %u",
			       package->package.number); /* 8 + 10 digits fit */
		inventory_each (node, inv, DEVICE_NODE)
			if (cpuset_intersects(node->memory.cpus, region->cpus) &&
			    cpuset_add(region->nodes, node->memory.number) < 0)
				return -ENOMEM;
	}
	return 0;
}

static int add_machine(struct regions *r, const struct inventory *inv)
{
	struct region *region = add(r, ALIGN_NONE);

	if (!region)
		return -ENOMEM;
	(void)snprintf(region->label, sizeof(region->label), "the machine");
	inventory_each (core, inv, DEVICE_CORE)
		if (cpuset_union(region->cpus, core->core.cpus) < 0)
			return -ENOMEM;
	inventory_each (node, inv, DEVICE_NODE)
		if (cpuset_add(region->nodes, node->memory.number) < 0)
			return -ENOMEM;
	return 0;
}

int region_list(const struct inventory *inv, enum align_level level, struct region **ret,
		size_t *ret_count)
{
	static int (*const adders[ALIGN_LEVELS])(struct regions *, const struct inventory *) = {
		[ALIGN_NODE] = add_nodes,
		[ALIGN_PACKAGE] = add_packages,
		[ALIGN_NONE] = add_machine,
	};
	_cleanup_(regions_done) struct regions found = { 0 };
	int r = adders[level] ? adders[level](&found, inv) : 0;

	if (r < 0)
		return r;
	*ret = TAKE_PTR(found.items);
	*ret_count = found.count;
	found.count = 0;
	return 0;
}

static bool one_node(const struct inventory *inv)
{
	struct inventory_summary s;

	inventory_summarise(inv, &s);
	return s.numa_nodes <= 1;
}

bool region_has_device(const struct region *region, const struct inventory *inv,
		       const struct device *d, bool *ret_unknown)
{
	*ret_unknown = false;
	if (d->node >= 0)
		return region->level == ALIGN_NONE || cpuset_has(region->nodes, (unsigned)d->node);
	*ret_unknown = !one_node(inv);
	return true;
}

uint32_t region_distance(const struct device *from, unsigned to)
{
	const struct device_numbers *n = &from->memory.distances;

	for (size_t i = 0; i < n->count; i++)
		if (n->number[i] == to)
			return n->value[i] < SLIT_MAX ? n->value[i] : SLIT_MAX;
	return from->memory.number == to ? SLIT_LOCAL : SLIT_REMOTE_DEFAULT;
}

uint32_t region_spread(const struct inventory *inv, const struct cpuset *nodes)
{
	uint32_t worst = SLIT_LOCAL;

	inventory_each (node, inv, DEVICE_NODE) {
		if (!cpuset_has(nodes, node->memory.number))
			continue;
		cpuset_each (other, nodes) {
			uint32_t far = region_distance(node, (unsigned)other);

			worst = far > worst && (unsigned)other != node->memory.number ? far : worst;
		}
	}
	return worst;
}

int region_used_nodes(const struct inventory *inv, const struct allocation *a, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;

	if (cpuset_copy(&nodes, a->nodes) < 0)
		return -ENOMEM;
	inventory_each (node, inv, DEVICE_NODE)
		if (cpuset_intersects(node->memory.cpus, a->cpus) &&
		    cpuset_add(nodes, node->memory.number) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < a->devices_count; i++) {
		const struct device *d = inventory_find(inv, a->devices[i]);

		if (d && d->node >= 0 && cpuset_add(nodes, (unsigned)d->node) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(nodes);
	return 0;
}
