/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of counts; see decode_parts.h. */
#include "decode_parts.h"

#include <errno.h>

#define AT(type, member) offsetof(struct type, member)

struct raw_count {
	uint64_t size, count;
	int kind;
};

static int check_least(const char *what, uint64_t count, uint64_t least, struct fail *f)
{
	return count < least ? fail_set(f, -ERANGE, "%s: \"count\" must be at least %llu", what,
					(unsigned long long)least)
			     : 0;
}

int decode_hugepages(const json_t *list, uint64_t least,
		     struct request_hugepages ret[REQUEST_HUGEPAGES_MAX], size_t *ret_count,
		     struct fail *f)
{
	static const struct json_field fields[] = {
		{ "size", JSON_KIND_BYTES, AT(raw_count, size), .required = true, .minimum = 4096,
		  .maximum = 1ULL << 40 },
		{ "count", JSON_KIND_U64, AT(raw_count, count), .required = true,
		  .maximum = 1ULL << 32 },
		{ 0 },
	};

	*ret_count = 0;
	for (size_t i = 0; list && i < json_array_size(list); i++) {
		struct raw_count raw = { 0 };
		int r = json_read(json_array_get(list, i), fields, "hugepages", &raw, f);

		if (r == 0)
			r = check_least("hugepages", raw.count, least, f);
		if (r < 0)
			return r;
		if (raw.size & (raw.size - 1))
			return fail_set(f, -EINVAL, "hugepages: size must be a power of two");
		ret[(*ret_count)++] =
			(struct request_hugepages){ .size_bytes = raw.size, .count = raw.count };
	}
	return 0;
}

static int offered_kind(const char *name)
{
	int kind = device_kind_from_string(name);

	return kind == DEVICE_GPU || kind == DEVICE_NIC || kind == DEVICE_DISK ? kind : -1;
}

int decode_devices(const json_t *list, uint64_t least, uint64_t ret[DEVICE_KINDS], struct fail *f)
{
	static const struct json_field fields[] = {
		{ "class", JSON_KIND_ENUM, AT(raw_count, kind), .required = true,
		  .from_string = offered_kind, .choices = "gpu, nic, disk" },
		{ "count", JSON_KIND_U64, AT(raw_count, count), .required = true,
		  .maximum = REQUEST_DEVICES_MAX },
		{ 0 },
	};

	for (size_t i = 0; list && i < json_array_size(list); i++) {
		struct raw_count raw = { 0 };
		int r = json_read(json_array_get(list, i), fields, "devices", &raw, f);

		if (r == 0)
			r = check_least("devices", raw.count, least, f);
		if (r < 0)
			return r;
		if (ret[raw.kind] != DECODE_ABSENT)
			return fail_set(f, -EINVAL, "devices: class %s is there twice",
					device_kind_to_string((enum device_kind)raw.kind));
		ret[raw.kind] = raw.count;
	}
	return 0;
}

int decode_nic(const json_t *object, struct request_nic *ret, struct fail *f)
{
	struct raw_nic {
		uint64_t speed_mbps;
		int function;
	} raw = { 0 };
	static const struct json_field fields[] = {
		{ "function", JSON_KIND_ENUM, AT(raw_nic, function),
		  .from_string = nic_function_from_string, .choices = "any, whole, virtual" },
		{ "speed_mbps", JSON_KIND_U64, AT(raw_nic, speed_mbps), .maximum = 100000000 },
		{ 0 },
	};
	int r = object ? json_read(object, fields, "nic", &raw, f) : 0;

	if (r == 0)
		*ret = (struct request_nic){ .function = (enum nic_function)raw.function,
					     .speed_mbps = (uint32_t)raw.speed_mbps };
	return r;
}
