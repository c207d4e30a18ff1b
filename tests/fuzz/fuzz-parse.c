/* SPDX-License-Identifier: Apache-2.0 */
/* The strict parsers: outputs are set when they say 0, and only then. */
#include "util/cleanup.h"
#include "util/parse.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_u64(int (*parse)(const char *text, uint64_t *ret), const char *text)
{
	const uint64_t mark = 0x5ca1ab1e5ca1ab1e;
	uint64_t value = mark;
	int r = parse(text, &value);

	assert(r <= 0 && (r == 0 || value == mark));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	uint32_t u32 = 0;
	uint64_t u64 = 0;
	int32_t i32 = 0;
	bool yes;

	assert(text);
	check_u64(parse_u64, text);
	check_u64(parse_hex, text);
	check_u64(parse_bytes, text);
	check_u64(parse_duration, text);
	if (parse_u32(text, &u32) == 0)
		assert(parse_u64(text, &u64) == 0 && u64 == u32);
	if (parse_i32(text, &i32) == 0 && i32 > 0)
		assert(parse_u32(text, &u32) == 0 && u32 == (uint32_t)i32);
	(void)parse_bool(text, &yes); /* only that it ends */
	if (parse_name_valid(text))
		assert(strlen(text) <= 63 && !strpbrk(text, "/._ \n") &&
		       parse_utf8_valid(text, strlen(text)));
	(void)parse_utf8_valid((const char *)data, size);
	return 0;
}
