/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What placement is held against: answers found by trying everything, without any of its ways of
 * thinking. Slow; for tests. Pools of huge pages do not grow here, and a request names one page
 * size at most. */

#include "model/placement.h"
#include "model/score.h"

/* Whether the request can be had at all: in the machine, or, where its alignment is required, in
 * one region of that level or of a tighter one. careless: even when the cores are taken that the
 * shared pool misses most. */
bool reference_fits(const struct view *v, const struct request *q, bool careless);

/* The best score of all allocations that answer the request: PLACEMENT_FITS with *ret, or
 * PLACEMENT_NO_FIT. Memory is laid on nodes in some order, each filled before the next is touched;
 * an allocation that splits more is not one of them. */

/* Tries every set of cores, every order of nodes and every set of devices: for machines of a few.
 */
int reference_brute(const struct view *v, const struct request *q, struct placement_score *ret);

enum { REFERENCE_GIVEN_UP = 2 };
/* The same for up to 16 nodes and 16 GPUs of a machine whose tables do not contradict themselves;
 * its file says why what it leaves out cannot be better. Gives up after `limit` steps. */
int reference_best(const struct view *v, const struct request *q, uint64_t limit,
		   struct placement_score *ret);

/* Shared by them. */
bool reference_core_usable(const struct view *v, const struct request *q,
			   const struct device *core);
bool reference_device_usable(const struct view *v, const struct request *q, const struct device *d);
/* That it has what is required beside the amounts: alignment, standing apart, known places. */
bool reference_allowed(const struct view *v, const struct request *q, const struct allocation *a,
		       const struct placement_score *score);
