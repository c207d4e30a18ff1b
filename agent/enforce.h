/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sets the limits of a slice by whatever this host has, and reads back what truly holds them. */

#include "pin.h"
#include "slice.h"

/* How reeve-init of the slice is to be pinned before it starts; the sets are borrowed from the
 * ledger or stored in *ret_pool, which the caller frees. */
int enforce_pin(const struct slice *s, struct pin *ret, struct cpuset **ret_pool);

/* The CPUs that its tasks run on: its own, and for a slice with shared CPUs those of the pool too.
 * Borrowed as above. */
int enforce_cpus(const struct slice *s, const struct cpuset **ret, struct cpuset **ret_pool);

/* cpu.weight of a slice with shared CPUs, on the kernel's scale of 1 to 10000: 100 a CPU. */
uint64_t enforce_weight(const struct allocation *a);

/* Takes all that it holds (hold.h), reads back, fills s->enforced. With isolation required:
 * -EOPNOTSUPP (code "isolation-unavailable") when something asked for is not held by the kernel
 * against others. */
int enforce_apply(struct slice *s, struct fail *f);

/* The same for a slice that has another size now: where no cpuset controller holds its tasks, each
 * of them is pinned to the new CPUs first, and limits that it has no more are reset. passing: it
 * will have this size for a moment only, in which it need not be isolated. */
int enforce_resized(struct slice *s, bool passing, struct fail *f);

/* A task has ended. When no other runs the slice gets the parts that its size calls for and that
 * tasks stood against, or loses those that it has no more. */
void enforce_task_ended(struct slice *s);

/* Takes one row of the table again, since what it stands on has changed; the rows of other
 * resources stay as they were read. */
struct hold;
int enforce_again(struct slice *s, const struct hold *hold, const char *resource);

/* Before anything is made: whether this host could isolate at all, so that a request with isolation
 * required is refused at the door. */
int enforce_possible(const struct manager *m, const struct request *r, struct fail *f);

/* Before the cgroup goes: gives back what would not go with it. */
void enforce_undo(struct slice *s);

/* The shared pool may have changed: active slices with shared CPUs follow, `but` one (NULL: none)
 * that is brought to another size right now; or one that has just become active does. */
void enforce_pool_changed(struct manager *m, const struct slice *but);
int enforce_follow_pool(struct slice *s);
