/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of enforcement: their texts are copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/enforcement.h"
#include "util/cleanup.h"

static void test_enforcement_mechanisms_have_names_in_their_order(void **state)
{
	static const char *const names[] = { "none",	  "affinity", "policy", "cgroup", "cpuset",
					     "partition", "host",     "pool",	"resctrl" };

	(void)state;
	for (int i = 0; i < (int)ARRAY_SIZE(names); i++) {
		assert_string_equal(mechanism_to_string((enum mechanism)i), names[i]);
		assert_int_equal(mechanism_from_string(names[i]), i);
	}
	assert_null(mechanism_to_string((enum mechanism)ARRAY_SIZE(names)));
	assert_int_equal(mechanism_from_string("Cgroup"), -1);
}

static void test_enforcement_keeps_copies_of_all_texts(void **state)
{
	char resource[] = "cpu", limit[] = "cpus", file[] = "cpuset.cpus", wanted[] = "2-3",
	     actual[] = "2", reason[] = "the kernel says so";
	struct enforcement row = {
		resource, limit, MECHANISM_CPUSET, file, wanted, actual, reason
	};
	struct enforcements e = { 0 };

	(void)state;
	assert_int_equal(enforcements_add(&e, &row), 0);
	resource[0] = limit[0] = file[0] = wanted[0] = actual[0] = reason[0] = '#';
	assert_int_equal(e.count, 1);
	assert_string_equal(e.items[0].resource, "cpu");
	assert_string_equal(e.items[0].limit, "cpus");
	assert_string_equal(e.items[0].file, "cpuset.cpus");
	assert_string_equal(e.items[0].wanted, "2-3");
	assert_string_equal(e.items[0].actual, "2");
	assert_string_equal(e.items[0].reason, "the kernel says so");
	assert_int_equal(e.items[0].mechanism, MECHANISM_CPUSET);
	enforcements_done(&e);
	assert_int_equal(e.count, 0);
	enforcements_done(&e);
}

static void test_enforcement_rows_keep_their_order_and_may_lack_texts(void **state)
{
	static const char *const limits[] = { "a", "b", "c", "d", "e" };
	struct enforcements e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct enforcement row = { .resource = "memory", .limit = limits[i] };

		assert_int_equal(enforcements_add(&e, &row), 0);
	}
	assert_int_equal(e.count, ARRAY_SIZE(limits));
	for (size_t i = 0; i < e.count; i++) {
		assert_string_equal(e.items[i].limit, limits[i]);
		assert_null(e.items[i].file);
		assert_null(e.items[i].reason);
	}
	enforcements_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enforcement_mechanisms_have_names_in_their_order),
		cmocka_unit_test(test_enforcement_keeps_copies_of_all_texts),
		cmocka_unit_test(test_enforcement_rows_keep_their_order_and_may_lack_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
