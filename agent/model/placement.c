/* SPDX-License-Identifier: Apache-2.0 */
/* The placement decision; see placement.h. Levels are tried from the tightest to the widest that
 * the request allows; of the regions of one level that fit, the one whose best place has the best
 * score wins. Where the search finds nothing, the picking steps say what is short; on machines of
 * more nodes than the search counts, they place. */
#include "model/placement.h"

#include "model/pick.h"
#include "model/region.h"
#include "model/settle.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The picking steps; how far a region got tells which refusal says most. */
static int (*const steps[])(struct pick *p) = {
	pick_cores, pick_shared, pick_memory, pick_hugepages, pick_devices, pick_cache,
};

struct decision {
	const struct view *view;
	const struct request *request;
	placement_observer observer;
	void *userdata;
	struct search search;
	struct allocation *allocation; /* the best so far */
	struct placement_score score;  /* its score, when it was searched for */
	size_t refused_step;	       /* of the refusal that is kept */
	struct fail why;
};

/* A region of one level, by its place in the list of them. */
struct spot {
	enum align_level level;
	size_t nth;
	struct search_place place;
	char label[48];
};

/* Without memory asked for, it still belongs near the cores: on those of their nodes that have
 * memory of the host. The kernel refuses others in cpuset.mems and memory policies. */
static int add_near_nodes(const struct pick *p)
{
	struct allocation *a = p->allocation;

	inventory_each (node, p->view->inventory, DEVICE_NODE)
		if (node->memory.host_memory && node->memory.memory_bytes > 0 &&
		    cpuset_intersects(node->memory.cpus, a->cpus) &&
		    cpuset_add(a->nodes, node->memory.number) < 0)
			return -ENOMEM;
	return 0;
}

static int finish(struct pick *p)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	struct allocation *a = p->allocation;

	if (region_used_nodes(p->view->inventory, a, &nodes) < 0)
		return -ENOMEM;
	a->cost = region_spread(p->view->inventory, nodes) +
		  PLACEMENT_COST_UNKNOWN * p->unknown_places;
	if (asprintf(&a->why,
		     "%s is the tightest place that fits; the largest distance within is %u",
		     p->region->label, region_spread(p->view->inventory, nodes)) < 0) {
		a->why = NULL;
		return -ENOMEM;
	}
	return p->request->memory_bytes == 0 ? add_near_nodes(p) : 0;
}

static void keep_refusal(struct decision *d, const struct fail *why, size_t step)
{
	if (d->why.error && step < d->refused_step)
		return;
	d->why = *why;
	d->refused_step = step;
}

static void observe(const struct decision *d, const struct spot *spot, const struct allocation *a,
		    const struct fail *why)
{
	struct placement_considered seen = {
		.level = spot->level,
		.label = spot->label,
		.fits = a != NULL,
		.cost = a ? a->cost : 0,
		.why = a ? a->why : why->text,
	};

	if (d->observer)
		d->observer(&seen, d->userdata);
}

/* One resource after the other; it takes what comes first, and may miss what the search finds. */
static int pick_in(struct decision *d, const struct region *region, struct allocation **ret,
		   struct fail *why)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct pick p = { .view = d->view, .request = d->request, .region = region };
	int r = allocation_new(&a);

	p.allocation = a;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		r = steps[i](&p);
		if (r == PLACEMENT_NO_FIT)
			keep_refusal(d, &p.why, i);
	}
	if (r == PLACEMENT_FITS)
		r = finish(&p);
	*why = p.why;
	if (r == PLACEMENT_FITS)
		*ret = TAKE_PTR(a);
	return r;
}

/* It stays apart and behind one switch where it must, or it is no place. */
static bool is_as_required(const struct decision *d, const struct allocation *a)
{
	const struct request *q = d->request;
	struct placement_score score;

	if (!q->apart_required && (!q->align_required || q->align != ALIGN_SWITCH))
		return true;
	if (score_of(d->view, q, a, &score) < 0)
		return false;
	return (!q->apart_required || score.value[SCORE_APART] == 0) &&
	       (!q->align_required || q->align != ALIGN_SWITCH ||
		score.value[SCORE_LEVEL] == SCORE_AT_SWITCH);
}

static void say_required(const struct decision *d, const struct spot *spot, struct fail *why)
{
	if (d->request->apart_required)
		fail_code(why, -ENOSPC, "apart-short",
			  "%s has too little apart from the other slices of the owner",
			  spot->label);
	else
		fail_code(why, -ENOSPC, "devices-short",
			  "%s has not so many free devices behind one switch", spot->label);
}

/* By the picking steps, for the reason why not. */
static int pick_at(struct decision *d, const struct spot *spot)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct region *regions = NULL;
	struct fail why = { 0 };
	size_t count = 0;
	int r = region_list(d->view->inventory, spot->level, &regions, &count);

	if (r == 0 && spot->nth < count)
		r = pick_in(d, &regions[spot->nth], &a, &why);
	region_free_all(regions, count);
	if (r < 0)
		return r;
	if (a && !is_as_required(d, a)) {
		say_required(d, spot, &why);
		keep_refusal(d, &why, ARRAY_SIZE(steps));
		a = allocation_free(a);
	}
	observe(d, spot, a, &why);
	if (a && (!d->allocation || a->cost < d->allocation->cost)) {
		allocation_free(d->allocation);
		d->allocation = TAKE_PTR(a);
	}
	return 0;
}

static int add_cache(struct decision *d, const struct spot *spot, struct allocation *a,
		     struct fail *why)
{
	struct region region = { .level = spot->level };
	struct pick p = {
		.view = d->view, .request = d->request, .region = &region, .allocation = a
	};
	int r;

	(void)snprintf(region.label, sizeof(region.label), "%.31s", spot->label); /* to be cut */
	r = pick_cache(&p);
	*why = p.why;
	return r;
}

/* The best place of this region by itself. */
static int search_at(struct decision *d, const struct spot *spot)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct fail why = { 0 };
	int r;

	d->search.best.found = false;
	search_region(&d->search, &spot->place);
	if (!d->search.best.found)
		return pick_at(d, spot);
	r = settle(&d->search, spot->label, &a);
	if (r == 0)
		r = add_cache(d, spot, a, &why);
	if (r < 0)
		return r;
	if (r == PLACEMENT_NO_FIT) {
		keep_refusal(d, &why, ARRAY_SIZE(steps) - 1);
		a = allocation_free(a);
	}
	observe(d, spot, a, &why);
	if (a && (!d->allocation || score_compare(&d->search.best.score, &d->score) < 0)) {
		allocation_free(d->allocation);
		d->allocation = TAKE_PTR(a);
		d->score = d->search.best.score;
	}
	return 0;
}

static size_t list_nodes(const struct layout *t, bool one_switch, struct spot *spots)
{
	size_t n = 0;

	for (unsigned i = 0; i < t->nodes_count; i++) {
		if (!t->nodes[i].device || cpuset_empty(t->nodes[i].device->memory.cpus))
			continue;
		spots[n] = (struct spot){
			.level = ALIGN_NODE,
			.nth = n,
			.place = { .level = one_switch ? SCORE_AT_SWITCH : SCORE_AT_NODE,
				   .nodes = 1ULL << i,
				   .one_switch = one_switch },
		};
		(void)snprintf(spots[n].label, sizeof(spots[n].label), "%snode %u",
			       one_switch ? "a switch of " : "", t->nodes[i].number); /* fits */
		n++;
	}
	return n;
}

static size_t list_packages(const struct layout *t, struct spot *spots)
{
	size_t n = 0;

	for (unsigned i = 0; i < t->packages_count; i++) {
		const struct device *package = t->packages[i].device;

		if (cpuset_empty(package->package.cpus))
			continue;
		spots[n] = (struct spot){
			.level = ALIGN_PACKAGE,
			.nth = n,
			.place = { .level = SCORE_AT_PACKAGE,
				   .nodes = t->packages[i].nodes,
				   .package = i },
		};
		(void)snprintf(spots[n].label, sizeof(spots[n].label), "package %u",
			       package->package.number); /* fits */
		n++;
	}
	return n;
}

static size_t list_spots(const struct layout *t, enum score_level level, struct spot *spots)
{
	if (level == SCORE_AT_SWITCH || level == SCORE_AT_NODE)
		return list_nodes(t, level == SCORE_AT_SWITCH, spots);
	if (level == SCORE_AT_PACKAGE)
		return list_packages(t, spots);
	spots[0] = (struct spot){
		.level = ALIGN_NONE,
		.label = "the machine",
		.place = { .level = SCORE_AT_MACHINE,
			   .nodes = t->nodes_count < 64 ? (1ULL << t->nodes_count) - 1
							: UINT64_MAX },
	};
	return 1;
}

/* All regions together: only the best is made an allocation of. */
static int search_all(struct decision *d, const struct spot *spots, size_t count)
{
	size_t best = 0;

	d->search.best.found = false;
	for (size_t i = 0; i < count; i++) {
		struct placement_score before = d->search.best.score;
		bool found = d->search.best.found;

		search_region(&d->search, &spots[i].place);
		if (d->search.best.found &&
		    (!found || score_compare(&d->search.best.score, &before) != 0))
			best = i;
	}
	return d->search.best.found ? settle(&d->search, spots[best].label, &d->allocation) : 0;
}

static enum score_level tightest(const struct request *q)
{
	return q->align == ALIGN_SWITCH ? SCORE_AT_SWITCH : SCORE_AT_NODE;
}

static enum score_level widest(const struct request *q)
{
	static const enum score_level levels[ALIGN_LEVELS] = {
		[ALIGN_SWITCH] = SCORE_AT_SWITCH,
		[ALIGN_NODE] = SCORE_AT_NODE,
		[ALIGN_PACKAGE] = SCORE_AT_PACKAGE,
		[ALIGN_NONE] = SCORE_AT_MACHINE,
	};

	return q->align_required ? levels[q->align] : SCORE_AT_MACHINE;
}

/* Region by region where each of them is to be told about, or may lack what is looked at last. */
static int search_levels(struct decision *d)
{
	bool apiece = d->observer || !cache_request_empty(&d->request->cache);
	struct spot spots[LAYOUT_NODES_MAX];
	int r = 0;

	for (enum score_level level = tightest(d->request);
	     r == 0 && !d->allocation && level <= widest(d->request); level++) {
		size_t count = list_spots(d->view->inventory->layout, level, spots);

		if (!apiece)
			r = search_all(d, spots, count);
		for (size_t i = 0; r == 0 && apiece && i < count; i++)
			r = search_at(d, &spots[i]);
	}
	return r;
}

/* Why nothing was found; or, without a search, the place. */
static int pick_levels(struct decision *d)
{
	enum align_level last = ALIGN_NONE;
	int r = 0;

	if (d->request->align_required)
		last = d->request->align == ALIGN_SWITCH ? ALIGN_NODE : d->request->align;
	for (enum align_level level = ALIGN_NODE; r == 0 && !d->allocation && level <= last;
	     level++) {
		struct region *regions = NULL;
		size_t count = 0;

		r = region_list(d->view->inventory, level, &regions, &count);
		for (size_t i = 0; r == 0 && i < count; i++) {
			struct spot spot = { .level = level, .nth = i };

			memcpy(spot.label, regions[i].label, sizeof(regions[i].label));
			r = pick_at(d, &spot);
		}
		region_free_all(regions, count);
	}
	return r;
}

static int decide(struct decision *d)
{
	_cleanup_(stock_freep) struct stock *stock = NULL;
	bool told = false;
	int r = 0;

	if (d->view->inventory->layout) {
		r = stock_take(d->view, d->request, &stock);
		if (r == 0)
			r = search_open(&d->search, stock);
		if (r < 0)
			return r;
		/* A pool that cannot pay is for the picking steps to refuse. */
		if (stock->shared_spare >= 0 || d->request->shared_millicpus == 0)
			r = search_levels(d);
		search_done(&d->search);
		told = d->why.error != 0;
	}
	if (r == 0 && !d->allocation && !told)
		r = pick_levels(d);
	return r;
}

int placement_decide(const struct view *v, const struct request *request, struct allocation **ret,
		     struct fail *why, placement_observer observer, void *userdata)
{
	struct decision d = {
		.view = v, .request = request, .observer = observer, .userdata = userdata
	};
	int r;

	if (request_empty(request)) {
		fail_code(why, -EINVAL, "nothing-asked",
			  "the request asks for no core, shared CPU, memory, huge page or device");
		return PLACEMENT_NO_FIT;
	}
	r = decide(&d);
	if (r < 0) {
		allocation_free(d.allocation);
		return r;
	}
	if (d.allocation) {
		*ret = TAKE_PTR(d.allocation);
		return PLACEMENT_FITS;
	}
	if (!d.why.error)
		fail_code(&d.why, -ENOSPC, "cores-short",
			  "this machine has no %s with CPUs that can be offered",
			  align_level_to_string(request->align_required ? request->align
									: ALIGN_NONE));
	if (why)
		*why = d.why;
	return PLACEMENT_NO_FIT;
}
