/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cpuset partitions: CPUs that the kernel's scheduler keeps everybody else off. A remote partition
 * (Linux 6.7) needs cpuset.cpus.exclusive on the whole path down from the root; see "Cpuset
 * Interface Files" in Documentation/admin-guide/cgroup-v2.rst. */

#include "util/cpuset.h"

#include <stdbool.h>

struct cg_partition {
	char *file;   /* "cpuset.cpus.partition" */
	char *actual; /* what it reads now: "isolated", "root invalid (...)", "member" */
	char *reason; /* why it does not hold; NULL when it does */
	bool holds;
	bool stopped; /* cg_partition_move: it was none for a moment */
};
void cg_partition_done(struct cg_partition *p);

struct cg_partition_wish {
	const char *type;	      /* "isolated": no load balancing; "root": among themselves */
	const struct cpuset *cpus;    /* its own */
	const struct cpuset *granted; /* of all partitions below the cgroups above it, these
					 included: their exclusive CPUs */
	const char *top; /* the cgroup from which on only its own CPUs are granted: it or one above;
			    NULL: it */
};
/* Makes the cgroup at `path` (below the root fd) a partition. What the kernel refuses is in *ret
 * and undone; fails only without memory. */
int cg_partition_make(int root, const char *path, const struct cg_partition_wish *wish,
		      struct cg_partition *ret);
/* Takes the partition back and leaves `granted` (what remains) to the cgroups above `top`, and
 * nothing to those from there on. */
int cg_partition_undo(int root, const char *path, const char *top, const struct cpuset *granted);
/* The last step alone, and what the cgroups above have been granted in sum: also where the cgroup
 * at `path` is gone. */
int cg_partition_grant(int root, const char *path, const struct cpuset *granted);
int cg_partition_granted(int root, const char *path, struct cpuset **ret);

/* Whether the cgroup is a valid partition now: "isolated" or "root"; *ret NULL: it is none. The
 * words are static. */
int cg_partition_kind(int root, const char *path, const char **ret);
/* Gives a partition that lives other CPUs. The cgroups above it get those of before and after for
 * the time in between. Where the kernel does not take the change as it is, the cgroup is an
 * ordinary member for a moment: ret->stopped. As with cg_partition_make, what is refused is in
 * *ret; nothing is undone. */
struct cg_partition_change {
	const struct cpuset *granted_before, *granted; /* all CPUs of such partitions */
	const struct cpuset *cpus_before, *cpus;       /* its own */
	const char *top;			       /* as in the wish */
};
int cg_partition_move(int root, const char *path, const struct cg_partition_change *change,
		      struct cg_partition *ret);
