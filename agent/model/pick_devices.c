/* SPDX-License-Identifier: Apache-2.0 */
/* Picking devices within a region; see pick.h. One class after the other: all candidates are listed
 * once with what speaks for them, the best is taken, and the others learn how near they are to it.
 * It does not look ahead from one class to the next. */
#include "model/path.h"
#include "model/pick.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
	const struct device *device; /* NULL: taken */
	const char *path;	     /* bridges above it, "" none */
	bool unknown;		     /* its place */
	unsigned place;		     /* the node of the picked cores, a known place, neither */
	unsigned shared;	     /* the most bridges in common with one of the picked devices */
	unsigned friends;	     /* bridges in common with the best of the other candidates */
};

struct candidates {
	struct candidate *items;
	size_t count;
};

static void candidates_done(struct candidates *c)
{
	free(c->items);
}

static bool device_allowed(const struct request *r, const char *id)
{
	if (!r->offer || r->within_devices_count == 0)
		return !r->offer;
	for (size_t i = 0; i < r->within_devices_count; i++)
		if (strcmp(r->within_devices[i], id) == 0)
			return true;
	return false;
}

/* On a node of the picked cores, as its own CPUs tell or, without them, its node's. */
static bool near_cores(const struct pick *p, const struct device *d)
{
	const struct cpuset *cpus = p->allocation->cpus;

	if (cpuset_intersects(d->local_cpus, cpus))
		return true;
	inventory_each (node, p->view->inventory, DEVICE_NODE)
		if (d->node >= 0 && node->memory.number == (unsigned)d->node)
			return cpuset_intersects(node->memory.cpus, cpus);
	return false;
}

/* Drivers of virtual functions often do not know how fast the port is. */
static uint32_t speed_of(const struct inventory *inv, const struct device *nic)
{
	if (nic->nic.speed_mbps != DEVICE_UNKNOWN_U32 || !nic->nic.physical_function)
		return nic->nic.speed_mbps;
	inventory_each (port, inv, DEVICE_NIC)
		if (port->nic.physical && port->pci &&
		    strcmp(port->pci, nic->nic.physical_function) == 0)
			return port->nic.speed_mbps;
	return DEVICE_UNKNOWN_U32;
}

static bool is_as_asked(const struct pick *p, const struct device *d)
{
	const struct request_nic *wish = &p->request->nic;
	uint32_t speed_mbps;

	if (d->kind != DEVICE_NIC)
		return true;
	if (wish->function != NIC_FUNCTION_ANY &&
	    (wish->function == NIC_FUNCTION_WHOLE) != d->nic.physical)
		return false;
	speed_mbps = wish->speed_mbps ? speed_of(p->view->inventory, d) : 0;
	return speed_mbps != DEVICE_UNKNOWN_U32 && speed_mbps >= wish->speed_mbps;
}

static void list_candidate(const struct pick *p, const struct device *d, struct candidates *list)
{
	const struct inventory *inv = p->view->inventory;
	struct candidate c = { .device = d };

	if (!view_device_free(p->view, d) || !device_allowed(p->request, d->id) ||
	    !is_as_asked(p, d) || !region_has_device(p->region, inv, d, &c.unknown) ||
	    (c.unknown && p->request->align_required && p->region->level != ALIGN_NONE))
		return;
	c.path = path_bridges(inv, d);
	c.place = near_cores(p, d) ? 2 : d->node >= 0 ? 1 : 0;
	for (size_t i = 0; i < p->allocation->devices_count; i++) {
		const struct device *other = inventory_find(inv, p->allocation->devices[i]);
		unsigned n = other ? path_common(c.path, path_bridges(inv, other)) : 0;

		c.shared = n > c.shared ? n : c.shared;
	}
	list->items[list->count++] = c;
}

static int compare_falling(const void *left, const void *right)
{
	unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;

	return (a < b) - (a > b);
}

/* What the first pick of several should look at: how near its `mates` best companions of the same
 * place are. Beyond FRIENDS_MAX candidates (hundreds of virtual functions) they are alike enough.
 */
static void count_friends(struct candidates *list, size_t mates)
{
	enum { FRIENDS_MAX = 128 };
	unsigned shared[FRIENDS_MAX];

	if (mates == 0 || list->count > FRIENDS_MAX || mates + 1 >= list->count)
		return;
	for (size_t i = 0; i < list->count; i++) {
		size_t n = 0;

		for (size_t k = 0; k < list->count; k++)
			if (k != i && list->items[k].place == list->items[i].place)
				shared[n++] = path_common(list->items[i].path, list->items[k].path);
		qsort(shared, n, sizeof(*shared), compare_falling);
		for (size_t k = 0; k < n && k < mates; k++)
			list->items[i].friends += shared[k];
	}
}

static bool better(const struct candidate *a, const struct candidate *b)
{
	if (a->place != b->place)
		return a->place > b->place;
	if (a->shared != b->shared)
		return a->shared > b->shared;
	return a->friends > b->friends;
}

static struct candidate *best_candidate(struct candidates *list)
{
	struct candidate *best = NULL;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].device && (!best || better(&list->items[i], best)))
			best = &list->items[i];
	return best;
}

static int take(struct pick *p, struct candidates *list, struct candidate *taken)
{
	int r = allocation_add_device(p->allocation, taken->device->id);

	if (r < 0)
		return r;
	p->unknown_places += taken->unknown;
	taken->device = NULL;
	for (size_t i = 0; i < list->count; i++) {
		unsigned n = path_common(list->items[i].path, taken->path);

		list->items[i].shared = n > list->items[i].shared ? n : list->items[i].shared;
	}
	return 0;
}

static bool is_choosy(const struct request_nic *wish)
{
	return wish->function != NIC_FUNCTION_ANY || wish->speed_mbps > 0;
}

static int pick_class(struct pick *p, enum device_kind kind)
{
	const struct inventory *inv = p->view->inventory;
	size_t all = inv->first[kind + 1] - inv->first[kind];
	_cleanup_(candidates_done) struct candidates list = {
		.items = calloc(all ? all : 1, sizeof(*list.items))
	};
	uint32_t wanted = p->request->devices[kind];

	if (!list.items)
		return -ENOMEM;
	inventory_each (d, inv, kind)
		list_candidate(p, d, &list);
	if (list.count < wanted) {
		fail_code(&p->why, -ENOSPC, "devices-short",
			  "%s has %zu free %s that can be offered%s, %u are asked for",
			  p->region->label, list.count, device_kind_plural(kind),
			  kind == DEVICE_NIC && is_choosy(&p->request->nic) ? " and are as asked"
									    : "",
			  wanted);
		return PLACEMENT_NO_FIT;
	}
	count_friends(&list, wanted ? wanted - 1 : 0);
	for (uint32_t i = 0; i < wanted; i++)
		if (take(p, &list, best_candidate(&list)) < 0)
			return -ENOMEM;
	return PLACEMENT_FITS;
}

int pick_devices(struct pick *p)
{
	static const enum device_kind order[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		int r = p->request->devices[order[i]] ? pick_class(p, order[i]) : PLACEMENT_FITS;

		if (r != PLACEMENT_FITS)
			return r;
	}
	return PLACEMENT_FITS;
}
