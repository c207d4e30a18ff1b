/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles; see bundle.h. First how often the least of a kind can be had and how near; then more
 * cores and more memory are asked for as long as it can be had that often. No value is believed
 * that was not placed. */
#include "model/bundle.h"

#include "model/offer.h"
#include "model/placement.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST (1ULL << 20)
#define MEMORY_MOST (1ULL << 60) /* that a request may ask for */

enum { SEARCH_CUT = PLACEMENT_NO_FIT + 1 }; /* no decisions are left */

struct search {
	struct view view; /* with a ledger of our own */
	struct ledger *ledger;
	struct offer *offer;	/* whose bundles are looked for */
	struct bundle bundle;	/* being made larger */
	struct request request; /* for it */
	uint32_t decisions;	/* left */
};

static void search_done(struct search *s)
{
	ledger_free(s->ledger);
	bundle_done(&s->bundle);
	request_done(&s->request);
}

void bundle_done(struct bundle *b)
{
	for (size_t i = 0; i < b->devices_count; i++)
		free(b->devices[i]);
	free(b->devices);
	free(b->model);
	*b = (struct bundle){ 0 };
}

static void ask(const struct bundle *b, struct request *request)
{
	request->cores = b->cores;
	request->memory_bytes = b->memory_bytes;
	request->devices[DEVICE_GPU] = b->gpus;
	request->devices[DEVICE_NIC] = b->nics;
	request->align = b->level;
	request->align_required = b->level != ALIGN_NONE;
}

int bundle_restrict(const struct offer *o, const struct bundle *b, const char *id, bool all,
		    struct request *request)
{
	const struct offer part = { .cpus = o->cpus,
				    .nodes = o->nodes,
				    .devices = b->devices,
				    .devices_count = b->devices_count };
	int r = offer_restrict(&part, id, false, request);

	if (r == 0 && all)
		ask(b, request);
	return r;
}

/* --- how often --- */

/* Names that no slice can have. */
static void taken_name(uint32_t number, char room[16])
{
	(void)snprintf(room, 16, "/%u", number); /* 11 characters */
}

static int take_one(struct search *s, uint32_t number)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	char name[16];
	int r;

	if (s->decisions == 0)
		return SEARCH_CUT;
	s->decisions--;
	r = placement_decide(&s->view, &s->request, &a, NULL, NULL, NULL);
	if (r != PLACEMENT_FITS)
		return r;
	taken_name(number, name);
	a->slice = strdup(name);
	return a->slice ? ledger_take(s->ledger, &a) : -ENOMEM;
}

/* How often the bundle can be had at once, counted up to `most`. */
static int count_times(struct search *s, uint32_t most, uint32_t *ret)
{
	uint32_t taken = 0;
	int r = 0;

	ask(&s->bundle, &s->request);
	while (r == 0 && taken < most) {
		r = take_one(s, taken);
		taken += r == 0;
	}
	for (uint32_t i = 0; i < taken; i++) {
		char name[16];

		taken_name(i, name);
		ledger_release(s->ledger, name);
	}
	*ret = taken;
	return r == PLACEMENT_NO_FIT ? 0 : r;
}

/* From near to far. */
static const enum align_level levels[] = { ALIGN_SWITCH, ALIGN_NODE, ALIGN_PACKAGE, ALIGN_NONE };
enum { LEVELS = ARRAY_SIZE(levels) };

/* Whether a bundle of the offer can be aligned so: not wider than the offer, and where there are no
 * two devices there is nothing to be behind one switch. */
static bool level_means_something(const struct search *s, size_t i)
{
	bool wider = false;

	for (size_t k = 0; k < i; k++)
		wider |= levels[k] == s->offer->level;
	return !wider && (levels[i] != ALIGN_SWITCH || s->bundle.gpus + s->bundle.nics > 1);
}

/* Of the nearest level at which it can be had at all. */
static int find_level(struct search *s, uint32_t *ret_times)
{
	int r = 0;

	*ret_times = 0;
	for (size_t i = 0; r == 0 && *ret_times == 0 && i < LEVELS; i++) {
		s->bundle.level = levels[i];
		if (level_means_something(s, i))
			r = count_times(s, BUNDLE_TIMES_MAX, ret_times);
	}
	return r;
}

/* --- how large --- */

struct grown { /* what of the bundle is to grow: unit * (least .. most) */
	void (*set)(struct bundle *b, uint64_t value);
	uint64_t unit, least, most; /* the least is known to do */
};

static void set_cores(struct bundle *b, uint64_t value)
{
	b->cores = (uint32_t)value;
}

static void set_memory(struct bundle *b, uint64_t value)
{
	b->memory_bytes = value;
}

static int grow(struct search *s, struct grown g, uint32_t times)
{
	uint64_t tried = g.most;
	uint32_t had;
	int r = 0;

	while (r == 0 && g.least < g.most) {
		g.set(&s->bundle, tried * g.unit);
		r = count_times(s, times, &had);
		if (had == times)
			g.least = tried;
		else
			g.most = tried - 1;
		tried = g.least + (g.most - g.least + 1) / 2;
	}
	g.set(&s->bundle, g.least * g.unit);
	return r;
}

static int grow_cores(struct search *s, uint32_t times)
{
	uint64_t most = s->offer->cores / times;

	return grow(s,
		    (struct grown){ set_cores, 1, s->bundle.cores,
				    most < REQUEST_CORES_MAX ? most : REQUEST_CORES_MAX },
		    times);
}

static int grow_memory(struct search *s, uint32_t times)
{
	uint64_t most = s->offer->memory_bytes / times, unit = MEMORY_LEAST;

	most = most < MEMORY_MOST ? most : MEMORY_MOST;
	while (most / unit > BUNDLE_MEMORY_PARTS_MAX)
		unit *= 2;
	return grow(s, (struct grown){ set_memory, unit, 0, most / unit }, times);
}

static int copy_bundle(const struct bundle *b, struct bundle *ret)
{
	struct bundle copy = *b;

	copy.model = b->model ? strdup(b->model) : NULL;
	copy.devices = calloc(b->devices_count + 1, sizeof(*copy.devices));
	copy.devices_count = 0;
	for (size_t i = 0; copy.devices && i < b->devices_count; i++) {
		copy.devices[i] = strdup(b->devices[i]);
		copy.devices_count += copy.devices[i] != NULL;
		if (!copy.devices[i])
			break;
	}
	if ((b->model && !copy.model) || !copy.devices || copy.devices_count < b->devices_count) {
		bundle_done(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static int add_bundle(struct offer *o, const struct bundle *b)
{
	struct bundle *grown;
	int r;

	if (o->bundles_count == BUNDLES_MAX)
		return SEARCH_CUT;
	grown = reallocarray(o->bundles, o->bundles_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	o->bundles = grown;
	r = copy_bundle(b, &grown[o->bundles_count]);
	o->bundles_count += r == 0;
	return r;
}

/* Makes the least one, that can be had so often, as large as it can be had as often, and adds it.
 */
static int finish(struct search *s, uint32_t times)
{
	int r = grow_cores(s, times);

	if (r == 0)
		r = grow_memory(s, times);
	if (r == 0)
		r = count_times(s, BUNDLE_TIMES_MAX, &s->bundle.times);
	return r ? r : add_bundle(s->offer, &s->bundle);
}

/* --- of which kinds --- */

/* The request's bounds follow what the bundle may be made of. */
static int begin(struct search *s)
{
	request_done(&s->request);
	return bundle_restrict(s->offer, &s->bundle, "/", false, &s->request);
}

/* As many cores as one of them can have, then as often as that goes. */
static int add_cores_alone(struct search *s)
{
	uint32_t times;
	int r;

	bundle_done(&s->bundle);
	s->bundle.cores = 1;
	r = s->offer->cores ? begin(s) : SEARCH_CUT;
	if (r)
		return r == SEARCH_CUT ? 0 : r;
	r = find_level(s, &times);
	if (r == 0 && times > 0)
		r = grow_cores(s, 1);
	if (r == 0 && times > 0)
		r = count_times(s, BUNDLE_TIMES_MAX, &times);
	return r || times == 0 ? r : finish(s, times);
}

static bool same_model(const struct bundle *b, const struct device *gpu)
{
	const char *model = gpu->gpu.model;

	return model && b->model ? strcmp(model, b->model) == 0 : model == b->model;
}

static int allow_device(struct bundle *b, const char *id)
{
	char **grown = reallocarray(b->devices, b->devices_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	b->devices = grown;
	grown[b->devices_count] = strdup(id);
	if (!grown[b->devices_count])
		return -ENOMEM;
	b->devices_count++;
	return 0;
}

/* The offer's GPUs of the model, which are counted, and its NICs. */
static int allow_devices(struct search *s, const struct device *leader, uint32_t *ret_gpus)
{
	struct bundle *b = &s->bundle;
	int r = 0;

	bundle_done(b);
	b->model = leader->gpu.model ? strdup(leader->gpu.model) : NULL;
	if (leader->gpu.model && !b->model)
		return -ENOMEM;
	*ret_gpus = 0;
	for (size_t i = 0; r == 0 && i < s->offer->devices_count; i++) {
		const struct device *d = inventory_find(s->view.inventory, s->offer->devices[i]);
		bool gpu = d && d->kind == DEVICE_GPU && same_model(b, d);

		*ret_gpus += gpu;
		if (gpu || (d && d->kind == DEVICE_NIC))
			r = allow_device(b, d->id);
	}
	return r ? r : begin(s);
}

struct times { /* up to each level, at most */
	uint32_t at[LEVELS];
};

/* The bundles of so many GPUs and NICs: the nearest, and wider ones of which there are more. Those
 * of which `other` has as many are not added. */
static int add_levels(struct search *s, const struct bundle *least, const struct times *other,
		      struct times *ret)
{
	uint32_t most = 0, times;
	int r = 0;

	for (size_t i = 0; r == 0 && i < LEVELS; i++) {
		s->bundle.gpus = least->gpus;
		s->bundle.nics = least->nics;
		s->bundle.cores = s->offer->cores > 0;
		s->bundle.memory_bytes = 0;
		s->bundle.level = levels[i];
		times = 0;
		if (level_means_something(s, i))
			r = count_times(s, BUNDLE_TIMES_MAX, &times);
		if (r == 0 && times > most && times > other->at[i])
			r = finish(s, times);
		most = times > most ? times : most;
		ret->at[i] = most;
	}
	return r;
}

/* A group with a NIC for each GPU, or with one; and without, where there are more of those. */
static int add_group(struct search *s, uint32_t gpus, uint32_t *ret_times)
{
	const struct bundle wishes[] = { { .gpus = gpus, .nics = gpus },
					 { .gpus = gpus, .nics = 1 } };
	struct times none = { 0 }, with = { 0 }, without = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wishes); i++)
		if (wishes[i].nics <= s->offer->resources.nics && with.at[LEVELS - 1] == 0)
			r = add_levels(s, &wishes[i], &none, &with);
	if (r == 0)
		r = add_levels(s, &(const struct bundle){ .gpus = gpus }, &with, &without);
	*ret_times = without.at[LEVELS - 1];
	return r;
}

static int add_model(struct search *s, const struct device *leader)
{
	uint32_t all, times = 1;
	int r = allow_devices(s, leader, &all);

	for (uint32_t gpus = 1; r == 0 && times > 0 && gpus <= all; gpus *= 2)
		r = add_group(s, gpus, &times);
	if (r == 0 && times > 0 && (all & (all - 1)))
		r = add_group(s, all, &times);
	return r;
}

/* Whether an earlier GPU of the offer is of the model. */
static bool seen_before(const struct search *s, size_t index, const struct device *gpu)
{
	for (size_t i = 0; i < index; i++) {
		const struct device *d = inventory_find(s->view.inventory, s->offer->devices[i]);
		const struct bundle like = { .model = d ? d->gpu.model : NULL };

		if (d && d->kind == DEVICE_GPU && same_model(&like, gpu))
			return true;
	}
	return false;
}

static int add_models(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->offer->devices_count; i++) {
		const struct device *d = inventory_find(s->view.inventory, s->offer->devices[i]);

		if (d && d->kind == DEVICE_GPU && !seen_before(s, i, d))
			r = add_model(s, d);
	}
	return r;
}

int bundles_make(const struct view *v, struct offers *all)
{
	_cleanup_(search_done) struct search s = { .view = *v, .decisions = BUNDLE_DECISIONS_MAX };
	int r = ledger_copy(&s.ledger, v->ledger);

	s.view.ledger = s.ledger;
	/* the whole machine first: it says most */
	for (size_t i = all->count; r == 0 && i-- > 0;) {
		s.offer = &all->items[i];
		r = add_cores_alone(&s);
		if (r == 0)
			r = add_models(&s);
	}
	all->bundles_cut = r == SEARCH_CUT;
	return r < 0 ? r : 0;
}

int bundles_copy(struct offers *into, const struct offers *from)
{
	int r = 0;

	into->bundles_cut = from->bundles_cut;
	for (size_t i = 0; i < into->count && i < from->count; i++)
		for (size_t k = 0; r == 0 && k < from->items[i].bundles_count; k++)
			r = add_bundle(&into->items[i], &from->items[i].bundles[k]);
	return r;
}

/* --- whether they are still the same --- */

/* FNV-1a of 64 bits, eight bytes at a time (draft-eastlake-fnv). */
static void digest(uint64_t *hash, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		*hash = (*hash ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ULL;
}

uint64_t bundles_stamp(const struct view *v)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC };
	uint64_t hash = 0xcbf29ce484222325ULL;

	digest(&hash, v->inventory->generation);
	digest(&hash, (uint64_t)view_shared_free(v));
	inventory_each (core, v->inventory, DEVICE_CORE)
		digest(&hash, view_core_free(v, core));
	inventory_each (node, v->inventory, DEVICE_NODE)
		digest(&hash, view_memory_free(v, node));
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		inventory_each (d, v->inventory, kinds[k])
			digest(&hash, view_device_free(v, d));
	return hash;
}
