/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket of tokens: it begins full, is emptied by a burst, and gives one token every so often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/rate.h"

#define SECOND 1000000ULL

static void test_rate_gives_a_burst_and_then_one_every_so_often(void **state)
{
	const struct rate_rule rule = { .every_usec = SECOND, .burst = 3 };
	uint64_t now = 100 * SECOND, full = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rate_wait_usec(&rule, full, now), 0);
		full = rate_take(&rule, full, now);
	}
	assert_int_equal(rate_wait_usec(&rule, full, now), SECOND);
	assert_int_equal(rate_wait_usec(&rule, full, now + SECOND - 1), 1);
	now += SECOND;
	assert_int_equal(rate_wait_usec(&rule, full, now), 0);
	full = rate_take(&rule, full, now);
	assert_int_equal(rate_wait_usec(&rule, full, now), SECOND);
}

static void test_rate_saves_no_more_than_a_full_bucket(void **state)
{
	const struct rate_rule rule = { .every_usec = SECOND, .burst = 2 };
	uint64_t full = rate_take(&rule, 0, 0), now = 1000 * SECOND;
	unsigned taken = 0;

	(void)state;
	for (; rate_wait_usec(&rule, full, now) == 0; taken++)
		full = rate_take(&rule, full, now);
	assert_int_equal(taken, 2);
}

static void test_rate_without_a_rule_never_waits(void **state)
{
	const struct rate_rule rule = { .every_usec = 0, .burst = 1 };

	(void)state;
	assert_int_equal(rate_wait_usec(&rule, UINT64_MAX, 0), 0);
	assert_int_equal(rate_take(&rule, 0, 5), 5);
}

static void test_rate_does_not_wrap(void **state)
{
	const struct rate_rule rule = { .every_usec = UINT64_MAX, .burst = UINT64_MAX };

	(void)state;
	assert_int_equal(rate_wait_usec(&rule, UINT64_MAX, 1), 0);
	assert_true(rate_take(&rule, 7, 9) == UINT64_MAX);
}

/* In any stretch of time no more than the burst and one for each period in it. */
static void test_rate_is_never_exceeded(void **state)
{
	const struct rate_rule rule = { .every_usec = 7, .burst = 5 };
	uint64_t taken_at[4096], full = 0, now = 0;
	unsigned random = 1, taken = 0;

	(void)state;
	while (taken < 4096) {
		random = random * 1103515245 + 12345;
		now += (random >> 16) % 9;
		if (rate_wait_usec(&rule, full, now) > 0)
			continue;
		full = rate_take(&rule, full, now);
		taken_at[taken++] = now;
	}
	for (unsigned i = 0; i < taken; i += 61)
		for (unsigned k = i; k < taken; k++)
			assert_true(k - i + 1 <= 5 + (taken_at[k] - taken_at[i]) / 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_gives_a_burst_and_then_one_every_so_often),
		cmocka_unit_test(test_rate_saves_no_more_than_a_full_bucket),
		cmocka_unit_test(test_rate_without_a_rule_never_waits),
		cmocka_unit_test(test_rate_does_not_wrap),
		cmocka_unit_test(test_rate_is_never_exceeded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
