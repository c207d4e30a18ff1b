/* SPDX-License-Identifier: Apache-2.0 */
/* The next best answer; see next_best.h. A request is bound to parts of the machine as one is that
 * takes an offer: to all that it was bound to before, less what it must do without. */
#include "model/next_best.h"

#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search {
	const struct view *view;
	const struct request *request;
	const struct allocation *chosen;
	struct next_best *best;
	unsigned decisions; /* left */
};

struct without {
	const struct device *node; /* NULL none: with its CPUs, memory and devices */
	const char *device;	   /* NULL none */
};

struct bounds { /* owned but for the ids */
	struct cpuset *cpus, *nodes;
	char **devices;
	size_t count;
};

static void bounds_done(struct bounds *b)
{
	cpuset_free(b->cpus);
	cpuset_free(b->nodes);
	free(b->devices);
}

void next_best_done(struct next_best *n)
{
	allocation_free(n->allocation);
	*n = (struct next_best){ 0 };
}

static int bound_cpus(const struct search *s, const struct without *w, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;

	if (s->request->within_cpus) {
		if (cpuset_copy(&cpus, s->request->within_cpus) < 0)
			return -ENOMEM;
	} else {
		if (cpuset_new(&cpus) < 0)
			return -ENOMEM;
		inventory_each (core, s->view->inventory, DEVICE_CORE)
			if (cpuset_union(cpus, core->core.cpus) < 0)
				return -ENOMEM;
	}
	if (w->node && cpuset_subtract(cpus, w->node->memory.cpus) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(cpus);
	return 0;
}

static int bound_nodes(const struct search *s, const struct without *w, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;

	if (cpuset_new(&nodes) < 0)
		return -ENOMEM;
	inventory_each (node, s->view->inventory, DEVICE_NODE) {
		const struct cpuset *within = s->request->within_nodes;

		if (node != w->node && (!within || cpuset_has(within, node->memory.number)) &&
		    cpuset_add(nodes, node->memory.number) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(nodes);
	return 0;
}

static bool was_allowed(const struct request *r, const char *id)
{
	for (size_t i = 0; r->offer && i < r->within_devices_count; i++)
		if (strcmp(r->within_devices[i], id) == 0)
			return true;
	return !r->offer;
}

static bool is_without(const struct without *w, const struct device *d)
{
	return (w->device && strcmp(d->id, w->device) == 0) ||
	       (w->node && d->node >= 0 && (unsigned)d->node == w->node->memory.number);
}

static int bound_devices(const struct search *s, const struct without *w, struct bounds *b)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

	b->devices = calloc(s->view->inventory->count + 1, sizeof(*b->devices));
	if (!b->devices)
		return -ENOMEM;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		inventory_each (d, s->view->inventory, kinds[k])
			if (was_allowed(s->request, d->id) && !is_without(w, d))
				b->devices[b->count++] = d->id;
	return 0;
}

/* Takes *a over when it is better than what there is. */
static int keep_better(struct search *s, const struct without *w, struct allocation **a)
{
	struct next_best *best = s->best;
	struct placement_score score;

	if (score_of(s->view, s->request, *a, &score) < 0)
		return -ENOMEM;
	if (best->allocation && score_compare(&score, &best->score) >= 0)
		return 0;
	allocation_free(best->allocation);
	best->allocation = TAKE_PTR(*a);
	best->score = score;
	if (w->node)
		(void)snprintf(best->without, sizeof(best->without), "node %u",
			       w->node->memory.number); /* 5 + 10 digits fit */
	else
		(void)snprintf(best->without, sizeof(best->without), "%s",
			       w->device); /* a cut name is still one */
	return 0;
}

static int try_without(struct search *s, const struct without *w)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	_cleanup_(bounds_done) struct bounds b = { 0 };
	struct request q = *s->request; /* shares all but the bounds */
	int r;

	if (s->decisions == 0)
		return 0;
	s->decisions--;
	if (bound_cpus(s, w, &b.cpus) < 0 || bound_nodes(s, w, &b.nodes) < 0 ||
	    bound_devices(s, w, &b) < 0)
		return -ENOMEM;
	q.offer = q.offer ? q.offer : (char *)"/"; /* only then are devices bound */
	q.within_cpus = b.cpus;
	q.within_nodes = b.nodes;
	q.within_devices = b.devices;
	q.within_devices_count = b.count;
	r = placement_decide(s->view, &q, &a, NULL, NULL, NULL);
	if (r == PLACEMENT_FITS)
		r = keep_better(s, w, &a);
	return r < 0 ? r : 0;
}

static enum score_field first_difference(const struct next_best *n)
{
	enum score_field i = 0;

	while (i < SCORE_FIELDS && n->chosen.value[i] == n->score.value[i])
		i++;
	return i;
}

int next_best_find(const struct view *v, const struct request *request,
		   const struct allocation *chosen, struct next_best *ret)
{
	_cleanup_(next_best_done) struct next_best best = { 0 };
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	struct search s = { v, request, chosen, &best, NEXT_BEST_DECISIONS_MAX };
	int r = region_used_nodes(v->inventory, chosen, &nodes);

	if (r == 0)
		r = score_of(v, request, chosen, &best.chosen);
	for (size_t i = 0; r == 0 && i < chosen->devices_count; i++)
		r = try_without(&s, &(struct without){ .device = chosen->devices[i] });
	inventory_each (node, v->inventory, DEVICE_NODE)
		if (r == 0 && cpuset_has(nodes, node->memory.number))
			r = try_without(&s, &(struct without){ .node = node });
	if (r < 0)
		return r;
	if (!best.allocation)
		return PLACEMENT_NO_FIT;
	best.field = first_difference(&best);
	*ret = best;
	best = (struct next_best){ 0 };
	return PLACEMENT_FITS;
}
