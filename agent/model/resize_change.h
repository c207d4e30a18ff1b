/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a caller wants to be different about the size of a slice. Plain data; its strings and sets
 * are owned here. */

#include "model/request.h"

#define RESIZE_SAME UINT64_MAX /* stays as it is */

struct resize_change {
	uint64_t cores, shared_millicpus, memory_bytes, processes_max;
	uint64_t devices[DEVICE_KINDS]; /* how many of each class: GPU, NIC, DISK only */
	struct request_hugepages hugepages[REQUEST_HUGEPAGES_MAX]; /* sizes not named stay */
	size_t hugepages_count;
	struct cpuset *keep_cpus; /* NULL none */
	char **keep_devices;
	size_t keep_devices_count;
	char *limits;	     /* {"limits": a JSON merge patch}, checked; NULL: they stay */
	uint64_t grace_usec; /* between the announcement and the taking away */
};

void resize_change_init(struct resize_change *c); /* nothing changes */
void resize_change_done(struct resize_change *c);

/* The amounts of a request: what a resize changes. */
struct amounts {
	uint32_t cores, shared_millicpus;
	uint64_t memory_bytes, processes_max;
	uint32_t devices[DEVICE_KINDS];
	struct request_hugepages hugepages[REQUEST_HUGEPAGES_MAX];
	size_t hugepages_count;
};
struct amounts amounts_of(const struct request *r);
bool amounts_equal(const struct amounts *a, const struct amounts *b);
void amounts_put(struct request *r, const struct amounts *a); /* all else stays */
/* -E2BIG: more page sizes than a request may have. */
int amounts_change(struct amounts *a, const struct resize_change *c);
