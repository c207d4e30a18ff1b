/* SPDX-License-Identifier: Apache-2.0 */
/* The decision about a new size; see resizing.h. First what is given up (resizing_give.c), then
 * what is added, with the picking steps of placement where they fit: they look at what is free, and
 * what the slice holds is not. */
#include "model/resizing.h"

#include "model/bounded.h"
#include "model/pick.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of what is still to be added. */
struct growth {
	struct resize_pick *resize;
	struct request more; /* the difference; owns nothing */
	struct pick pick;    /* its allocation: the kept CPUs and devices, and what is added */
};

static uint64_t pages_missing(const struct resize_pick *r, uint64_t size_bytes)
{
	return subtract_bounded(request_hugepages(r->wish->wanted, size_bytes),
				allocation_hugepages_total(r->a, size_bytes));
}

static bool listed_before(const struct request *q, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (q->hugepages[k].size_bytes == q->hugepages[i].size_bytes)
			return true;
	return false;
}

static uint32_t held_of_class(const struct resize_pick *r, enum device_kind kind)
{
	uint32_t n = 0;

	for (size_t i = 0; i < r->a->devices_count; i++)
		n += resize_of_class(r->view->inventory, r->a->devices[i], kind);
	return n;
}

/* What was given up already is not asked for again: the difference to what is left. A device that
 * the machine has no more still counts: it may come back, and is the slice's. */
static struct request difference(const struct resize_pick *r)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };
	const struct request *q = r->wish->wanted;
	uint32_t cores = cpuset_count(r->a->cores);
	struct request more = { .align = q->align, .align_required = q->align_required };

	more.cores = q->cores > cores ? q->cores - cores : 0;
	more.shared_millicpus = q->shared_millicpus - r->a->shared_millicpus;
	more.memory_bytes = subtract_bounded(q->memory_bytes, allocation_memory_total(r->a));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t held = held_of_class(r, kinds[i]);

		more.devices[kinds[i]] =
			q->devices[kinds[i]] > held ? q->devices[kinds[i]] - held : 0;
	}
	for (size_t i = 0; i < q->hugepages_count; i++) {
		uint64_t size = q->hugepages[i].size_bytes, count = pages_missing(r, size);

		if (count > 0 && !listed_before(q, i))
			more.hugepages[more.hugepages_count++] =
				(struct request_hugepages){ .size_bytes = size, .count = count };
	}
	return more;
}

static int short_of_cores(struct pick *p, uint32_t found)
{
	fail_code(&p->why, -ENOSPC, "cores-short",
		  "%s has %u free cores beside those of the slice, %u more are asked for",
		  p->region->label, found, p->request->cores);
	return PLACEMENT_NO_FIT;
}

struct candidates {
	struct {
		const struct device *core; /* NULL: taken */
		uint64_t far;		   /* from all cores of the slice together */
	} * items;
	size_t count;
};

static void candidates_done(struct candidates *c)
{
	free(c->items);
}

static bool can_be_had(const struct pick *p, const struct device *core)
{
	return view_core_free(p->view, core) && cpuset_subset(core->core.cpus, p->region->cpus) &&
	       !cpuset_intersects(core->core.cpus, p->allocation->cpus);
}

static int list_candidates(const struct pick *p, struct candidates *ret)
{
	const struct inventory *inv = p->view->inventory;
	size_t all = inv->first[DEVICE_CORE + 1] - inv->first[DEVICE_CORE];

	ret->items = calloc(all ? all : 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	inventory_each (core, inv, DEVICE_CORE) {
		uint64_t far = 0;

		if (!can_be_had(p, core))
			continue;
		inventory_each (own, inv, DEVICE_CORE)
			if (cpuset_has(p->allocation->cores, own->core.number))
				far += resize_apart(inv, core, own);
		ret->items[ret->count].core = core;
		ret->items[ret->count++].far = far;
	}
	return 0;
}

/* The lowest number among equals. A CPU of two cores, on a machine that lies, counts once. */
static int take_nearest(struct pick *p, struct candidates *c)
{
	const struct device *core;
	size_t best = c->count;

	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].core && can_be_had(p, c->items[i].core) &&
		    (best == c->count || c->items[i].far < c->items[best].far))
			best = i;
	if (best == c->count)
		return PLACEMENT_NO_FIT;
	core = TAKE(c->items[best].core, NULL);
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].core)
			c->items[i].far += resize_apart(p->view->inventory, core, c->items[i].core);
	if (cpuset_union(p->allocation->cpus, core->core.cpus) < 0 ||
	    cpuset_add(p->allocation->cores, core->core.number) < 0)
		return -ENOMEM;
	return PLACEMENT_FITS;
}

static int add_near_cores(struct pick *p)
{
	_cleanup_(candidates_done) struct candidates c = { 0 };
	int r = list_candidates(p, &c);

	for (uint32_t i = 0; r == PLACEMENT_FITS && i < p->request->cores; i++) {
		r = take_nearest(p, &c);
		if (r == PLACEMENT_NO_FIT)
			(void)short_of_cores(p, i); /* says it */
	}
	return r;
}

/* The first cores of a slice come to its memory, if they can. */
static int add_first_cores(struct pick *p, const struct cpuset *nodes)
{
	_cleanup_(cpuset_freep) struct cpuset *within = NULL;
	struct request near = *p->request;
	struct pick first = *p;
	int r = cpuset_new(&within);

	inventory_each (node, p->view->inventory, DEVICE_NODE)
		if (r == 0 && cpuset_has(nodes, node->memory.number))
			r = cpuset_union(within, node->memory.cpus);
	if (r < 0)
		return r;
	near.within_cpus = within;
	first.request = &near;
	r = pick_cores(&first);
	return r == PLACEMENT_NO_FIT ? pick_cores(p) : r;
}

static int add_cores(struct growth *g)
{
	struct pick *p = &g->pick;

	if (g->more.cores == 0)
		return PLACEMENT_FITS;
	return cpuset_empty(p->allocation->cores) ? add_first_cores(p, g->resize->a->nodes)
						  : add_near_cores(p);
}

/* A slice that had memory set aside, or prefers some, keeps to those nodes. */
static int add_memory(struct growth *g)
{
	struct cpuset *nodes = g->resize->a->nodes;
	struct fail short_of;
	_cleanup_free_ char *list = cpuset_format(nodes);
	int r;

	if (!list)
		return -ENOMEM;
	g->more.within_nodes = *list ? nodes : NULL;
	r = pick_memory(&g->pick);
	if (r == PLACEMENT_FITS)
		r = pick_hugepages(&g->pick);
	g->more.within_nodes = NULL;
	if (r != PLACEMENT_NO_FIT || !*list)
		return r;
	short_of = g->pick.why;
	fail_code(&g->pick.why, short_of.error, short_of.code,
		  "%s; a slice that runs keeps to the memory nodes it has (%s)", short_of.text,
		  list);
	return r;
}

static int add_rest(struct growth *g)
{
	int r = g->more.cores > 0 || g->more.shared_millicpus > 0 ? pick_shared(&g->pick)
								  : PLACEMENT_FITS;

	return r == PLACEMENT_FITS ? pick_devices(&g->pick) : r;
}

/* The picking steps must not see kept memory in what they fill: it counts as held already. */
static int start_pick(struct growth *g, const struct region *region, struct allocation *fresh)
{
	const struct allocation *kept = g->resize->a;
	int r = cpuset_union(fresh->cpus, kept->cpus);

	if (r == 0)
		r = cpuset_union(fresh->cores, kept->cores);
	for (size_t i = 0; r == 0 && i < kept->devices_count; i++)
		r = allocation_add_device(fresh, kept->devices[i]);
	g->pick = (struct pick){
		.view = g->resize->view, .request = &g->more, .region = region, .allocation = fresh
	};
	return r;
}

static int add_kept(struct allocation *into, const struct allocation *kept)
{
	int r = cpuset_union(into->nodes, kept->nodes);

	for (size_t i = 0; r == 0 && i < kept->memory_count; i++)
		r = allocation_add_memory(into, kept->memory[i].node, kept->memory[i].bytes);
	for (size_t i = 0; r == 0 && i < kept->hugepages_count; i++)
		r = allocation_add_hugepages(into, kept->hugepages[i].node,
					     kept->hugepages[i].size_bytes,
					     kept->hugepages[i].count);
	if (r == 0)
		r = cache_shares_join(&into->cache, &kept->cache);
	into->shared_millicpus += kept->shared_millicpus;
	return r;
}

static uint32_t unknown_places(const struct pick *p)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p->allocation->devices_count; i++) {
		const struct device *d =
			inventory_find(p->view->inventory, p->allocation->devices[i]);
		bool unknown = false;

		n += d && region_has_device(p->region, p->view->inventory, d, &unknown) && unknown;
	}
	return n;
}

static int say_where(const struct pick *p)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	_cleanup_free_ char *list = NULL;
	struct allocation *a = p->allocation;
	uint32_t spread;

	if (region_used_nodes(p->view->inventory, p->allocation, &nodes) < 0)
		return -ENOMEM;
	list = cpuset_format(nodes);
	spread = region_spread(p->view->inventory, nodes);
	a->cost = spread + PLACEMENT_COST_UNKNOWN * unknown_places(p);
	if (!list || asprintf(&a->why,
			      "resized: what it keeps, and beside it what is nearest%s%s%s; the "
			      "largest distance within is %u",
			      *list ? " (memory nodes " : "", list, *list ? ")" : "", spread) < 0) {
		a->why = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int grow_within(struct resize_pick *r, const struct region *region, struct allocation **ret)
{
	static int (*const steps[])(struct growth * g) = { add_cores, add_rest, add_memory };
	struct growth g = { .resize = r, .more = difference(r) };
	_cleanup_(allocation_freep) struct allocation *fresh = NULL, *merged = NULL;
	int e = allocation_new(&fresh);

	if (e == 0)
		e = start_pick(&g, region, fresh);
	for (size_t i = 0; e == PLACEMENT_FITS && i < ARRAY_SIZE(steps); i++)
		e = steps[i](&g);
	if (e == PLACEMENT_NO_FIT)
		r->why = g.pick.why;
	if (e == PLACEMENT_FITS)
		e = add_kept(fresh, r->a);
	if (e == PLACEMENT_FITS)
		e = say_where(&g.pick);
	if (e == PLACEMENT_FITS)
		e = allocation_copy(&merged, fresh); /* one entry a node */
	if (e == PLACEMENT_FITS)
		*ret = TAKE_PTR(merged);
	return e;
}

/* What the slice keeps is wholly in it. */
static bool encloses(const struct region *region, const struct allocation *a)
{
	return cpuset_subset(a->cpus, region->cpus) &&
	       (a->memory_count == 0 || cpuset_subset(a->nodes, region->nodes));
}

static int grow(struct resize_pick *r, enum align_level level, struct allocation **ret)
{
	struct region *regions = NULL;
	size_t count = 0;
	int e = region_list(r->view->inventory, level, &regions, &count);

	if (e == 0) {
		fail_code(&r->why, -ENOSPC, "align-lost",
			  "what the slice holds is not within one %s any more, as its alignment "
			  "requires",
			  align_level_to_string(level));
		e = PLACEMENT_NO_FIT;
	}
	for (size_t i = 0; e == PLACEMENT_NO_FIT && i < count; i++)
		if (level == ALIGN_NONE || encloses(&regions[i], r->a))
			e = grow_within(r, &regions[i], ret);
	region_free_all(regions, count);
	return e;
}

/* Behind a switch is on a node. */
static enum align_level widest(const struct request *wanted)
{
	if (!wanted->align_required)
		return ALIGN_NONE;
	return wanted->align == ALIGN_SWITCH ? ALIGN_NODE : wanted->align;
}

int resize_decide(const struct view *v, const struct allocation *held,
		  const struct resize_wish *wish, struct allocation **ret, struct fail *why)
{
	_cleanup_(allocation_freep) struct allocation *kept = NULL;
	struct resize_pick r = { .view = v, .wish = wish };
	int e;

	if (request_empty(wish->wanted)) {
		fail_code(why, -EINVAL, "nothing-asked",
			  "nothing would be left of the slice: delete it instead");
		return PLACEMENT_NO_FIT;
	}
	if (allocation_copy(&kept, held) < 0)
		return -ENOMEM;
	r.a = kept;
	e = resize_give_up(&r);
	if (e == PLACEMENT_FITS)
		e = grow(&r, widest(wish->wanted), ret);
	if (e == PLACEMENT_NO_FIT && why)
		*why = r.why;
	return e;
}
