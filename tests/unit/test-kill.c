/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to whole trees, with real processes: in fake cgroups for the fallback, and in the real
 * kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

static void put_pids(int dirfd, const char *file, const pid_t *pids, size_t count)
{
	char text[4096] = "";

	for (size_t i = 0; i < count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d\n",
			       (int)pids[i]);
	put_file(dirfd, file, text);
}

static void test_kill_uses_the_kernels_file_where_there_is_one(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.kill", "");
	assert_int_equal(cg_kill(s.fd), 0); /* without a cgroup.procs: nothing was walked */
	assert_file(s.fd, "cgroup.kill", "1");
	scratch_done(&s);
}

static void test_kill_falls_back_to_every_process_in_and_below(void **state)
{
	pid_t pids[100];
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_sleeper();
	put_pids(s.fd, "cgroup.procs", pids, 70); /* more than one batch */
	assert_int_equal(mkdirat(s.fd, "child", 0755), 0);
	put_pids(s.fd, "child/cgroup.procs", pids + 70, 30);
	assert_int_equal(mkdirat(s.fd, "empty", 0755), 0); /* not even a file: a dying one */
	assert_int_equal(cg_kill(s.fd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		assert_int_equal(reap_signal(pids[i]), SIGKILL);
	assert_int_equal(cg_kill(s.fd), 0); /* all of them are strangers to the kernel now */
	scratch_done(&s);
}

static void test_kill_never_signals_its_own_group_for_a_pid_of_zero(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.procs", "0\n0\n");
	assert_int_equal(cg_signal(s.fd, SIGKILL), 0);
	scratch_done(&s);
}

static void test_signal_refuses_what_is_no_signal(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.procs", "");
	assert_int_equal(cg_signal(s.fd, 0), -EINVAL);
	assert_int_equal(cg_signal(s.fd, -9), -EINVAL);
	assert_int_equal(cg_signal(s.fd, 65), -EINVAL);
	assert_int_equal(cg_signal(s.fd, SIGTERM), 0);
	put_file(s.fd, "cgroup.procs", "garbage\n");
	assert_int_equal(cg_signal(s.fd, SIGTERM), -EBADMSG);
	scratch_done(&s);
}

static void test_kill_ends_a_nested_tree_in_the_real_kernel(void **state)
{
	struct kernel_cgroup k;

	(void)state;
	if (kernel_cgroup_open(&k)) {
		pid_t outer = start_sleeper(), inner = start_sleeper();
		bool populated;
		int leaf;

		assert_int_equal(cg_make(k.fd, "leaf", &leaf), 0);
		assert_int_equal(cg_attach(k.fd, outer), 0);
		assert_int_equal(cg_attach(leaf, inner), 0);
		assert_int_equal(cg_populated(leaf, &populated), 0);
		assert_true(populated);
		assert_int_equal(cg_kill(k.fd), 0);
		assert_int_equal(reap_signal(outer), SIGKILL);
		assert_int_equal(reap_signal(inner), SIGKILL);
		await(k.fd, cg_populated, false);
		assert_int_equal(cg_remove(k.fd, "leaf"), 0);
		assert_int_equal(cg_kill(leaf), 0); /* nobody is in what is gone */
		assert_int_equal(cg_signal(leaf, SIGTERM), 0);
		close_fd(leaf);
	}
	kernel_cgroup_done(&k);
}

/* Each member forks and leaves: by the time that its number is read it may be gone. */
static void run_forker(int ready)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN);
	alarm(20);
	(void)close(ready);
	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
	}
}

static void test_signal_outruns_processes_that_keep_forking(void **state)
{
	struct kernel_cgroup k;

	(void)state;
	if (kernel_cgroup_open(&k)) {
		for (unsigned i = 0; i < 2; i++) {
			pid_t pid;
			int gate[2];
			char byte;

			assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
			pid = fork();
			assert_true(pid >= 0);
			if (pid == 0) {
				close_fd(gate[1]);
				(void)!read(gate[0], &byte, 1); /* until it was attached */
				run_forker(gate[0]);
			}
			assert_int_equal(cg_attach(k.fd, pid), 0);
			close_fd(gate[0]);
			close_fd(gate[1]);
			assert_int_equal(waitpid(pid, NULL, 0), pid); /* its child goes on */
		}
		assert_int_equal(cg_signal(k.fd, SIGKILL), 0);
		await(k.fd, cg_populated, false);
	}
	kernel_cgroup_done(&k);
}

static void test_freeze_stops_and_thaws_in_the_real_kernel(void **state)
{
	struct kernel_cgroup k;

	(void)state;
	if (kernel_cgroup_open(&k)) {
		pid_t child = start_sleeper();

		assert_int_equal(cg_attach(k.fd, child), 0);
		assert_int_equal(cg_freeze(k.fd, true), 0);
		await(k.fd, cg_frozen, true);
		assert_int_equal(cg_freeze(k.fd, false), 0);
		await(k.fd, cg_frozen, false);
		assert_int_equal(cg_signal(k.fd, SIGTERM), 0);
		assert_int_equal(reap_signal(child), SIGTERM);
	}
	kernel_cgroup_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_uses_the_kernels_file_where_there_is_one),
		cmocka_unit_test(test_kill_falls_back_to_every_process_in_and_below),
		cmocka_unit_test(test_kill_never_signals_its_own_group_for_a_pid_of_zero),
		cmocka_unit_test(test_signal_refuses_what_is_no_signal),
		cmocka_unit_test(test_kill_ends_a_nested_tree_in_the_real_kernel),
		cmocka_unit_test(test_signal_outruns_processes_that_keep_forking),
		cmocka_unit_test(test_freeze_stops_and_thaws_in_the_real_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
