/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The host as this process sees it: directory fds for /, /sys, /proc and the cgroup v2 root, and
 * the clock. Everything that looks at a machine takes one, so that a captured tree or a fake can
 * stand in. An fd is -1 where there is no such tree. */

#include "util/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct host {
	char *root; /* absolute path of the root, "/" on the live host */
	bool live;  /* the real machine: syscalls, netlink and libraries may be asked too */
	int root_fd, sys_fd, proc_fd;
	int cgroup_fd;	   /* root of the cgroup v2 hierarchy, -1 where none is mounted */
	char *cgroup_path; /* its path within the root ("/sys/fs/cgroup"), NULL with cgroup_fd -1 */
	uint64_t (*monotonic_usec)(const struct host *); /* CLOCK_BOOTTIME on the live host */
	uint64_t (*realtime_usec)(const struct host *);	 /* microseconds since 1970-01-01 UTC */
	void *clock_userdata;				 /* for a fake clock */
};

/* root NULL or "/": the live host. Otherwise a directory that has sys/ or proc/ in it, or whose one
 * subdirectory has. -ENOENT, -ENOTDIR with a sentence. */
int host_open(struct host **ret, const char *root, struct fail *f);
/* A host that has no trees: what is known of the machine comes from elsewhere (an XML file). */
int host_none(struct host **ret);
struct host *host_free(struct host *h);
static inline void host_freep(struct host **h)
{
	host_free(*h);
}
