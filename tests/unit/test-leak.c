/* SPDX-License-Identifier: Apache-2.0 */
/* What is not given back, as a list: sentences in order, and what the offers must do without. */
#include "leak.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_no_leak_has_no_text_and_holds_nothing(void **state)
{
	struct leaks l = { 0 };

	(void)state;
	assert_null(leaks_text(&l));
	assert_false(leaks_hold(&l));
	leaks_done(&l);
}

static void test_note_is_told_and_holds_nothing(void **state)
{
	_cleanup_(leaks_done) struct leaks l = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(leaks_add_note(&l, "a file is left"), 0);
	assert_int_equal(leaks_add_note(&l, ""), 0);
	assert_int_equal(leaks_add_note(&l, "another"), 0);
	assert_int_equal(l.count, 3);
	assert_false(leaks_hold(&l));
	text = leaks_text(&l);
	assert_string_equal(text, "a file is left; ; another");
}

static void test_resources_are_held_each_with_its_reason(void **state)
{
	const struct allocation_hugepages pages[] = {
		{ .node = 1, .size_bytes = 2 << 20, .count = 3 },
		{ .node = 0, .size_bytes = 1 << 30, .count = 1 },
	};
	_cleanup_(cpuset_freep) struct cpuset *some = NULL, *more = NULL;
	_cleanup_(leaks_done) struct leaks l = { 0 };
	_cleanup_free_ char *cpus = NULL, *nodes = NULL;

	(void)state;
	assert_int_equal(cpuset_parse("2-3", &some), 0);
	assert_int_equal(cpuset_parse("7", &more), 0);
	assert_int_equal(leaks_add_cpus(&l, some, "2 and 3"), 0);
	assert_true(leaks_hold(&l));
	assert_int_equal(leaks_add_cpus(&l, more, "7"), 0);
	assert_int_equal(leaks_add_device(&l, "gpu-0", "the gpu"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(leaks_add_hugepages(&l, &pages[i], "pages"), 0);
	assert_int_equal(l.count, 5);
	assert_string_equal(l.reasons[0], "2 and 3");
	assert_string_equal(l.reasons[4], "pages");
	cpus = cpuset_format(l.held->cpus);
	nodes = cpuset_format(l.held->nodes);
	assert_string_equal(cpus, "2-3,7");
	assert_string_equal(nodes, "0-1");
	assert_int_equal(l.held->devices_count, 1);
	assert_string_equal(l.held->devices[0], "gpu-0");
	assert_int_equal(l.held->hugepages_count, 2);
	assert_int_equal(l.held->hugepages[0].count, 3);
	assert_int_equal(l.held->hugepages[1].size_bytes, 1 << 30);
	leaks_done(&l);
	assert_int_equal(l.count, 0);
	assert_false(leaks_hold(&l));
}

static void test_pages_of_a_node_that_cannot_be_are_no_leak(void **state)
{
	const struct allocation_hugepages pages = { .node = UINT32_MAX, .count = 1 };
	_cleanup_(leaks_done) struct leaks l = { 0 };

	(void)state;
	assert_true(leaks_add_hugepages(&l, &pages, "never") < 0);
	assert_int_equal(l.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_leak_has_no_text_and_holds_nothing),
		cmocka_unit_test(test_note_is_told_and_holds_nothing),
		cmocka_unit_test(test_resources_are_held_each_with_its_reason),
		cmocka_unit_test(test_pages_of_a_node_that_cannot_be_are_no_leak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
