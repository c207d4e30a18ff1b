/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of a change of size; see decode_resize.h. A member that is not there changes nothing, so
 * that a count of 0 is an order here. */
#include "decode_resize.h"

#include "util/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED_CPUS_MAX = 65536, KEEP_MAX = 4096 };

#define ROUNDING 1e-6 /* of a thousandth of a CPU; see decode.c */
#define AT(type, member) offsetof(struct type, member)

struct raw_resize {
	uint64_t cores, memory, processes_max, grace;
	double shared_cpus;
	const json_t *hugepages, *devices, *keep;
};

static const struct json_field fields[] = {
	{ "cores", JSON_KIND_U64, AT(raw_resize, cores), .maximum = REQUEST_CORES_MAX },
	{ "shared_cpus", JSON_KIND_NUMBER, AT(raw_resize, shared_cpus),
	  .maximum = SHARED_CPUS_MAX },
	{ "memory", JSON_KIND_BYTES, AT(raw_resize, memory), .maximum = 1ULL << 60 },
	{ "processes_max", JSON_KIND_U64, AT(raw_resize, processes_max), .minimum = 1,
	  .maximum = 4194304 /* the kernel's PID_MAX_LIMIT */ },
	{ "hugepages", JSON_KIND_ARRAY, AT(raw_resize, hugepages),
	  .maximum = REQUEST_HUGEPAGES_MAX },
	{ "devices", JSON_KIND_ARRAY, AT(raw_resize, devices), .maximum = DEVICE_KINDS },
	{ "keep", JSON_KIND_OBJECT, AT(raw_resize, keep), .required = false },
	{ "grace", JSON_KIND_DURATION, AT(raw_resize, grace), .maximum = 24 * 3600ULL * 1000000 },
	{ 0 },
};

struct raw_part {
	uint64_t size, count;
	int kind;
};

static int decode_hugepages(const json_t *list, struct resize_change *ret, struct fail *f)
{
	static const struct json_field part[] = {
		{ "size", JSON_KIND_BYTES, AT(raw_part, size), .required = true, .minimum = 4096,
		  .maximum = 1ULL << 40 },
		{ "count", JSON_KIND_U64, AT(raw_part, count), .required = true,
		  .maximum = 1ULL << 32 },
		{ 0 },
	};

	for (size_t i = 0; list && i < json_array_size(list); i++) {
		struct raw_part raw = { 0 };
		int r = json_read(json_array_get(list, i), part, "hugepages", &raw, f);

		if (r < 0)
			return r;
		if (raw.size & (raw.size - 1))
			return fail_set(f, -EINVAL, "hugepages: size must be a power of two");
		for (size_t k = 0; k < ret->hugepages_count; k++)
			if (ret->hugepages[k].size_bytes == raw.size)
				return fail_set(f, -EINVAL, "hugepages: a size is there twice");
		ret->hugepages[ret->hugepages_count++] =
			(struct request_hugepages){ .size_bytes = raw.size, .count = raw.count };
	}
	return 0;
}

static int offered_kind(const char *name)
{
	int kind = device_kind_from_string(name);

	return kind == DEVICE_GPU || kind == DEVICE_NIC || kind == DEVICE_DISK ? kind : -1;
}

static int decode_devices(const json_t *list, struct resize_change *ret, struct fail *f)
{
	static const struct json_field part[] = {
		{ "class", JSON_KIND_ENUM, AT(raw_part, kind), .required = true,
		  .from_string = offered_kind, .choices = "gpu, nic, disk" },
		{ "count", JSON_KIND_U64, AT(raw_part, count), .required = true,
		  .maximum = REQUEST_DEVICES_MAX },
		{ 0 },
	};

	for (size_t i = 0; list && i < json_array_size(list); i++) {
		struct raw_part raw = { 0 };
		int r = json_read(json_array_get(list, i), part, "devices", &raw, f);

		if (r < 0)
			return r;
		if (ret->devices[raw.kind] != RESIZE_SAME)
			return fail_set(f, -EINVAL, "devices: class %s is there twice",
					device_kind_to_string((enum device_kind)raw.kind));
		ret->devices[raw.kind] = raw.count;
	}
	return 0;
}

static int decode_keep_devices(const json_t *list, struct resize_change *ret, struct fail *f)
{
	size_t count = json_array_size(list);

	ret->keep_devices = calloc(count + 1, sizeof(char *));
	if (!ret->keep_devices)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const char *id = json_string_value(json_array_get(list, i));

		if (!id || !*id)
			return fail_set(f, -EINVAL, "keep: \"devices\" must be a list of ids");
		ret->keep_devices[i] = strdup(id);
		if (!ret->keep_devices[i])
			return fail_set(f, -ENOMEM, "out of memory");
		ret->keep_devices_count++;
	}
	return 0;
}

static int decode_keep(const json_t *object, struct resize_change *ret, struct fail *f)
{
	struct raw_keep {
		const char *cpus;
		const json_t *devices;
	} raw = { 0 };
	static const struct json_field part[] = {
		{ "cpus", JSON_KIND_STRING, AT(raw_keep, cpus), .maximum = 65536 },
		{ "devices", JSON_KIND_ARRAY, AT(raw_keep, devices), .maximum = KEEP_MAX },
		{ 0 },
	};
	int r = object ? json_read(object, part, "keep", &raw, f) : 0;

	if (r < 0)
		return r;
	if (raw.cpus && cpuset_parse(raw.cpus, &ret->keep_cpus) < 0)
		return fail_set(f, -EINVAL, "keep: \"cpus\" must be a list such as \"0-3,8\"");
	return raw.devices ? decode_keep_devices(raw.devices, ret, f) : 0;
}

int decode_resize(const json_t *object, struct resize_change *ret, struct fail *f)
{
	struct raw_resize raw = { .cores = RESIZE_SAME,
				  .memory = RESIZE_SAME,
				  .processes_max = RESIZE_SAME,
				  .shared_cpus = -1 };
	int r = json_read(object, fields, "resize request", &raw, f);

	if (r < 0)
		return r;
	ret->cores = raw.cores;
	ret->memory_bytes = raw.memory;
	ret->processes_max = raw.processes_max;
	ret->grace_usec = raw.grace;
	if (raw.shared_cpus >= 0)
		ret->shared_millicpus = (uint64_t)ceil(raw.shared_cpus * 1000 - ROUNDING);
	r = decode_hugepages(raw.hugepages, ret, f);
	if (r == 0)
		r = decode_devices(raw.devices, ret, f);
	return r < 0 ? r : decode_keep(raw.keep, ret, f);
}
