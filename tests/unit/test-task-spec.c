/* SPDX-License-Identifier: Apache-2.0 */
/* Task specifications: their defaults are those of reeve-api(7), limits go by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "model/task_spec.h"
#include "util/cleanup.h"

static void test_task_spec_has_the_documented_defaults(void **state)
{
	struct task_spec s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	task_spec_init(&s);
	assert_int_equal(s.umask, 18);
	assert_true(s.kill_grace_usec == 10000000);
	assert_true(s.backoff_first_usec == 1000000);
	assert_true(s.backoff_max_usec == 60000000);
	assert_int_equal(s.stdout_to, TASK_OUTPUT_FILE);
	assert_int_equal(s.stderr_to, TASK_OUTPUT_FILE);
	assert_int_equal(s.restart, TASK_RESTART_NEVER);
	assert_int_equal(s.restarts_max, 0);
	assert_int_equal(s.limits_count, 0);
	assert_null(s.name);
	assert_null(s.argv);
	assert_null(s.cwd);
}

static void test_task_spec_frees_all_that_it_owns(void **state)
{
	struct task_spec s;

	(void)state;
	task_spec_init(&s);
	task_spec_done(&s);
	task_spec_init(&s);
	s.name = strdup("main");
	s.argv = calloc(3, sizeof(char *));
	s.argv[0] = strdup("sleep");
	s.argv[1] = strdup("1");
	s.env = calloc(2, sizeof(char *));
	s.env[0] = strdup("K=V");
	s.user = strdup("u");
	s.group = strdup("g");
	s.groups = calloc(2, sizeof(uint32_t));
	s.cwd = strdup("/");
	task_spec_done(&s); /* the leak checker of sanitized builds looks on */
	assert_null(s.argv);
	task_spec_done(&s);
}

static void test_task_spec_knows_every_limit_it_lists(void **state)
{
	_cleanup_free_ char *names = strdup(task_limit_names());
	char *rest = NULL;
	unsigned seen = 0;

	(void)state;
	for (char *name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
		int resource = task_limit_from_string(name);

		if (resource < 0 || resource >= (int)RLIM_NLIMITS)
			fail_msg("%s is no limit", name);
		assert_false(seen & 1U << resource);
		seen |= 1U << resource;
	}
	assert_int_equal(seen, (1U << RLIM_NLIMITS) - 1); /* and lists all of the kernel's */
	assert_true((int)RLIM_NLIMITS <= (int)TASK_LIMITS_MAX);
}

static void test_task_spec_limits_have_the_kernels_numbers(void **state)
{
	(void)state;
	assert_int_equal(task_limit_from_string("nofile"), RLIMIT_NOFILE);
	assert_int_equal(task_limit_from_string("cpu"), RLIMIT_CPU);
	assert_int_equal(task_limit_from_string("as"), RLIMIT_AS);
	assert_int_equal(task_limit_from_string("core"), RLIMIT_CORE);
	assert_int_equal(task_limit_from_string("NOFILE"), -1);
	assert_int_equal(task_limit_from_string("RLIMIT_NOFILE"), -1);
	assert_int_equal(task_limit_from_string(""), -1);
	assert_int_equal(task_limit_from_string(NULL), -1);
}

static void test_task_spec_words_have_names_both_ways(void **state)
{
	static const char *const outputs[] = { "file", "journal", "null" };
	static const char *const restarts[] = { "never", "on-failure", "always" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_string_equal(task_output_to_string((enum task_output)i), outputs[i]);
		assert_int_equal(task_output_from_string(outputs[i]), i);
		assert_string_equal(task_restart_to_string((enum task_restart)i), restarts[i]);
		assert_int_equal(task_restart_from_string(restarts[i]), i);
	}
	assert_int_equal(task_output_from_string("stdout"), -1);
	assert_int_equal(task_restart_from_string("on_failure"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_spec_has_the_documented_defaults),
		cmocka_unit_test(test_task_spec_frees_all_that_it_owns),
		cmocka_unit_test(test_task_spec_knows_every_limit_it_lists),
		cmocka_unit_test(test_task_spec_limits_have_the_kernels_numbers),
		cmocka_unit_test(test_task_spec_words_have_names_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
