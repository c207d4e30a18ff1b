/* SPDX-License-Identifier: Apache-2.0 */
/* The agent beside a PID 1 that fails, refuses, is late, or never answers: a slice that cannot be
 * made is told in a sentence, and leaves nothing booked and no reeve-init behind. The PID 1 is made
 * up (fake_pid1.h) and runs in a thread, as it must answer while the agent waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"
#include "tests/sim/fake_pid1.h"

#include "model/free.h"
#include "systemd/bus.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000, DEADLINE_USEC = 300000 };

struct rig {
	struct agent agent;
	sd_event *server_loop;
	sd_bus *client;
	struct fake_pid1 *fake;
	pthread_t thread;
	int gate[2];
	char slice[32];
};

static int on_stop_thread(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)fd;
	(void)revents;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void *run_loop(void *loop)
{
	return (void *)(intptr_t)sd_event_loop(loop);
}

/* The back end is changed once the agent is up: which one it is, is asked per slice. */
static void rig_open(struct rig *r, enum fake_answer answer, uint64_t delay_usec)
{
	const char *missing = agent_missing(BACKEND_CGROUPFS);
	struct fail f = { 0 };

	*r = (struct rig){ 0 };
	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	agent_open(&r->agent, BACKEND_PROCESS);
	(void)snprintf(r->slice, sizeof(r->slice), "pid1x%d", (int)getpid());
	assert_true(sd_event_new(&r->server_loop) >= 0);
	assert_int_equal(
		fake_pid1_new(&r->fake, r->server_loop, r->agent.manager->loop, &r->client), 0);
	r->agent.manager->bus = r->client;
	assert_int_equal(backend_systemd.open(r->agent.manager, &f), 0);
	r->agent.manager->backend = &backend_systemd;
	systemd_set_timeout(r->agent.manager->systemd, DEADLINE_USEC);
	for (int i = 0; i < 50; i++) { /* the handshake, and the subscription */
		assert_true(sd_event_run(r->server_loop, 1000) >= 0);
		assert_true(sd_event_run(r->agent.manager->loop, 1000) >= 0);
	}
	fake_pid1_answer(r->fake, answer, delay_usec);
	assert_int_equal(pipe2(r->gate, O_CLOEXEC), 0);
	assert_true(sd_event_add_io(r->server_loop, NULL, r->gate[0], EPOLLHUP, on_stop_thread,
				    NULL) >= 0);
	assert_int_equal(pthread_create(&r->thread, NULL, run_loop, r->server_loop), 0);
}

static void rig_done(struct rig *r)
{
	close_fd(r->gate[1]);
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	close_fd(r->gate[0]);
	agent_done(&r->agent);
	sd_bus_close_unref(r->client);
	fake_pid1_free(r->fake);
	sd_event_unref(r->server_loop);
}

static void create(struct rig *r, struct answer *answer)
{
	char request[128];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",\"cores\":1}", r->slice);
	agent_create(&r->agent, request, answer);
}

static void assert_nothing_left(struct rig *r)
{
	struct manager *m = r->agent.manager;

	assert_int_equal(map_count(m->slices), 0);
	assert_int_equal(ledger_count(m->ledger), 0);
	assert_true(cpuset_empty(ledger_cpus(m->ledger)));
	for (int i = 0; i < 100 && agent_processes(&r->agent, r->slice) > 0; i++)
		agent_turn(&r->agent, 10000);
	assert_int_equal(agent_processes(&r->agent, r->slice), 0);
}

/* Also when the same name is used twice, and whatever becomes of what PID 1 was asked. */
static void refused(enum fake_answer how, uint64_t delay_usec, const char *part)
{
	struct rig r;

	rig_open(&r, how, delay_usec);
	for (int i = 0; i < 2; i++) {
		struct answer answer = { 0 };

		create(&r, &answer);
		assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
		assert_int_not_equal(answer.error, 0);
		assert_non_null(answer.code);
		assert_true(*answer.text);
		if (i == 0 && !strstr(answer.text, part)) /* later the name may still be in use */
			fail_msg("\"%s\" is not in \"%s\"", part, answer.text);
		assert_nothing_left(&r);
		agent_turn(&r.agent, 10000);
		assert_int_equal(answer.calls, 1);
		answer_done(&answer);
	}
	rig_done(&r);
}

static void test_slice_is_taken_back_when_pid1_fails(void **state)
{
	(void)state;
	refused(FAKE_FAILED, 0, "the unit failed");
}

static void test_slice_is_taken_back_when_pid1_refuses(void **state)
{
	(void)state;
	refused(FAKE_REFUSED, 0, "could not start");
}

static void test_slice_is_taken_back_when_pid1_answers_too_late(void **state)
{
	(void)state;
	refused(FAKE_LATE, 3 * DEADLINE_USEC, "in time");
}

static void test_slice_is_taken_back_when_pid1_never_finishes(void **state)
{
	(void)state;
	refused(FAKE_NEVER, 0, "in time");
}

static void test_slice_is_taken_back_when_pid1_is_silent(void **state)
{
	(void)state;
	refused(FAKE_SILENT, 0, "not even answered");
}

static void test_slice_is_taken_back_when_the_cgroup_that_pid1_names_is_not_there(void **state)
{
	(void)state;
	refused(FAKE_DONE, 0, "cannot set up the cgroup");
}

static void test_slice_is_taken_back_when_the_connection_to_pid1_breaks(void **state)
{
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, FAKE_SILENT, 0);
	create(&r, &answer);
	sd_bus_close(r.client); /* from now on every call fails at once */
	assert_true(agent_await(&r.agent, &answer, 10 * SECOND));
	assert_int_not_equal(answer.error, 0);
	assert_nothing_left(&r);
	answer_done(&answer);
	rig_done(&r);
}

/* The one who made it is told that it was deleted, those who deleted it that it is gone. */
static void test_slice_deleted_while_pid1_makes_it_is_told_once_to_each(void **state)
{
	struct answer made = { 0 }, deleted[2] = { { 0 }, { 0 } };
	struct rig r;

	(void)state;
	rig_open(&r, FAKE_LATE, DEADLINE_USEC / 3);
	create(&r, &made);
	agent_turn(&r.agent, 10000);
	for (int i = 0; i < 2; i++)
		agent_delete(&r.agent, r.slice, (uint64_t)i * SECOND, &deleted[i]);
	assert_int_equal(made.calls, 1);
	assert_string_equal(made.code, "slice-deleted");
	for (int i = 0; i < 2; i++) {
		assert_true(agent_await(&r.agent, &deleted[i], 10 * SECOND));
		assert_int_equal(deleted[i].error, 0);
	}
	assert_nothing_left(&r);
	agent_turn(&r.agent, DEADLINE_USEC);
	assert_int_equal(made.calls + deleted[0].calls + deleted[1].calls, 3);
	answer_done(&made);
	rig_done(&r);
}

/* The wait for the death of reeve-init ends before a slow PID 1 has answered. */
static void test_slow_pid1_is_asked_once_to_take_a_slice_down(void **state)
{
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, FAKE_LATE, 800000);
	systemd_set_timeout(r.agent.manager->systemd, 10 * SECOND);
	create(&r, &answer); /* fails in the end: no cgroup is where this PID 1 says */
	assert_true(agent_await(&r.agent, &answer, 15 * SECOND));
	assert_int_not_equal(answer.error, 0);
	assert_nothing_left(&r);
	assert_int_equal(answer.calls, 1);
	assert_int_equal(fake_pid1_calls(r.fake, "StopUnit"), 2); /* the scope and the slice */
	answer_done(&answer);
	rig_done(&r);
}

static void test_agent_that_stops_while_pid1_works_leaves_no_reeve_init(void **state)
{
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, FAKE_SILENT, 0);
	create(&r, &answer);
	/* It is seen by its arguments, so from its exec on: a busy machine takes a while to it. */
	for (int i = 0; i < 1500 && agent_processes(&r.agent, r.slice) == 0; i++)
		agent_turn(&r.agent, 10000);
	assert_int_equal(answer.calls, 0);
	assert_int_equal(agent_processes(&r.agent, r.slice), 1);
	r.agent.manager = manager_free(r.agent.manager);
	assert_int_equal(answer.calls, 1);
	assert_int_equal(answer.error, -EAGAIN);
	assert_int_equal(agent_processes(&r.agent, r.slice), 0);
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_is_taken_back_when_pid1_fails),
		cmocka_unit_test(test_slice_is_taken_back_when_pid1_refuses),
		cmocka_unit_test(test_slice_is_taken_back_when_pid1_answers_too_late),
		cmocka_unit_test(test_slice_is_taken_back_when_pid1_never_finishes),
		cmocka_unit_test(test_slice_is_taken_back_when_pid1_is_silent),
		cmocka_unit_test(
			test_slice_is_taken_back_when_the_cgroup_that_pid1_names_is_not_there),
		cmocka_unit_test(test_slice_is_taken_back_when_the_connection_to_pid1_breaks),
		cmocka_unit_test(test_slice_deleted_while_pid1_makes_it_is_told_once_to_each),
		cmocka_unit_test(test_slow_pid1_is_asked_once_to_take_a_slice_down),
		cmocka_unit_test(test_agent_that_stops_while_pid1_works_leaves_no_reeve_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
