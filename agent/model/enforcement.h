/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What truly enforces each limit of a slice: one row a limit, as read back from the kernel. */

#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>

enum mechanism {
	MECHANISM_NONE,	     /* nothing holds it; the reason says why */
	MECHANISM_AFFINITY,  /* sched_setaffinity(2): the task itself could undo it */
	MECHANISM_POLICY,    /* set_mempolicy(2): likewise */
	MECHANISM_CGROUP,    /* a limit of the task's cgroup */
	MECHANISM_CPUSET,    /* cpuset controller: it is kept in, others are not kept out */
	MECHANISM_PARTITION, /* cpuset partition: others are kept out as well */
	MECHANISM_HOST,	     /* a setting of the whole host, made for slices and put back */
	MECHANISM_POOL,	     /* set aside in a pool of the kernel */
	MECHANISM_RESCTRL,   /* a class of the cache and memory controllers */
};
STRTAB_DECLARE(mechanism, enum mechanism);

struct enforcement {
	const char *resource; /* "cpu" "memory" "devices" ...: see reeve-api(7), SLICE */
	const char *limit;    /* "cpus", "memory_max" */
	enum mechanism mechanism;
	const char *file; /* or the system call */
	const char *wanted, *actual;
	const char *reason; /* why it is not what was wanted; NULL when it is */
};

struct enforcements {
	struct enforcement *items;
	size_t count;
};

/* Copies the strings (NULLs allowed but for resource and limit). */
int enforcements_add(struct enforcements *e, const struct enforcement *row);
/* The first row of a limit, NULL without one. */
const struct enforcement *enforcements_find(const struct enforcements *e, const char *limit);
void enforcements_done(struct enforcements *e);
