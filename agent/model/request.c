/* SPDX-License-Identifier: Apache-2.0 */
/* Requests; see request.h. Their decoding from JSON is the API's. */
#include "model/request.h"

#include "model/bounded.h"

#include <stdlib.h>

STRTAB_DEFINE(align_level, enum align_level, [ALIGN_NODE] = "node", [ALIGN_PACKAGE] = "package",
	      [ALIGN_NONE] = "none", [ALIGN_SWITCH] = "switch");
STRTAB_DEFINE(strategy, enum strategy, [STRATEGY_LEAVE_LARGEST_HOLE] = "leave-largest-hole",
	      [STRATEGY_PACK] = "pack", [STRATEGY_SPREAD] = "spread");
STRTAB_DEFINE(
	apart,
	enum apart, [APART_NONE] = "none", [APART_NODE] = "node", [APART_PACKAGE] = "package");
STRTAB_DEFINE(
	isolation,
	enum isolation, [ISOLATION_BEST_EFFORT] = "best-effort", [ISOLATION_REQUIRED] = "required");
STRTAB_DEFINE(interrupts,
	      enum interrupts, [INTERRUPTS_AWAY] = "away", [INTERRUPTS_SLICE] = "slice");
STRTAB_DEFINE(nic_function, enum nic_function, [NIC_FUNCTION_ANY] = "any",
	      [NIC_FUNCTION_WHOLE] = "whole", [NIC_FUNCTION_VIRTUAL] = "virtual");
STRTAB_DEFINE(partition,
	      enum partition, [PARTITION_ISOLATED] = "isolated", [PARTITION_ROOT] = "root");

void request_init(struct request *r)
{
	*r = (struct request){ 0 };
}

void request_done(struct request *r)
{
	for (size_t i = 0; i < r->labels_count; i++) {
		free(r->labels[i].key);
		free(r->labels[i].value);
	}
	for (size_t i = 0; i < r->within_devices_count; i++)
		free(r->within_devices[i]);
	limits_done(&r->limits);
	free(r->labels);
	free(r->within_devices);
	free(r->name);
	free(r->owner);
	free(r->role);
	free(r->offer);
	cpuset_free(r->within_cpus);
	cpuset_free(r->within_nodes);
	cpuset_free(r->apart_nodes);
	*r = (struct request){ 0 };
}

bool request_empty(const struct request *r)
{
	if (r->cores || r->shared_millicpus || r->memory_bytes)
		return false;
	for (size_t i = 0; i < r->hugepages_count; i++)
		if (r->hugepages[i].count)
			return false;
	for (int kind = 0; kind < DEVICE_KINDS; kind++)
		if (r->devices[kind])
			return false;
	return true;
}

uint64_t request_hugepages(const struct request *r, uint64_t size_bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->hugepages_count; i++)
		if (r->hugepages[i].size_bytes == size_bytes)
			sum = add_bounded(sum, r->hugepages[i].count);
	return sum;
}
