/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a slice holds on the host: a table, one row a thing. Taken in the order of the table, once
 * reeve-init stands in its cgroup and before any task runs; given back in reverse, before the
 * cgroup goes; and after that asked what is not back yet. */

#include "leak.h"
#include "slice.h"

struct hold {
	const char *name;
	/* Sets what the slice's allocation and request ask for, reads it back, and appends one row
	 * a limit. Called again when the agent has restarted, the slice was resized or the shared
	 * pool has changed: idempotent. What the kernel refuses is a row of MECHANISM_NONE with its
	 * reason, not a failure. Negative errno with a sentence: the slice is not made, and what
	 * was taken so far is given back. */
	int (*take)(struct slice *s, struct enforcements *rows, struct fail *f);
	/* Undoes it; also where nothing was taken, or half of it: idempotent. NULL: it goes with
	 * the cgroup. */
	void (*give)(struct slice *s);
	/* What is not back yet, into the leaks. -ENOMEM. NULL: nothing can be left. */
	int (*left)(struct slice *s, struct leaks *ret);
};

extern const struct hold *const holds[]; /* NULL-terminated */

extern const struct hold hold_parts, hold_limits, hold_part_cpus, hold_partition, hold_quiet,
	hold_affinity, hold_policy, hold_hugepages, hold_resctrl, hold_devices, hold_cdi,
	hold_network, hold_pressure;

/* All rows of the table; rows and leaks are the caller's. */
int hold_take_all(struct slice *s, struct enforcements *rows, struct fail *f);
void hold_give_all(struct slice *s);
/* What the slice's cgroup limits and is not asked for any more, before the rest is taken anew:
 * -EBUSY, code "resize-refused". */
int hold_reset_limits(struct slice *s, struct fail *f);
int hold_left_all(struct slice *s, struct leaks *ret);
