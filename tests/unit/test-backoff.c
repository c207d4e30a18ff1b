/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential back-off: doubling, the ceiling, and no overflow on the way to it. */
#include "util/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_backoff_doubles_up_to_the_maximum_and_stays_there(void **state)
{
	struct backoff b = { .first_usec = 1, .max_usec = 10 };
	static const uint64_t expected[] = { 1, 2, 4, 8, 10, 10, 10 };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(backoff_next(&b), expected[i]);
}

static void test_backoff_begins_again_after_a_reset(void **state)
{
	struct backoff b = { .first_usec = 5, .max_usec = 100 };

	(void)state;
	backoff_next(&b);
	backoff_next(&b);
	backoff_reset(&b);
	assert_int_equal(backoff_next(&b), 5);
}

static void test_backoff_whose_first_is_its_maximum_never_grows(void **state)
{
	struct backoff b = { .first_usec = 7, .max_usec = 7 };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(backoff_next(&b), 7);
}

static void test_backoff_reaches_the_largest_number_without_overflow(void **state)
{
	struct backoff b = { .first_usec = 1, .max_usec = UINT64_MAX };
	uint64_t previous = 0;

	(void)state;
	for (int i = 0; i < 64; i++) {
		uint64_t next = backoff_next(&b);

		assert_true(next > previous);
		previous = next;
	}
	assert_int_equal(backoff_next(&b), UINT64_MAX);
	assert_int_equal(backoff_next(&b), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff_doubles_up_to_the_maximum_and_stays_there),
		cmocka_unit_test(test_backoff_begins_again_after_a_reset),
		cmocka_unit_test(test_backoff_whose_first_is_its_maximum_never_grows),
		cmocka_unit_test(test_backoff_reaches_the_largest_number_without_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
