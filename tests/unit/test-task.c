/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a task: every state with everything that can happen in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/task.h"
#include "util/cleanup.h"

enum { NEVER = -1 };

static const int expected[TASK_STATES][TASK_HAPPENINGS] = {
	/* started, stop asked, will restart, ended, start failed, lost */
	{ TASK_RUNNING, TASK_STOPPING, TASK_WAITING, TASK_EXITED, TASK_FAILED, TASK_LOST },
	{ TASK_RUNNING, TASK_STOPPING, TASK_WAITING, TASK_EXITED, TASK_FAILED, TASK_LOST },
	{ NEVER, TASK_STOPPING, NEVER, TASK_EXITED, TASK_FAILED, TASK_LOST },
	{ TASK_RUNNING, TASK_STOPPING, TASK_WAITING, TASK_EXITED, TASK_FAILED, TASK_LOST },
	{ NEVER, NEVER, NEVER, NEVER, NEVER, NEVER },
	{ NEVER, NEVER, NEVER, NEVER, NEVER, NEVER },
	{ NEVER, NEVER, NEVER, NEVER, NEVER, NEVER },
};

static void test_task_goes_where_the_table_of_the_test_says(void **state)
{
	(void)state;
	for (int s = 0; s < TASK_STATES; s++)
		for (int h = 0; h < TASK_HAPPENINGS; h++) {
			int next = task_next((enum task_state)s, (enum task_happening)h);

			if (next != expected[s][h])
				fail_msg("%s, happening %d: %d",
					 task_state_to_string((enum task_state)s), h, next);
		}
}

static void test_task_that_is_over_stays_as_it_ended(void **state)
{
	(void)state;
	for (int s = 0; s < TASK_STATES; s++) {
		bool over = s == TASK_EXITED || s == TASK_FAILED || s == TASK_LOST;

		assert_int_equal(task_is_over((enum task_state)s), over);
		for (int h = 0; over && h < TASK_HAPPENINGS; h++)
			assert_int_equal(task_next((enum task_state)s, (enum task_happening)h),
					 NEVER);
	}
}

static void test_task_can_always_be_lost_until_it_is_over(void **state)
{
	(void)state;
	for (int s = 0; s < TASK_STATES; s++)
		if (!task_is_over((enum task_state)s))
			assert_int_equal(task_next((enum task_state)s, TASK_HAPPENING_LOST),
					 TASK_LOST);
}

static void test_task_that_is_stopped_does_not_come_back(void **state)
{
	static const enum task_happening late[] = { TASK_HAPPENING_WILL_RESTART,
						    TASK_HAPPENING_STARTED,
						    TASK_HAPPENING_STOP_ASKED };
	int now = TASK_STOPPING;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		int next = task_next((enum task_state)now, late[i]);

		now = next < 0 ? now : next;
		assert_int_equal(now, TASK_STOPPING);
	}
	assert_int_equal(task_next(TASK_STOPPING, TASK_HAPPENING_ENDED), TASK_EXITED);
}

static void test_task_states_have_names_both_ways(void **state)
{
	static const char *const names[] = { "starting", "running", "stopping", "waiting",
					     "exited",	 "failed",  "lost" };

	(void)state;
	assert_int_equal(ARRAY_SIZE(names), TASK_STATES);
	for (int s = 0; s < TASK_STATES; s++) {
		assert_string_equal(task_state_to_string((enum task_state)s), names[s]);
		assert_int_equal(task_state_from_string(names[s]), s);
	}
	assert_int_equal(task_state_from_string("Running"), -1);
	assert_int_equal(task_state_from_string(NULL), -1);
	assert_null(task_state_to_string(TASK_STATES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_goes_where_the_table_of_the_test_says),
		cmocka_unit_test(test_task_that_is_over_stays_as_it_ended),
		cmocka_unit_test(test_task_can_always_be_lost_until_it_is_over),
		cmocka_unit_test(test_task_that_is_stopped_does_not_come_back),
		cmocka_unit_test(test_task_states_have_names_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
