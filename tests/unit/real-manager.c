/* SPDX-License-Identifier: Apache-2.0 */
/* The same calls that the fake manager takes, put to a real one: run by test-manager.sh, which
 * starts systemd apart from the host's own. Here shows whether each property's name and type are
 * right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pid1-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define SCOPE "reeve-real\\x2d1.scope"
#define SLICE "reeve-real\\x2d1.slice"

static void real_open(struct pid1 *p)
{
	const char *address = getenv("REEVE_MANAGER_ADDRESS");
	struct fail f = { 0 };

	*p = (struct pid1){ 0 };
	assert_non_null(address);
	assert_true(sd_event_new(&p->loop) >= 0);
	assert_true(sd_bus_new(&p->client) >= 0);
	assert_true(sd_bus_set_address(p->client, address) >= 0);
	/* A message bus wants a greeting first, the manager's own socket none. */
	if (getenv("REEVE_MANAGER_BROKER"))
		assert_true(sd_bus_set_bus_client(p->client, 1) >= 0);
	assert_true(sd_bus_start(p->client) >= 0);
	assert_int_equal(systemd_open(&p->systemd, p->loop, p->client, &f), 0);
}

static uint32_t start_sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return (uint32_t)pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Every property that there is, on the unit that it is for. */
static int start_everything(struct pid1 *p, uint32_t pid, struct outcome *o)
{
	struct cpuset *zero = NULL;
	struct fail f = { 0 };
	int r;

	assert_int_equal(cpuset_parse("0", &zero), 0);
	const struct property_value scope[] = {
		{ PROPERTY_DESCRIPTION, .text = "a scope" },
		{ PROPERTY_SLICE, .text = SLICE },
		{ PROPERTY_DELEGATE, .yes = true },
		{ PROPERTY_PIDS, .numbers = { &pid, 1 } },
		{ PROPERTY_OOM_POLICY, .text = "continue" },
		{ PROPERTY_KILL_MODE, .text = "control-group" },
	};
	const struct property_value slice[] = {
		{ PROPERTY_ALLOWED_CPUS, .set = zero },
		{ PROPERTY_ALLOWED_MEMORY_NODES, .set = zero },
		{ PROPERTY_CPU_WEIGHT, .number = 200 },
		{ PROPERTY_CPU_QUOTA_PER_SEC_USEC, .number = 500000 },
		{ PROPERTY_MEMORY_MIN, .number = 4096 },
		{ PROPERTY_MEMORY_LOW, .number = 4096 },
		{ PROPERTY_MEMORY_HIGH, .number = 1 << 30 },
		{ PROPERTY_MEMORY_MAX, .number = 1 << 30 },
		{ PROPERTY_MEMORY_SWAP_MAX, .number = 0 },
		{ PROPERTY_TASKS_MAX, .number = 64 },
		{ PROPERTY_COLLECT_MODE, .text = "inactive-or-failed" },
		{ PROPERTY_DEFAULT_DEPENDENCIES, .yes = false },
	};
	const struct transient_order order = {
		SCOPE, SLICE, scope, slice, ARRAY_SIZE(scope), ARRAY_SIZE(slice)
	};

	*o = (struct outcome){ 0 };
	r = transient_start(p->systemd, &order, on_outcome, o, &f);
	assert_int_equal(r, 0);
	turn(p, o, 1);
	assert_int_equal(o->calls, 1);
	if (o->error < 0)
		print_message("%s\n", o->why.text);
	cpuset_free(zero);
	return o->error;
}

static int stop_everything(struct pid1 *p, struct outcome *o)
{
	struct fail f = { 0 };

	*o = (struct outcome){ 0 };
	assert_int_equal(transient_stop(p->systemd, SCOPE, SLICE, on_outcome, o, &f), 0);
	turn(p, o, 1);
	assert_int_equal(o->calls, 1);
	return o->error;
}

static void assert_ended_by_the_manager(uint32_t pid)
{
	int status;

	assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void test_real_manager_takes_every_property(void **state)
{
	uint32_t pid = start_sleeper();
	struct outcome o;
	struct pid1 p;

	(void)state;
	real_open(&p);
	assert_int_equal(start_everything(&p, pid, &o), 0);
	assert_int_equal(start_everything(&p, pid, &o), -EEXIST);
	assert_int_equal(stop_everything(&p, &o), 0);
	assert_ended_by_the_manager(pid);
	assert_int_equal(stop_everything(&p, &o), 0); /* nothing is there: done */
	pid = start_sleeper();
	assert_int_equal(start_everything(&p, pid, &o), 0); /* the names are free */
	assert_int_equal(stop_everything(&p, &o), 0);
	assert_ended_by_the_manager(pid);
	pid1_done(&p);
}

static void test_real_manager_refuses_a_process_that_is_gone(void **state)
{
	struct outcome o;
	struct pid1 p;

	(void)state;
	real_open(&p);
	assert_true(start_everything(&p, 4194300, &o) < 0);
	assert_non_null(strstr(o.why.text, "4194300"));
	assert_int_equal(stop_everything(&p, &o), 0);
	pid1_done(&p);
}

static void assert_cgroup(struct pid1 *p, const char *unit, const char *end)
{
	struct fail f = { 0 };
	char *path = NULL;

	assert_int_equal(transient_cgroup(p->systemd, unit, &path, &f), 0);
	assert_true(strlen(path) > strlen(end));
	assert_string_equal(path + strlen(path) - strlen(end), end);
	free(path);
}

static void test_real_manager_tells_cgroups_and_takes_changes(void **state)
{
	const struct property_value high_of[] = { { PROPERTY_MEMORY_HIGH, .number = 1 << 20 } };
	uint32_t pid = start_sleeper();
	struct fail f = { 0 };
	sd_bus_message *m = NULL;
	struct cpuset *set = NULL;
	char *path = NULL;
	uint64_t high = 0;
	struct outcome o;
	struct pid1 p;

	(void)state;
	real_open(&p);
	assert_int_equal(start_everything(&p, pid, &o), 0);
	assert_cgroup(&p, SLICE, "/reeve.slice/" SLICE);
	assert_cgroup(&p, SCOPE, "/reeve.slice/" SLICE "/" SCOPE);
	assert_int_equal(transient_cgroup(p.systemd, "reeve-none.scope", &path, &f), -ENOENT);
	assert_int_equal(transient_set(p.systemd, SLICE, high_of, 1, &f), 0);
	assert_true(sd_bus_path_encode("/org/freedesktop/systemd1/unit", SLICE, &path) >= 0);
	assert_true(sd_bus_get_property_trivial(p.client, "org.freedesktop.systemd1", path,
						"org.freedesktop.systemd1.Slice", "MemoryHigh",
						NULL, 't', &high) >= 0);
	assert_int_equal(high, 1 << 20);
	assert_true(sd_bus_get_property(p.client, "org.freedesktop.systemd1", path,
					"org.freedesktop.systemd1.Slice", "AllowedCPUs", NULL, &m,
					"ay") >= 0);
	assert_int_equal(property_read_set(m, &set), 0);
	assert_int_equal(cpuset_count(set), 1);
	assert_true(cpuset_has(set, 0));
	assert_int_equal(stop_everything(&p, &o), 0);
	assert_ended_by_the_manager(pid);
	sd_bus_message_unref(m);
	cpuset_free(set);
	free(path);
	pid1_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_manager_takes_every_property),
		cmocka_unit_test(test_real_manager_refuses_a_process_that_is_gone),
		cmocka_unit_test(test_real_manager_tells_cgroups_and_takes_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
