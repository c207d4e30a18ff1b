/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the policy on pressure: which texts are good, and what they say. */
#include "model/pressure_rule.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LADDER "throttle-revocable, freeze-revocable, kill-revocable"

static void test_rule_is_read_as_it_is_written(void **state)
{
	struct pressure_rule r;

	(void)state;
	assert_int_equal(
		pressure_rule_parse("full 150ms/1s: " LADDER, PRESSURE_HOST, PRESSURE_MEMORY, &r),
		0);
	assert_true(r.on && r.full);
	assert_int_equal(r.stall_usec, 150000);
	assert_int_equal(r.window_usec, 1000000);
	assert_int_equal(r.steps_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(r.steps[i].action, PRESSURE_THROTTLE + i);
		assert_true(r.steps[i].revocable);
	}
	assert_int_equal(pressure_rule_parse(" \tsome  1s / 10s :report,throttle ,\tkill ",
					     PRESSURE_SLICE, PRESSURE_CPU, &r),
			 0);
	assert_true(r.on && !r.full);
	assert_int_equal(r.stall_usec, 1000000);
	assert_int_equal(r.window_usec, 10000000);
	assert_int_equal(r.steps_count, 3);
	assert_int_equal(r.steps[0].action, PRESSURE_REPORT);
	assert_int_equal(r.steps[2].action, PRESSURE_KILL);
	assert_false(r.steps[2].revocable);
	assert_int_equal(pressure_rule_parse(" off ", PRESSURE_HOST, PRESSURE_CPU, &r), 0);
	assert_false(r.on);
}

static const struct {
	enum pressure_scope scope;
	enum pressure_resource resource;
	const char *text;
	bool good;
} vectors[] = {
	{ PRESSURE_HOST, PRESSURE_MEMORY, "some 500ms/500ms: report", true },
	{ PRESSURE_HOST, PRESSURE_IO, "full 1ms/10s: report, kill-revocable", true },
	{ PRESSURE_SLICE, PRESSURE_CPU, "full 1s/2s: report, throttle-revocable, freeze, kill",
	  true },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "off: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "OFF", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s:", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: ", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report,", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: ,report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report; kill-revocable", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report, report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "most 150ms/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full150ms/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms 1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full /1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full -1ms/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150xs/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 1001ms/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 999us/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 0/1s: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 100ms/499ms: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 100ms/10001ms: report", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: throttle", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: kill", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: report-revocable", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: -revocable", false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: kill-revocable, freeze-revocable",
	  false },
	{ PRESSURE_HOST, PRESSURE_MEMORY, "full 150ms/1s: stop-revocable", false },
	{ PRESSURE_HOST, PRESSURE_CPU, "full 150ms/1s: report", false },
};

static void test_rule_is_taken_whole_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct pressure_rule r = { .stall_usec = 42 };
		int k = pressure_rule_parse(vectors[i].text, vectors[i].scope, vectors[i].resource,
					    &r);

		if (k != (vectors[i].good ? 0 : -EINVAL))
			fail_msg("\"%s\" is answered by %d", vectors[i].text, k);
		if (k < 0)
			assert_int_equal(r.stall_usec, 42);
	}
}

static void test_rule_without_end_is_refused(void **state)
{
	char text[4096];
	struct pressure_rule r;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "full 150ms/1s: report", strlen("full 150ms/1s: report"));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(pressure_rule_parse(text, PRESSURE_HOST, PRESSURE_IO, &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_is_read_as_it_is_written),
		cmocka_unit_test(test_rule_is_taken_whole_or_refused),
		cmocka_unit_test(test_rule_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
