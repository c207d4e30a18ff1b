/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation fails once, in turn, while a task joins a network, its slice is taken down, or
 * the next agent takes it over: in the agent as in the child that talks to plugins. In the end the
 * network is left, its namespace is gone and so is what was written down; a slice that cannot be
 * taken down says why, and goes at the second try. The task and its namespace are real, the plugin
 * keeps a file for each address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/fake_cgroups.h"
#include "tests/sim/fault_rig.h"

#include "backend.h"
#include "network.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const int errors[] = { EIO, ENOMEM, EBUSY, ENOSPC, EACCES };

enum { SAMPLES = 10, OPERATIONS_LIMIT = 1000 };

static const char plugin[] =
	"#!/bin/sh\n"
	"cat >/dev/null\n"
	"case $CNI_COMMAND in\n"
	"ADD) echo \"$CNI_NETNS\" >${0%/*}/run/addresses/$CNI_CONTAINERID\n"
	"  echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.9.8.7/24\"}]}' ;;\n"
	"DEL) rm -f ${0%/*}/run/addresses/$CNI_CONTAINERID ;;\n"
	"esac\n";
static const char network[] = "{\"cniVersion\":\"1.0.0\",\"name\":\"lake\","
			      "\"plugins\":[{\"type\":\"stand-in\"}]}";
static const char task[] = "{\"name\":\"t\",\"argv\":[\"sleep\",\"1000\"],"
			   "\"network\":{\"cni\":\"lake\"}}";

static const char *failed(const struct fault_rig *r)
{
	(void)r;
	return fake_failed();
}

static void put(const struct fault_rig *r, const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%.60s/%s", r->agent.dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void make_folder(const struct fault_rig *r, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%.60s/%s", r->agent.dir, name);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
}

static void set(struct fault_rig *r, const char *key, const char *below)
{
	struct fail f = { 0 };
	char path[128];

	(void)snprintf(path, sizeof(path), "%.60s%s", r->agent.dir, below);
	if (config_set(&r->agent.config, "network", key, path, &f) < 0)
		fail_msg("%s", f.text);
}

/* In a mount namespace of our own: what is pinned there goes with the test. Before the first agent,
 * which has its children reaped by the kernel. */
static const char *go_apart(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 ? 0 : 1);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return "no network namespace can be made here";
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return "no mount namespace can be made here";
	return NULL;
}

static void create(struct fault_rig *r)
{
	fault_create_well(r, "\"shared_cpus\":0.25");
}

static int start(struct fault_rig *r)
{
	struct answer answer = { 0 };
	int error;

	agent_start(&r->agent, r->slice, task, &answer);
	assert_true(agent_await(&r->agent, &answer, 20 * FAULT_SECOND));
	error = answer.error;
	if (error)
		assert_true(strlen(answer.text) > 10);
	answer_done(&answer);
	return error;
}

static void start_well(struct fault_rig *r)
{
	const struct slice_task *t;

	assert_int_equal(start(r), 0);
	t = slice_task_find(manager_slice(r->agent.manager, r->slice), "t");
	assert_int_equal(t->state, TASK_RUNNING);
	assert_non_null(t->network);
}

static int begin(void **state)
{
	*state = (void *)go_apart();
	return 0;
}

static void rig_open(struct fault_rig *r, const char *missing)
{
	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	fault_rig_prepare(r);
	r->failed = failed;
	make_folder(r, "run/addresses");
	make_folder(r, "run/netns");
	make_folder(r, "networks");
	put(r, "stand-in", plugin, 0755);
	put(r, "networks/50-lake.conflist", network, 0644);
	set(r, "cni-config-dir", "/networks");
	set(r, "cni-plugin-path", "");
	fault_rig_open(r, &backend_process);
	create(r);
	start_well(r);
	fault_delete_well(r);
	fault_rig_remember(r);
}

static void assert_left(struct fault_rig *r)
{
	_cleanup_(fs_names_freep) char **records = NULL;
	char path[128];

	fault_assert_as_before(r); /* the namespace and the address are below run */
	(void)snprintf(path, sizeof(path), "%.60s/state/network", r->agent.dir);
	assert_int_equal(fs_list(AT_FDCWD, path, &records, NULL), 0);
	if (records[0])
		fail_msg("after \"%s\" failed %s is left", failed(r), records[0]);
}

/* A step in the life of a task with a network, in which the n-th operation fails; their number. */
typedef unsigned (*faulty)(struct fault_rig *r, unsigned n, int error);

static unsigned start_with_fault(struct fault_rig *r, unsigned n, int error)
{
	unsigned operations;

	create(r);
	fake_fail(n, error, r->agent.dir);
	if (start(r))
		r->refused++;
	else
		r->made++;
	operations = fake_fail_end();
	fault_end(r);
	return operations;
}

static unsigned delete_with_fault(struct fault_rig *r, unsigned n, int error)
{
	struct answer answer = { 0 };
	unsigned operations;

	create(r);
	start_well(r);
	fake_fail(n, error, r->agent.dir);
	fault_delete(r, &answer);
	operations = fake_fail_end();
	if (answer.error) {
		assert_true(strlen(answer.text) > 10);
		assert_non_null(manager_slice(r->agent.manager, r->slice));
		fault_delete_well(r);
		r->stuck++;
	} else {
		r->made++;
	}
	answer_done(&answer);
	return operations;
}

static unsigned adopt_with_fault(struct fault_rig *r, unsigned n, int error)
{
	unsigned operations;

	create(r);
	start_well(r);
	fault_rig_restart(r);
	fake_fail(n, error, r->agent.dir);
	adopt_slices(r->agent.manager);
	networks_adopt(r->agent.manager->networks);
	agent_turn(&r->agent, FAULT_SECOND / 5);
	operations = fake_fail_end();
	if (manager_slice(r->agent.manager, r->slice) &&
	    manager_slice(r->agent.manager, r->slice)->state == SLICE_ACTIVE)
		r->made++;
	else
		r->lost++;
	fault_end(r);
	create(r);
	fault_delete_well(r); /* what this agent makes once and keeps */
	return operations;
}

static void each_fault(void **state, faulty step)
{
	const bool all = getenv("REEVE_SIM_FAULTS") != NULL;
	struct fault_rig r;
	unsigned count, stride;

	rig_open(&r, *state);
	count = step(&r, 0, EIO);
	stride = all ? 1 : (count + SAMPLES - 1) / SAMPLES;
	assert_left(&r);
	assert_true(count > 0 && count < OPERATIONS_LIMIT);
	for (unsigned n = 1 + (unsigned)rand_r(&r.seed) % stride; n <= count; n += stride) {
		(void)step(&r, n, errors[n % ARRAY_SIZE(errors)]);
		assert_left(&r);
	}
	fault_rig_close(&r);
}

static void test_network_that_is_not_joined_well_is_left(void **state)
{
	each_fault(state, start_with_fault);
}

static void test_network_that_is_not_left_well_is_left_at_the_second_try(void **state)
{
	each_fault(state, delete_with_fault);
}

static void test_network_that_the_next_agent_finds_is_kept_or_left(void **state)
{
	each_fault(state, adopt_with_fault);
}

/* An argument chooses tests. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_that_is_not_joined_well_is_left),
		cmocka_unit_test(test_network_that_is_not_left_well_is_left_at_the_second_try),
		cmocka_unit_test(test_network_that_the_next_agent_finds_is_kept_or_left),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin, NULL);
}
