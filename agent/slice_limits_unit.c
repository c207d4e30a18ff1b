/* SPDX-License-Identifier: Apache-2.0 */
/* Limits as unit properties; see slice_limits_unit.h. Two tables: numbers of the slice, numbers of
 * each disk. systemd.resource-control(5). */
#include "slice_limits_unit.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	size_t offset; /* in struct cg_limits */
	enum property property;
	uint64_t none;
} numbers[] = {
	{ offsetof(struct cg_limits, memory_min_bytes), PROPERTY_MEMORY_MIN, 0 },
	{ offsetof(struct cg_limits, memory_low_bytes), PROPERTY_MEMORY_LOW, 0 },
	{ offsetof(struct cg_limits, memory_high_bytes), PROPERTY_MEMORY_HIGH, UINT64_MAX },
	{ offsetof(struct cg_limits, swap_max_bytes), PROPERTY_MEMORY_SWAP_MAX, UINT64_MAX },
};

static const struct {
	size_t offset; /* in struct cg_io */
	enum property property;
} of_disks[] = {
	{ offsetof(struct cg_io, read_bytes_per_second), PROPERTY_IO_READ_BANDWIDTH_MAX },
	{ offsetof(struct cg_io, write_bytes_per_second), PROPERTY_IO_WRITE_BANDWIDTH_MAX },
	{ offsetof(struct cg_io, read_operations_per_second), PROPERTY_IO_READ_IOPS_MAX },
	{ offsetof(struct cg_io, write_operations_per_second), PROPERTY_IO_WRITE_IOPS_MAX },
	{ offsetof(struct cg_io, weight), PROPERTY_IO_DEVICE_WEIGHT },
	{ offsetof(struct cg_io, latency_usec), PROPERTY_IO_DEVICE_LATENCY_TARGET_USEC },
};

static uint64_t at(const void *base, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)base + offset);
}

static void put_number(struct limits_unit *u, enum property property, uint64_t number)
{
	u->properties[u->count++] =
		(struct property_value){ .property = property, .number = number };
}

static void put_numbers(struct limits_unit *u, const struct request_limits *l,
			const struct cg_limits *limits, bool whole)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t value = at(limits, numbers[i].offset);

		if (value != CG_UNSET || whole)
			put_number(u, numbers[i].property,
				   value == CG_UNSET ? numbers[i].none : value);
	}
	if (l->cpus_max_millicpus > 0 || whole)
		put_number(u, PROPERTY_CPU_QUOTA_PER_SEC_USEC,
			   l->cpus_max_millicpus ? (uint64_t)l->cpus_max_millicpus * 1000
						 : UINT64_MAX);
}

/* PID 1 adds to a list; the empty one is none of them. */
static void empty_disks(struct limits_unit *u)
{
	for (size_t k = 0; k < ARRAY_SIZE(of_disks); k++)
		u->properties[u->count++] =
			(struct property_value){ .property = of_disks[k].property,
						 .pairs = { .count = 0 } };
}

static int put_disks(struct limits_unit *u, const struct limits_values *v)
{
	struct property_pair *next;

	u->pairs = calloc(v->io_count * ARRAY_SIZE(of_disks) + 1, sizeof(*u->pairs));
	u->paths = calloc(v->io_count + 1, sizeof(*u->paths));
	if (!u->pairs || !u->paths)
		return -ENOMEM;
	next = u->pairs;
	for (size_t i = 0; i < v->io_count; i++)
		(void)snprintf(u->paths[i], sizeof(u->paths[i]), "/dev/block/%s",
			       v->io[i].disk); /* fits */
	for (size_t k = 0; k < ARRAY_SIZE(of_disks); k++) {
		struct property_value value = { .property = of_disks[k].property,
						.pairs = { .items = next } };

		for (size_t i = 0; i < v->io_count; i++)
			if (at(&v->io[i], of_disks[k].offset) != CG_UNSET)
				value.pairs.items[value.pairs.count++] =
					(struct property_pair){ u->paths[i],
								at(&v->io[i], of_disks[k].offset) };
		next += value.pairs.count;
		if (value.pairs.count > 0)
			u->properties[u->count++] = value;
	}
	return 0;
}

void limits_unit_done(struct limits_unit *u)
{
	free(u->pairs);
	free(u->paths);
	*u = (struct limits_unit){ 0 };
}

int limits_unit_make(const struct slice *s, bool whole, struct limits_unit *ret)
{
	_cleanup_(limits_values_done) struct limits_values v = { 0 };
	_cleanup_(limits_unit_done) struct limits_unit u = { 0 };
	struct cg_limits limits = CG_LIMITS_UNSET;
	int r = limits_values(s, &v, &limits);

	if (r < 0)
		return r;
	put_numbers(&u, &s->request.limits, &limits, whole);
	if (whole)
		empty_disks(&u);
	r = put_disks(&u, &v);
	if (r < 0)
		return r;
	*ret = TAKE(u, (struct limits_unit){ 0 });
	return 0;
}
