/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Limits of one cgroup, by one table a controller: file, unit, encoder, what reading back must
 * give. Every write is read back; what the kernel says is the result, never what was asked. */

#include "cgroups/control_values.h"
#include "cgroups/tree.h"

struct cg_readback {	      /* one limit */
	const char *limit;    /* "cpus", "nodes", "partition", "cpu_weight", "memory_max", ... */
	const char *resource; /* "cpu", "memory-nodes", "memory", "swap", "processes", "io" ... */
	enum cg_controller controller;
	char *file;   /* "cpuset.cpus" */
	char *wanted; /* text as written */
	char *actual; /* text as read back, of a file of many lines ours, "" where the kernel lists
			 none; NULL when it could not be read */
	int error;    /* 0, or the negative errno of the write or the read */
	bool holds;   /* what was read back does what was wanted, whoever wrote it: the same set of
			 CPUs or nodes, and an effective one that is not empty and within it; a
			 memory limit lower by less than a page (hugetlb: a huge page); else the
			 very word. */
};
struct cg_readbacks {
	struct cg_readback *items;
	size_t count;
};
void cg_readbacks_done(struct cg_readbacks *r);

/* Files are written in the order of the members above (a partition needs its CPUs first), then all
 * are read.
 * Writes what is set and whose controller is in the mask (what the parent enabled), then reads
 * everything back. A limit without its controller appears with error -EOPNOTSUPP. A refused write
 * is an entry, not a failure; fails only without memory, or with
 * -EINVAL for a huge page of less than 1 KiB. */
int cg_apply(int cgroup, uint32_t enabled, const struct cg_limits *limits,
	     struct cg_readbacks *ret);
/* Before it, where a cgroup that lives shall have other limits: what is unset in them and is not as
 * the kernel makes it becomes so. Sets and huge pages stay. Negative errno, with the file that was
 * refused in *ret_file (static): what was reset so far stays so. */
int cg_reset(int cgroup, uint32_t enabled, const struct cg_limits *limits, const char **ret_file);
