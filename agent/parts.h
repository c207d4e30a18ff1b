/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two parts of a mixed slice, one with cores of its own and a share of the pool:
 *   <slice>/@exclusive/<task>   a partition of its own CPUs
 *   <slice>/@shared/<task>      the pool's
 * Limits are on the slice above both, so that they bind the sum; reeve-init is beside them. Other
 * slices have none, and their tasks are directly below them. Which it is, is asked of the kernel.
 */

#include "model/allocation.h"
#include "slice.h"
#include "wire/frame.h"

/* Whether an allocation has both kinds of CPUs. */
bool parts_wanted(const struct allocation *a);
bool parts_exist(const struct slice *s);

/* Makes the two; nothing of them is left on failure. */
int parts_make(const struct slice *s);
/* Takes them away, and the partition with them. -EBUSY: something is in them, and both are as they
 * were but for the partition. `granted`: CPUs of the partitions of other slices. */
int parts_remove(const struct slice *s, const struct cpuset *granted);
int parts_open(const struct slice *s, const char *part, int *ret);
/* Takes these CPUs from the shared part, before they become exclusive ones: the kernel lets no
 * sibling of a partition name its CPUs (cpus_excl_conflict()). Nothing without parts. */
int parts_yield(const struct slice *s, const struct cpuset *cpus);

/* The cgroup that is the partition of its exclusive CPUs: its part, or the slice's own (s->top).
 * The caller frees. */
int parts_partition(const struct slice *s, char **ret);

/* The part that a task is in, as "cpus" of its request says; FRAME_CPUS_ALL in a slice without. */
enum frame_cpus parts_of(const struct slice *s, const struct slice_task *t);
/* Its cgroup, as a path below the slice's; the caller frees. NULL without memory. */
char *parts_leaf(const struct slice *s, const struct slice_task *t);
int parts_open_leaf(const struct slice *s, const struct slice_task *t, int *ret);

/* Where a new task is to be. -EINVAL (code "cpus-not-held"), -EOPNOTSUPP ("old-init"). */
int parts_choose(const struct slice *s, enum task_cpus asked, enum frame_cpus *ret, struct fail *f);
/* The CPUs that it runs on then; borrowed or stored in *ret_pool, which the caller frees. */
int parts_cpus(const struct slice *s, enum frame_cpus part, const struct cpuset **ret,
	       struct cpuset **ret_pool);
