/* SPDX-License-Identifier: Apache-2.0 */
/* Device rules: what is one, what is none, and lists of them. */
#include "util/device_rule.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { R = DEVICE_ACCESS_READ, W = DEVICE_ACCESS_WRITE, M = DEVICE_ACCESS_MKNOD };

static const struct {
	const char *text;
	int error;
	struct device_rule rule;
} vectors[] = {
	{ "c 10:200 rw", 0, { false, 10, 200, R | W } },
	{ "b 259:* r", 0, { true, 259, DEVICE_RULE_ANY, R } },
	{ "c *:* m", 0, { false, DEVICE_RULE_ANY, DEVICE_RULE_ANY, M } },
	{ "c 4095:1048575 wmr", 0, { false, 4095, 1048575, R | W | M } },
	{ "c 4096:0 r", -ERANGE, { 0 } },
	{ "c 0:1048576 r", -ERANGE, { 0 } },
	{ "c 0:99999999999999 r", -ERANGE, { 0 } },
	{ "a *:* rwm", -EINVAL, { 0 } },
	{ "c10:200 rw", -EINVAL, { 0 } },
	{ "c  10:200 rw", -EINVAL, { 0 } },
	{ "c 10:200  rw", -EINVAL, { 0 } },
	{ "c 10:200", -EINVAL, { 0 } },
	{ "c 10:200 ", -EINVAL, { 0 } },
	{ "c 10:200 rr", -EINVAL, { 0 } },
	{ "c 10:200 x", -EINVAL, { 0 } },
	{ "c 10:200 rw ", -EINVAL, { 0 } },
	{ "c 10: rw", -EINVAL, { 0 } },
	{ "c :200 rw", -EINVAL, { 0 } },
	{ "c 10 rw", -EINVAL, { 0 } },
	{ "c -1:0 rw", -EINVAL, { 0 } },
	{ "c 10:200:3 rw", -EINVAL, { 0 } },
	{ "c 10:000000000000000000000000000000000000000200 rw", -EINVAL, { 0 } },
	{ "b", -EINVAL, { 0 } },
	{ "", -EINVAL, { 0 } },
};

static void test_rule_is_parsed_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct device_rule rule = { .major = 77 };
		const struct device_rules got = { &rule, 1 },
					  wanted = { (struct device_rule *)&vectors[i].rule, 1 };

		if (device_rule_parse(vectors[i].text, &rule) != vectors[i].error)
			fail_msg("\"%s\" is not answered as it should be", vectors[i].text);
		if (vectors[i].error)
			assert_int_equal(rule.major, 77);
		else if (!device_rules_equal(&got, &wanted))
			fail_msg("\"%s\" became another rule", vectors[i].text);
	}
}

static void test_numbers_are_those_of_a_dev_file_only(void **state)
{
	static const char *const garbage[] = { "",    "226",   "226:",	 ":1",	  "*:1",
					       "1:*", "a:b",   "1:2 ",	 "0x1:2", "-1:2",
					       "1,2", "1:2:3", "\xff:1", "4096:0" };
	uint32_t major = 7, minor = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		assert_true(device_rule_parse_numbers(garbage[i], &major, &minor) < 0);
		assert_true(major == 7 && minor == 7);
	}
	assert_int_equal(device_rule_parse_numbers("226:128", &major, &minor), 0);
	assert_true(major == 226 && minor == 128);
}

static void test_rules_say_what_they_are(void **state)
{
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };
	_cleanup_free_ char *none = device_rules_text(&rules), *text = NULL;

	(void)state;
	assert_string_equal(none, "");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(device_rules_add(&rules, &vectors[i].rule), 0);
	text = device_rules_text(&rules);
	assert_string_equal(text, "c 10:200 rw, b 259:* r, c *:* m");
}

static void test_rules_keep_one_for_the_same_numbers(void **state)
{
	_cleanup_(device_rules_done) struct device_rules rules = { 0 }, more = { 0 };

	(void)state;
	assert_int_equal(device_rules_add(&rules, &(struct device_rule){ false, 1, 3, R }), 0);
	assert_int_equal(device_rules_add(&more, &(struct device_rule){ false, 1, 3, W }), 0);
	assert_int_equal(device_rules_add(&more, &(struct device_rule){ true, 1, 3, W }), 0);
	assert_false(device_rules_equal(&rules, &more));
	assert_int_equal(device_rules_add_all(&rules, &more), 0);
	assert_int_equal(rules.count, 2);
	assert_int_equal(rules.items[0].access, R | W);
	assert_int_equal(rules.items[1].access, W);
	assert_false(device_rules_equal(&rules, &more));
	assert_true(device_rules_equal(&rules, &rules));
}

static void test_rules_are_bounded(void **state)
{
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };

	(void)state;
	for (uint32_t i = 0; i < DEVICE_RULES_MAX; i++)
		assert_int_equal(device_rules_add(&rules, &(struct device_rule){ true, 8, i, R }),
				 0);
	assert_int_equal(device_rules_add(&rules, &(struct device_rule){ true, 9, 0, R }), -E2BIG);
	assert_int_equal(device_rules_add(&rules, &(struct device_rule){ true, 8, 0, W }), 0);
	assert_int_equal(rules.count, DEVICE_RULES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_is_parsed_whole_or_not_at_all),
		cmocka_unit_test(test_numbers_are_those_of_a_dev_file_only),
		cmocka_unit_test(test_rules_say_what_they_are),
		cmocka_unit_test(test_rules_keep_one_for_the_same_numbers),
		cmocka_unit_test(test_rules_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
