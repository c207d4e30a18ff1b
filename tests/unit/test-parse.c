/* SPDX-License-Identifier: Apache-2.0 */
/* The strict parsers, by vectors: what is taken, what is not of the form (-EINVAL), and what is but
 * does not fit (-ERANGE). */
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct vector {
	const char *text;
	int result;
	uint64_t value;
};

typedef int (*parser)(const char *text, uint64_t *ret);

static void expect(parser parse, const struct vector *vectors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0xdecade;
		int r = parse(vectors[i].text, &value);

		if (r != vectors[i].result)
			fail_msg("\"%s\" gives %d, not %d", vectors[i].text, r, vectors[i].result);
		assert_int_equal(value, r < 0 ? 0xdecade : vectors[i].value);
	}
}

static void test_parse_u64_takes_whole_decimal_numbers_only(void **state)
{
	static const struct vector vectors[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999999999999999999x", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1\n", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "\xd9\xa1", -EINVAL, 0 }, /* an Arabic-Indic digit */
	};

	(void)state;
	expect(parse_u64, vectors, ARRAY_SIZE(vectors));
}

static int as_u32(const char *text, uint64_t *ret)
{
	uint32_t value = 0;
	int r = parse_u32(text, &value);

	if (r == 0)
		*ret = value;
	return r;
}

static void test_parse_u32_stops_at_its_range(void **state)
{
	static const struct vector vectors[] = {
		{ "4294967295", 0, UINT32_MAX },
		{ "4294967296", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "-0", -EINVAL, 0 },
	};

	(void)state;
	expect(as_u32, vectors, ARRAY_SIZE(vectors));
}

static int as_i32(const char *text, uint64_t *ret)
{
	int32_t value = 0;
	int r = parse_i32(text, &value);

	if (r == 0)
		*ret = (uint64_t)(int64_t)value;
	return r;
}

static void test_parse_i32_takes_one_minus_and_both_ends(void **state)
{
	static const struct vector vectors[] = {
		{ "-1", 0, UINT64_MAX },
		{ "-0", 0, 0 },
		{ "2147483647", 0, INT32_MAX },
		{ "2147483648", -ERANGE, 0 },
		{ "-2147483648", 0, 0xffffffff80000000 },
		{ "-2147483649", -ERANGE, 0 },
		{ "--1", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	expect(as_i32, vectors, ARRAY_SIZE(vectors));
}

static void test_parse_hex_takes_either_case_and_one_prefix(void **state)
{
	static const struct vector vectors[] = {
		{ "0x0302fF", 0, 0x0302ff },
		{ "ff", 0, 0xff },
		{ "0XfFfFfFfFfFfFfFfF", 0, UINT64_MAX },
		{ "0x10000000000000000", -ERANGE, 0 },
		{ "0x", -EINVAL, 0 },
		{ "x1", -EINVAL, 0 },
		{ "0x0x1", -EINVAL, 0 },
		{ "fg", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	expect(parse_hex, vectors, ARRAY_SIZE(vectors));
}

static int as_bool(const char *text, uint64_t *ret)
{
	bool value = false;
	int r = parse_bool(text, &value);

	if (r == 0)
		*ret = value;
	return r;
}

static void test_parse_bool_knows_eight_words(void **state)
{
	static const struct vector vectors[] = {
		{ "yes", 0, 1 },	{ "true", 0, 1 },     { "on", 0, 1 },
		{ "1", 0, 1 },		{ "no", 0, 0 },	      { "false", 0, 0 },
		{ "off", 0, 0 },	{ "0", 0, 0 },	      { "Yes", -EINVAL, 0 },
		{ "y", -EINVAL, 0 },	{ "", -EINVAL, 0 },   { "2", -EINVAL, 0 },
		{ "yes ", -EINVAL, 0 }, { NULL, -EINVAL, 0 },
	};

	(void)state;
	expect(as_bool, vectors, ARRAY_SIZE(vectors));
}

static void test_parse_bytes_scales_exactly(void **state)
{
	static const struct vector vectors[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "4096B", 0, 4096 },
		{ "64KiB", 0, 64 << 10 },
		{ "2M", 0, 2 << 20 },
		{ "1GB", 0, 1 << 30 },
		{ "1.5GiB", 0, 3ULL << 29 },
		{ "0.000000001G", 0, 1 }, /* 1.07 bytes, cut */
		{ "16383.999999999P", 0, 18446744073708425716ULL },
		{ "16384P", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "1.0123456789K", -ERANGE, 0 },
		{ "1.99999999999999999999999999K", -ERANGE, 0 },
		{ "1.99999999999999999999999999Q", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.5B", -EINVAL, 0 },
		{ "1.K", -EINVAL, 0 },
		{ ".5K", -EINVAL, 0 },
		{ "1..5K", -EINVAL, 0 },
		{ "1 K", -EINVAL, 0 },
		{ "1k", -EINVAL, 0 },
		{ "1Ki", -EINVAL, 0 },
		{ "-1K", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	expect(parse_bytes, vectors, ARRAY_SIZE(vectors));
}

static void test_parse_duration_counts_microseconds(void **state)
{
	static const struct vector vectors[] = {
		{ "0", 0, 0 },
		{ "5", 0, 5000000 },
		{ "0.5", 0, 500000 },
		{ "1us", 0, 1 },
		{ "500ms", 0, 500000 },
		{ "5s", 0, 5000000 },
		{ "2min", 0, 120000000 },
		{ "1h", 0, 3600000000 },
		{ "1.5d", 0, 129600000000 },
		{ "213503983d", -ERANGE, 0 },
		{ "1.5us", -EINVAL, 0 },
		{ "1m", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1s2ms", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "infinity", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	expect(parse_duration, vectors, ARRAY_SIZE(vectors));
}

static void test_parse_name_valid_allows_what_a_unit_name_can_hold(void **state)
{
	static const char *const good[] = { "a", "0", "train-1", "a--b", "1-2-3" };
	static const char *const bad[] = { "",	  "-",	"-a",  "a-",	   "A",	  "a_b",   "a.b",
					   "a/b", "..", "a b", "\xc3\xbc", "a\n", "a\\x2d" };
	char text[65];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(parse_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(parse_name_valid(bad[i]));
	assert_false(parse_name_valid(NULL));
	memset(text, 'a', sizeof(text));
	text[64] = 0;
	assert_false(parse_name_valid(text));
	text[63] = 0;
	assert_true(parse_name_valid(text));
}

static void test_parse_utf8_valid_follows_rfc_3629(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool valid;
	} vectors[] = {
		{ "", 0, true },
		{ "plain", 5, true },
		{ "\xc3\xbc", 2, true },
		{ "\xe2\x82\xac", 3, true },
		{ "\xf0\x9f\x90\x8e", 4, true },
		{ "\xf4\x8f\xbf\xbf", 4, true },  /* U+10FFFF */
		{ "\xf4\x90\x80\x80", 4, false }, /* above it */
		{ "a\0b", 3, false },
		{ "\xc0\x80", 2, false },     /* overlong NUL */
		{ "\xc1\xbf", 2, false },     /* overlong */
		{ "\xe0\x80\x80", 3, false }, /* overlong */
		{ "\xf0\x80\x80\x80", 4, false },
		{ "\xed\xa0\x80", 3, false }, /* surrogate */
		{ "\xc3", 1, false },	      /* cut */
		{ "\xe2\x82", 2, false },
		{ "\xf0\x9f\x90", 3, false },
		{ "\xe2\x28\xac", 3, false },
		{ "\x80", 1, false },
		{ "\xff\xfe", 2, false },
		{ "ok\xf5\x80\x80\x80", 6, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		if (parse_utf8_valid(vectors[i].text, vectors[i].size) != vectors[i].valid)
			fail_msg("vector %zu", i);
	assert_true(parse_utf8_valid(NULL, 0));
}

static void test_parse_clean_leaves_one_line_and_repairs_the_rest(void **state)
{
	static const struct {
		const char *before, *after;
	} vectors[] = {
		{ "", "" },
		{ "plain \xc3\xbc \xe2\x82\xac", "plain \xc3\xbc \xe2\x82\xac" },
		{ "a\nb\rc\td\x7f\x1b", "a?b?c?d??" },
		{ "\xff\xc3", "??" },
		{ "\xe2\x82z", "??z" },
		{ "x\xc3\xbc\xc3", "x\xc3\xbc?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char text[32];

		(void)strcpy(text, vectors[i].before);
		parse_clean(text);
		assert_string_equal(text, vectors[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64_takes_whole_decimal_numbers_only),
		cmocka_unit_test(test_parse_u32_stops_at_its_range),
		cmocka_unit_test(test_parse_i32_takes_one_minus_and_both_ends),
		cmocka_unit_test(test_parse_hex_takes_either_case_and_one_prefix),
		cmocka_unit_test(test_parse_bool_knows_eight_words),
		cmocka_unit_test(test_parse_bytes_scales_exactly),
		cmocka_unit_test(test_parse_duration_counts_microseconds),
		cmocka_unit_test(test_parse_name_valid_allows_what_a_unit_name_can_hold),
		cmocka_unit_test(test_parse_utf8_valid_follows_rfc_3629),
		cmocka_unit_test(test_parse_clean_leaves_one_line_and_repairs_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
