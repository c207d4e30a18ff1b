/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* CPU affinity and memory policy by system call: what every host can do, with or without cgroups.
 * Both are inherited by everything that a pinned process starts. sched_setaffinity(2),
 * set_mempolicy(2). */

#include "util/cpuset.h"
#include "util/host.h"

#include <sys/types.h>

struct pin {
	const struct cpuset *cpus;  /* NULL: as they are */
	const struct cpuset *nodes; /* NULL or empty: default policy */
	bool nodes_only; /* bind: memory of other nodes is never used; else they are preferred */
};

/* Of the calling process, between fork and exec: no allocation, no lock. Negative errno of the
 * first call that failed; the other is still made. */
int pin_self(const struct pin *pin);
/* Re-pins every thread of a process; a thread that ends meanwhile is fine. */
int pin_process(const struct host *host, pid_t pid, const struct cpuset *cpus);
/* Takes the pin away: the cpuset of its cgroup decides alone, also when that grows later. Without
 * one it may run anywhere. */
int pin_release(const struct host *host, pid_t pid);

/* What the kernel says now. */
int pin_read_cpus(pid_t pid, struct cpuset **ret);
/* "bind:0", "prefer (many):0-1", "default": from /proc/PID/numa_maps. -ENOENT on a kernel without
 * NUMA. The caller frees. */
int pin_read_policy(const struct host *host, pid_t pid, char **ret);
