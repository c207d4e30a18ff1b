/* SPDX-License-Identifier: Apache-2.0 */
/* A slice is frozen with real tasks in real cgroups: not while one of them starts, which would then
 * neither start nor fail, and nobody would be told. */
#include "tests/sim/agent.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

struct rig {
	struct agent agent;
	char slice[32];
};

static void finish(struct rig *r, struct answer *answer)
{
	assert_true(agent_await(&r->agent, answer, 10 * SECOND));
	if (answer->error)
		fail_msg("%s", answer->text);
	answer_done(answer);
}

static void freeze(struct rig *r, bool frozen, struct answer *answer)
{
	const struct api_caller root = { 0 };

	api_slice_freeze(r->agent.manager->api, &root, r->slice, frozen, answer_here(answer));
}

static void test_slice_is_frozen_when_no_task_of_it_is_starting(void **state)
{
	const char *missing = agent_missing(BACKEND_CGROUPFS);
	struct answer made = { 0 }, started = { 0 }, refused = { 0 }, done = { 0 };
	char request[96];
	struct rig r = { 0 };

	(void)state;
	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	agent_open(&r.agent, BACKEND_CGROUPFS);
	(void)snprintf(r.slice, sizeof(r.slice), "cold%d", (int)getpid());
	(void)snprintf(request, sizeof(request), "{\"name\":\"%s\",\"shared_cpus\":0.1}", r.slice);
	agent_create(&r.agent, request, &made);
	finish(&r, &made);
	agent_start(&r.agent, r.slice, "{\"name\":\"t\",\"argv\":[\"sleep\",\"1000\"]}", &started);
	freeze(&r, true, &refused);
	assert_int_equal(refused.error, -EBUSY);
	assert_string_equal(refused.code, "slice-busy");
	assert_non_null(strstr(refused.text, "task t of slice cold"));
	assert_non_null(strstr(refused.text, " is starting"));
	answer_done(&refused);
	finish(&r, &started);
	freeze(&r, true, &done);
	finish(&r, &done);
	assert_true(manager_slice(r.agent.manager, r.slice)->frozen);
	freeze(&r, false, &done);
	finish(&r, &done);
	assert_false(manager_slice(r.agent.manager, r.slice)->frozen);
	agent_delete(&r.agent, r.slice, 0, &done);
	finish(&r, &done);
	agent_done(&r.agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_is_frozen_when_no_task_of_it_is_starting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
