/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The values that limits may have, by controller; see control.h. Plain numbers, texts borrowed. */

#include "util/cpuset.h"

#include <stddef.h>
#include <stdint.h>

#define CG_UNSET UINT64_MAX
#define CG_MAX (UINT64_MAX - 1) /* the word "max" */

struct cg_hugepages {
	uint64_t page_bytes, limit_bytes;
};

/* Items of lists: CG_UNSET what is not to be touched, CG_MAX no limit. */
struct cg_io {
	const char *disk; /* "259:0"; "default" for the weight of all */
	uint64_t read_bytes_per_second, write_bytes_per_second;
	uint64_t read_operations_per_second, write_operations_per_second;
	uint64_t weight;       /* 1..10000 */
	uint64_t latency_usec; /* 0: none is aimed at */
};
struct cg_rdma {
	const char *device;	   /* "mlx5_0" */
	uint64_t handles, objects; /* at most INT_MAX */
};
struct cg_misc {
	const char *resource; /* "sev" */
	uint64_t max;
};
struct cg_dmem {
	const char *region; /* "drm/0000:03:00.0/vram0" */
	uint64_t min_bytes, low_bytes, max_bytes;
};

struct cg_limits {				  /* start from CG_LIMITS_UNSET */
	const struct cpuset *cpus, *nodes;	  /* NULL unset */
	const struct cpuset *exclusive;		  /* cpuset.cpus.exclusive, since 6.7; NULL unset */
	const char *partition;			  /* "isolated", "root", NULL unset */
	uint64_t cpu_weight;			  /* 1..10000 */
	uint64_t cpu_quota_usec, cpu_period_usec; /* quota CG_MAX: none; period 1000..1000000,
						     unset keeps the kernel's */
	uint64_t cpu_burst_usec;		  /* at most the quota */
	uint64_t memory_min_bytes, memory_low_bytes, memory_high_bytes, memory_max_bytes;
	uint64_t swap_max_bytes;
	uint64_t oom_group; /* 0 or 1 */
	uint64_t pids_max;
	const struct cg_hugepages *hugepages;
	size_t hugepages_count;
	const struct cg_io *io;
	size_t io_count;
	const struct cg_rdma *rdma;
	size_t rdma_count;
	const struct cg_misc *misc;
	size_t misc_count;
	const struct cg_dmem *dmem;
	size_t dmem_count;
};
#define CG_LIMITS_UNSET                                     \
	((struct cg_limits){ .cpu_weight = CG_UNSET,        \
			     .cpu_quota_usec = CG_UNSET,    \
			     .cpu_period_usec = CG_UNSET,   \
			     .cpu_burst_usec = CG_UNSET,    \
			     .memory_min_bytes = CG_UNSET,  \
			     .memory_low_bytes = CG_UNSET,  \
			     .memory_high_bytes = CG_UNSET, \
			     .memory_max_bytes = CG_UNSET,  \
			     .swap_max_bytes = CG_UNSET,    \
			     .oom_group = CG_UNSET,         \
			     .pids_max = CG_UNSET })
