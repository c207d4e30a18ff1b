/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of a change of size; see decode_resize.h. A member that is not there changes nothing, so
 * that a count of 0 is an order here. */
#include "decode_resize.h"

#include "decode.h"
#include "decode_parts.h"
#include "util/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED_CPUS_MAX = 65536, KEEP_MAX = 4096 };

#define ROUNDING 1e-6 /* of a thousandth of a CPU; see decode.c */
#define AT(type, member) offsetof(struct type, member)

_Static_assert(DECODE_ABSENT == RESIZE_SAME, "a class that is not named stays as it is");

struct raw_resize {
	uint64_t cores, memory, processes_max, grace;
	double shared_cpus;
	const json_t *hugepages, *devices, *keep, *limits;
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
	{ "limits", JSON_KIND_OBJECT, AT(raw_resize, limits), .required = false },
	{ "grace", JSON_KIND_DURATION, AT(raw_resize, grace), .maximum = 24 * 3600ULL * 1000000 },
	{ 0 },
};

static int take_hugepages(const json_t *list, struct resize_change *ret, struct fail *f)
{
	int r = decode_hugepages(list, 0, ret->hugepages, &ret->hugepages_count, f);

	for (size_t i = 0; r == 0 && i < ret->hugepages_count; i++)
		for (size_t k = 0; k < i; k++)
			if (ret->hugepages[k].size_bytes == ret->hugepages[i].size_bytes)
				return fail_set(f, -EINVAL, "hugepages: a size is there twice");
	return r;
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

/* null takes all of them away. What is left of them is only known beside those of the slice. */
static int take_limits(const json_t *limits, struct resize_change *ret, struct fail *f)
{
	_cleanup_(limits_done) struct request_limits checked = { 0 };
	_cleanup_json_ json_t *patch = json_object();
	int r = json_is_object(limits) ? decode_request_limits(limits, &checked, f) : 0;

	if (r < 0)
		return r;
	if (json_object_set(patch, "limits", (json_t *)(uintptr_t)limits) == 0)
		ret->limits = json_text(patch);
	return ret->limits ? 0 : fail_set(f, -ENOMEM, "out of memory");
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
	r = take_hugepages(raw.hugepages, ret, f);
	if (r == 0)
		r = decode_devices(raw.devices, 0, ret->devices, f);
	if (r == 0)
		r = decode_keep(raw.keep, ret, f);
	if (r == 0 && json_object_get(object, "limits"))
		r = take_limits(json_object_get(object, "limits"), ret, f);
	return r;
}
