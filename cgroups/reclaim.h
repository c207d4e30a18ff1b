/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Memory that a cgroup is charged and could do without, taken back: memory.reclaim, since Linux
 * 5.19. It works on the cgroup and all below it, on every node, and may take seconds: nothing for a
 * loop. Documentation/admin-guide/cgroup-v2.rst. */

#include <stdbool.h>
#include <stdint.h>

/* Whether this kernel has it here. */
bool cg_can_reclaim(int cgroup);
/* 0: so many bytes were; -EAGAIN: fewer, as the kernel found no more; -ENOENT without it. */
int cg_reclaim(int cgroup, uint64_t bytes);
/* What it and all below it are charged: memory.current. -ENOENT without the controller. */
int cg_charged(int cgroup, uint64_t *ret);
/* Page cache among it that must be written to a disk before it can go. */
int cg_dirty(int cgroup, uint64_t *ret);
