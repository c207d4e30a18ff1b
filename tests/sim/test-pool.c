/* SPDX-License-Identifier: Apache-2.0 */
/* The shared pool of this machine's CPUs: tasks of a slice that shares it keep off a core that
 * another slice has taken, from before that one can run anything, and may use it again when it is
 * back. By the back end process, where affinity is all that holds them; the tasks are real. */
#include "tests/sim/agent.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pin.h"

enum { SECOND = 1000000 };

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)

struct rig {
	struct agent agent;
	char sharer[32], taker[32];
	pid_t task;
};

static void finish(struct rig *r, struct answer *answer)
{
	assert_true(agent_await(&r->agent, answer, 10 * SECOND));
	if (answer->error)
		fail_msg("%s", answer->text);
	answer_done(answer);
}

static void create(struct rig *r, const char *name, const char *what)
{
	struct answer answer = { 0 };
	char request[200];

	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",%s}", name, what);
	agent_create(&r->agent, request, &answer);
	finish(r, &answer);
}

static void end(struct rig *r, const char *name)
{
	struct answer answer = { 0 };

	agent_delete(&r->agent, name, 0, &answer);
	finish(r, &answer);
}

static void rig_open(struct rig *r)
{
	const char *missing = agent_missing(BACKEND_PROCESS);
	struct answer answer = { 0 };
	struct slice_task *t;

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	*r = (struct rig){ 0 };
	agent_open(&r->agent, BACKEND_PROCESS);
	(void)snprintf(r->sharer, sizeof(r->sharer), "sharer%d", (int)getpid());
	(void)snprintf(r->taker, sizeof(r->taker), "taker%d", (int)getpid());
	create(r, r->sharer, "\"shared_cpus\":0.1");
	agent_start(&r->agent, r->sharer, "{\"name\":\"t\",\"argv\":[\"sleep\",\"1000\"]}",
		    &answer);
	finish(r, &answer);
	t = slice_task_find(manager_slice(r->agent.manager, r->sharer), "t");
	assert_non_null(t);
	r->task = t->pid;
}

static void rig_close(struct rig *r)
{
	end(r, r->sharer);
	agent_done(&r->agent);
}

/* The CPUs of the task, as the kernel has them. */
static struct cpuset *cpus_now(const struct rig *r)
{
	struct cpuset *cpus = NULL;

	assert_int_equal(pin_read_cpus(r->task, &cpus), 0);
	return cpus;
}

static void assert_row_is(const struct rig *r, const struct cpuset *cpus)
{
	const struct slice *s = manager_slice(r->agent.manager, r->sharer);
	const struct enforcement *row = enforcements_find(&s->enforced, "cpus");
	_cleanup_free_ char *text = cpuset_format(cpus);

	assert_non_null(row);
	assert_string_equal(row->wanted, text);
	assert_string_equal(row->actual, text);
}

static unsigned count_cores(const struct rig *r)
{
	unsigned count = 0;

	inventory_each (core, r->agent.manager->inventory, DEVICE_CORE)
		count += core->core.number != UINT32_MAX;
	return count;
}

static void test_tasks_keep_off_a_core_that_is_taken_until_it_is_back(void **state)
{
	_cleanup_cpuset_ struct cpuset *all = NULL, *less = NULL, *again = NULL;
	const struct allocation *taken;
	struct rig r;

	(void)state;
	rig_open(&r);
	all = cpus_now(&r);
	if (count_cores(&r) < 2) {
		rig_close(&r);
		print_message("skipped: one core cannot be taken and shared\n");
		skip();
	}
	create(&r, r.taker, "\"cores\":1");
	taken = ledger_find(r.agent.manager->ledger, r.taker);
	less = cpus_now(&r);
	assert_true(cpuset_subset(taken->cpus, all));
	assert_false(cpuset_intersects(taken->cpus, less));
	assert_int_equal(cpuset_count(less) + cpuset_count(taken->cpus), cpuset_count(all));
	assert_row_is(&r, less);
	end(&r, r.taker);
	again = cpus_now(&r);
	assert_true(cpuset_equal(again, all));
	assert_row_is(&r, all);
	rig_close(&r);
}

/* The pool may have changed while no agent was there, or been written by half. */
static void test_next_agent_makes_them_follow_the_pool(void **state)
{
	_cleanup_cpuset_ struct cpuset *all = NULL, *one = NULL, *again = NULL;
	cpu_set_t first;
	struct rig r;

	(void)state;
	rig_open(&r);
	all = cpus_now(&r);
	if (cpuset_count(all) < 2) {
		rig_close(&r);
		print_message("skipped: there is one CPU only\n");
		skip();
	}
	CPU_ZERO(&first);
	CPU_SET(cpuset_next(all, -1), &first);
	assert_int_equal(sched_setaffinity(r.task, sizeof(first), &first), 0);
	one = cpus_now(&r);
	assert_int_equal(cpuset_count(one), 1);
	agent_restart(&r.agent);
	agent_turn(&r.agent, SECOND / 2);
	again = cpus_now(&r);
	assert_true(cpuset_equal(again, all));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks_keep_off_a_core_that_is_taken_until_it_is_back),
		cmocka_unit_test(test_next_agent_makes_them_follow_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
