/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Limits of one cgroup, by one table a controller: file, unit, encoder, what reading back must
 * give. Every write is read back; what the kernel says is the result, never what was asked. */

#include "cgroups/tree.h"
#include "util/cpuset.h"

#define CG_UNSET UINT64_MAX
#define CG_MAX (UINT64_MAX - 1) /* the word "max" */

struct cg_hugepages {
	uint64_t page_bytes, limit_bytes;
};

struct cg_limits {				  /* start from CG_LIMITS_UNSET */
	const struct cpuset *cpus, *nodes;	  /* NULL unset */
	const struct cpuset *exclusive;		  /* cpuset.cpus.exclusive, since 6.7; NULL unset */
	const char *partition;			  /* "isolated", "root", NULL unset */
	uint64_t cpu_weight;			  /* 1..10000 */
	uint64_t cpu_quota_usec, cpu_period_usec; /* quota CG_MAX: none; period 1000..1000000,
						     unset keeps the kernel's */
	uint64_t memory_min_bytes, memory_low_bytes, memory_high_bytes, memory_max_bytes;
	uint64_t swap_max_bytes;
	uint64_t oom_group; /* 0 or 1 */
	uint64_t pids_max;
	const struct cg_hugepages *hugepages;
	size_t hugepages_count;
};
#define CG_LIMITS_UNSET                                     \
	((struct cg_limits){ .cpu_weight = CG_UNSET,        \
			     .cpu_quota_usec = CG_UNSET,    \
			     .cpu_period_usec = CG_UNSET,   \
			     .memory_min_bytes = CG_UNSET,  \
			     .memory_low_bytes = CG_UNSET,  \
			     .memory_high_bytes = CG_UNSET, \
			     .memory_max_bytes = CG_UNSET,  \
			     .swap_max_bytes = CG_UNSET,    \
			     .oom_group = CG_UNSET,         \
			     .pids_max = CG_UNSET })

struct cg_readback {	   /* one limit */
	const char *limit; /* "cpus", "nodes", "partition", "cpu_weight", "memory_max", ... */
	enum cg_controller controller;
	char *file;   /* "cpuset.cpus" */
	char *wanted; /* text as written */
	char *actual; /* text as read back; NULL when it could not be read */
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
