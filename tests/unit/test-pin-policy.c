/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning processes: what the kernel says afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pin.h"
#include "util/cleanup.h"

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void test_pinned_process_runs_where_it_may_again_once_released(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *before = NULL, *one = NULL, *pinned = NULL,
					      *after = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	struct fail f = { 0 };
	pid_t pid = start_sleeper();

	(void)state;
	assert_int_equal(host_open(&host, NULL, &f), 0);
	assert_int_equal(pin_read_cpus(pid, &before), 0);
	assert_int_equal(cpuset_new(&one), 0);
	cpuset_each (cpu, before)
		if (cpuset_empty(one))
			assert_int_equal(cpuset_add(one, (unsigned)cpu), 0);
	assert_int_equal(pin_process(host, pid, one), 0);
	assert_int_equal(pin_read_cpus(pid, &pinned), 0);
	assert_true(cpuset_equal(pinned, one));
	assert_int_equal(pin_release(host, pid), 0);
	assert_int_equal(pin_read_cpus(pid, &after), 0);
	assert_true(cpuset_subset(before, after));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void test_process_that_is_gone_is_no_error(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	struct fail f = { 0 };
	pid_t pid = start_sleeper();

	(void)state;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(host_open(&host, NULL, &f), 0);
	assert_int_equal(pin_release(host, pid), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pinned_process_runs_where_it_may_again_once_released),
		cmocka_unit_test(test_process_that_is_gone_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
