/* SPDX-License-Identifier: Apache-2.0 */
/* Picking within a region; see pick.h. Cores come from as few last-level caches as possible, memory
 * from the nodes of the picked cores first, then from the nearest. Devices are pick_devices.c's. */
#include "model/pick.h"

#include "model/bounded.h"
#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct cores {
	const struct device **items; /* free cores of the region, by number */
	size_t count;
};

static void cores_done(struct cores *c)
{
	free(c->items);
}

static int find_free_cores(const struct pick *p, struct cores *ret)
{
	const struct inventory *inv = p->view->inventory;
	size_t all = inv->first[DEVICE_CORE + 1] - inv->first[DEVICE_CORE];
	_cleanup_(cpuset_freep) struct cpuset *seen = NULL;

	assert(inv->sealed);
	if (cpuset_new(&seen) < 0)
		return -ENOMEM;
	ret->items = calloc(all ? all : 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	inventory_each (core, inv, DEVICE_CORE) {
		const struct cpuset *cpus = core->core.cpus;

		if (!cpuset_subset(cpus, p->region->cpus) || !view_core_free(p->view, core) ||
		    (p->request->within_cpus && !cpuset_subset(cpus, p->request->within_cpus)) ||
		    cpuset_intersects(cpus, seen))
			continue; /* a CPU of two cores, on a machine that lies, counts once */
		if (cpuset_union(seen, cpus) < 0)
			return -ENOMEM;
		ret->items[ret->count++] = core;
	}
	return 0;
}

/* Cores that share a last-level cache and are of one kind are alike. */
static bool alike(const struct device *a, const struct device *b)
{
	const char *x = a->core.core_kind, *y = b->core.core_kind;

	return a->core.l3 == b->core.l3 && a->core.package == b->core.package &&
	       (x == y || (x && y && strcmp(x, y) == 0));
}

static bool is_efficiency(const struct device *core)
{
	return core->core.core_kind && strcmp(core->core.core_kind, "efficiency") == 0;
}

static size_t group_size(const struct cores *c, const struct device *leader)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += alike(c->items[i], leader);
	return n;
}

/* Of two groups for `wanted` cores: the one that fits and leaves least; if none fits, the larger.
 * Performance cores go before efficiency cores. */
static bool better_group(size_t size, const struct device *leader, size_t best_size,
			 const struct device *best, size_t wanted)
{
	bool fits = size >= wanted, best_fits = best_size >= wanted;

	if (!best)
		return true;
	if (is_efficiency(leader) != is_efficiency(best))
		return !is_efficiency(leader);
	if (fits != best_fits)
		return fits;
	return fits ? size < best_size : size > best_size;
}

static const struct device *best_group(const struct cores *c, size_t wanted)
{
	const struct device *best = NULL;
	size_t best_size = 0;

	for (size_t i = 0; i < c->count; i++) {
		size_t size;

		if (best && alike(c->items[i], best))
			continue;
		size = group_size(c, c->items[i]);
		if (better_group(size, c->items[i], best_size, best, wanted)) {
			best = c->items[i];
			best_size = size;
		}
	}
	return best;
}

/* Takes up to `wanted` cores of the leader's group out of the list. */
static int take_group(struct pick *p, struct cores *c, const struct device *leader, size_t wanted,
		      size_t *ret_taken)
{
	size_t kept = 0, taken = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct device *core = c->items[i];

		if (taken == wanted || !alike(core, leader)) {
			c->items[kept++] = core;
			continue;
		}
		if (cpuset_union(p->allocation->cpus, core->core.cpus) < 0 ||
		    cpuset_add(p->allocation->cores, core->core.number) < 0)
			return -ENOMEM;
		taken++;
	}
	c->count = kept;
	*ret_taken = taken;
	return 0;
}

int pick_cores(struct pick *p)
{
	_cleanup_(cores_done) struct cores free_cores = { 0 };
	size_t wanted = p->request->cores;

	if (find_free_cores(p, &free_cores) < 0)
		return -ENOMEM;
	if (free_cores.count < wanted) {
		fail_code(&p->why, -ENOSPC, "cores-short",
			  "%s has %zu free cores, %zu are asked for", p->region->label,
			  free_cores.count, wanted);
		return PLACEMENT_NO_FIT;
	}
	while (wanted > 0) {
		size_t taken = 0;

		if (take_group(p, &free_cores, best_group(&free_cores, wanted), wanted, &taken) < 0)
			return -ENOMEM;
		wanted -= taken;
	}
	return PLACEMENT_FITS;
}

int pick_shared(struct pick *p)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	bool shrinks;
	int64_t left;

	if (view_shared_pool(p->view, &pool) < 0)
		return -ENOMEM;
	shrinks = cpuset_intersects(pool, p->allocation->cpus);
	if (cpuset_subtract(pool, p->allocation->cpus) < 0)
		return -ENOMEM;
	left = (int64_t)cpuset_count(pool) * 1000 -
	       (int64_t)ledger_shared_millicpus(p->view->ledger) - p->request->shared_millicpus;
	if (left < 0 && (p->request->shared_millicpus > 0 || shrinks)) {
		fail_code(&p->why, -ENOSPC, "shared-short",
			  "the shared pool would lack %" PRId64 " thousandths of a CPU for what is "
			  "promised from it",
			  -left);
		return PLACEMENT_NO_FIT;
	}
	p->allocation->shared_millicpus = p->request->shared_millicpus;
	return PLACEMENT_FITS;
}

static bool node_allowed(const struct pick *p, const struct device *node)
{
	unsigned number = node->memory.number;

	return cpuset_has(p->region->nodes, number) &&
	       (!p->request->within_nodes || cpuset_has(p->request->within_nodes, number));
}

struct nodes {
	const struct device **items; /* nearest to the picked cores first */
	uint32_t *far;		     /* of the item at the same place */
	size_t count;
};

static void nodes_done(struct nodes *n)
{
	free(n->items);
	free(n->far);
}

/* How far the picked cores have it to this node; without cores all nodes are alike. */
static uint32_t far_of(const struct pick *p, const struct device *node)
{
	uint32_t least = cpuset_empty(p->allocation->cpus) ? 0 : UINT32_MAX;

	if (cpuset_intersects(node->memory.cpus, p->allocation->cpus))
		return 0;
	inventory_each (near, p->view->inventory, DEVICE_NODE)
		if (cpuset_intersects(near->memory.cpus, p->allocation->cpus)) {
			uint32_t far = region_distance(near, node->memory.number);

			least = far < least ? far : least;
		}
	return least;
}

/* The region's allowed nodes; equally far ones in order of their number. */
static int list_nodes(const struct pick *p, struct nodes *ret)
{
	const struct inventory *inv = p->view->inventory;
	size_t all = inv->first[DEVICE_NODE + 1] - inv->first[DEVICE_NODE];

	ret->items = calloc(all ? all : 1, sizeof(*ret->items));
	ret->far = calloc(all ? all : 1, sizeof(*ret->far));
	if (!ret->items || !ret->far)
		return -ENOMEM;
	inventory_each (node, inv, DEVICE_NODE) {
		size_t i = ret->count;
		uint32_t far;

		if (!node_allowed(p, node))
			continue;
		far = far_of(p, node);
		for (; i > 0 && ret->far[i - 1] > far; i--) {
			ret->items[i] = ret->items[i - 1];
			ret->far[i] = ret->far[i - 1];
		}
		ret->items[i] = node;
		ret->far[i] = far;
		ret->count++;
	}
	return 0;
}

/* Visits the region's nodes, those near the picked cores first. */
static int each_node(struct pick *p,
		     int (*visit)(struct pick *p, const struct device *node, void *userdata),
		     void *userdata)
{
	_cleanup_(nodes_done) struct nodes nodes = { 0 };
	int r = list_nodes(p, &nodes);

	for (size_t i = 0; r == 0 && i < nodes.count; i++)
		r = visit(p, nodes.items[i], userdata);
	return r;
}

static int take_memory(struct pick *p, const struct device *node, void *userdata)
{
	uint64_t *left = userdata;
	uint64_t part = view_memory_free(p->view, node);

	part = part < *left ? part : *left;
	if (part == 0)
		return 0;
	*left -= part;
	return allocation_add_memory(p->allocation, node->memory.number, part);
}

int pick_memory(struct pick *p)
{
	uint64_t left = p->request->memory_bytes;

	if (each_node(p, take_memory, &left) < 0)
		return -ENOMEM;
	if (left == 0)
		return PLACEMENT_FITS;
	fail_code(&p->why, -ENOSPC, "memory-short",
		  "%s has %" PRIu64 " MiB of free memory, %" PRIu64 " MiB are asked for",
		  p->region->label, (p->request->memory_bytes - left) >> 20,
		  p->request->memory_bytes >> 20);
	return PLACEMENT_NO_FIT;
}

/* Of the pool first, then of the node's memory; a request may name one size twice. */
static int take_hugepages(struct pick *p, const struct device *node, void *userdata)
{
	struct request_hugepages *left = userdata;
	uint64_t part = view_hugepages_free(p->view, node, left->size_bytes);

	part = subtract_bounded(
		part, allocation_hugepages(p->allocation, node->memory.number, left->size_bytes));
	if (part < left->count)
		part = add_bounded(part, view_hugepages_growth(p->view, node, left->size_bytes,
							       p->allocation));
	part = part < left->count ? part : left->count;
	if (part == 0)
		return 0;
	left->count -= part;
	return allocation_add_hugepages(p->allocation, node->memory.number, left->size_bytes, part);
}

int pick_hugepages(struct pick *p)
{
	for (size_t i = 0; i < p->request->hugepages_count; i++) {
		struct request_hugepages left = p->request->hugepages[i];
		uint64_t wanted = left.count;

		if (each_node(p, take_hugepages, &left) < 0)
			return -ENOMEM;
		if (left.count == 0)
			continue;
		fail_code(&p->why, -ENOSPC, "hugepages-short",
			  "%s has %" PRIu64 " free huge pages of %" PRIu64 " KiB%s, %" PRIu64
			  " are asked for",
			  p->region->label, wanted - left.count, left.size_bytes >> 10,
			  p->view->hugepages_grow ? " or memory for them" : "", wanted);
		return PLACEMENT_NO_FIT;
	}
	return PLACEMENT_FITS;
}
