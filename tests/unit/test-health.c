/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: worse at once, better only after better readings for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/health.h"
#include "util/cleanup.h"

enum { SECOND = 1000000 };

static const struct condition *only(const struct health *h)
{
	size_t cursor = 0;
	const struct condition *c = health_next(h, &cursor);

	assert_non_null(c);
	assert_null(health_next(h, &cursor));
	return c;
}

static struct health *made(void)
{
	struct health *h = NULL;

	assert_int_equal(health_new(&h), 0);
	return h;
}

static int feed(struct health *h, enum verdict verdict, uint64_t at_seconds)
{
	static const char *const evidence[VERDICTS] = { NULL, "not told", "slow", "dead" };
	struct reading r = { "node", "test", verdict, evidence[verdict] };

	return health_feed(h, &r, at_seconds * SECOND, NULL);
}

static void test_health_verdicts_have_names_from_good_to_bad(void **state)
{
	static const char *const names[] = { "ok", "unknown", "degraded", "failed" };

	(void)state;
	assert_int_equal(ARRAY_SIZE(names), VERDICTS);
	for (int i = 0; i < VERDICTS; i++) {
		assert_string_equal(verdict_to_string((enum verdict)i), names[i]);
		assert_int_equal(verdict_from_string(names[i]), i);
	}
	assert_int_equal(verdict_from_string("OK"), -1);
}

/* One condition: at a second a reading comes; then this is the verdict, since that second. */
struct step {
	uint64_t at;
	enum verdict reading, verdict;
	uint64_t since;
};

static void play(const struct step *steps, size_t count)
{
	_cleanup_(health_freep) struct health *h = made();
	enum verdict before = VERDICT_OK;

	for (size_t i = 0; i < count; i++) {
		int r = feed(h, steps[i].reading, steps[i].at);
		const struct condition *c = only(h);

		if (c->verdict != steps[i].verdict || c->since_usec != steps[i].since * SECOND)
			fail_msg("step %zu: %s since %llu s", i, verdict_to_string(c->verdict),
				 (unsigned long long)(c->since_usec / SECOND));
		assert_int_equal(r, c->verdict == before ? HEALTH_SAME : HEALTH_CHANGED);
		before = c->verdict;
	}
}

static void test_health_worsens_at_once_and_improves_after_a_while(void **state)
{
	static const struct step steps[] = {
		{ 1, VERDICT_OK, VERDICT_OK, 1 },
		{ 2, VERDICT_DEGRADED, VERDICT_DEGRADED, 2 },
		{ 3, VERDICT_FAILED, VERDICT_FAILED, 3 },
		{ 4, VERDICT_OK, VERDICT_FAILED, 3 },
		{ 33, VERDICT_OK, VERDICT_FAILED, 3 },
		{ 34, VERDICT_OK, VERDICT_OK, 34 },
		{ 35, VERDICT_OK, VERDICT_OK, 34 },
		{ 36, VERDICT_UNKNOWN, VERDICT_UNKNOWN, 36 },
	};

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_first_reading_that_is_bad_is_a_change(void **state)
{
	static const struct step steps[] = { { 5, VERDICT_FAILED, VERDICT_FAILED, 5 } };

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_one_bad_reading_starts_the_wait_anew(void **state)
{
	static const struct step steps[] = {
		{ 1, VERDICT_FAILED, VERDICT_FAILED, 1 },  { 2, VERDICT_OK, VERDICT_FAILED, 1 },
		{ 31, VERDICT_FAILED, VERDICT_FAILED, 1 }, { 32, VERDICT_OK, VERDICT_FAILED, 1 },
		{ 61, VERDICT_OK, VERDICT_FAILED, 1 },	   { 62, VERDICT_OK, VERDICT_OK, 62 },
	};

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_flapping_never_improves(void **state)
{
	_cleanup_(health_freep) struct health *h = made();

	(void)state;
	assert_int_equal(feed(h, VERDICT_FAILED, 1), HEALTH_CHANGED);
	for (uint64_t second = 2; second < 1000; second += 2) {
		assert_int_equal(feed(h, VERDICT_OK, second), HEALTH_SAME);
		assert_int_equal(feed(h, VERDICT_FAILED, second + 1), HEALTH_SAME);
	}
	assert_int_equal(health_verdict(h, NULL), VERDICT_FAILED);
	assert_true(only(h)->since_usec == SECOND);
}

static void test_health_improves_to_the_worst_of_the_better_readings(void **state)
{
	static const struct step steps[] = {
		{ 1, VERDICT_FAILED, VERDICT_FAILED, 1 },    { 2, VERDICT_OK, VERDICT_FAILED, 1 },
		{ 20, VERDICT_DEGRADED, VERDICT_FAILED, 1 }, { 31, VERDICT_OK, VERDICT_FAILED, 1 },
		{ 32, VERDICT_OK, VERDICT_DEGRADED, 32 }, /* it was slow within the half minute */
		{ 61, VERDICT_OK, VERDICT_DEGRADED, 32 },    { 62, VERDICT_OK, VERDICT_OK, 62 },
	};

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_evidence_is_that_of_the_verdict(void **state)
{
	_cleanup_(health_freep) struct health *h = made();

	(void)state;
	(void)feed(h, VERDICT_FAILED, 1);
	(void)feed(h, VERDICT_DEGRADED, 2);
	(void)feed(h, VERDICT_OK, 3);
	assert_string_equal(only(h)->evidence, "dead");
	(void)feed(h, VERDICT_OK, 32);
	assert_string_equal(only(h)->evidence, "slow");
	(void)feed(h, VERDICT_OK, 62);
	assert_null(only(h)->evidence);
	assert_int_equal(only(h)->verdict, VERDICT_OK);
}

static void test_health_evidence_follows_readings_of_the_same_verdict(void **state)
{
	_cleanup_(health_freep) struct health *h = made();
	char text[] = "one";
	struct reading r = { "node", "test", VERDICT_DEGRADED, text };

	(void)state;
	assert_int_equal(health_feed(h, &r, 1, NULL), HEALTH_CHANGED);
	memcpy(text, "two", 3);
	assert_string_equal(only(h)->evidence, "one");
	assert_int_equal(health_feed(h, &r, 2, NULL), HEALTH_SAME);
	assert_string_equal(only(h)->evidence, "two");
	assert_true(only(h)->since_usec == 1);
}

static void test_health_a_clock_that_runs_backwards_improves_nothing(void **state)
{
	static const struct step steps[] = {
		{ 1000, VERDICT_FAILED, VERDICT_FAILED, 1000 },
		{ 1001, VERDICT_OK, VERDICT_FAILED, 1000 },
		{ 5, VERDICT_OK, VERDICT_FAILED, 1000 },
		{ 34, VERDICT_OK, VERDICT_FAILED, 1000 },
		{ 35, VERDICT_OK, VERDICT_OK, 35 },
	};

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_time_may_begin_at_zero(void **state)
{
	static const struct step steps[] = {
		{ 0, VERDICT_FAILED, VERDICT_FAILED, 0 },
		{ 0, VERDICT_OK, VERDICT_FAILED, 0 },
		{ 31, VERDICT_OK, VERDICT_OK, 31 },
	};

	(void)state;
	play(steps, ARRAY_SIZE(steps));
}

static void test_health_verdict_is_the_worst_of_a_subject_and_of_all(void **state)
{
	static const struct reading readings[] = {
		{ "node", "memory-pressure", VERDICT_OK, NULL },
		{ "node", "controllers", VERDICT_DEGRADED, "some are missing" },
		{ "disk-a", "wear", VERDICT_FAILED, "worn" },
		{ "disk-a", "link", VERDICT_UNKNOWN, "not told" },
		{ "gpu-a", "link", VERDICT_UNKNOWN, "not told" },
	};
	_cleanup_(health_freep) struct health *h = made();
	const struct condition *changed = NULL;
	size_t cursor = 0, count = 0;

	(void)state;
	assert_int_equal(health_verdict(h, NULL), VERDICT_OK);
	for (size_t i = 0; i < ARRAY_SIZE(readings); i++) {
		int r = health_feed(h, &readings[i], 1, &changed);

		assert_int_equal(r, i > 0 ? HEALTH_CHANGED : HEALTH_SAME);
		if (i > 0)
			assert_string_equal(changed->subject, readings[i].subject);
	}
	assert_int_equal(health_verdict(h, "node"), VERDICT_DEGRADED);
	assert_int_equal(health_verdict(h, "disk-a"), VERDICT_FAILED);
	assert_int_equal(health_verdict(h, "gpu-a"), VERDICT_UNKNOWN);
	assert_int_equal(health_verdict(h, "disk-b"), VERDICT_OK);
	assert_int_equal(health_verdict(h, NULL), VERDICT_FAILED);
	health_forget(h, "disk-a");
	health_forget(h, "disk-a");
	assert_int_equal(health_verdict(h, "disk-a"), VERDICT_OK);
	assert_int_equal(health_verdict(h, NULL), VERDICT_DEGRADED);
	while (health_next(h, &cursor))
		count++;
	assert_int_equal(count, 3);
}

static void test_health_free_takes_null_and_half_finished_waits(void **state)
{
	struct health *h = made();

	(void)state;
	(void)feed(h, VERDICT_FAILED, 1);
	(void)feed(h, VERDICT_DEGRADED, 2);
	assert_null(health_free(h));
	assert_null(health_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_health_verdicts_have_names_from_good_to_bad),
		cmocka_unit_test(test_health_worsens_at_once_and_improves_after_a_while),
		cmocka_unit_test(test_health_first_reading_that_is_bad_is_a_change),
		cmocka_unit_test(test_health_one_bad_reading_starts_the_wait_anew),
		cmocka_unit_test(test_health_flapping_never_improves),
		cmocka_unit_test(test_health_improves_to_the_worst_of_the_better_readings),
		cmocka_unit_test(test_health_evidence_is_that_of_the_verdict),
		cmocka_unit_test(test_health_evidence_follows_readings_of_the_same_verdict),
		cmocka_unit_test(test_health_a_clock_that_runs_backwards_improves_nothing),
		cmocka_unit_test(test_health_time_may_begin_at_zero),
		cmocka_unit_test(test_health_verdict_is_the_worst_of_a_subject_and_of_all),
		cmocka_unit_test(test_health_free_takes_null_and_half_finished_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
