/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding shares of the caches; see decode_cache.h. */
#include "decode_cache.h"

#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>

enum { WAYS_MAX = 64 }; /* a mask of the kernel has 32 bits, and ours has room for 64 */

struct raw_cache {
	uint64_t ways, bytes, percent;
};

#define AT(member) offsetof(struct raw_cache, member)

int decode_cache(const json_t *object, struct cache_request *ret, struct fail *f)
{
	static const struct json_field fields[] = {
		{ "l3_ways", JSON_KIND_U64, AT(ways), .minimum = 1, .maximum = WAYS_MAX },
		{ "l3_bytes", JSON_KIND_BYTES, AT(bytes), .minimum = 1, .maximum = 1ULL << 40 },
		{ "memory_bandwidth_percent", JSON_KIND_U64, AT(percent), .minimum = 1,
		  .maximum = 100 },
		{ 0 },
	};
	struct raw_cache raw = { 0 };
	int r = object ? json_read(object, fields, "cache", &raw, f) : 0;

	if (r < 0)
		return r;
	if (raw.ways > 0 && raw.bytes > 0)
		return fail_set(f, -EINVAL, "cache: l3_ways and l3_bytes exclude each other");
	*ret = (struct cache_request){ .ways = (uint32_t)raw.ways,
				       .bytes = raw.bytes,
				       .bandwidth_percent = (uint32_t)raw.percent };
	return 0;
}

static int decode_share(const json_t *item, struct cache_shares *s)
{
	const char *mask = json_string_value(json_object_get(item, "ways"));
	const json_t *domain = json_object_get(item, "cache");
	uint64_t ways = 0;

	if (!json_is_integer(domain) || json_integer_value(domain) < 0 ||
	    json_integer_value(domain) > UINT32_MAX || (mask && parse_hex(mask, &ways) < 0))
		return -EINVAL;
	return cache_shares_add(s, (uint32_t)json_integer_value(domain), ways);
}

int decode_cache_shares(const json_t *object, struct cache_shares *ret)
{
	const json_t *list = json_object_get(object, "l3"),
		     *percent = json_object_get(object, "memory_bandwidth_percent");
	_cleanup_(cache_shares_done) struct cache_shares s = { 0 };
	int r = 0;

	if (json_integer_value(percent) > 0 && json_integer_value(percent) <= 100)
		s.bandwidth_percent = (uint32_t)json_integer_value(percent);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = decode_share(json_array_get(list, i), &s);
	if (r < 0)
		return r;
	*ret = TAKE(s, (struct cache_shares){ 0 });
	return 0;
}
