/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of a slice request's limits; see decode.h and model/limits.h. One table of fields a
 * list; what the kernel or this machine lacks is told later, by what became of it. */
#include "decode.h"

#include "util/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	BYTES_PER_SECOND_MAX_SHIFT = 50,
	OPERATIONS_MAX = INT_MAX, /* the kernel keeps 32 bits (tg_set_limit()) */
	CPUS_MAX = 65536,
	TEXT_BYTES = 128, /* of a kernel's name */
};

#define AT(type, member) offsetof(struct type, member)

struct raw_limits {
	double cpus_max;
	uint64_t burst, memory_min, memory_low, memory_high, swap_max;
	const json_t *io, *rdma, *misc, *regions;
};

static const struct json_field limits_fields[] = {
	{ "cpus_max", JSON_KIND_NUMBER, AT(raw_limits, cpus_max), .maximum = CPUS_MAX },
	{ "burst", JSON_KIND_DURATION, AT(raw_limits, burst), .maximum = 3600ULL * 1000000 },
	{ "memory_min", JSON_KIND_BYTES, AT(raw_limits, memory_min), .minimum = 1,
	  .maximum = 1ULL << 60 },
	{ "memory_low", JSON_KIND_BYTES, AT(raw_limits, memory_low), .minimum = 1,
	  .maximum = 1ULL << 60 },
	{ "memory_high", JSON_KIND_BYTES, AT(raw_limits, memory_high), .minimum = 1,
	  .maximum = 1ULL << 60 },
	{ "swap_max", JSON_KIND_BYTES, AT(raw_limits, swap_max), .maximum = 1ULL << 60 },
	{ "io", JSON_KIND_ARRAY, AT(raw_limits, io), .maximum = LIMITS_ITEMS_MAX },
	{ "rdma", JSON_KIND_ARRAY, AT(raw_limits, rdma), .maximum = LIMITS_ITEMS_MAX },
	{ "misc", JSON_KIND_OBJECT, AT(raw_limits, misc), .required = false },
	{ "device_memory", JSON_KIND_ARRAY, AT(raw_limits, regions), .maximum = LIMITS_ITEMS_MAX },
	{ 0 },
};

static int no_memory(struct fail *f)
{
	return fail_set(f, -ENOMEM, "out of memory");
}

/* A name goes into a line of a kernel's file: one word of printable ASCII. */
static int take_name(char **ret, const char *name, const char *what, struct fail *f)
{
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '=')
			return fail_set(f, -EINVAL, "%s: the name must be one word of ASCII", what);
	if (!*name || strlen(name) > TEXT_BYTES)
		return fail_set(f, -EINVAL, "%s: a name has 1 to %d characters", what, TEXT_BYTES);
	*ret = strdup(name);
	return *ret ? 0 : no_memory(f);
}

static int refuse_twice(const char *what, const char *name, struct fail *f)
{
	return fail_set(f, -EINVAL, "%s: %.80s is there twice", what, name);
}

static int read_cpus(const struct raw_limits *raw, struct request_limits *ret, struct fail *f)
{
	double millicpus = raw->cpus_max * 1000;

	if (raw->cpus_max < 0) /* not given */
		return 0;
	/* What 0.029 * 1000 has too much in binary counts for nothing. */
	ret->cpus_max_millicpus = (uint32_t)floor(millicpus + 1e-6);
	if (ret->cpus_max_millicpus < LIMITS_CPU_MIN_MILLICPUS)
		return fail_set(f, -ERANGE, "limits: cpus_max must be at least 0.01");
	return 0;
}

struct raw_io {
	const char *disk;
	uint64_t rates[4], weight, latency;
	int all;
};

static int all_of(const char *name)
{
	return strcmp(name, "all") == 0 ? 1 : -1;
}

static const struct json_field io_fields[] = {
	{ "disk", JSON_KIND_STRING, AT(raw_io, disk), .maximum = TEXT_BYTES },
	{ "class", JSON_KIND_ENUM, AT(raw_io, all), .from_string = all_of, .choices = "all" },
	{ "read_bytes_per_second", JSON_KIND_BYTES, AT(raw_io, rates[0]), .minimum = 1,
	  .maximum = 1ULL << BYTES_PER_SECOND_MAX_SHIFT },
	{ "write_bytes_per_second", JSON_KIND_BYTES, AT(raw_io, rates[1]), .minimum = 1,
	  .maximum = 1ULL << BYTES_PER_SECOND_MAX_SHIFT },
	{ "read_operations_per_second", JSON_KIND_U64, AT(raw_io, rates[2]), .minimum = 1,
	  .maximum = OPERATIONS_MAX },
	{ "write_operations_per_second", JSON_KIND_U64, AT(raw_io, rates[3]), .minimum = 1,
	  .maximum = OPERATIONS_MAX },
	{ "weight", JSON_KIND_U64, AT(raw_io, weight), .minimum = 1, .maximum = 10000 },
	{ "latency", JSON_KIND_DURATION, AT(raw_io, latency), .minimum = 1,
	  .maximum = 3600ULL * 1000000 },
	{ 0 },
};

static bool same_disk(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int read_disk(const json_t *object, struct request_limits *l, struct fail *f)
{
	struct raw_io raw = { 0 };
	struct limits_io *io = &l->io[l->io_count];
	int r = json_read(object, io_fields, "io", &raw, f);

	if (r < 0)
		return r;
	if (!raw.disk == !raw.all)
		return fail_set(f, -EINVAL, "io: each names a disk, or the class all");
	for (size_t i = 0; i < l->io_count; i++)
		if (same_disk(l->io[i].disk, raw.disk))
			return refuse_twice("io", raw.disk ? raw.disk : "the class all", f);
	*io = (struct limits_io){ NULL,		raw.rates[0], raw.rates[1], raw.rates[2],
				  raw.rates[3], raw.weight,   raw.latency };
	if (!(io->read_bytes_per_second | io->write_bytes_per_second |
	      io->read_operations_per_second | io->write_operations_per_second | io->weight |
	      io->latency_usec))
		return fail_set(f, -EINVAL, "io: a disk without any limit");
	l->io_count++;
	return raw.disk ? take_name(&io->disk, raw.disk, "io", f) : 0;
}

struct raw_rdma {
	const char *device;
	uint64_t handles, objects;
};

static int read_rdma(const json_t *object, struct request_limits *l, struct fail *f)
{
	static const struct json_field fields[] = {
		{ "device", JSON_KIND_STRING, AT(raw_rdma, device), .required = true },
		{ "handles", JSON_KIND_U64, AT(raw_rdma, handles), .maximum = INT_MAX },
		{ "objects", JSON_KIND_U64, AT(raw_rdma, objects), .maximum = INT_MAX },
		{ 0 },
	};
	struct raw_rdma raw = { NULL, LIMITS_UNSET, LIMITS_UNSET };
	int r = json_read(object, fields, "rdma", &raw, f);

	if (r < 0)
		return r;
	if (raw.handles == LIMITS_UNSET && raw.objects == LIMITS_UNSET)
		return fail_set(f, -EINVAL, "rdma: a device without any limit");
	for (size_t i = 0; i < l->rdma_count; i++)
		if (strcmp(l->rdma[i].device, raw.device) == 0)
			return refuse_twice("rdma", raw.device, f);
	l->rdma[l->rdma_count] = (struct limits_rdma){ NULL, raw.handles, raw.objects };
	r = take_name(&l->rdma[l->rdma_count].device, raw.device, "rdma", f);
	l->rdma_count += r == 0;
	return r;
}

struct raw_region {
	const char *region;
	uint64_t min, low, max;
};

static int read_region(const json_t *object, struct request_limits *l, struct fail *f)
{
	static const struct json_field fields[] = {
		{ "region", JSON_KIND_STRING, AT(raw_region, region), .required = true },
		{ "min", JSON_KIND_BYTES, AT(raw_region, min), .maximum = 1ULL << 60 },
		{ "low", JSON_KIND_BYTES, AT(raw_region, low), .maximum = 1ULL << 60 },
		{ "max", JSON_KIND_BYTES, AT(raw_region, max), .maximum = 1ULL << 60 },
		{ 0 },
	};
	struct raw_region raw = { NULL, LIMITS_UNSET, LIMITS_UNSET, LIMITS_UNSET };
	int r = json_read(object, fields, "device_memory", &raw, f);

	if (r < 0)
		return r;
	if (raw.min == LIMITS_UNSET && raw.low == LIMITS_UNSET && raw.max == LIMITS_UNSET)
		return fail_set(f, -EINVAL, "device_memory: a region without any limit");
	for (size_t i = 0; i < l->regions_count; i++)
		if (strcmp(l->regions[i].region, raw.region) == 0)
			return refuse_twice("device_memory", raw.region, f);
	l->regions[l->regions_count] = (struct limits_region){ NULL, raw.min, raw.low, raw.max };
	r = take_name(&l->regions[l->regions_count].region, raw.region, "device_memory", f);
	l->regions_count += r == 0;
	return r;
}

static int read_list(const json_t *list, void **items, size_t item_size)
{
	if (!list || json_array_size(list) == 0)
		return 0;
	*items = calloc(json_array_size(list), item_size);
	return *items ? 0 : -ENOMEM;
}

static int read_lists(const struct raw_limits *raw, struct request_limits *l, struct fail *f)
{
	int r = 0;

	if (read_list(raw->io, (void **)&l->io, sizeof(*l->io)) < 0 ||
	    read_list(raw->rdma, (void **)&l->rdma, sizeof(*l->rdma)) < 0 ||
	    read_list(raw->regions, (void **)&l->regions, sizeof(*l->regions)) < 0)
		return no_memory(f);
	for (size_t i = 0; r == 0 && i < json_array_size(raw->io); i++)
		r = read_disk(json_array_get(raw->io, i), l, f);
	for (size_t i = 0; r == 0 && i < json_array_size(raw->rdma); i++)
		r = read_rdma(json_array_get(raw->rdma, i), l, f);
	for (size_t i = 0; r == 0 && i < json_array_size(raw->regions); i++)
		r = read_region(json_array_get(raw->regions, i), l, f);
	return r;
}

static int read_misc(const json_t *object, struct request_limits *l, struct fail *f)
{
	const char *key;
	json_t *value;
	int r = 0;

	if (!object)
		return 0;
	if (json_object_size(object) > LIMITS_ITEMS_MAX)
		return fail_set(f, -ERANGE, "misc: at most %d are allowed", LIMITS_ITEMS_MAX);
	l->misc = calloc(json_object_size(object) + 1, sizeof(*l->misc));
	if (!l->misc)
		return no_memory(f);
	json_object_foreach ((json_t *)object, key, value) {
		struct limits_misc *m = &l->misc[l->misc_count];

		if (json_is_null(value)) /* as everywhere */
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return fail_set(f, -EINVAL, "misc: %.40s must be a whole number", key);
		m->max = (uint64_t)json_integer_value(value);
		r = take_name(&m->resource, key, "misc", f);
		if (r < 0)
			return r;
		l->misc_count++;
	}
	return 0;
}

int decode_request_limits(const json_t *object, struct request_limits *ret, struct fail *f)
{
	struct raw_limits raw = { .cpus_max = -1, .swap_max = LIMITS_UNSET };
	int r = json_read(object, limits_fields, "limits", &raw, f);

	if (r < 0)
		return r;
	ret->burst_usec = raw.burst;
	ret->memory_min_bytes = raw.memory_min;
	ret->memory_low_bytes = raw.memory_low;
	ret->memory_high_bytes = raw.memory_high;
	ret->swap_limited = raw.swap_max != LIMITS_UNSET;
	ret->swap_max_bytes = ret->swap_limited ? raw.swap_max : 0;
	r = read_cpus(&raw, ret, f);
	if (r == 0)
		r = read_lists(&raw, ret, f);
	return r < 0 ? r : read_misc(raw.misc, ret, f);
}
