/* SPDX-License-Identifier: Apache-2.0 */
/* The score of a placement; see score.h. One function a field, in the order of the table. */
#include "model/score.h"

#include "model/bounded.h"
#include "model/path.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(
	score_field,
	enum score_field, [SCORE_LEVEL] = "level", [SCORE_APART] = "apart", [SCORE_COST] = "cost",
	[SCORE_NODES] = "nodes", [SCORE_DISTANCES] = "distances", [SCORE_CORE_NODES] = "core-nodes",
	[SCORE_FAR_MEMORY] = "far-memory", [SCORE_LINKS] = "links", [SCORE_PATHS] = "paths",
	[SCORE_SLOW_CORES] = "slow-cores", [SCORE_FULLNESS] = "fullness",
	[SCORE_GPUS_LEFT] = "gpus-left", [SCORE_L3S] = "l3s", [SCORE_NODES_BROKEN] = "nodes-broken",
	[SCORE_GROUPS_BROKEN] = "groups-broken", [SCORE_L3S_BROKEN] = "l3s-broken",
	[SCORE_CORES_LEFT] = "cores-left", [SCORE_L3S_LEFT] = "l3s-left");

struct scoring {
	const struct view *view;
	const struct inventory *inventory;
	const struct request *request;
	const struct allocation *a;
	struct cpuset *used, *core_nodes; /* numbers of nodes */
	const struct cpuset *home;
	const struct device **devices; /* those of the allocation */
	size_t devices_count;
};

static void scoring_done(struct scoring *s)
{
	cpuset_free(s->used);
	cpuset_free(s->core_nodes);
	free(s->devices);
}

static int find_devices(struct scoring *s)
{
	s->devices = calloc(s->a->devices_count ? s->a->devices_count : 1, sizeof(*s->devices));
	if (!s->devices)
		return -ENOMEM;
	for (size_t i = 0; i < s->a->devices_count; i++) {
		s->devices[s->devices_count] = inventory_find(s->inventory, s->a->devices[i]);
		s->devices_count += s->devices[s->devices_count] != NULL;
	}
	return 0;
}

static int find_nodes(struct scoring *s)
{
	if (region_used_nodes(s->inventory, s->a, &s->used) < 0 || cpuset_new(&s->core_nodes) < 0)
		return -ENOMEM;
	inventory_each (node, s->inventory, DEVICE_NODE)
		if (cpuset_intersects(node->memory.cpus, s->a->cpus) &&
		    cpuset_add(s->core_nodes, node->memory.number) < 0)
			return -ENOMEM;
	s->home = cpuset_empty(s->a->cpus) ? s->used : s->core_nodes;
	return 0;
}

static bool all_behind_one_switch(const struct scoring *s)
{
	for (size_t i = 0; i < s->devices_count; i++)
		for (size_t k = 0; k < i; k++)
			if (path_between(s->inventory, s->devices[i], s->devices[k]) != PATH_SWITCH)
				return false;
	return true;
}

static bool within_node(const struct scoring *s, const struct device *node)
{
	return !cpuset_empty(node->memory.cpus) && cpuset_subset(s->a->cpus, node->memory.cpus) &&
	       cpuset_count(s->used) == cpuset_has(s->used, node->memory.number);
}

static bool node_in_package(const struct inventory *inv, unsigned number,
			    const struct device *package)
{
	inventory_each (node, inv, DEVICE_NODE)
		if (node->memory.number == number)
			return cpuset_intersects(node->memory.cpus, package->package.cpus);
	return false;
}

static bool within_package(const struct scoring *s, const struct device *package)
{
	if (cpuset_empty(package->package.cpus) ||
	    !cpuset_subset(s->a->cpus, package->package.cpus))
		return false;
	cpuset_each (node, s->used)
		if (!node_in_package(s->inventory, (unsigned)node, package))
			return false;
	return true;
}

static uint64_t level(const struct scoring *s)
{
	inventory_each (node, s->inventory, DEVICE_NODE)
		if (within_node(s, node))
			return s->request->align == ALIGN_SWITCH && all_behind_one_switch(s)
				       ? SCORE_AT_SWITCH
				       : SCORE_AT_NODE;
	inventory_each (package, s->inventory, DEVICE_PACKAGE)
		if (within_package(s, package))
			return SCORE_AT_PACKAGE;
	return SCORE_AT_MACHINE;
}

/* By package: with a node of which the owner's other slices have one in common. */
static bool is_shared_place(const struct scoring *s, unsigned number)
{
	if (s->request->apart == APART_NONE)
		return false;
	if (cpuset_has(s->request->apart_nodes, number))
		return true;
	inventory_each (package, s->inventory, DEVICE_PACKAGE)
		cpuset_each (other, s->request->apart_nodes)
			if (s->request->apart == APART_PACKAGE &&
			    node_in_package(s->inventory, number, package) &&
			    node_in_package(s->inventory, (unsigned)other, package))
				return true;
	return false;
}

static uint64_t apart(const struct scoring *s)
{
	uint64_t n = 0;

	cpuset_each (node, s->used)
		n += is_shared_place(s, (unsigned)node);
	return n;
}

static uint64_t cost(const struct scoring *s)
{
	uint64_t sum = region_spread(s->inventory, s->used);

	for (size_t i = 0; i < s->devices_count; i++)
		sum += path_open(s->inventory, s->devices[i]) ? SCORE_UNKNOWN_PLACE : 0;
	return sum;
}

static uint64_t nodes(const struct scoring *s)
{
	return cpuset_count(s->used);
}

static uint64_t distances(const struct scoring *s)
{
	uint64_t sum = 0;

	inventory_each (node, s->inventory, DEVICE_NODE)
		cpuset_each (other, s->used)
			if (cpuset_has(s->used, node->memory.number) &&
			    (unsigned)other != node->memory.number)
				sum += region_distance(node, (unsigned)other);
	return sum;
}

static uint64_t core_nodes(const struct scoring *s)
{
	return cpuset_count(s->core_nodes);
}

static uint64_t far_from_home(const struct scoring *s, unsigned number)
{
	uint64_t least = UINT64_MAX;

	if (cpuset_empty(s->core_nodes) || cpuset_has(s->core_nodes, number))
		return 0;
	inventory_each (node, s->inventory, DEVICE_NODE)
		if (cpuset_has(s->core_nodes, node->memory.number)) {
			uint64_t far = region_distance(node, number);

			least = far < least ? far : least;
		}
	return least;
}

static uint64_t far_memory(const struct scoring *s)
{
	const struct allocation *a = s->a;
	uint64_t sum = 0;

	for (size_t i = 0; i < a->memory_count; i++)
		sum = add_bounded(sum, multiply_bounded(a->memory[i].bytes >> 10,
							far_from_home(s, a->memory[i].node)));
	for (size_t i = 0; i < a->hugepages_count; i++) {
		const struct allocation_hugepages *h = &a->hugepages[i];

		sum = add_bounded(sum,
				  multiply_bounded(multiply_bounded(h->size_bytes >> 10, h->count),
						   far_from_home(s, h->node)));
	}
	return sum;
}

static uint32_t best_link(const struct inventory *inv)
{
	uint32_t best = 0;

	inventory_each (a, inv, DEVICE_GPU)
		inventory_each (b, inv, DEVICE_GPU) {
			uint32_t link = a != b ? path_link(a, b) : 0;

			best = link > best ? link : best;
		}
	return best;
}

static uint64_t links(const struct scoring *s)
{
	uint32_t best = best_link(s->inventory);
	uint64_t sum = 0;

	for (size_t i = 0; i < s->devices_count; i++)
		for (size_t k = 0; k < i; k++)
			if (s->devices[i]->kind == DEVICE_GPU && s->devices[k]->kind == DEVICE_GPU)
				sum += best - path_link(s->devices[i], s->devices[k]);
	return sum;
}

static uint64_t paths(const struct scoring *s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->devices_count; i++) {
		for (size_t k = 0; k < i; k++)
			sum += path_weight(
				path_between(s->inventory, s->devices[i], s->devices[k]));
		sum += path_weight(path_to_nodes(s->inventory, s->devices[i], s->home));
	}
	return sum;
}

static bool is_taken(const struct scoring *s, const struct device *core)
{
	return cpuset_has(s->a->cores, core->core.number);
}

static uint64_t slow_cores(const struct scoring *s)
{
	uint64_t n = 0;

	inventory_each (core, s->inventory, DEVICE_CORE)
		n += is_taken(s, core) && core->core.core_kind &&
		     strcmp(core->core.core_kind, "efficiency") == 0;
	return n;
}

static uint64_t held_of(const struct view *v, const struct device *node)
{
	uint64_t cores = 0, held = 0, kib = node->memory.memory_bytes >> 10;

	inventory_each (core, v->inventory, DEVICE_CORE) {
		if (!cpuset_intersects(core->core.cpus, node->memory.cpus))
			continue;
		cores++;
		held += cpuset_intersects(core->core.cpus, ledger_cpus(v->ledger));
	}
	return (cores > 0 ? held * 1000 / cores : 0) +
	       (kib > 0 ? (ledger_memory(v->ledger, node->memory.number) >> 10) * 1000 / kib : 0);
}

static uint64_t fullness(const struct scoring *s)
{
	uint64_t sum = 0;

	if (s->request->strategy == STRATEGY_LEAVE_LARGEST_HOLE)
		return 0;
	inventory_each (node, s->inventory, DEVICE_NODE) {
		uint64_t held;

		if (!cpuset_has(s->used, node->memory.number))
			continue;
		held = held_of(s->view, node);
		sum += s->request->strategy == STRATEGY_SPREAD ? held
							       : subtract_bounded(2000, held);
	}
	return sum;
}

static bool is_device_taken(const struct scoring *s, const struct device *d)
{
	for (size_t i = 0; i < s->devices_count; i++)
		if (s->devices[i] == d)
			return true;
	return false;
}

static bool stays_free(const struct scoring *s, const struct device *gpu)
{
	return view_device_free(s->view, gpu) && !is_device_taken(s, gpu);
}

static uint64_t gpus_left(const struct scoring *s)
{
	uint64_t n = 0;

	inventory_each (gpu, s->inventory, DEVICE_GPU)
		n += gpu->node >= 0 && cpuset_has(s->used, (unsigned)gpu->node) &&
		     stays_free(s, gpu);
	return n;
}

static bool share_l3(const struct device *a, const struct device *b)
{
	return a->core.package == b->core.package && a->core.l3 == b->core.l3;
}

/* The cores of one last-level cache. */
struct l3 {
	bool taken, whole; /* some of them; all of them were free */
	uint64_t left;	   /* free ones that are not taken */
};

static struct l3 look_at_l3(const struct scoring *s, const struct device *first)
{
	struct l3 l3 = { .whole = true };

	inventory_each (core, s->inventory, DEVICE_CORE) {
		bool is_free;

		if (!share_l3(core, first))
			continue;
		is_free = view_core_free(s->view, core);
		l3.taken |= is_taken(s, core);
		l3.whole &= is_free;
		l3.left += is_free && !is_taken(s, core);
	}
	return l3;
}

static bool is_first_of_l3(const struct inventory *inv, const struct device *core)
{
	inventory_each (other, inv, DEVICE_CORE)
		if (share_l3(other, core))
			return other == core;
	return false;
}

static uint64_t sum_l3s(const struct scoring *s, uint64_t (*of)(const struct l3 *l3))
{
	uint64_t sum = 0;

	inventory_each (core, s->inventory, DEVICE_CORE)
		if (is_first_of_l3(s->inventory, core)) {
			struct l3 l3 = look_at_l3(s, core);

			sum += l3.taken ? of(&l3) : 0;
		}
	return sum;
}

static uint64_t one_of(const struct l3 *l3)
{
	(void)l3;
	return 1;
}

static uint64_t whole_of(const struct l3 *l3)
{
	return l3->whole;
}

static uint64_t left_of(const struct l3 *l3)
{
	return l3->left;
}

static uint64_t l3s(const struct scoring *s)
{
	return sum_l3s(s, one_of);
}

static bool is_any_device_held(const struct view *v, int32_t node)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		inventory_each (d, v->inventory, kinds[i])
			if (d->node == node && ledger_device_holder(v->ledger, d->id))
				return true;
	return false;
}

static bool is_untouched(const struct view *v, const struct device *node)
{
	if (cpuset_intersects(node->memory.cpus, ledger_cpus(v->ledger)) ||
	    ledger_memory(v->ledger, node->memory.number) > 0)
		return false;
	for (size_t i = 0; i < node->memory.hugepages_count; i++)
		if (ledger_hugepages(v->ledger, node->memory.number,
				     node->memory.hugepages[i].size_bytes) > 0)
			return false;
	return !is_any_device_held(v, (int32_t)node->memory.number);
}

static uint64_t nodes_broken(const struct scoring *s)
{
	uint64_t n = 0;

	inventory_each (node, s->inventory, DEVICE_NODE)
		n += cpuset_has(s->used, node->memory.number) && !cpuset_empty(node->memory.cpus) &&
		     is_untouched(s->view, node);
	return n;
}

/* Leads its group: the first in order of those behind its switch. */
static const struct device *leader_of(const struct inventory *inv, const struct device *d)
{
	inventory_each (gpu, inv, DEVICE_GPU)
		if (gpu->offerable && (gpu == d || path_between(inv, gpu, d) == PATH_SWITCH))
			return gpu;
	return NULL;
}

static bool is_group_broken(const struct scoring *s, const struct device *leader)
{
	bool touched = false, stays = false;

	inventory_each (gpu, s->inventory, DEVICE_GPU) {
		if (!gpu->offerable || leader_of(s->inventory, gpu) != leader)
			continue;
		if (!view_device_free(s->view, gpu))
			return false;
		stays |= !is_device_taken(s, gpu);
	}
	for (size_t i = 0; i < s->devices_count; i++)
		touched |= leader_of(s->inventory, s->devices[i]) == leader;
	return touched && stays;
}

static uint64_t groups_broken(const struct scoring *s)
{
	uint64_t n = 0;

	inventory_each (gpu, s->inventory, DEVICE_GPU)
		n += leader_of(s->inventory, gpu) == gpu && is_group_broken(s, gpu);
	return n;
}

static uint64_t l3s_broken(const struct scoring *s)
{
	return sum_l3s(s, whole_of);
}

static uint64_t cores_left(const struct scoring *s)
{
	uint64_t n = 0;

	inventory_each (core, s->inventory, DEVICE_CORE) {
		bool on_used = false;

		inventory_each (node, s->inventory, DEVICE_NODE)
			on_used |= cpuset_has(s->used, node->memory.number) &&
				   cpuset_intersects(node->memory.cpus, core->core.cpus);
		n += on_used && view_core_free(s->view, core) && !is_taken(s, core);
	}
	return n;
}

static uint64_t l3s_left(const struct scoring *s)
{
	return sum_l3s(s, left_of);
}

static uint64_t (*const fields[SCORE_FIELDS])(const struct scoring *s) = {
	[SCORE_LEVEL] = level,
	[SCORE_APART] = apart,
	[SCORE_COST] = cost,
	[SCORE_NODES] = nodes,
	[SCORE_DISTANCES] = distances,
	[SCORE_CORE_NODES] = core_nodes,
	[SCORE_FAR_MEMORY] = far_memory,
	[SCORE_LINKS] = links,
	[SCORE_PATHS] = paths,
	[SCORE_SLOW_CORES] = slow_cores,
	[SCORE_FULLNESS] = fullness,
	[SCORE_GPUS_LEFT] = gpus_left,
	[SCORE_L3S] = l3s,
	[SCORE_NODES_BROKEN] = nodes_broken,
	[SCORE_GROUPS_BROKEN] = groups_broken,
	[SCORE_L3S_BROKEN] = l3s_broken,
	[SCORE_CORES_LEFT] = cores_left,
	[SCORE_L3S_LEFT] = l3s_left,
};

int score_of(const struct view *v, const struct request *request, const struct allocation *a,
	     struct placement_score *ret)
{
	_cleanup_(scoring_done) struct scoring s = {
		.view = v, .inventory = v->inventory, .request = request, .a = a
	};

	if (find_nodes(&s) < 0 || find_devices(&s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		ret->value[i] = fields[i](&s);
	return 0;
}

int score_compare(const struct placement_score *a, const struct placement_score *b)
{
	for (size_t i = 0; i < SCORE_FIELDS; i++)
		if (a->value[i] != b->value[i])
			return a->value[i] < b->value[i] ? -1 : 1;
	return 0;
}
