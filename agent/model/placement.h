/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inventory + allocations + request -> allocation, or the reason why not. Pure and deterministic:
 * the same view and request give the same answer. It looks for the tightest region that fits (one
 * PCI switch where that is asked for, one NUMA node, one package, the machine) and in it for the
 * best place by score.h; search.h says how far that is exact. */

#include "model/free.h"
#include "model/request.h"
#include "util/fail.h"

enum placement_answer {
	PLACEMENT_FITS = 0,
	PLACEMENT_NO_FIT =
		1, /* why->code: cores-short, memory-short, hugepages-short,
		    * shared-short, apart-short, devices-short, cache-short,
		    * isolation-unavailable, nothing-asked; why->text says what there is instead */
};

/* One region that was looked at, for `explain`. */
struct placement_considered {
	enum align_level level;
	const char *label; /* "node 1", "package 0", "the machine" */
	bool fits;
	uint32_t cost;	 /* when it fits: see allocation.cost */
	const char *why; /* a sentence */
};
typedef void (*placement_observer)(const struct placement_considered *considered, void *userdata);

/* PLACEMENT_FITS with *ret (its slice unset; the caller frees), PLACEMENT_NO_FIT with why, or
 * -ENOMEM. The cost is the largest SLIT distance between the nodes used (10: one node), plus
 * PLACEMENT_COST_UNKNOWN for each device whose place the machine does not tell. observer may be
 * NULL. */
int placement_decide(const struct view *v, const struct request *request, struct allocation **ret,
		     struct fail *why, placement_observer observer, void *userdata);

enum { PLACEMENT_COST_LOCAL = 10, PLACEMENT_COST_UNKNOWN = 5 };
