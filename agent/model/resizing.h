/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The new size of a slice that lives: inventory + ledger + what it holds + what it shall hold ->
 * allocation, or the reason why not. Pure and deterministic, like placement.
 *
 * What grows keeps all it has and adds what is nearest to it. What shrinks gives up whole cores and
 * devices: those farthest from the others go first, the highest number among equals, never one that
 * was named to be kept. Memory stays on the nodes that it is on, since the memory policy of a task
 * that runs cannot be changed from outside; it is given up first where the cores have it farthest
 * and the tasks do not use it. Shares of the caches stay what they are. What one resource gives up
 * does not count for what another gets: in between a slice holds both. */

#include "model/placement.h"

struct resize_wish {
	const struct request *wanted;	/* the whole new size, not the difference; its alignment
					   counts,   what an offer restricted it to does not */
	const struct cpuset *keep_cpus; /* NULL none */
	char *const *keep_devices;
	size_t keep_devices_count;
	const struct allocation_memory *used; /* by the tasks, a node; may be none */
	size_t used_count;
};

/* PLACEMENT_FITS with *ret (its slice unset; the caller frees), PLACEMENT_NO_FIT with why (beside
 * placement's codes: keep-unknown, keep-too-much, align-lost), or -ENOMEM. `held` is what the
 * view's ledger has for the slice. */
int resize_decide(const struct view *v, const struct allocation *held,
		  const struct resize_wish *wish, struct allocation **ret, struct fail *why);

/* Inside of this pair of files: takes away from `a`, which begins as a copy of what is held, down
 * to the wish. As resize_decide. */
struct resize_pick {
	const struct view *view;
	const struct resize_wish *wish;
	struct allocation *a;
	struct fail why;
};
int resize_give_up(struct resize_pick *r);
/* How far two cores have it to each other: 0 with a last-level cache in common, else SLIT
 * distance; more when they are of two kinds. */
uint32_t resize_apart(const struct inventory *inv, const struct device *a, const struct device *b);
/* Whether this is a device of the class; one that the machine has no more is told by its name. */
bool resize_of_class(const struct inventory *inv, const char *id, enum device_kind kind);
