/* SPDX-License-Identifier: Apache-2.0 */
/* Number sets: the kernel's list format both ways, and set arithmetic with NULL and empty sets. */
#include "util/cleanup.h"
#include "util/cpuset.h"

#include <errno.h>
#include <hwloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

static void expect_format(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(s);

	assert_string_equal(text, expected);
}

static void test_cpuset_reads_and_writes_the_kernels_list_format(void **state)
{
	static const char *const vectors[][2] = {
		{ "0-3,8,10-11", "0-3,8,10-11" },
		{ "", "" },
		{ "\n", "" },
		{ "  ", "" },
		{ "0\n", "0" },
		{ "3,1,2", "1-3" },
		{ "0-1,1-2,2", "0-2" },
		{ "5-5", "5" },
		{ "0,2,4", "0,2,4" },
		{ "007", "7" },
		{ "65535", "65535" },
		{ "0-65535", "0-65535" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_cpuset_ struct cpuset *s = set_of(vectors[i][0]);

		expect_format(s, vectors[i][1]);
	}
}

static void test_cpuset_refuses_what_is_not_a_list(void **state)
{
	static const struct {
		const char *text;
		int result;
	} vectors[] = {
		{ NULL, -EINVAL },	   { "3-1", -EINVAL },
		{ "1,", -EINVAL },	   { ",1", -EINVAL },
		{ "1,,2", -EINVAL },	   { "1-", -EINVAL },
		{ "-1", -EINVAL },	   { "1--2", -EINVAL },
		{ "1-2-3", -EINVAL },	   { "a", -EINVAL },
		{ "0x1", -EINVAL },	   { "1 2", -EINVAL },
		{ "1,\n", -EINVAL },	   { "1\n2", -EINVAL },
		{ "0-3:1/2", -EINVAL },	   { "65536", -ERANGE },
		{ "0-65536", -ERANGE },	   { "99999999999999999999999999", -ERANGE },
		{ "4294967296", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct cpuset *untouched = (struct cpuset *)&i, *s = untouched;
		int r = cpuset_parse(vectors[i].text, &s);

		if (r != vectors[i].result)
			fail_msg("\"%s\" gives %d", vectors[i].text, r);
		assert_ptr_equal(s, untouched);
	}
}

static void test_cpuset_reads_and_writes_the_kernels_masks(void **state)
{
	static const char *const vectors[][3] = {
		{ "0", "", "0" },
		{ "ff\n", "0-7", "ff" },
		{ "00000000,000000FF", "0-7", "ff" },
		{ "ff,ffff0000", "16-39", "ff,ffff0000" },
		{ "80000000,00000000,00000001", "0,95", "80000000,00000000,00000001" },
		{ "1,0,0", "64", "1,00000000,00000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_cpuset_ struct cpuset *s = NULL;
		_cleanup_free_ char *text = NULL;

		assert_int_equal(cpuset_parse_mask(vectors[i][0], &s), 0);
		expect_format(s, vectors[i][1]);
		text = cpuset_format_mask(s);
		assert_string_equal(text, vectors[i][2]);
	}
}

static void test_cpuset_refuses_what_is_no_mask(void **state)
{
	static const char *const vectors[] = {
		NULL,  "",	    "\n", ",",	  "1,", ",1",	"g",
		"0x1", "123456789", "1 ", "1\n1", "-1", "1,,1",
	};
	char huge[2 * 2049 + 1] = "0";
	struct cpuset *s = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(cpuset_parse_mask(vectors[i], &s), -EINVAL);
	for (size_t i = 1; i < 2049; i++) /* one word more than there are numbers */
		memcpy(huge + 2 * i - 1, ",0", 3);
	assert_int_equal(cpuset_parse_mask(huge, &s), -ERANGE);
	assert_null(s);
}

static void test_cpuset_null_counts_as_empty(void **state)
{
	_cleanup_cpuset_ struct cpuset *empty = set_of(""), *some = set_of("1-2"), *copy = some;

	(void)state;
	copy = NULL;
	assert_null(cpuset_free(NULL));
	assert_int_equal(cpuset_count(NULL), 0);
	assert_true(cpuset_empty(NULL));
	assert_false(cpuset_has(NULL, 0));
	assert_true(cpuset_equal(NULL, empty));
	assert_true(cpuset_equal(NULL, NULL));
	assert_false(cpuset_equal(NULL, some));
	assert_false(cpuset_intersects(NULL, some));
	assert_false(cpuset_intersects(some, NULL));
	assert_true(cpuset_subset(NULL, some));
	assert_true(cpuset_subset(NULL, NULL));
	assert_false(cpuset_subset(some, NULL));
	assert_int_equal(cpuset_next(NULL, -1), -1);
	assert_int_equal(cpuset_copy(&copy, NULL), 0);
	assert_null(copy);
	expect_format(NULL, "");
}

static void test_cpuset_arithmetic_is_that_of_sets(void **state)
{
	_cleanup_cpuset_ struct cpuset *a = set_of("0-3"), *b = set_of("2-5"), *c = NULL;

	(void)state;
	assert_int_equal(cpuset_copy(&c, a), 0);
	assert_int_equal(cpuset_union(c, b), 0);
	expect_format(c, "0-5");
	assert_int_equal(cpuset_subtract(c, a), 0);
	expect_format(c, "4-5");
	assert_true(cpuset_subset(c, b));
	assert_false(cpuset_intersects(c, a));
	assert_int_equal(cpuset_intersect(c, a), 0);
	assert_true(cpuset_empty(c));
	assert_int_equal(cpuset_union(c, NULL), 0);
	assert_int_equal(cpuset_subtract(a, NULL), 0);
	expect_format(a, "0-3");
	assert_int_equal(cpuset_intersect(a, NULL), 0);
	assert_true(cpuset_empty(a));
	expect_format(b, "2-5");
}

static void test_cpuset_add_and_remove_keep_to_the_range(void **state)
{
	_cleanup_cpuset_ struct cpuset *s = NULL;

	(void)state;
	assert_int_equal(cpuset_new(&s), 0);
	assert_int_equal(cpuset_add(s, CPUSET_MAX), 0);
	assert_int_equal(cpuset_add(s, CPUSET_MAX + 1), -ERANGE);
	assert_int_equal(cpuset_add(s, UINT32_MAX), -ERANGE);
	assert_int_equal(cpuset_count(s), 1);
	cpuset_remove(s, 7);
	cpuset_remove(s, CPUSET_MAX);
	assert_true(cpuset_empty(s));
}

static void test_cpuset_words_are_its_bits(void **state)
{
	_cleanup_cpuset_ struct cpuset *s = set_of("0,63-64,130,500");
	uint64_t words[3] = { 7, 7, 7 };

	(void)state;
	cpuset_words(s, words, 3);
	assert_true(words[0] == (1 | 1ULL << 63) && words[1] == 1 && words[2] == 4);
	cpuset_words(NULL, words, 2);
	assert_true(words[0] == 0 && words[1] == 0 && words[2] == 4);
}

static void test_cpuset_each_walks_in_rising_order(void **state)
{
	_cleanup_cpuset_ struct cpuset *s = set_of("9,1,64-65,1000");
	static const int expected[] = { 1, 9, 64, 65, 1000 };
	size_t n = 0;

	(void)state;
	cpuset_each (number, s)
		assert_int_equal(number, expected[n++]);
	assert_int_equal(n, ARRAY_SIZE(expected));
}

static void test_cpuset_takes_no_infinite_or_oversized_hwloc_set(void **state)
{
	hwloc_bitmap_t bitmap = hwloc_bitmap_alloc_full();
	_cleanup_cpuset_ struct cpuset *s = NULL;

	(void)state;
	assert_int_equal(cpuset_from_hwloc(&s, bitmap), -ERANGE);
	hwloc_bitmap_only(bitmap, CPUSET_MAX + 1);
	assert_int_equal(cpuset_from_hwloc(&s, bitmap), -ERANGE);
	assert_null(s);
	hwloc_bitmap_only(bitmap, 5);
	assert_int_equal(cpuset_from_hwloc(&s, bitmap), 0);
	expect_format(s, "5");
	assert_true(hwloc_bitmap_isequal(cpuset_as_hwloc(s), bitmap));
	s = cpuset_free(s);
	assert_int_equal(cpuset_from_hwloc(&s, NULL), 0);
	assert_non_null(s);
	assert_true(cpuset_empty(s));
	hwloc_bitmap_free(bitmap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpuset_reads_and_writes_the_kernels_list_format),
		cmocka_unit_test(test_cpuset_refuses_what_is_not_a_list),
		cmocka_unit_test(test_cpuset_reads_and_writes_the_kernels_masks),
		cmocka_unit_test(test_cpuset_refuses_what_is_no_mask),
		cmocka_unit_test(test_cpuset_null_counts_as_empty),
		cmocka_unit_test(test_cpuset_arithmetic_is_that_of_sets),
		cmocka_unit_test(test_cpuset_add_and_remove_keep_to_the_range),
		cmocka_unit_test(test_cpuset_words_are_its_bits),
		cmocka_unit_test(test_cpuset_each_walks_in_rising_order),
		cmocka_unit_test(test_cpuset_takes_no_infinite_or_oversized_hwloc_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
