/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cgroup v2 directories: make, remove, delegate, move. Every call takes a directory fd of a cgroup;
 * nothing here knows what a slice is. Documentation/admin-guide/cgroup-v2.rst. */

#include "util/host.h"
#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum cg_controller {
	CG_CPUSET,
	CG_CPU,
	CG_IO,
	CG_MEMORY,
	CG_HUGETLB,
	CG_PIDS,
	CG_RDMA,
	CG_MISC,
	CG_DMEM,
	CG_CONTROLLERS,
};
STRTAB_DECLARE(cg_controller, enum cg_controller);
#define CG_BIT(controller) (1u << (controller))

/* Bits of cgroup.controllers (what may be enabled below) / cgroup.subtree_control (what is).
 * Unknown controllers are skipped. */
int cg_available(int cgroup, uint32_t *ret_mask);
int cg_enabled(int cgroup, uint32_t *ret_mask);
/* Enables each of the mask for the children, one write a controller, so that one refusal does not
 * lose the others. *ret_mask is what cgroup.subtree_control says afterwards. Fails only when that
 * cannot be read. */
int cg_enable(int cgroup, uint32_t mask, uint32_t *ret_mask);

int cg_make(int parent, const char *name, int *ret_cgroup); /* an existing one is -EEXIST */
/* A path below the parent; leading slashes are skipped, so that what cg_path_of() says can be
 * opened below the root of the hierarchy. -EINVAL for one with "..". */
int cg_open(int parent, const char *path, int *ret_cgroup);
/* Names of the cgroups directly below, in the kernel's order, NULL-terminated; free with
 * fs_names_free(). At most 16384 (-E2BIG beyond). *ret_count may be NULL. */
int cg_children(int cgroup, char ***ret, size_t *ret_count);
/* Removes it and every cgroup below, deepest first. -EBUSY while a process is in one. Absent is 0.
 * -E2BIG below 32 levels or beyond 16384 cgroups. */
int cg_remove(int parent, const char *name);
int cg_attach(int cgroup, pid_t pid);
int cg_pids(int cgroup, pid_t **ret, size_t *ret_count); /* of this one, not below,
	and none from outside of our PID namespace; caller frees */
int cg_identity(int cgroup, uint64_t *ret); /* the kernel's cgroup id: its inode number */
/* The path of a process in the v2 hierarchy, "/user.slice/x" (/proc/PID/cgroup, the line "0::").
 * pid 0 is the caller. -ESRCH: no such process; -ESTALE: its cgroup was removed (a process that is
 * ending); -ENOENT: no v2 hierarchy. */
int cg_path_of(const struct host *host, pid_t pid, char **ret);
/* How cgroups are mounted on this host; layout.c */
enum cg_layout { CG_LAYOUT_UNIFIED, CG_LAYOUT_HYBRID, CG_LAYOUT_LEGACY, CG_LAYOUT_NONE };
STRTAB_DECLARE(cg_layout, enum cg_layout); /* "unified" "hybrid" "legacy" "none" */
enum cg_layout cg_layout_of(const struct host *host);

/* kill.c. None of them waits: cg_populated() tells when all are gone, cg_frozen() when all stand.
 */
int cg_kill(int cgroup); /* cgroup.kill, or SIGKILL in rounds where the kernel lacks it (< 5.14) */
int cg_signal(int cgroup, int signal); /* to every process in it and below; 0 also for none.
	-EPERM when one may not be signalled; the others were. */
int cg_freeze(int cgroup, bool frozen);
/* events.c: cgroup.events; watch the file for POLLPRI, or with inotify IN_MODIFY. */
int cg_populated(int cgroup, bool *ret);
int cg_frozen(int cgroup, bool *ret);
struct cg_memory_events { /* memory.events; counts since the cgroup was made */
	uint64_t low, high, max, oom, oom_kill, oom_group_kill;
};
int cg_memory_events(int cgroup, struct cg_memory_events *ret); /* -ENOENT without the controller */
