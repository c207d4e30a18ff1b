/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest requests; see nearest.h. What can be counted is found by bisection: a request that
 * fits fits with less as well. */
#include "model/nearest.h"

#include "model/bounded.h"
#include "model/limits.h"
#include "model/placement.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct search {
	const struct view *view;
	const struct request *asked;
	unsigned decisions; /* left */
	int error;	    /* -ENOMEM, sticks */
};

/* --- what can be counted --- */

enum { CORES, SHARED, MEMORY, GPUS, NICS, DISKS, WAYS, WAY_BYTES, HUGEPAGES };
enum { COUNTED = HUGEPAGES + REQUEST_HUGEPAGES_MAX };

struct counted {
	const char *one, *many; /* "core"; NULL: bytes, of `suffix` */
	const char *suffix;
	uint64_t unit, least; /* the least that means anything */
};

/* Without a core, memory or share of its own a slice is another thing than one with little: 0 would
 * be "no limit". */
static const struct counted counted[COUNTED] = {
	[CORES] = { "core", "cores", "", 1, 1 },
	[SHARED] = { NULL, NULL, "shared CPUs", 100, 1 },
	[MEMORY] = { NULL, NULL, "memory", 1 << 20, 1 },
	[GPUS] = { "GPU", "GPUs", "", 1, 0 },
	[NICS] = { "NIC", "NICs", "", 1, 0 },
	[DISKS] = { "disk", "disks", "", 1, 0 },
	[WAYS] = { "way of the caches", "ways of the caches", "", 1, 0 },
	[WAY_BYTES] = { NULL, NULL, "the caches", 1 << 20, 0 },
};

static const struct counted pages = { "huge page", "huge pages", "", 1, 0 };

static const struct counted *counted_of(unsigned what)
{
	return what < HUGEPAGES ? &counted[what] : &pages;
}

static uint64_t value_of(const struct request *r, unsigned what)
{
	switch (what) {
	case CORES:
		return r->cores;
	case SHARED:
		return r->shared_millicpus;
	case MEMORY:
		return r->memory_bytes;
	case GPUS:
		return r->devices[DEVICE_GPU];
	case NICS:
		return r->devices[DEVICE_NIC];
	case DISKS:
		return r->devices[DEVICE_DISK];
	case WAYS:
		return r->cache.ways;
	case WAY_BYTES:
		return r->cache.bytes;
	}
	return what - HUGEPAGES < r->hugepages_count ? r->hugepages[what - HUGEPAGES].count : 0;
}

static void set_value(struct request *r, unsigned what, uint64_t value)
{
	switch (what) {
	case CORES:
		r->cores = (uint32_t)value;
		return;
	case SHARED:
		r->shared_millicpus = (uint32_t)value;
		return;
	case MEMORY:
		r->memory_bytes = value;
		return;
	case GPUS:
		r->devices[DEVICE_GPU] = (uint32_t)value;
		return;
	case NICS:
		r->devices[DEVICE_NIC] = (uint32_t)value;
		return;
	case DISKS:
		r->devices[DEVICE_DISK] = (uint32_t)value;
		return;
	case WAYS:
		r->cache.ways = (uint32_t)value;
		return;
	case WAY_BYTES:
		r->cache.bytes = value;
		return;
	}
	r->hugepages[what - HUGEPAGES].count = value;
}

/* --- what can be done without --- */

static bool align_to_node(struct request *r)
{
	bool applies = r->align_required && r->align == ALIGN_SWITCH;

	r->align = applies ? ALIGN_NODE : r->align;
	return applies;
}

static bool align_to_package(struct request *r)
{
	bool applies = r->align_required && (r->align == ALIGN_SWITCH || r->align == ALIGN_NODE);

	r->align = applies ? ALIGN_PACKAGE : r->align;
	return applies;
}

static bool align_to_nothing(struct request *r)
{
	bool applies = r->align_required && r->align != ALIGN_NONE;

	r->align_required = r->align_required && !applies;
	return applies;
}

static bool come_near(struct request *r)
{
	bool applies = r->apart != APART_NONE && r->apart_required;

	r->apart_required = r->apart_required && !applies;
	return applies;
}

static bool take_any_nic(struct request *r)
{
	bool applies = r->devices[DEVICE_NIC] > 0 &&
		       (r->nic.function != NIC_FUNCTION_ANY || r->nic.speed_mbps > 0);

	r->nic = applies ? (struct request_nic){ 0 } : r->nic;
	return applies;
}

static bool share_cpus(struct request *r)
{
	uint64_t sum = r->shared_millicpus + r->cores * 1000ULL;
	bool applies = r->cores > 0 && sum <= UINT32_MAX && r->cache.ways == 0 &&
		       r->cache.bytes == 0; /* which are given to CPUs of its own */

	if (!applies)
		return false;
	r->shared_millicpus = (uint32_t)sum;
	r->cores = 0;
	return true;
}

/* How much each weighs against a smaller number is a matter of taste; a wider level is less than
 * half of it all, other CPUs are more. */
enum { ANYWHERE = 2 };
static const struct relaxation {
	bool (*apply)(struct request *r); /* false: it does not apply */
	bool alignment;			  /* of these only the first that helps */
	uint32_t change_permille;
	const char *text;
} relaxations[] = {
	{ align_to_node, true, 100, "within one node, not behind one switch" },
	{ align_to_package, true, 250, "within one package, not nearer" },
	[ANYWHERE] = { align_to_nothing, true, 400, "anywhere, not nearer" },
	{ come_near, false, 300, "near other slices of its owner" },
	{ take_any_nic, false, 450, "any NICs" },
	{ share_cpus, false, 750, "CPUs shared with others, not cores of its own" },
};

/* --- trying --- */

/* The limits beside it are as they were asked for. They mind when it has too little, not when it
 * has more: so they are looked at last. */
static bool limits_allow(const struct view *v, const struct request *r, const struct allocation *a)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	struct limits_room room = { .inventory = v->inventory };

	if (r->shared_millicpus > 0 && view_shared_pool(v, &cpus) < 0)
		return false;
	if (cpus && cpuset_union(cpus, a->cpus) < 0)
		return false;
	room.cpus = cpuset_count(cpus ? cpus : a->cpus);
	return limits_fit(&r->limits, &room, NULL) == 0;
}

static int decide(struct search *s, const struct request *r, struct allocation **ret)
{
	int answer;

	if (s->decisions == 0 || s->error)
		return PLACEMENT_NO_FIT;
	s->decisions--;
	answer = placement_decide(s->view, r, ret, NULL, NULL, NULL);
	s->error = answer < 0 ? answer : 0;
	return answer;
}

static bool fits(struct search *s, const struct request *r)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;

	return decide(s, r, &a) == PLACEMENT_FITS;
}

static bool would_be_taken(struct search *s, const struct request *r)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;

	return limits_consistent(&r->limits, r->memory_bytes, NULL) == 0 &&
	       decide(s, r, &a) == PLACEMENT_FITS && limits_allow(s->view, r, a);
}

static uint64_t units_of(const struct request *r, unsigned what)
{
	return value_of(r, what) / counted_of(what)->unit;
}

/* The first number of units that is not less than it. */
static uint64_t units_above(const struct request *r, unsigned what)
{
	return units_of(r, what) + (value_of(r, what) % counted_of(what)->unit > 0);
}

/* Sets the largest value below `most` units with which the rest fits. False, and r as it was: there
 * is none. */
static bool fit_most(struct search *s, struct request *r, unsigned what, uint64_t most)
{
	const struct counted *c = counted_of(what);
	uint64_t was = value_of(r, what), least = c->least;

	set_value(r, what, least * c->unit);
	least += request_empty(r);
	set_value(r, what, least * c->unit);
	if (least >= most || !fits(s, r)) {
		set_value(r, what, was);
		return false;
	}
	while (least + 1 < most) {
		uint64_t middle = least + (most - least) / 2;

		set_value(r, what, middle * c->unit);
		if (fits(s, r))
			least = middle;
		else
			most = middle;
	}
	set_value(r, what, least * c->unit);
	return true;
}

/* --- saying it --- */

static void add_text(char text[NEAREST_TEXT_ROOM], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void add_text(char text[NEAREST_TEXT_ROOM], const char *format, ...)
{
	size_t used = strlen(text);
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text + used, NEAREST_TEXT_ROOM - used, format, list); /* cut at the end */
	va_end(list);
}

static void add_bytes(char text[NEAREST_TEXT_ROOM], uint64_t bytes)
{
	if (bytes >> 30 && bytes % (1 << 30) == 0)
		add_text(text, "%" PRIu64 " GiB", bytes >> 30);
	else if (bytes >> 30)
		add_text(text, "%" PRIu64 ".%" PRIu64 " GiB", bytes >> 30,
			 (bytes % (1 << 30)) * 10 >> 30);
	else
		add_text(text, "%" PRIu64 " MiB", bytes >> 20);
}

static void add_less(char text[NEAREST_TEXT_ROOM], unsigned what, uint64_t from, uint64_t to)
{
	const struct counted *c = counted_of(what);

	add_text(text, "%s", *text ? ", " : "");
	if (what == SHARED) {
		add_text(text, "%g %s instead of %g", (double)to / 1000, c->suffix,
			 (double)from / 1000);
	} else if (!c->one) {
		add_bytes(text, to);
		add_text(text, " of %s instead of ", c->suffix);
		add_bytes(text, from);
	} else {
		add_text(text, "%" PRIu64 " %s instead of %" PRIu64, to, to == 1 ? c->one : c->many,
			 from);
	}
}

/* All that is smaller, and how much. */
static void say_less(const struct request *asked, struct nearest_item *item)
{
	for (unsigned what = 0; what < COUNTED; what++) {
		uint64_t from = value_of(asked, what), to = value_of(&item->request, what);

		if (to >= from)
			continue;
		add_less(item->text, what, from, to);
		item->change_permille += (uint32_t)((double)(from - to) / (double)from * 1000);
	}
}

static bool add_item(struct search *s, const struct nearest_item *item, struct nearest *ret)
{
	size_t i = ret->count;

	if (ret->count == NEAREST_MAX || !would_be_taken(s, &item->request))
		return false;
	for (; i > 0 && ret->items[i - 1].change_permille > item->change_permille; i--)
		ret->items[i] = ret->items[i - 1];
	ret->items[i] = *item;
	ret->count++;
	return true;
}

/* --- one thing --- */

static void try_less(struct search *s, unsigned what, struct nearest *ret)
{
	struct nearest_item item = { .request = *s->asked };

	if (value_of(s->asked, what) == 0 ||
	    !fit_most(s, &item.request, what, units_above(s->asked, what)))
		return;
	say_less(s->asked, &item);
	(void)add_item(s, &item, ret); /* or its limits forbid it */
}

static bool try_without(struct search *s, const struct relaxation *x, struct nearest *ret)
{
	struct nearest_item item = { .request = *s->asked, .change_permille = x->change_permille };

	if (!x->apply(&item.request))
		return false;
	add_text(item.text, "%s", x->text);
	return add_item(s, &item, ret);
}

/* --- several together --- */

/* What it asks for, but no more of each thing than could be had of it alone. False: of one that
 * means nothing below its least, there is nothing. */
static bool clip(struct search *s, const struct request *base, struct request *ret)
{
	*ret = *base;
	for (unsigned what = 0; what < COUNTED; what++) {
		struct request alone = *base;

		if (value_of(base, what) == 0)
			continue;
		for (unsigned other = 0; other < COUNTED; other++)
			if (other != what && value_of(base, other) > 0)
				set_value(&alone, other, 0);
		if (fits(s, &alone))
			continue;
		if (!fit_most(s, &alone, what, units_above(base, what)))
			set_value(&alone, what, 0);
		if (value_of(&alone, what) == 0 && counted_of(what)->least > 0)
			return false;
		set_value(ret, what, value_of(&alone, what));
	}
	return true;
}

static void scale(const struct request *clipped, unsigned parts, unsigned of, struct request *ret)
{
	*ret = *clipped;
	for (unsigned what = 0; what < COUNTED; what++) {
		const struct counted *c = counted_of(what);
		uint64_t units = units_of(clipped, what), less = units / of * parts;

		less += units % of * parts / of;
		if (value_of(clipped, what) > 0)
			set_value(ret, what, (less < c->least ? c->least : less) * c->unit);
	}
}

/* To as much as there is, or as it is. */
static void raise(struct search *s, struct request *r, unsigned what, const struct request *most)
{
	uint64_t was = value_of(r, what);

	set_value(r, what, value_of(most, what));
	if (fits(s, r))
		return;
	set_value(r, what, was);
	(void)fit_most(s, r, what, units_above(most, what)); /* or as it was */
}

/* The largest common part of it that fits, and then of each thing in turn as much as can be had. */
static bool shrink(struct search *s, const struct request *clipped, struct request *ret)
{
	enum { PARTS = 64 };
	unsigned least = 0, most = PARTS;

	if (fits(s, clipped)) {
		*ret = *clipped;
		return true;
	}
	while (least + 1 < most) {
		unsigned middle = (least + most) / 2;

		scale(clipped, middle, PARTS, ret);
		if (fits(s, ret))
			least = middle;
		else
			most = middle;
	}
	scale(clipped, least, PARTS, ret);
	if (!fits(s, ret))
		return false;
	for (unsigned what = 0; what < COUNTED; what++)
		if (value_of(clipped, what) > value_of(ret, what))
			raise(s, ret, what, clipped);
	return true;
}

static void try_together(struct search *s, struct nearest *ret)
{
	struct nearest_item item = { 0 };
	struct request base = *s->asked, clipped;

	for (int relaxed = 0; relaxed < 2 && ret->count == 0; relaxed++) {
		if (relaxed && !align_to_nothing(&base))
			return;
		if (!clip(s, &base, &clipped) || !shrink(s, &clipped, &item.request))
			continue;
		item.change_permille = relaxed ? relaxations[ANYWHERE].change_permille : 0;
		add_text(item.text, "%s", relaxed ? relaxations[ANYWHERE].text : "");
		say_less(s->asked, &item);
		(void)add_item(s, &item, ret); /* or its limits forbid it */
	}
}

int nearest_find(const struct view *v, const struct request *request, struct nearest *ret)
{
	struct search s = { .view = v, .asked = request, .decisions = NEAREST_DECISIONS_MAX };

	bool aligned = false;

	ret->count = 0;
	if (request_empty(request))
		return 0;
	for (unsigned what = 0; what < COUNTED; what++)
		try_less(&s, what, ret);
	for (size_t i = 0; i < ARRAY_SIZE(relaxations); i++)
		if (!relaxations[i].alignment || !aligned)
			aligned |=
				try_without(&s, &relaxations[i], ret) && relaxations[i].alignment;
	if (ret->count == 0)
		try_together(&s, ret);
	return s.error;
}
