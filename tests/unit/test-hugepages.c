/* SPDX-License-Identifier: Apache-2.0 */
/* Names of huge page pools; the pools themselves are read by tests/nodes. */
#include "drivers/hugepages.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_hugepages_size_is_in_the_name(void **state)
{
	(void)state;
	assert_int_equal(hugepages_size_of_name("hugepages-2048kB"), 2 << 20);
	assert_int_equal(hugepages_size_of_name("hugepages-64kB"), 64 << 10);
	assert_int_equal(hugepages_size_of_name("hugepages-1048576kB"), 1 << 30);
	assert_true(hugepages_size_of_name("hugepages-16777216kB") == 16ull << 30);
}

static void test_hugepages_refuses_other_names(void **state)
{
	static const char *const garbage[] = {
		"",
		"hugepages-",
		"hugepages-kB",
		"hugepages-2048",
		"hugepages-2048MB",
		"hugepages--1kB",
		"hugepages-0x10kB",
		"hugepages- 4kB",
		"2048kB",
		"hugepageskB",
		"hugepages-18446744073709551615kB",
		"hugepages-99999999999999999999999999999kB",
		"xhugepages-2048kB",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_true(hugepages_size_of_name(garbage[i]) == 0);
}

static void test_hugepages_of_no_host_are_none(void **state)
{
	const struct host none = { .sys_fd = -1, .proc_fd = -1, .root_fd = -1, .cgroup_fd = -1 };
	struct device_node node = { 0 };

	(void)state;
	assert_int_equal(hugepages_fill(&node, &none, true), 0);
	assert_int_equal(node.hugepages_count, 0);
	assert_null(node.hugepages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hugepages_size_is_in_the_name),
		cmocka_unit_test(test_hugepages_refuses_other_names),
		cmocka_unit_test(test_hugepages_of_no_host_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
