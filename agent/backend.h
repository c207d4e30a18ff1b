/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who makes the cgroup of a slice. Three rows of one table, tried in this order:
 *   systemd   a transient slice with a delegated scope, made by PID 1
 *   cgroupfs  a subtree of our own, where PID 1 is not systemd
 *   process   no writable cgroup v2 at all: the process tree below reeve-init is all there is
 */

#include "slice.h"

#include <stdint.h>

/* error 0, or why it did not work. The slice is still there. */
typedef void (*backend_done)(struct slice *s, int error, const struct fail *why);

struct backend {
	const char *name;
	int choice; /* enum backend_choice of the configuration */
	/* Whether it works on this host; opens what it needs. A sentence why not. */
	int (*open)(struct manager *m, struct fail *f);
	void (*close)(struct manager *m);
	/* Makes what must be there before reeve-init starts: sets cgroup, cgroup_fd, leaf_fd. */
	int (*prepare)(struct slice *s, struct fail *f);
	/* Puts the started reeve-init in its place; done() may be called at once. */
	int (*admit)(struct slice *s, backend_done done, struct fail *f);
	/* Takes everything away when no process is left; done() may be called at once. done NULL:
	 * nobody waits for the answer, and the slice may be freed before it comes. */
	int (*remove)(struct slice *s, backend_done done, struct fail *f);
	/* Tells who else keeps the slice's CPUs that they are others now; NULL: nobody does. */
	void (*repin)(struct slice *s, const struct cpuset *cpus);
	/* Before the kernel has another size: makes room for limits that the slice did not have;
	 * NULL: there is. */
	void (*resizing)(struct slice *s);
	/* Tells who else keeps the slice's limits that it has another size now, after the kernel
	 * has it; NULL: nobody does. */
	void (*resized)(struct slice *s);
	/* After a restart of the agent: opens again what the slice's record names. */
	int (*adopt)(struct slice *s, struct fail *f);
	/* Ids of the slices that it finds on the host, whoever made them; free with fs_names_free.
	 * NULL: it cannot tell. */
	int (*list)(struct manager *m, char ***ret);
};

extern const struct backend *const backends[]; /* NULL-terminated */
extern const struct backend backend_systemd, backend_cgroupfs, backend_process;

/* Opens the configured one, or the first that works; -EOPNOTSUPP with every reason. */
int backend_choose(struct manager *m, const struct backend **ret, struct fail *f);
/* Controllers that the slice's own cgroup has (what its parent enabled); 0 without cgroup. */
uint32_t backend_controllers(const struct slice *s);
