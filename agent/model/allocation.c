/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations and the ledger; see allocation.h. Sums are recounted from the allocations when asked:
 * there are at most some hundred, and a cached sum could be wrong. */
#include "model/allocation.h"

#include "model/bounded.h"
#include "util/cleanup.h"
#include "util/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int allocation_new(struct allocation **ret)
{
	_cleanup_(allocation_freep) struct allocation *a = calloc(1, sizeof(*a));

	if (!a || cpuset_new(&a->cpus) < 0 || cpuset_new(&a->cores) < 0 ||
	    cpuset_new(&a->nodes) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(a);
	return 0;
}

struct allocation *allocation_free(struct allocation *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < a->devices_count; i++)
		free(a->devices[i]);
	free(a->devices);
	free(a->memory);
	free(a->hugepages);
	cache_shares_done(&a->cache);
	cpuset_free(a->cpus);
	cpuset_free(a->cores);
	cpuset_free(a->nodes);
	free(a->slice);
	free(a->why);
	free(a);
	return NULL;
}

int allocation_add_memory(struct allocation *a, uint32_t node, uint64_t bytes)
{
	struct allocation_memory *grown;
	int r = cpuset_add(a->nodes, node);

	if (r < 0)
		return r;
	grown = reallocarray(a->memory, a->memory_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->memory = grown;
	a->memory[a->memory_count++] = (struct allocation_memory){ .node = node, .bytes = bytes };
	return 0;
}

int allocation_add_hugepages(struct allocation *a, uint32_t node, uint64_t size_bytes,
			     uint64_t count)
{
	struct allocation_hugepages *grown;
	int r = cpuset_add(a->nodes, node);

	if (r < 0)
		return r;
	grown = reallocarray(a->hugepages, a->hugepages_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->hugepages = grown;
	a->hugepages[a->hugepages_count++] = (struct allocation_hugepages){
		.node = node, .size_bytes = size_bytes, .count = count
	};
	return 0;
}

int allocation_add_device(struct allocation *a, const char *id)
{
	char **grown = reallocarray(a->devices, a->devices_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->devices = grown;
	a->devices[a->devices_count] = strdup(id);
	if (!a->devices[a->devices_count])
		return -ENOMEM;
	a->devices_count++;
	return 0;
}

uint64_t allocation_memory_total(const struct allocation *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->memory_count; i++)
		sum = add_bounded(sum, a->memory[i].bytes);
	return sum;
}

uint64_t allocation_hugepages_total(const struct allocation *a, uint64_t size_bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->hugepages_count; i++)
		if (a->hugepages[i].size_bytes == size_bytes)
			sum = add_bounded(sum, a->hugepages[i].count);
	return sum;
}

bool allocation_has_device(const struct allocation *a, const char *id)
{
	for (size_t i = 0; i < a->devices_count; i++)
		if (strcmp(a->devices[i], id) == 0)
			return true;
	return false;
}

uint64_t allocation_memory_on(const struct allocation_memory *items, size_t count, uint32_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (items[i].node == node)
			sum = add_bounded(sum, items[i].bytes);
	return sum;
}

static uint64_t memory_on(const struct allocation *a, uint32_t node)
{
	return allocation_memory_on(a->memory, a->memory_count, node);
}

uint64_t allocation_hugepages(const struct allocation *a, uint32_t node, uint64_t size_bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->hugepages_count; i++)
		if (a->hugepages[i].node == node && a->hugepages[i].size_bytes == size_bytes)
			sum = add_bounded(sum, a->hugepages[i].count);
	return sum;
}

static int raise_memory(struct allocation *into, uint32_t node, uint64_t bytes)
{
	for (size_t i = 0; i < into->memory_count; i++)
		if (into->memory[i].node == node) {
			if (into->memory[i].bytes < bytes)
				into->memory[i].bytes = bytes;
			return 0;
		}
	return allocation_add_memory(into, node, bytes);
}

static int raise_hugepages(struct allocation *into, const struct allocation_hugepages *h)
{
	for (size_t i = 0; i < into->hugepages_count; i++)
		if (into->hugepages[i].node == h->node &&
		    into->hugepages[i].size_bytes == h->size_bytes) {
			if (into->hugepages[i].count < h->count)
				into->hugepages[i].count = h->count;
			return 0;
		}
	return allocation_add_hugepages(into, h->node, h->size_bytes, h->count);
}

/* An allocation may have several entries for one node: they count together. */
static int raise_shares(struct allocation *into, const struct allocation *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->memory_count; i++)
		r = raise_memory(into, a->memory[i].node, memory_on(a, a->memory[i].node));
	for (size_t i = 0; r == 0 && i < a->hugepages_count; i++) {
		struct allocation_hugepages h = a->hugepages[i];

		h.count = allocation_hugepages(a, h.node, h.size_bytes);
		r = raise_hugepages(into, &h);
	}
	return r;
}

/* A slice has one class of the caches, or none, whatever its size. */
static int raise_cache(struct allocation *into, const struct allocation *a)
{
	int r = 0;

	if (into->cache.count > 0)
		return 0;
	for (size_t i = 0; r == 0 && i < a->cache.count; i++)
		r = cache_shares_add(&into->cache, a->cache.items[i].domain,
				     a->cache.items[i].ways);
	into->cache.bandwidth_percent = a->cache.bandwidth_percent;
	return r;
}

/* Into what may be empty: then it is a copy. */
static int raise(struct allocation *into, const struct allocation *a)
{
	int r = cpuset_union(into->cpus, a->cpus);

	if (r == 0)
		r = cpuset_union(into->cores, a->cores);
	if (r == 0)
		r = cpuset_union(into->nodes, a->nodes);
	if (r == 0)
		r = raise_shares(into, a);
	if (r == 0)
		r = raise_cache(into, a);
	for (size_t i = 0; r == 0 && i < a->devices_count; i++)
		if (!allocation_has_device(into, a->devices[i]))
			r = allocation_add_device(into, a->devices[i]);
	if (r == 0)
		r = cache_shares_join(&into->cache, &a->cache);
	if (into->shared_millicpus < a->shared_millicpus)
		into->shared_millicpus = a->shared_millicpus;
	return r;
}

static int copy_place(struct allocation *into, const struct allocation *a)
{
	into->cost = a->cost;
	into->why = a->why ? strdup(a->why) : NULL;
	return a->why && !into->why ? -ENOMEM : 0;
}

int allocation_copy(struct allocation **ret, const struct allocation *a)
{
	return allocation_join(ret, a, a);
}

int allocation_join(struct allocation **ret, const struct allocation *a, const struct allocation *b)
{
	_cleanup_(allocation_freep) struct allocation *joined = NULL;
	int r = allocation_new(&joined);

	if (r == 0)
		r = raise(joined, a);
	if (r == 0)
		r = raise(joined, b);
	if (r == 0)
		r = copy_place(joined, b);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(joined);
	return 0;
}

/* Memory and pages of a node beyond the other's; a node counts once. */
static int add_excess(struct allocation *into, const struct allocation *a,
		      const struct allocation *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->memory_count; i++) {
		uint32_t node = a->memory[i].node;
		uint64_t more = subtract_bounded(memory_on(a, node), memory_on(b, node));

		if (more > 0 && memory_on(into, node) == 0)
			r = allocation_add_memory(into, node, more);
	}
	for (size_t i = 0; r == 0 && i < a->hugepages_count; i++) {
		const struct allocation_hugepages *h = &a->hugepages[i];
		uint64_t more = subtract_bounded(allocation_hugepages(a, h->node, h->size_bytes),
						 allocation_hugepages(b, h->node, h->size_bytes));

		if (more > 0 && allocation_hugepages(into, h->node, h->size_bytes) == 0)
			r = allocation_add_hugepages(into, h->node, h->size_bytes, more);
	}
	return r;
}

int allocation_less(struct allocation **ret, const struct allocation *a, const struct allocation *b)
{
	_cleanup_(allocation_freep) struct allocation *less = NULL;
	int r = allocation_new(&less);

	if (r == 0)
		r = cpuset_union(less->cpus, a->cpus);
	if (r == 0)
		r = cpuset_subtract(less->cpus, b->cpus);
	if (r == 0)
		r = cpuset_union(less->cores, a->cores);
	if (r == 0)
		r = cpuset_subtract(less->cores, b->cores);
	if (r == 0)
		r = add_excess(less, a, b);
	for (size_t i = 0; r == 0 && i < a->devices_count; i++)
		if (!allocation_has_device(b, a->devices[i]))
			r = allocation_add_device(less, a->devices[i]);
	if (r < 0)
		return r;
	less->shared_millicpus =
		(uint32_t)subtract_bounded(a->shared_millicpus, b->shared_millicpus);
	*ret = TAKE_PTR(less);
	return 0;
}

bool allocation_empty(const struct allocation *a)
{
	return cpuset_empty(a->cpus) && cpuset_empty(a->cores) && a->shared_millicpus == 0 &&
	       a->memory_count == 0 && a->hugepages_count == 0 && a->devices_count == 0;
}

struct ledger {
	struct map *by_slice;
	struct map *devices; /* id -> allocation */
	struct cpuset *cpus;
};

int ledger_new(struct ledger **ret)
{
	_cleanup_(ledger_freep) struct ledger *l = calloc(1, sizeof(*l));

	if (!l || map_new(&l->by_slice) < 0 || map_new(&l->devices) < 0 || cpuset_new(&l->cpus) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(l);
	return 0;
}

struct ledger *ledger_free(struct ledger *l)
{
	size_t cursor = 0;

	if (!l)
		return NULL;
	for (struct allocation *a; l->by_slice && (a = map_next(l->by_slice, &cursor, NULL));)
		allocation_free(a);
	map_free(l->by_slice);
	map_free(l->devices);
	cpuset_free(l->cpus);
	free(l);
	return NULL;
}

static void forget_devices(struct ledger *l, const struct allocation *a, size_t count)
{
	for (size_t i = 0; i < count; i++)
		map_remove(l->devices, a->devices[i]);
}

int ledger_take(struct ledger *l, struct allocation **a)
{
	struct allocation *taken = *a;
	size_t i;
	int r = 0;

	assert(taken->slice && !map_get(l->by_slice, taken->slice));
	assert(!cpuset_intersects(l->cpus, taken->cpus));
	for (i = 0; r == 0 && i < taken->devices_count; i++) {
		assert(!map_get(l->devices, taken->devices[i]));
		r = map_put(l->devices, taken->devices[i], taken);
	}
	if (r == 0)
		r = map_put(l->by_slice, taken->slice, taken);
	if (r == 0)
		r = cpuset_union(l->cpus, taken->cpus);
	if (r < 0) {
		forget_devices(l, taken, i);
		map_remove(l->by_slice, taken->slice);
		return r;
	}
	*a = NULL;
	return 0;
}

static int take_copy(struct ledger *l, const struct allocation *a)
{
	_cleanup_(allocation_freep) struct allocation *copy = NULL;
	int r = allocation_copy(&copy, a);

	if (r < 0)
		return r;
	copy->slice = strdup(a->slice);
	return copy->slice ? ledger_take(l, &copy) : -ENOMEM;
}

int ledger_copy(struct ledger **ret, const struct ledger *l)
{
	_cleanup_(ledger_freep) struct ledger *copy = NULL;
	size_t cursor = 0;
	int r = ledger_new(&copy);

	for (const struct allocation *a; r == 0 && (a = ledger_next(l, &cursor));)
		r = take_copy(copy, a);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(copy);
	return 0;
}

/* Those of `a` that `other` has not. */
static void forget_others(struct ledger *l, const struct allocation *a,
			  const struct allocation *other)
{
	for (size_t i = 0; i < a->devices_count; i++)
		if (!allocation_has_device(other, a->devices[i]))
			map_remove(l->devices, a->devices[i]);
}

/* The devices of `fresh` become those of the slice that holds `held`. */
static int claim_devices(struct ledger *l, struct allocation *held, const struct allocation *fresh)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < fresh->devices_count; i++) {
		const struct allocation *holder = map_get(l->devices, fresh->devices[i]);

		assert(!holder || holder == held);
		if (!holder)
			r = map_put(l->devices, fresh->devices[i], held);
	}
	if (r < 0)
		forget_others(l, fresh, held);
	return r;
}

/* The maps keep pointing at the same object: only what it holds is exchanged, which cannot fail. */
static void exchange(struct allocation *a, struct allocation *b)
{
	struct allocation was = *a;

	*a = *b;
	*b = was;
}

int ledger_replace(struct ledger *l, struct allocation **a)
{
	struct allocation *fresh = *a, *held = map_get(l->by_slice, fresh->slice);
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	int r;

	assert(held);
	r = cpuset_copy(&cpus, l->cpus);
	if (r == 0)
		r = cpuset_subtract(cpus, held->cpus);
	assert(r < 0 || !cpuset_intersects(cpus, fresh->cpus));
	if (r == 0)
		r = cpuset_union(cpus, fresh->cpus);
	if (r == 0)
		r = claim_devices(l, held, fresh);
	if (r < 0)
		return r;
	forget_others(l, held, fresh);
	exchange(held, fresh);
	cpuset_free(l->cpus);
	l->cpus = TAKE_PTR(cpus);
	*a = allocation_free(fresh); /* what was held before */
	return 0;
}

void ledger_release(struct ledger *l, const char *slice)
{
	struct allocation *a = map_remove(l->by_slice, slice);

	if (!a)
		return;
	forget_devices(l, a, a->devices_count);
	cpuset_each (cpu, a->cpus)
		cpuset_remove(l->cpus, (unsigned)cpu);
	allocation_free(a);
}

const struct allocation *ledger_find(const struct ledger *l, const char *slice)
{
	return map_get(l->by_slice, slice);
}

const struct allocation *ledger_next(const struct ledger *l, size_t *cursor)
{
	return map_next(l->by_slice, cursor, NULL);
}

size_t ledger_count(const struct ledger *l)
{
	return map_count(l->by_slice);
}

const struct cpuset *ledger_cpus(const struct ledger *l)
{
	return l->cpus;
}

const char *ledger_cpu_holder(const struct ledger *l, unsigned cpu)
{
	size_t cursor = 0;

	for (const struct allocation *a; (a = ledger_next(l, &cursor));)
		if (cpuset_has(a->cpus, cpu))
			return a->slice;
	return NULL;
}

const char *ledger_device_holder(const struct ledger *l, const char *id)
{
	const struct allocation *a = map_get(l->devices, id);

	return a ? a->slice : NULL;
}

uint64_t ledger_memory(const struct ledger *l, uint32_t node)
{
	size_t cursor = 0;
	uint64_t sum = 0;

	for (const struct allocation *a; (a = ledger_next(l, &cursor));)
		sum = add_bounded(sum, memory_on(a, node));
	return sum;
}

uint64_t ledger_hugepages(const struct ledger *l, uint32_t node, uint64_t size_bytes)
{
	size_t cursor = 0;
	uint64_t sum = 0;

	for (const struct allocation *a; (a = ledger_next(l, &cursor));)
		sum = add_bounded(sum, allocation_hugepages(a, node, size_bytes));
	return sum;
}

uint64_t ledger_shared_millicpus(const struct ledger *l)
{
	size_t cursor = 0;
	uint64_t sum = 0;

	for (const struct allocation *a; (a = ledger_next(l, &cursor));)
		sum += a->shared_millicpus;
	return sum;
}
