/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a request; see limits.h. Their decoding from JSON is the API's. */
#include "model/limits.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void limits_done(struct request_limits *l)
{
	for (size_t i = 0; i < l->io_count; i++)
		free(l->io[i].disk);
	for (size_t i = 0; i < l->rdma_count; i++)
		free(l->rdma[i].device);
	for (size_t i = 0; i < l->misc_count; i++)
		free(l->misc[i].resource);
	for (size_t i = 0; i < l->regions_count; i++)
		free(l->regions[i].region);
	free(l->io);
	free(l->rdma);
	free(l->misc);
	free(l->regions);
	*l = (struct request_limits){ 0 };
}

bool limits_empty(const struct request_limits *l)
{
	return !l->cpus_max_millicpus && !l->burst_usec && !l->memory_min_bytes &&
	       !l->memory_low_bytes && !l->memory_high_bytes && !l->swap_limited && !l->io_count &&
	       !l->rdma_count && !l->misc_count && !l->regions_count;
}

uint64_t limits_quota_usec(const struct request_limits *l)
{
	return (uint64_t)l->cpus_max_millicpus * LIMITS_PERIOD_USEC / 1000;
}

static int contradict(struct fail *f, const char *lower, const char *upper)
{
	return fail_code(f, -EINVAL, "limits-contradict", "limits: %s is above %s", lower, upper);
}

/* Each is at most the one behind it, where both are given. */
static int ascending(const struct request_limits *l, uint64_t memory_bytes, struct fail *f)
{
	const struct {
		const char *name;
		uint64_t value;
	} steps[] = {
		{ "memory_min", l->memory_min_bytes },
		{ "memory_low", l->memory_low_bytes },
		{ "memory_high", l->memory_high_bytes },
		{ "the slice's memory", memory_bytes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		for (size_t k = i + 1; k < ARRAY_SIZE(steps); k++)
			if (steps[k].value > 0 && steps[i].value > steps[k].value)
				return contradict(f, steps[i].name, steps[k].name);
	return 0;
}

static int regions_consistent(const struct request_limits *l, struct fail *f)
{
	for (size_t i = 0; i < l->regions_count; i++) {
		const struct limits_region *r = &l->regions[i];
		uint64_t min = r->min_bytes == LIMITS_UNSET ? 0 : r->min_bytes;
		uint64_t low = r->low_bytes == LIMITS_UNSET ? 0 : r->low_bytes;

		if (r->low_bytes != LIMITS_UNSET && min > low)
			return contradict(f, "device_memory min", "its low");
		if (min > r->max_bytes || low > r->max_bytes)
			return contradict(f, "what device_memory protects", "its max");
	}
	return 0;
}

int limits_consistent(const struct request_limits *l, uint64_t memory_bytes, struct fail *f)
{
	int r = ascending(l, memory_bytes, f);

	if (r < 0)
		return r;
	if (l->burst_usec > 0 && l->cpus_max_millicpus == 0)
		return fail_code(f, -EINVAL, "limits-contradict",
				 "limits: burst means nothing without cpus_max");
	/* tg_set_cfs_bandwidth(): more than a period's quota cannot be saved up. */
	if (l->burst_usec > limits_quota_usec(l))
		return fail_code(f, -EINVAL, "limits-contradict",
				 "limits: burst is above what cpus_max gives in %d ms, which is "
				 "%llu ms",
				 LIMITS_PERIOD_USEC / 1000,
				 (unsigned long long)(limits_quota_usec(l) / 1000));
	return regions_consistent(l, f);
}

static uint64_t machine_memory(const struct inventory *inv)
{
	uint64_t total = 0;

	inventory_each (d, inv, DEVICE_NODE)
		if (d->memory.memory_bytes != DEVICE_UNKNOWN_U64)
			total += d->memory.memory_bytes;
	return total;
}

static int memory_fits(const struct request_limits *l, const struct limits_room *room,
		       struct fail *f)
{
	uint64_t total = machine_memory(room->inventory);

	if (total > 0 && (l->memory_min_bytes > total || l->memory_low_bytes > total))
		return fail_code(f, -EINVAL, "limits-too-high",
				 "limits: more memory is to be protected than this machine has, "
				 "which is %llu bytes",
				 (unsigned long long)total);
	if (l->memory_high_bytes > 0 && l->memory_high_bytes < room->memory_used_bytes)
		return fail_code(f, -EBUSY, "limits-too-low",
				 "limits: memory_high is below the %llu bytes that the slice uses "
				 "already",
				 (unsigned long long)room->memory_used_bytes);
	if (l->swap_limited && l->swap_max_bytes < room->swap_used_bytes)
		return fail_code(f, -EBUSY, "limits-too-low",
				 "limits: swap_max is below the %llu bytes of swap that the slice "
				 "uses already",
				 (unsigned long long)room->swap_used_bytes);
	return 0;
}

static int disks_fit(const struct request_limits *l, const struct limits_room *room, struct fail *f)
{
	for (size_t i = 0; i < l->io_count; i++) {
		const char *id = l->io[i].disk;
		const struct device *d = id ? inventory_find(room->inventory, id) : NULL;

		if (id && (!d || d->kind != DEVICE_DISK))
			return fail_code(f, -EINVAL, "no-disk", "limits: there is no disk %.80s",
					 id);
	}
	return 0;
}

int limits_fit(const struct request_limits *l, const struct limits_room *room, struct fail *f)
{
	int r;

	if (l->cpus_max_millicpus > (uint64_t)room->cpus * 1000)
		return fail_code(f, -EINVAL, "limits-too-high",
				 "limits: cpus_max is above the %u CPUs that the slice runs on",
				 room->cpus);
	r = memory_fits(l, room, f);
	return r < 0 ? r : disks_fit(l, room, f);
}
