/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cpuset partitions: CPUs that the kernel's scheduler keeps everybody else off. A remote partition
 * (Linux 6.7) needs cpuset.cpus.exclusive on the whole path down from the root; see "Cpuset
 * Interface Files" in Documentation/admin-guide/cgroup-v2.rst. */

#include "util/cpuset.h"

#include <stdbool.h>

struct cg_partition {
	char *file;   /* "cpuset.cpus.partition" */
	char *actual; /* what it reads now: "isolated", "isolated invalid (...)", "member" */
	char *reason; /* why it does not hold; NULL when it does */
	bool holds;
};
void cg_partition_done(struct cg_partition *p);

/* Makes the cgroup at `path` (below the root fd) an isolated partition of `cpus`. The cgroups above
 * it get `granted` (all CPUs of such partitions, these included) as exclusive CPUs. What the kernel
 * refuses is in *ret and undone; fails only without memory. */
int cg_partition_make(int root, const char *path, const struct cpuset *granted,
		      const struct cpuset *cpus, struct cg_partition *ret);
/* Takes the partition back and leaves `granted` (what remains) to the cgroups above. */
int cg_partition_undo(int root, const char *path, const struct cpuset *granted);
/* The last step alone, and what the cgroups above have been granted in sum: also where the cgroup
 * at `path` is gone. */
int cg_partition_grant(int root, const char *path, const struct cpuset *granted);
int cg_partition_granted(int root, const char *path, struct cpuset **ret);
