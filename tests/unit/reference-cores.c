/* SPDX-License-Identifier: Apache-2.0 */
/* The best cores on given nodes. Only four numbers of the score tell cores of the same nodes apart:
 * slow ones, and of last-level caches how many are used, how many of them were whole, how many free
 * cores they keep. These are the same for any core of the same class (node, cache, kind, what the
 * shared pool loses), so it is enough to try how many are taken of each class. Two caches that have
 * one class each, of the same size and state, can change places; so only falling counts are tried
 * along a row of such. */
#include "tests/unit/reference-best.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { FIELDS = 4 };

struct cache {
	uint32_t package, l3;
	unsigned free, classes; /* free cores; classes of them that are looked at */
	bool whole;		/* all were free */
};

struct core_class {
	size_t first; /* the first usable core of it */
	size_t cache;
	unsigned count, loss;
	bool slow;
	int like; /* the class before it that it could stand for; -1 none */
};

struct search {
	struct reference_stage *stage;
	const struct reference_cores *cores;
	struct cache caches[REFERENCE_CORES];
	struct core_class classes[REFERENCE_CORES];
	size_t caches_count, classes_count;
	unsigned taken[REFERENCE_CORES], best_taken[REFERENCE_CORES];
	uint64_t best[FIELDS];
	bool found, given_up;
};

static bool is_slow(const struct device *core)
{
	return core->core.core_kind && strcmp(core->core.core_kind, "efficiency") == 0;
}

void reference_cores_find(const struct reference_stage *s, struct reference_cores *ret)
{
	ret->count = 0;
	inventory_each (core, s->view->inventory, DEVICE_CORE) {
		size_t i = ret->count;

		if (!reference_core_usable(s->view, s->request, core))
			continue;
		assert_true(i < REFERENCE_CORES);
		ret->item[i] = core;
		ret->node[i] = REFERENCE_NODES;
		for (unsigned k = 0; k < s->nodes_count; k++)
			if (cpuset_intersects(s->nodes[k]->memory.cpus, core->core.cpus))
				ret->node[i] = k;
		ret->loss[i] = 0;
		cpuset_each (cpu, core->core.cpus)
			ret->loss[i] += cpuset_has(s->pool, (unsigned)cpu);
		ret->count++;
	}
}

bool reference_cores_fit(const struct reference_stage *s, const struct reference_cores *c,
			 unsigned home)
{
	unsigned of_loss[64] = { 0 }, left = s->request->cores;
	int64_t lost = 0;

	for (size_t i = 0; i < c->count; i++)
		if (home >> c->node[i] & 1)
			of_loss[c->loss[i] < 63 ? c->loss[i] : 63]++;
	for (unsigned loss = 0; loss < 64; loss++) {
		unsigned n = of_loss[loss] < left ? of_loss[loss] : left;

		lost += (int64_t)n * loss * 1000;
		left -= n;
	}
	return left == 0 && ((lost == 0 && s->request->shared_millicpus == 0) || lost <= s->spare);
}

static size_t cache_of(struct search *s, const struct device *core)
{
	const struct device_core *wanted = &core->core;
	struct cache *cache;
	size_t i = 0;

	while (i < s->caches_count &&
	       (s->caches[i].l3 != wanted->l3 || s->caches[i].package != wanted->package))
		i++;
	if (i < s->caches_count)
		return i;
	cache = &s->caches[s->caches_count++];
	*cache = (struct cache){ .package = wanted->package, .l3 = wanted->l3, .whole = true };
	inventory_each (other, s->stage->view->inventory, DEVICE_CORE) {
		bool is_free = view_core_free(s->stage->view, other);

		if (other->core.l3 != cache->l3 || other->core.package != cache->package)
			continue;
		cache->free += is_free;
		cache->whole = cache->whole && is_free;
	}
	return i;
}

static bool same_class(const struct search *s, const struct core_class *class, size_t core,
		       size_t cache)
{
	const struct reference_cores *c = s->cores;

	return class->cache == cache && class->loss == c->loss[core] &&
	       class->slow == is_slow(c->item[core]) && c->node[class->first] == c->node[core];
}

static void classify(struct search *s, size_t core)
{
	size_t cache = cache_of(s, s->cores->item[core]), i = 0;

	while (i < s->classes_count && !same_class(s, &s->classes[i], core, cache))
		i++;
	if (i == s->classes_count) {
		s->classes[s->classes_count++] = (struct core_class){
			.first = core,
			.cache = cache,
			.loss = s->cores->loss[core],
			.slow = is_slow(s->cores->item[core]),
			.like = -1,
		};
		s->caches[cache].classes++;
	}
	s->classes[i].count++;
}

static bool can_stand_for(const struct search *s, const struct core_class *a,
			  const struct core_class *b)
{
	const struct cache *x = &s->caches[a->cache], *y = &s->caches[b->cache];

	return x != y && x->classes == 1 && y->classes == 1 && a->count == b->count &&
	       a->loss == b->loss && a->slow == b->slow && x->free == y->free &&
	       x->whole == y->whole;
}

static void look(struct search *s)
{
	uint64_t found[FIELDS] = { 0 };
	unsigned of_cache[REFERENCE_CORES] = { 0 };

	for (size_t i = 0; i < s->classes_count; i++) {
		of_cache[s->classes[i].cache] += s->taken[i];
		found[0] += s->classes[i].slow ? s->taken[i] : 0;
	}
	for (size_t i = 0; i < s->caches_count; i++) {
		if (of_cache[i] == 0)
			continue;
		found[1]++;
		found[2] += s->caches[i].whole;
		found[3] += s->caches[i].free - of_cache[i];
	}
	for (size_t i = 0; s->found && i < FIELDS; i++) {
		if (found[i] > s->best[i])
			return;
		if (found[i] < s->best[i])
			break;
		if (i == FIELDS - 1)
			return;
	}
	s->found = true;
	memcpy(s->best, found, sizeof(found));
	memcpy(s->best_taken, s->taken, sizeof(s->taken));
}

static void try_classes(struct search *s, size_t i, unsigned left, int64_t lost)
{
	const struct core_class *class = &s->classes[i];
	unsigned most;

	s->given_up = s->given_up || s->stage->steps++ > s->stage->limit;
	if (s->given_up || (lost > s->stage->spare && lost > 0))
		return;
	if (i == s->classes_count) {
		if (left == 0)
			look(s);
		return;
	}
	most = class->count < left ? class->count : left;
	if (class->like >= 0 && s->taken[class->like] < most)
		most = s->taken[class->like];
	for (unsigned n = 0; n <= most; n++) {
		s->taken[i] = most - n; /* many of few first: a good answer early */
		try_classes(s, i + 1, left - s->taken[i],
			    lost + (int64_t)s->taken[i] * class->loss * 1000);
	}
	s->taken[i] = 0;
}

static void give(const struct search *s, unsigned home, struct allocation *a)
{
	unsigned left[REFERENCE_CORES];

	memcpy(left, s->best_taken, sizeof(left));
	for (size_t core = 0; core < s->cores->count; core++) {
		const struct device_core *c = &s->cores->item[core]->core;

		for (size_t i = 0; i < s->classes_count; i++)
			if (left[i] > 0 && (home >> s->cores->node[core] & 1) &&
			    s->caches[s->classes[i].cache].l3 == c->l3 &&
			    s->caches[s->classes[i].cache].package == c->package &&
			    same_class(s, &s->classes[i], core, s->classes[i].cache)) {
				assert_int_equal(cpuset_union(a->cpus, c->cpus), 0);
				assert_int_equal(cpuset_add(a->cores, c->number), 0);
				left[i]--;
			}
	}
}

bool reference_cores_take(struct reference_stage *stage, const struct reference_cores *c,
			  unsigned home, struct allocation *a)
{
	static struct search s; /* large, and used by one test at a time */

	memset(&s, 0, sizeof(s));
	s.stage = stage;
	s.cores = c;
	for (size_t i = 0; i < c->count; i++)
		if (home >> c->node[i] & 1)
			classify(&s, i);
	for (size_t i = 0; i < s.classes_count; i++)
		for (size_t k = 0; k < i; k++)
			if (can_stand_for(&s, &s.classes[k], &s.classes[i]))
				s.classes[i].like = (int)k;
	try_classes(&s, 0, stage->request->cores, 0);
	if (s.given_up)
		return false;
	assert_true(s.found);
	give(&s, home, a);
	return true;
}
