/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the child does for a slice's room (room.h). */

#include "errand.h"
#include "page_pool.h"

#include <stdbool.h>

struct room_node {
	uint32_t number;
	uint64_t free_bytes, needed_bytes; /* before, and wanted */
};

struct room_work {
	const struct host *host; /* its clock */
	/* Giving: the cgroup is the slice's; its last processes are ended, what it is charged is
	 * reclaimed, and the loans are given back. */
	bool gives;
	/* Else the cgroup is the one above all slices; until the nodes have what is needed, it is
	 * reclaimed what was left by slices that are gone. Then the loans are got. */
	struct room_node *nodes;
	size_t nodes_count;
	struct page_account loans;
};

enum {
	ROOM_CGROUP_FD = ERRAND_KEPT_FD,
	ROOM_SYS_FD,
	ROOM_LIMIT_USEC = 25 * 1000000, /* of all of it; less than a slice may take to be made */
	ROOM_SENTENCE_BYTES = 4096,
};

/* The errand's run; argument: struct room_work. The answer is why pages could not be had, empty
 * otherwise: what came of it, the kernel tells. */
void room_errand(void *argument, int answer);
