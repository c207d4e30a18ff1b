/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is free of an inventory: less what the ledger holds, what the host reserves, what is not
 * offerable, and what health has withdrawn. One view serves placement, offers and the sums that
 * heartbeats carry, so that they cannot disagree. */

#include "model/allocation.h"
#include "model/health.h"
#include "model/inventory.h"

struct reserve {	       /* kept for the host */
	struct cpuset *cpus;   /* never handed out; NULL none */
	uint64_t memory_bytes; /* taken from the nodes of the host in order, NULL-safe */
};

/* The reserve of a machine: `cores` whole cores beginning with the one that has the lowest CPU, or
 * the cores that the listed CPUs touch. cpus NULL: none listed. */
int reserve_of(const struct inventory *inv, uint32_t cores, const struct cpuset *cpus,
	       struct cpuset **ret);

struct view {
	const struct inventory *inventory;
	const struct ledger *ledger;
	const struct reserve *reserve;
	const struct health *health; /* NULL: all well */
	bool hugepages_grow; /* memory of a node may be made huge pages when they are asked for */
};

bool view_core_free(const struct view *v, const struct device *core);
bool view_device_free(const struct view *v, const struct device *d); /* GPU, NIC, DISK */
uint64_t view_memory_free(const struct view *v, const struct device *node);
/* The same when `more` (NULL: nothing), which the ledger does not have yet, is held too. */
uint64_t view_memory_left(const struct view *v, const struct device *node,
			  const struct allocation *more);
/* Pages of the pool; view_hugepages_growth says how many could be added to it beside `more`. */
uint64_t view_hugepages_free(const struct view *v, const struct device *node, uint64_t size_bytes);
uint64_t view_hugepages_growth(const struct view *v, const struct device *node, uint64_t size_bytes,
			       const struct allocation *more);
/* The CPUs that shared slices run on: online, allowed, not held exclusively, not kept for the
 * host. */
int view_shared_pool(const struct view *v, struct cpuset **ret);
/* Thousandths of a CPU that can still be promised from the pool; negative when it is overdrawn. */
int64_t view_shared_free(const struct view *v);
/* The cores that can be had together from these CPUs (NULL: from all): free, no CPU counted twice,
 * and what is promised from the shared pool can still be kept when they are gone. */
int view_cores_free(const struct view *v, const struct cpuset *within, struct cpuset **ret_cpus,
		    uint32_t *ret_cores);

/* What of the caches all slices hold; -ENOMEM. */
int view_cache_use(const struct view *v, struct cache_use *ret);

struct resources {
	uint32_t cores, threads, gpus, nics, disks;
	uint64_t memory_bytes;
	struct {
		uint64_t size_bytes, count;
	} hugepages[8];
	size_t hugepages_count;
};
/* Free cores are those that no one holds: with those of view_used they add up, and some of them may
 * have to stay with the shared pool. */
void view_free(const struct view *v, struct resources *ret);
void view_used(const struct view *v, struct resources *ret); /* held by slices */
