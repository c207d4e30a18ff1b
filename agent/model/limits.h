/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Limits that a slice may ask for beside what it holds, and whether they make sense: with each
 * other, on this machine, and for what the slice uses already. Plain data; its strings are owned
 * here. */

#include "model/inventory.h"
#include "util/fail.h"

#define LIMITS_UNSET UINT64_MAX

enum {
	LIMITS_ITEMS_MAX = 64,		 /* of each list */
	LIMITS_PERIOD_USEC = 100 * 1000, /* over which cpus_max is held (cpu.max) */
	LIMITS_CPU_MIN_MILLICPUS = 10,	 /* the kernel's least quota is 1 ms */
};

struct limits_io {  /* 0: no such limit */
	char *disk; /* id of the inventory; NULL: every disk there is */
	uint64_t read_bytes_per_second, write_bytes_per_second;
	uint64_t read_operations_per_second, write_operations_per_second;
	uint64_t weight;       /* 1..10000 */
	uint64_t latency_usec; /* aimed at */
};
struct limits_rdma {
	char *device;		   /* the kernel's name: "mlx5_0" */
	uint64_t handles, objects; /* LIMITS_UNSET none */
};
struct limits_misc {
	char *resource; /* the kernel's name: "sev" */
	uint64_t max;
};
struct limits_region {
	char *region;				  /* the kernel's: "drm/0000:03:00.0/vram0" */
	uint64_t min_bytes, low_bytes, max_bytes; /* LIMITS_UNSET none */
};

struct request_limits {
	uint32_t cpus_max_millicpus; /* 0: none */
	uint64_t burst_usec;	     /* in a period beyond cpus_max, from periods unused; 0 none */
	uint64_t memory_min_bytes, memory_low_bytes, memory_high_bytes; /* 0: none */
	bool swap_limited;
	uint64_t swap_max_bytes; /* of a limited one; 0: no swap at all */
	struct limits_io *io;
	size_t io_count;
	struct limits_rdma *rdma;
	size_t rdma_count;
	struct limits_misc *misc;
	size_t misc_count;
	struct limits_region *regions;
	size_t regions_count;
};
void limits_done(struct request_limits *l);
bool limits_empty(const struct request_limits *l);
/* cpus_max as the kernel wants it: microseconds a period. */
uint64_t limits_quota_usec(const struct request_limits *l);

/* Whether they contradict each other, or the slice's memory (0: it has no limit): -EINVAL, code
 * "limits-contradict". */
int limits_consistent(const struct request_limits *l, uint64_t memory_bytes, struct fail *f);

struct limits_room {
	const struct inventory *inventory;
	unsigned cpus;				     /* that the slice runs on */
	uint64_t memory_used_bytes, swap_used_bytes; /* by a slice that lives; else 0 */
};
/* Whether there is that much, and not more used already: -EINVAL, -EBUSY; code "limits-too-high",
 * "limits-too-low", "no-disk". */
int limits_fit(const struct request_limits *l, const struct limits_room *room, struct fail *f);
