/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory as numbers; see layout.h. Nodes, distances and cores are here. */
#include "model/layout.h"

#include "model/inventory.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int layout_node_of(const struct layout *t, uint32_t number)
{
	if (number < t->nodes_count && t->nodes[number].number == number)
		return (int)number;
	for (unsigned i = 0; i < t->nodes_count; i++)
		if (t->nodes[i].number == number)
			return (int)i;
	return LAYOUT_NONE;
}

static int add_node(struct layout *t, uint32_t number, const struct device *device)
{
	if (layout_node_of(t, number) != LAYOUT_NONE)
		return 0;
	if (t->nodes_count == LAYOUT_NODES_MAX)
		return -ERANGE;
	t->nodes[t->nodes_count++] = (struct layout_node){ .device = device,
							   .number = number,
							   .first_pool = t->pools_count };
	t->pools_count += device ? (unsigned)device->memory.hugepages_count : 0;
	return 0;
}

static int add_nodes(struct layout *t, const struct inventory *inv)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };
	int r = 0;

	inventory_each (node, inv, DEVICE_NODE)
		if (r == 0)
			r = add_node(t, node->memory.number, node);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		inventory_each (d, inv, kinds[i])
			if (r == 0 && d->node >= 0)
				r = add_node(t, (uint32_t)d->node, NULL);
	return r;
}

static void add_distances(struct layout *t)
{
	for (unsigned i = 0; i < t->nodes_count; i++)
		for (unsigned k = 0; k < t->nodes_count; k++) {
			uint32_t far;

			if (!t->nodes[i].device || i == k)
				continue; /* one that is not there measures nothing */
			far = region_distance(t->nodes[i].device, t->nodes[k].number);
			t->far[i][k] = (uint8_t)far;
			t->both[i][k] = (uint16_t)(t->both[i][k] + far);
			t->both[k][i] = t->both[i][k];
			if (t->worst[i][k] < far)
				t->worst[i][k] = t->worst[k][i] = (uint8_t)far;
		}
}

static void add_packages(struct layout *t, const struct inventory *inv)
{
	inventory_each (package, inv, DEVICE_PACKAGE) {
		struct layout_package *p = &t->packages[t->packages_count];

		if (t->packages_count == LAYOUT_NODES_MAX)
			return;
		p->device = package;
		for (unsigned i = 0; i < t->nodes_count; i++)
			if (t->nodes[i].device && cpuset_intersects(t->nodes[i].device->memory.cpus,
								    package->package.cpus))
				p->nodes |= 1ULL << i;
		t->packages_count++;
	}
}

static bool is_slow(const struct device *core)
{
	return core->core.core_kind && strcmp(core->core.core_kind, "efficiency") == 0;
}

static struct layout_group describe(const struct layout *t, const struct device *core)
{
	struct layout_group g = { .slow = is_slow(core) };

	for (unsigned i = 0; i < t->nodes_count; i++) {
		const struct device *node = t->nodes[i].device;

		if (!node || !cpuset_intersects(node->memory.cpus, core->core.cpus))
			continue;
		g.nodes |= 1ULL << i;
		if (cpuset_subset(core->core.cpus, node->memory.cpus))
			g.inside |= 1ULL << i;
	}
	for (unsigned i = 0; i < t->packages_count; i++)
		if (cpuset_subset(core->core.cpus, t->packages[i].device->package.cpus))
			g.packages |= 1ULL << i;
	return g;
}

static void find_l3(struct layout *t, size_t place, struct layout_group *g)
{
	const struct device_core *core = &t->cores[place].device->core;

	for (size_t i = place; i-- > 0;)
		if (t->cores[i].device->core.package == core->package &&
		    t->cores[i].device->core.l3 == core->l3) {
			g->l3 = t->groups[t->cores[i].group].l3;
			return;
		}
	g->l3 = (uint32_t)t->l3s_count++;
}

static uint32_t find_group(struct layout *t, const struct layout_group *g)
{
	for (size_t i = t->groups_count; i-- > 0;)
		if (t->groups[i].nodes == g->nodes && t->groups[i].inside == g->inside &&
		    t->groups[i].packages == g->packages && t->groups[i].l3 == g->l3 &&
		    t->groups[i].slow == g->slow)
			return (uint32_t)i;
	t->groups[t->groups_count] = *g;
	return (uint32_t)t->groups_count++;
}

static void list_words(struct layout *t, struct layout_core *c)
{
	unsigned used = 0;

	cpuset_each (cpu, c->device->core.cpus) {
		uint32_t word = (uint32_t)cpu / 64;

		if (t->words <= word)
			t->words = word + 1;
		if (used == 0 || c->word[used - 1] != word) {
			c->wide |= used == ARRAY_SIZE(c->word);
			if (used == ARRAY_SIZE(c->word))
				continue;
			c->word[used++] = word;
		}
		c->mask[used - 1] |= 1ULL << (cpu % 64);
	}
}

static int add_cores(struct layout *t, const struct inventory *inv)
{
	size_t all = inv->first[DEVICE_CORE + 1] - inv->first[DEVICE_CORE];

	t->cores = calloc(all ? all : 1, sizeof(*t->cores));
	t->groups = calloc(all ? all : 1, sizeof(*t->groups));
	if (!t->cores || !t->groups)
		return -ENOMEM;
	inventory_each (core, inv, DEVICE_CORE) {
		struct layout_core *c = &t->cores[t->cores_count];
		struct layout_group g = describe(t, core);

		c->device = core;
		list_words(t, c);
		find_l3(t, t->cores_count, &g);
		c->group = find_group(t, &g);
		t->cores_count++;
	}
	return 0;
}

int layout_new(const struct inventory *inv, struct layout **ret)
{
	_cleanup_(layout_freep) struct layout *t = calloc(1, sizeof(*t));
	int r = t ? add_nodes(t, inv) : -ENOMEM;

	if (r == 0) {
		add_packages(t, inv);
		add_distances(t);
		r = add_cores(t, inv);
	}
	if (r == 0)
		r = layout_add_devices(t, inv);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

struct layout *layout_free(struct layout *t)
{
	if (!t)
		return NULL;
	free(t->cores);
	free(t->groups);
	free(t->devices);
	free(t->classes);
	free(t->to_node);
	free(t->weight);
	free(t->lack);
	free(t);
	return NULL;
}
