/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who holds what: one allocation a slice, all of them in the ledger. The ledger is the only place
 * where a CPU, a page or a device could be handed out twice, so it asserts that none is. */

#include "model/cache.h"
#include "model/device.h"
#include "util/cpuset.h"

struct allocation_memory {
	uint32_t node;
	uint64_t bytes;
};

struct allocation_hugepages {
	uint32_t node;
	uint64_t size_bytes, count;
};

struct allocation {
	char *slice;
	struct cpuset *cpus;	   /* exclusive; empty when the slice has shared CPUs only */
	struct cpuset *cores;	   /* numbers of the cores that these are */
	uint32_t shared_millicpus; /* of the pool that no one holds exclusively */
	struct cpuset *nodes;	   /* NUMA nodes it may use memory of; empty: all */
	struct allocation_memory *memory;
	size_t memory_count;
	struct allocation_hugepages *hugepages;
	size_t hugepages_count;
	char **devices; /* ids */
	size_t devices_count;
	struct cache_shares cache; /* ways and bandwidth of one class; none: no class */
	uint32_t cost;		   /* of the placement; lower is nearer */
	char *why;		   /* a sentence: why here */
};

int allocation_new(struct allocation **ret);
struct allocation *allocation_free(struct allocation *a);
static inline void allocation_freep(struct allocation **a)
{
	allocation_free(*a);
}
/* These say -ENOMEM, and -ERANGE for a node above CPUSET_MAX. */
int allocation_add_memory(struct allocation *a, uint32_t node, uint64_t bytes);
int allocation_add_hugepages(struct allocation *a, uint32_t node, uint64_t size_bytes,
			     uint64_t count);
int allocation_add_device(struct allocation *a, const char *id);
uint64_t allocation_memory_total(const struct allocation *a);
uint64_t allocation_memory_on(const struct allocation_memory *items, size_t count, uint32_t node);
uint64_t allocation_hugepages(const struct allocation *a, uint32_t node, uint64_t size_bytes);
uint64_t allocation_hugepages_total(const struct allocation *a, uint64_t size_bytes); /* pages */
bool allocation_has_device(const struct allocation *a, const char *id);
/* All but the slice's name. */
int allocation_copy(struct allocation **ret, const struct allocation *a);
/* What `a` has above `b`; no nodes of its own and no place. */
int allocation_less(struct allocation **ret, const struct allocation *a,
		    const struct allocation *b);
bool allocation_empty(const struct allocation *a);
/* What is in either: of each number the larger one. For the time in which a slice that is resized
 * holds what it had and what it gets. Its place is b's. */
int allocation_join(struct allocation **ret, const struct allocation *a,
		    const struct allocation *b);

struct ledger;

int ledger_new(struct ledger **ret);
struct ledger *ledger_free(struct ledger *l); /* drops the allocations with it */
static inline void ledger_freep(struct ledger **l)
{
	ledger_free(*l);
}
/* To try things on. -ENOMEM. */
int ledger_copy(struct ledger **ret, const struct ledger *l);

/* Takes *a over (a->slice must be set and new) and sets it NULL. Asserts that no exclusive CPU and
 * no device in it is held already. -ENOMEM. */
int ledger_take(struct ledger *l, struct allocation **a);
/* Puts *a in the place of what its slice holds (which is freed), in one step: nothing of either is
 * free in between. Takes *a over and sets it NULL. Asserts like ledger_take. -ENOMEM: as before. */
int ledger_replace(struct ledger *l, struct allocation **a);
void ledger_release(struct ledger *l, const char *slice); /* absent is fine */
const struct allocation *ledger_find(const struct ledger *l, const char *slice);
const struct allocation *ledger_next(const struct ledger *l, size_t *cursor);
size_t ledger_count(const struct ledger *l);

const struct cpuset *ledger_cpus(const struct ledger *l); /* all exclusive CPUs; the ledger's own */
const char *ledger_cpu_holder(const struct ledger *l, unsigned cpu);	  /* slice or NULL */
const char *ledger_device_holder(const struct ledger *l, const char *id); /* slice or NULL */
uint64_t ledger_memory(const struct ledger *l, uint32_t node);		  /* bytes held */
uint64_t ledger_hugepages(const struct ledger *l, uint32_t node, uint64_t size_bytes); /* pages */
uint64_t ledger_shared_millicpus(const struct ledger *l);
