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
};
void cg_partition_done(struct cg_partition *p);

struct cg_partition_wish {
	const char *type;	      /* "isolated": no load balancing; "root": among themselves */
	const struct cpuset *cpus;    /* its own */
	const struct cpuset *granted; /* of all partitions below the cgroups above it, these
					 included: their exclusive CPUs */
};
/* Makes the cgroup at `path` (below the root fd) a partition. What the kernel refuses is in *ret
 * and undone; fails only without memory. */
int cg_partition_make(int root, const char *path, const struct cg_partition_wish *wish,
		      struct cg_partition *ret);
/* Takes the partition back and leaves `granted` (what remains) to the cgroups above. */
int cg_partition_undo(int root, const char *path, const struct cpuset *granted);
