/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A task's own cgroup (v2): the directory named by the task below the slice's, whose descriptor is
 * `slice`, or below one of the slice's parts ("@shared/name"). A task is its processes: all of them
 * sit in the leaf, and the leaf goes when they are gone. Nothing is remembered here; the kernel is
 * asked every time. Files: Documentation/admin-guide/cgroup-v2.rst; cgroup.kill since Linux 5.14,
 * memory.peak 5.19.
 */

#include <stdbool.h>
#include <stdint.h>

struct leaf_facts { /* only ever raised, so that several runs add up */
	bool has_oom, has_peak;
	uint32_t oom_killed;
	uint64_t peak_bytes;
};

bool leaf_is_directory(int fd);
/* An empty one of that name that somebody left is replaced; -EBUSY when it holds processes. */
int leaf_make(int slice, const char *name);
/* Whether the kernel's OOM killer takes all processes of it at once. Without a memory controller
 * there is nothing to be said: 0. */
int leaf_kill_together(int slice, const char *name, bool together);
int leaf_open(int slice, const char *name); /* a descriptor for CLONE_INTO_CGROUP */
int leaf_join(int slice, const char *name); /* moves the calling process */
/* To every process in it and below; -ESRCH when there was none. */
int leaf_signal(int slice, const char *name, int signal);
void leaf_kill(int slice, const char *name);
int leaf_watch(int slice, const char *name); /* a descriptor: POLLPRI when the leaf empties */
void leaf_watch_read(int fd);		     /* arms it again */
/* Adds what memory.events and memory.peak say; without a memory controller: nothing. */
void leaf_read_facts(int slice, const char *name, struct leaf_facts *facts);
/* Takes the facts, then the directory with all below it; -EBUSY while processes are in it. */
int leaf_remove(int slice, const char *name, struct leaf_facts *facts);

/* To every pid in a list the kernel wrote (cgroup.procs, /proc/.../children); how many there were.
 */
int signal_pids(int fd, int signal);
