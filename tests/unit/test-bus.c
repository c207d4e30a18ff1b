/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: what becomes of jobs that end early, late, never, or with the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pid1-fixture.h"

static void test_bus_says_why_where_systemd_does_not_run(void **state)
{
	struct systemd *s = NULL;
	sd_event *loop = NULL;
	struct fail f = { 0 };
	int r;

	(void)state;
	assert_true(sd_event_new(&loop) >= 0);
	r = systemd_open(&s, loop, NULL, &f);
	if (access("/run/systemd/system", F_OK) == 0) {
		print_message("skipped: this host was booted with systemd\n");
	} else {
		assert_int_equal(r, -ENOENT);
		assert_null(s);
		assert_string_equal(f.code, "not-found");
		assert_non_null(strstr(f.text, "not booted with systemd"));
	}
	systemd_free(s);
	sd_event_unref(loop);
}

static void test_bus_subscribes_once(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	assert_int_equal(fake_pid1_calls(p.fake, "Subscribe"), 1);
	pid1_done(&p);
}

static void test_job_that_ends_before_the_answer_is_not_lost(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_EARLY, 0);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	assert_int_equal(o.why.error, 0);
	pid1_done(&p);
}

static void test_job_of_the_same_unit_is_not_taken_for_ours(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;
	struct fail f;

	(void)state;
	pid1_open(&p);
	turn(&p, NULL, 0); /* subscribed */
	systemd_set_timeout(p.systemd, 200000);
	fake_pid1_answer(p.fake, FAKE_NEVER, 0);
	assert_int_equal(start_pair(&p, &o, &f), 0);
	for (uint32_t job = 900; job < 910; job++) /* while the answer is still out */
		fake_pid1_removed(p.fake, job, "reeve-x.scope", "failed");
	turn(&p, &o, 1);
	assert_int_equal(o.calls, 1);
	assert_int_equal(o.error, -ETIMEDOUT);
	pid1_done(&p);
}

static void test_job_that_ends_late_is_waited_for(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_LATE, 50000);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, 0);
	assert_true(fake_pid1_active(p.fake, "reeve-x.scope"));
	pid1_done(&p);
}

static void test_job_that_never_ends_is_a_timeout_that_names_the_unit(void **state)
{
	static const enum fake_answer answers[] = { FAKE_NEVER, FAKE_SILENT };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct outcome o = { 0 };
		struct pid1 p;

		pid1_open(&p);
		systemd_set_timeout(p.systemd, 50000);
		fake_pid1_answer(p.fake, answers[i], 0);
		start_and_wait(&p, &o);
		assert_int_equal(o.error, -ETIMEDOUT);
		assert_string_equal(o.why.code, "timed-out");
		assert_non_null(strstr(o.why.text, "reeve-x.scope"));
		assert_int_equal(strstr(o.why.text, "not even answered") != NULL,
				 answers[i] == FAKE_SILENT);
		turn(&p, NULL, 0);
		assert_int_equal(o.calls, 1);
		pid1_done(&p);
	}
}

static void test_job_results_become_sentences(void **state)
{
	static const struct {
		const char *result;
		int error;
		const char *words;
	} vectors[] = {
		{ "failed", -EIO, "the unit failed" },	    { "timeout", -ETIMEDOUT, "time limit" },
		{ "canceled", -ECANCELED, "another job" },  { "dependency", -EIO, "depends on" },
		{ "skipped", -ECANCELED, "present state" }, { "surprise", -EIO, "\"surprise\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct outcome o = { 0 };
		struct pid1 p;

		pid1_open(&p);
		fake_pid1_answer(p.fake, FAKE_FAILED, 0);
		fake_pid1_result(p.fake, vectors[i].result);
		start_and_wait(&p, &o);
		assert_int_equal(o.error, vectors[i].error);
		assert_int_equal(o.why.error, vectors[i].error);
		assert_non_null(strstr(o.why.text, "could not start reeve-x.scope"));
		assert_non_null(strstr(o.why.text, vectors[i].words));
		pid1_done(&p);
	}
}

static void test_refusal_is_told_in_the_managers_words(void **state)
{
	struct outcome o = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	turn(&p, NULL, 0);
	fake_pid1_answer(p.fake, FAKE_REFUSED, 0);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, -EACCES);
	assert_string_equal(o.why.code, "not-permitted");
	assert_non_null(strstr(o.why.text, "Permission denied"));
	pid1_done(&p);
}

static void test_bus_that_may_not_subscribe_ends_its_jobs(void **state)
{
	struct outcome o = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_REFUSED, 0);
	start_and_wait(&p, &o);
	assert_int_equal(o.error, -EACCES);
	assert_non_null(strstr(o.why.text, "does not tell about its jobs"));
	assert_int_equal(start_pair(&p, &o, &f), -ENOTCONN);
	pid1_done(&p);
}

static void test_connection_that_breaks_ends_every_job_at_once(void **state)
{
	struct outcome waiting = { 0 }, unanswered = { 0 }, after = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_NEVER, 0);
	assert_int_equal(start_pair(&p, &waiting, &f), 0);
	turn(&p, NULL, 0);
	fake_pid1_answer(p.fake, FAKE_SILENT, 0);
	assert_int_equal(
		transient_stop(p.systemd, "reeve-x.scope", NULL, on_outcome, &unanswered, &f), 0);
	turn(&p, NULL, 0);
	assert_int_equal(waiting.calls + unanswered.calls, 0);
	fake_pid1_hang_up(p.fake);
	turn(&p, &waiting, 1);
	turn(&p, NULL, 0);
	assert_int_equal(waiting.calls, 1);
	assert_int_equal(waiting.error, -ECONNRESET);
	assert_int_equal(unanswered.calls, 1);
	assert_int_equal(unanswered.error, -ECONNRESET);
	assert_int_equal(start_pair(&p, &after, &f), -ENOTCONN);
	assert_int_equal(after.calls, 0);
	pid1_done(&p);
}

static void test_free_drops_what_is_pending(void **state)
{
	struct outcome start = { 0 }, stop = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	fake_pid1_answer(p.fake, FAKE_NEVER, 0);
	assert_int_equal(start_pair(&p, &start, &f), 0);
	turn(&p, NULL, 0);
	assert_int_equal(
		transient_stop(p.systemd, "reeve-x.scope", "reeve-x.slice", on_outcome, &stop, &f),
		0);
	p.systemd = systemd_free(p.systemd);
	turn(&p, NULL, 0);
	assert_int_equal(start.calls + stop.calls, 0);
	pid1_done(&p);
}

static void test_callback_may_free_the_connection_while_others_wait(void **state)
{
	struct outcome first = { 0 }, second = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	first.free_in_callback = &p;
	fake_pid1_answer(p.fake, FAKE_NEVER, 0);
	assert_int_equal(start_pair(&p, &first, &f), 0);
	assert_int_equal(transient_stop(p.systemd, "reeve-y.scope", "reeve-y.slice", on_outcome,
					&second, &f),
			 0);
	fake_pid1_hang_up(p.fake);
	turn(&p, &first, 1);
	turn(&p, NULL, 0);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
	assert_null(p.systemd);
	pid1_done(&p);
}

static void test_signals_of_strangers_are_ignored(void **state)
{
	struct outcome o = { 0 };
	struct fail f = { 0 };
	struct pid1 p;

	(void)state;
	pid1_open(&p);
	turn(&p, NULL, 0);
	fake_pid1_answer(p.fake, FAKE_LATE, 30000);
	assert_int_equal(start_pair(&p, &o, &f), 0);
	for (uint32_t job = 5000; job < 6000; job++)
		fake_pid1_removed(p.fake, job, "cron.service", "failed");
	turn(&p, &o, 1);
	assert_int_equal(o.error, 0);
	pid1_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bus_says_why_where_systemd_does_not_run),
		cmocka_unit_test(test_bus_subscribes_once),
		cmocka_unit_test(test_job_that_ends_before_the_answer_is_not_lost),
		cmocka_unit_test(test_job_of_the_same_unit_is_not_taken_for_ours),
		cmocka_unit_test(test_job_that_ends_late_is_waited_for),
		cmocka_unit_test(test_job_that_never_ends_is_a_timeout_that_names_the_unit),
		cmocka_unit_test(test_job_results_become_sentences),
		cmocka_unit_test(test_refusal_is_told_in_the_managers_words),
		cmocka_unit_test(test_bus_that_may_not_subscribe_ends_its_jobs),
		cmocka_unit_test(test_connection_that_breaks_ends_every_job_at_once),
		cmocka_unit_test(test_free_drops_what_is_pending),
		cmocka_unit_test(test_callback_may_free_the_connection_while_others_wait),
		cmocka_unit_test(test_signals_of_strangers_are_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
