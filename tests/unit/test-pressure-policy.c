/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about pressure: which step when, what is told how often, when it is undone. */
#include "model/pressure.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MSEC 1000ULL
#define SECOND 1000000ULL
#define BEGIN (1000 * SECOND)

static const struct pressure_policy policy = { .escalate_usec = 2 * SECOND,
					       .relief_usec = 10 * SECOND };

static struct pressure_rule rule_of(enum pressure_scope scope, const char *text)
{
	struct pressure_rule r;

	assert_int_equal(pressure_rule_parse(text, scope, PRESSURE_MEMORY, &r), 0);
	return r;
}

static struct pressure_rule ladder(void)
{
	return rule_of(PRESSURE_HOST,
		       "full 200ms/1s: throttle-revocable, freeze-revocable, kill-revocable");
}

enum { NONE = -1 };

static int fired(const struct pressure_rule *r, struct pressure_state *s, bool able, uint64_t at)
{
	struct pressure_decision d = pressure_fired(&policy, r, s, able, at);

	assert_false(d.undo);
	return d.step ? (int)d.step->action : NONE;
}

static void test_steps_follow_each_other_while_it_goes_on(void **state)
{
	static const struct {
		uint64_t after_msec;
		int step;
	} history[] = {
		{ 0, PRESSURE_THROTTLE }, { 1000, NONE },
		{ 1999, NONE },		  { 2000, PRESSURE_FREEZE },
		{ 3000, NONE },		  { 4100, PRESSURE_KILL },
		{ 5100, NONE },		  { 6200, PRESSURE_KILL },
		{ 9000, PRESSURE_KILL },
	};
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(history); i++)
		if (fired(&r, &s, true, BEGIN + history[i].after_msec * MSEC) != history[i].step)
			fail_msg("not so at %d ms", (int)history[i].after_msec);
}

static void test_first_step_is_at_once_and_looked_after(void **state)
{
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };
	struct pressure_decision d = pressure_fired(&policy, &r, &s, true, 1);

	(void)state;
	assert_ptr_equal(d.step, &r.steps[0]);
	assert_true(d.tell);
	assert_int_equal(d.look_usec, SECOND);
}

static void test_nobody_to_take_from_is_only_told(void **state)
{
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };
	struct pressure_decision d = pressure_fired(&policy, &r, &s, false, BEGIN);

	(void)state;
	assert_null(d.step);
	assert_true(d.tell);
	assert_int_equal(d.look_usec, 0);
	assert_int_equal(pressure_in_force(&r, &s, true), 0);
	/* and as soon as there is somebody, from the first step on */
	assert_int_equal(fired(&r, &s, true, BEGIN + SECOND), PRESSURE_THROTTLE);
}

static void test_report_alone_arms_no_timer_and_backs_off(void **state)
{
	const struct pressure_rule r = rule_of(PRESSURE_SLICE, "some 200ms/1s: report");
	struct pressure_state s = { 0 };
	unsigned told = 0;

	(void)state;
	for (unsigned second = 0; second < 3600; second++) {
		struct pressure_decision d =
			pressure_fired(&policy, &r, &s, false, BEGIN + second * SECOND);

		assert_null(d.step);
		assert_int_equal(d.look_usec, 0);
		told += d.tell;
	}
	/* 0, 2, 6, 14, 30, 62, 126, 254, and every 300 s from 510 on */
	assert_int_equal(told, 8 + 1 + (3599 - 510) / 300);
	/* after a quiet time it is news again */
	assert_false(pressure_fired(&policy, &r, &s, false, BEGIN + 3600 * SECOND).tell);
	assert_true(pressure_fired(&policy, &r, &s, false, BEGIN + 3610 * SECOND).tell);
}

static void test_steps_are_undone_when_it_was_calm_for_long(void **state)
{
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };
	uint64_t now = BEGIN;

	(void)state;
	assert_int_equal(fired(&r, &s, true, now), PRESSURE_THROTTLE);
	/* within its window, and above the half of 20 %: not calm */
	assert_int_equal(pressure_looked(&policy, &r, &s, 0, now + 500 * MSEC).look_usec, SECOND);
	now += SECOND;
	for (unsigned i = 0; i < 60; i++, now += SECOND)
		assert_false(pressure_looked(&policy, &r, &s, 10, now).undo);
	for (unsigned i = 0; i < 10; i++, now += SECOND)
		assert_false(pressure_looked(&policy, &r, &s, 9.99, now).undo);
	assert_false(pressure_looked(&policy, &r, &s, 10, now).undo); /* it all begins again */
	for (unsigned i = 0; i < 10; i++)
		assert_false(pressure_looked(&policy, &r, &s, 0, now += SECOND).undo);
	struct pressure_decision d = pressure_looked(&policy, &r, &s, 0, now += SECOND);
	assert_true(d.undo && d.tell);
	assert_int_equal(d.look_usec, 0);
	assert_int_equal(pressure_in_force(&r, &s, true), 0);
	d = pressure_looked(&policy, &r, &s, 0, now + SECOND);
	assert_false(d.undo || d.tell || d.look_usec);
}

static void test_firing_meanwhile_is_not_calm(void **state)
{
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };
	uint64_t now = BEGIN;

	(void)state;
	assert_int_equal(fired(&r, &s, true, now), PRESSURE_THROTTLE);
	for (unsigned i = 0; i < 8; i++)
		assert_false(pressure_looked(&policy, &r, &s, 0, now += SECOND).undo);
	assert_int_equal(fired(&r, &s, true, now += SECOND), PRESSURE_FREEZE);
	for (unsigned i = 0; i < 10; i++)
		assert_false(pressure_looked(&policy, &r, &s, 0, now += SECOND).undo);
	assert_true(pressure_looked(&policy, &r, &s, 0, now += SECOND).undo);
}

static uint64_t seconds_until_undone(const struct pressure_rule *r, struct pressure_state *s,
				     uint64_t *now)
{
	const uint64_t begin = *now;

	while (!pressure_looked(&policy, r, s, 0, *now).undo)
		*now += SECOND;
	return (*now - begin) / SECOND;
}

static void test_relapse_makes_the_next_relief_longer(void **state)
{
	static const uint64_t expected[] = { 11, 21, 41, 81, 161, 161 };
	const struct pressure_rule r = ladder();
	struct pressure_state s = { 0 };
	uint64_t now = BEGIN;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(fired(&r, &s, true, now), PRESSURE_THROTTLE);
		assert_int_equal(seconds_until_undone(&r, &s, &now), expected[i]);
		now += 2 * SECOND;
	}
	now += 200 * SECOND; /* no relapse: forgiven */
	assert_int_equal(fired(&r, &s, true, now), PRESSURE_THROTTLE);
	assert_int_equal(seconds_until_undone(&r, &s, &now), 11);
}

static void test_what_is_in_force_depends_on_who_it_is_for(void **state)
{
	const struct pressure_rule r =
		rule_of(PRESSURE_SLICE, "some 200ms/1s: report, throttle, freeze-revocable, kill");
	const unsigned throttled = PRESSURE_BIT(PRESSURE_THROTTLE);
	struct pressure_state s = { .level = 1 };

	(void)state;
	assert_int_equal(pressure_in_force(&r, &s, true), 0);
	s.level = 2;
	assert_int_equal(pressure_in_force(&r, &s, false), throttled);
	s.level = 3;
	assert_int_equal(pressure_in_force(&r, &s, false), throttled);
	assert_int_equal(pressure_in_force(&r, &s, true),
			 throttled | PRESSURE_BIT(PRESSURE_FREEZE));
	s.level = 4; /* a kill does not last */
	assert_int_equal(pressure_in_force(&r, &s, true),
			 throttled | PRESSURE_BIT(PRESSURE_FREEZE));
	/* and who is not revocable goes from the first to the last of its own steps */
	s = (struct pressure_state){ 0 };
	assert_int_equal(fired(&r, &s, false, BEGIN), NONE);
	assert_int_equal(fired(&r, &s, false, BEGIN + 2 * SECOND), PRESSURE_THROTTLE);
	assert_int_equal(fired(&r, &s, false, BEGIN + 4 * SECOND), PRESSURE_KILL);
}

static void test_victim_is_who_uses_most_or_is_newest(void **state)
{
	static const struct pressure_candidate three[] = { { "a", 100, 1 },
							   { "b", 300, 2 },
							   { "c", 200, 3 } };
	static const struct pressure_candidate same[] = { { "b", 7, 5 }, { "a", 7, 5 } };

	(void)state;
	assert_int_equal(pressure_victim(three, 3, PRESSURE_MEMORY), 1);
	assert_int_equal(pressure_victim(three, 3, PRESSURE_CPU), 2);
	assert_int_equal(pressure_victim(three, 3, PRESSURE_IO), 2);
	assert_int_equal(pressure_victim(three, 1, PRESSURE_MEMORY), 0);
	assert_int_equal(pressure_victim(same, 2, PRESSURE_MEMORY), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_follow_each_other_while_it_goes_on),
		cmocka_unit_test(test_first_step_is_at_once_and_looked_after),
		cmocka_unit_test(test_nobody_to_take_from_is_only_told),
		cmocka_unit_test(test_report_alone_arms_no_timer_and_backs_off),
		cmocka_unit_test(test_steps_are_undone_when_it_was_calm_for_long),
		cmocka_unit_test(test_firing_meanwhile_is_not_calm),
		cmocka_unit_test(test_relapse_makes_the_next_relief_longer),
		cmocka_unit_test(test_what_is_in_force_depends_on_who_it_is_for),
		cmocka_unit_test(test_victim_is_who_uses_most_or_is_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
