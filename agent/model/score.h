/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How good a placement is: numbers in falling order of weight, of each of which less is better. Two
 * allocations are compared by the first number that differs. Pure; the definition that the search
 * (search.h) is held to, so it is written to be read and not to be fast.
 *
 * Words: the nodes USED are those of the allocation's CPUs, memory, huge pages and devices of known
 * place. Its HOME is the nodes of its exclusive CPUs; without any, all used nodes. A core is free
 * as view_core_free says, a device as view_device_free says; both before the allocation. */

#include "model/free.h"
#include "model/request.h"

enum score_field {
	/* What the slice itself gets. */
	SCORE_LEVEL,	  /* of the smallest region that holds it all: enum score_level */
	SCORE_APART,	  /* used nodes that it should stay apart from */
	SCORE_COST,	  /* largest SLIT distance between used nodes (10: one node), plus 5 for
			   * each device whose place is open */
	SCORE_NODES,	  /* how many are used */
	SCORE_DISTANCES,  /* SLIT, summed over all ordered pairs of different used nodes */
	SCORE_CORE_NODES, /* nodes of its CPUs */
	SCORE_FAR_MEMORY, /* KiB of memory and huge pages outside of the home, times the SLIT
			   * distance from the nearest node of the home; 0 without CPUs */
	SCORE_LINKS,	  /* MB/s that its pairs of GPUs lack to the best link of the machine */
	SCORE_PATHS,	  /* path_weight over all pairs of its devices, and of each to the home */
	SCORE_SLOW_CORES, /* efficiency cores */
	/* What is left to those who come later. */
	SCORE_FULLNESS,	     /* of the used nodes, thousandths of cores and of memory: pack what is
			      * free, spread what is held, leave-largest-hole 0 */
	SCORE_GPUS_LEFT,     /* free GPUs that stay on used nodes */
	SCORE_L3S,	     /* last-level caches of its cores: (package, l3) */
	SCORE_NODES_BROKEN,  /* used nodes with CPUs of which nobody held anything */
	SCORE_GROUPS_BROKEN, /* groups of GPUs behind one switch (some only alone) that were wholly
			      * free, of which or behind which something is taken, and of which a
			      * GPU stays */
	SCORE_L3S_BROKEN,    /* last-level caches of which all cores were free */
	SCORE_CORES_LEFT,    /* free cores that stay on used nodes */
	SCORE_L3S_LEFT,	     /* free cores that stay on its last-level caches */
	SCORE_FIELDS,
};
STRTAB_DECLARE(score_field, enum score_field); /* "level" "apart" "cost" ... */

/* All devices behind one switch, and all on one node: only when the request asks for a switch. */
enum score_level { SCORE_AT_SWITCH, SCORE_AT_NODE, SCORE_AT_PACKAGE, SCORE_AT_MACHINE };
enum { SCORE_UNKNOWN_PLACE = 5 };

struct placement_score {
	uint64_t value[SCORE_FIELDS];
};

/* The allocation must not be in the view's ledger yet; ids that the inventory does not know count
 * nothing. -ENOMEM. */
int score_of(const struct view *v, const struct request *request, const struct allocation *a,
	     struct placement_score *ret);
/* Below 0: a is better. 0: which of them is taken does not matter; the search takes the lowest
 * numbers. */
int score_compare(const struct placement_score *a, const struct placement_score *b);
