/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes the main process of a task, in the task's cgroup from its first instruction on, and tells
 * later how its exec went: the child may wait for a dead file server in chdir or exec, and nobody
 * may wait for it here. */

#include <sys/types.h>

#include "init/order.h"

enum { SPAWN_PENDING = 1 };

struct spawn {
	const struct order *order;
	const int *stdio; /* three descriptors > 2; -1: /dev/null */
	int netns;	  /* a network namespace; -1: ours */
	int slice;	  /* the slice's cgroup, where the leaf exists; -1: no cgroups */
};

/* *ret_report becomes readable when the program runs, or could not; the caller's. */
int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_report);
/* 0: the program runs (or the child was killed on the way); SPAWN_PENDING; or the child's negative
 * errno, with *ret_stage naming what it was doing. */
int spawn_result(int report, const char **ret_stage);
