/* SPDX-License-Identifier: Apache-2.0 */
/* One agent goes and another comes: what it must find again, what it must end, and who may act. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECOND = 1000000 };

static const enum backend_choice choices[] = { BACKEND_CGROUPFS, BACKEND_PROCESS };

struct rig {
	struct agent agent;
	char slice[32];
};

static void rig_open(struct rig *r, enum backend_choice backend)
{
	const char *missing = agent_missing(backend);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	agent_open(&r->agent, backend);
	(void)snprintf(r->slice, sizeof(r->slice), "adopt%d", (int)getpid());
}

static void make_slice(struct rig *r)
{
	struct answer answer = { 0 };
	char request[128];

	(void)snprintf(request, sizeof(request),
		       "{\"name\":\"%s\",\"cores\":1,\"memory\":\"16MiB\"}", r->slice);
	agent_create(&r->agent, request, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static void run_task(struct rig *r, const char *task)
{
	struct answer answer = { 0 };

	agent_start(&r->agent, r->slice, task, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static struct slice_task *task_of(struct rig *r, const char *name)
{
	struct slice *s = manager_slice(r->agent.manager, r->slice);

	assert_non_null(s);
	return slice_task_find(s, name);
}

static void await_state(struct rig *r, const char *name, enum task_state state)
{
	for (int i = 0; i < 500 && (!task_of(r, name) || task_of(r, name)->state != state); i++)
		agent_turn(&r->agent, 10000);
	assert_non_null(task_of(r, name));
	assert_int_equal(task_of(r, name)->state, state);
}

static void end_slice(struct rig *r)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, r->slice, 0, &answer);
	assert_true(agent_await(&r->agent, &answer, 10 * SECOND));
	assert_int_equal(answer.error, 0);
	answer_done(&answer);
}

static void assert_nothing_left(struct rig *r)
{
	for (int i = 0; i < 200 && agent_processes(&r->agent, r->slice) > 0; i++)
		agent_turn(&r->agent, 10000);
	assert_int_equal(agent_processes(&r->agent, r->slice), 0);
	assert_int_equal(agent_cgroups(&r->agent), 0);
	assert_int_equal(map_count(r->agent.manager->slices), 0);
	assert_int_equal(ledger_count(r->agent.manager->ledger), 0);
}

static void test_slice_and_its_tasks_are_found_again_with_their_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct slice_task before, *after;
		struct rig r;

		rig_open(&r, choices[i]);
		make_slice(&r);
		run_task(&r, "{\"name\":\"over\",\"argv\":[\"sh\",\"-c\",\"exit 3\"]}");
		run_task(&r, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}");
		await_state(&r, "over", TASK_EXITED);
		before = *task_of(&r, "over");
		agent_restart(&r.agent);
		await_state(&r, "runs", TASK_RUNNING);
		after = task_of(&r, "over");
		assert_non_null(after);
		assert_int_equal(after->state, TASK_EXITED);
		assert_int_equal(after->exit_code, 3);
		assert_true(before.started_usec > 0 && before.ended_usec > 0);
		assert_int_equal(after->started_usec, before.started_usec);
		assert_int_equal(after->ended_usec, before.ended_usec);
		assert_int_equal(after->cpu_user_usec, before.cpu_user_usec);
		assert_int_equal(ledger_count(r.agent.manager->ledger), 1);
		end_slice(&r);
		assert_nothing_left(&r);
		agent_done(&r.agent);
	}
}

/* What a reeve-init can do is not known before it has said so, which is not to be old. */
static void test_task_right_after_a_restart_is_put_off_and_not_refused_for_good(void **state)
{
	static const char task[] = "{\"argv\":[\"true\"],\"memory_policy\":\"preferred\"}";
	struct answer answer = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, BACKEND_PROCESS);
	make_slice(&r);
	agent_restart(&r.agent);
	agent_start(&r.agent, r.slice, task, &answer);
	assert_int_equal(answer.error, -EAGAIN);
	answer_done(&answer);
	agent_turn(&r.agent, SECOND / 2);
	run_task(&r, task);
	end_slice(&r);
	assert_nothing_left(&r);
	agent_done(&r.agent);
}

static void test_slice_without_a_record_is_ended(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct rig r;

		rig_open(&r, choices[i]);
		make_slice(&r);
		run_task(&r, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}");
		assert_int_equal(store_remove_slice(r.agent.manager->store, r.slice), 0);
		agent_restart(&r.agent);
		assert_nothing_left(&r);
		make_slice(&r); /* its name and its resources can be used again */
		end_slice(&r);
		agent_done(&r.agent);
	}
}

static void test_slice_with_a_record_that_cannot_be_used_is_ended(void **state)
{
	static const char *const records[] = { "", "{}", "[",
					       "{\"slice\":{\"request\":{\"x\":1}}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct rig r;

		rig_open(&r, choices[i % ARRAY_SIZE(choices)]);
		make_slice(&r);
		run_task(&r, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}");
		assert_int_equal(store_put_slice(r.agent.manager->store, r.slice, records[i], NULL),
				 0);
		agent_restart(&r.agent);
		assert_nothing_left(&r);
		agent_done(&r.agent);
	}
}

static void test_slice_whose_init_died_meanwhile_is_cleared(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct rig r;

		rig_open(&r, choices[i]);
		make_slice(&r);
		run_task(&r, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}");
		assert_int_equal(kill(manager_slice(r.agent.manager, r.slice)->init_pid, SIGKILL),
				 0);
		agent_restart(&r.agent);
		assert_nothing_left(&r);
		agent_done(&r.agent);
	}
}

static void test_slice_of_another_user_is_not_to_be_touched(void **state)
{
	const struct api_caller stranger = { .uid = 54321, .gid = 54321 };
	struct api_task_order order;
	struct answer answer = { 0 };
	struct fail f = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r, BACKEND_PROCESS);
	make_slice(&r);
	run_task(&r, "{\"name\":\"runs\",\"argv\":[\"sleep\",\"1000\"]}");
	order = (struct api_task_order){ .slice = r.slice, .task = "runs" };
	api_slice_delete(r.agent.manager->api, &stranger, r.slice, 0, answer_here(&answer));
	assert_int_equal(answer.error, -EPERM);
	assert_string_equal(answer.code, "not-owner");
	assert_int_equal(api_task_signal(r.agent.manager->api, &stranger, &order, SIGKILL, &f),
			 -EPERM);
	assert_int_equal(api_task_stop(r.agent.manager->api, &stranger, &order, 0, &f), -EPERM);
	assert_int_equal(api_task_forget(r.agent.manager->api, &stranger, &order, &f), -EPERM);
	assert_int_equal(api_task_log(r.agent.manager->api, &stranger, &order, "stdout", &f),
			 -EPERM);
	assert_int_equal(task_of(&r, "runs")->state, TASK_RUNNING);
	end_slice(&r);
	assert_nothing_left(&r);
	agent_done(&r.agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_and_its_tasks_are_found_again_with_their_facts),
		cmocka_unit_test(
			test_task_right_after_a_restart_is_put_off_and_not_refused_for_good),
		cmocka_unit_test(test_slice_without_a_record_is_ended),
		cmocka_unit_test(test_slice_with_a_record_that_cannot_be_used_is_ended),
		cmocka_unit_test(test_slice_whose_init_died_meanwhile_is_cleared),
		cmocka_unit_test(test_slice_of_another_user_is_not_to_be_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
