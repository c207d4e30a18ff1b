/* SPDX-License-Identifier: Apache-2.0 */
/* What the real reeve-init does with a task, driven over its socket as the agent does it; every
 * test has an init of its own and runs twice: without a cgroup and with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init-rig.h"
#include "util/cleanup.h"

static void test_task_that_exits_reports_its_code_and_facts(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	uint64_t now = (uint64_t)time(NULL) * 1000000;

	order_shell(&w, "main", "exit 7");
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "main", FRAME_STATE_RUNNING);
	assert_true(a.pid > 1 && a.ticks > 0 && a.code == -1 && a.ended == -1);
	a = await_state(r->agent, "main", FRAME_STATE_ENDED);
	assert_int_equal(a.code, 7);
	assert_int_equal(a.signal, -1);
	assert_int_equal(a.pid, -1);
	assert_int_equal(a.restarts, 0);
	assert_int_equal(a.error, -1);
	assert_true(a.started + 5000000 > (int64_t)now && a.ended >= a.started);
	assert_true(a.peak > 4096 && a.user >= 0);
	assert_false(r->with_cgroup && rig_leaf_exists(r, "main"));
}

static void test_signal_ends_a_task_and_is_reported(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_shell(&w, "main", "exec sleep 1000");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_RUNNING);
	send_signal(r->agent, "main", 0);
	assert_int_equal(await_result(r->agent, "main"), EINVAL);
	send_signal(r->agent, "main", 65);
	assert_int_equal(await_result(r->agent, "main"), EINVAL);
	send_signal(r->agent, "other", SIGUSR1);
	assert_int_equal(await_result(r->agent, "other"), ENOENT);
	send_signal(r->agent, "main", SIGUSR1);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).signal, SIGUSR1);
	send_signal(r->agent, "main", SIGUSR1);
	assert_int_equal(await_result(r->agent, "main"), ESRCH);
}

/* Both shells note the signal; the second sits in the same process group. */
static void test_signal_reaches_every_process_of_a_task(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256];
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	order_shell(&w, "main",
		    "trap 'echo above; wait; exit 5' USR1; "
		    "sh -c 'trap \"echo below; exit 0\" USR1; echo ready; while :; do sleep 0.02; "
		    "done' & while :; do sleep 0.02; done");
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	close_fd(ends[1]);
	assert_int_equal(read(ends[0], text, 6), 6);
	/* sleep(1) dies of the signal, which is told on stderr by neither shell */
	send_signal(r->agent, "main", SIGUSR1);
	assert_int_equal(await_result(r->agent, "main"), 0);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).code, 5);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	for (ssize_t more;
	     n > 0 && (more = read(ends[0], text + n, sizeof(text) - 1 - (size_t)n)) > 0;)
		n += more;
	text[n > 0 ? n : 0] = 0;
	assert_non_null(strstr(text, "above"));
	assert_non_null(strstr(text, "below"));
	close_fd(ends[0]);
}

static void fail_no_program(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/nonexistent/program");
}

static void fail_directory(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/tmp");
}

static void fail_cwd(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_text(w, FRAME_TAG_CWD, "/nonexistent");
}

static void fail_path(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "true");
	frame_put_text(w, FRAME_TAG_ENVIRONMENT, "PATH=/nonexistent");
}

static void fail_empty_program(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "");
}

static void fail_core_limit(struct frame_writer *w) /* above what the kernel allows anybody */
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	order_limit(w, RLIMIT_NOFILE, UINT64_MAX - 1, UINT64_MAX);
}

static void fail_group_count(struct frame_writer *w) /* NGROUPS_MAX is 65536: fits no packet */
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_UID, 65533);
	frame_put_u32(w, FRAME_TAG_GID, 65533);
	frame_put_text(w, FRAME_TAG_CWD, "/proc/1/fd");
}

static void fail_policy(struct frame_writer *w) /* the kernel has no such mode */
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_MEMORY_POLICY, 200);
	frame_put_u32(w, FRAME_TAG_MEMORY_NODE, 0);
}

static void test_start_that_fails_tells_where_and_why(void **state)
{
	static const struct {
		void (*put)(struct frame_writer *);
		int error;
		const char *stage;
	} vectors[] = {
		{ fail_no_program, ENOENT, "exec" },
		{ fail_directory, EACCES, "exec" },
		{ fail_cwd, ENOENT, "chdir" },
		{ fail_path, ENOENT, "exec" },
		{ fail_empty_program, ENOENT, "exec" },
		{ fail_core_limit, EPERM, "setrlimit" },
		{ fail_policy, EINVAL, "set_mempolicy" },
		{ fail_group_count, EACCES, "chdir" },
	};
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char name[16];

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (vectors[i].put == fail_group_count && geteuid() != 0)
			continue;
		snprintf(name, sizeof(name), "t-%zu", i);
		order_begin(&w, name);
		vectors[i].put(&w);
		frame_put_u32(&w, FRAME_TAG_RESTART, FRAME_RESTART_ALWAYS); /* and no restart */
		send_frame(r->agent, &w, NULL, 0);
		a = await_state(r->agent, name, FRAME_STATE_FAILED);
		assert_string_equal(a.stage, vectors[i].stage);
		assert_int_equal(a.error, vectors[i].error);
		assert_int_equal(a.code, -1);
		assert_int_equal(a.pid, -1);
		assert_false(r->with_cgroup && rig_leaf_exists(r, name));
	}
}

static void refuse_no_argument(struct frame_writer *w)
{
	(void)w;
}

static void refuse_uid_alone(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_UID, 1000);
}

static void refuse_uid_unchanged(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_GID, 1000);
	frame_put_u32(w, FRAME_TAG_UID, UINT32_MAX);
}

static void refuse_group_unchanged(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_GROUP, UINT32_MAX);
}

static void refuse_wide_uid(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u64(w, FRAME_TAG_UID, 0);
}

static void refuse_nul_in_argument(struct frame_writer *w)
{
	frame_put(w, FRAME_TAG_ARGUMENT, "/bin/\0true", 10);
}

static void refuse_limit_order(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	order_limit(w, RLIMIT_NOFILE, 2, 1);
}

static void refuse_limit_number(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	order_limit(w, 1000, 1, 1);
}

static void refuse_umask(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_UMASK, 01000);
}

static void refuse_restart(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_RESTART, 3);
}

static void refuse_grace(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u64(w, FRAME_TAG_GRACE_USEC, UINT64_MAX);
}

static void refuse_netns(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_NETNS, 2);
}

/* It must not run in ours instead. */
static void refuse_netns_alone(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_NETNS, 1);
}

static void refuse_oom(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_OOM_SINGLE, 2);
}

static void refuse_node(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u32(w, FRAME_TAG_MEMORY_NODE, 1024);
}

static void refuse_wide_policy(struct frame_writer *w)
{
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_u64(w, FRAME_TAG_MEMORY_POLICY, 2);
}

static void test_order_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		void (*put)(struct frame_writer *);
		int error;
	} vectors[] = {
		{ refuse_no_argument, EINVAL },	  { refuse_uid_alone, EINVAL },
		{ refuse_uid_unchanged, EINVAL }, { refuse_group_unchanged, EINVAL },
		{ refuse_wide_uid, EBADMSG },	  { refuse_nul_in_argument, EBADMSG },
		{ refuse_limit_order, EINVAL },	  { refuse_limit_number, EINVAL },
		{ refuse_umask, EINVAL },	  { refuse_restart, EINVAL },
		{ refuse_grace, EINVAL },	  { refuse_netns, EINVAL },
		{ refuse_netns_alone, EBADF },	  { refuse_oom, EINVAL },
		{ refuse_node, EINVAL },	  { refuse_wide_policy, EBADMSG },
	};
	struct rig *r = *state;
	struct frame_writer w;

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		order_begin(&w, "main");
		vectors[i].put(&w);
		send_frame(r->agent, &w, NULL, 0);
		assert_int_equal(await_result(r->agent, "main"), vectors[i].error);
	}
	order_shell(&w, "main", "exit 0"); /* the name is still free */
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
}

static void test_name_that_is_no_plain_component_is_refused(void **state)
{
	static const char *const names[] = {
		"..",	"a/b",
		"Main", "a.b",
		"",	"init",
		"a b",	"0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		order_shell(&w, names[i], "exit 0");
		send_frame(r->agent, &w, NULL, 0);
		assert_true(receive(r->agent, &a));
		assert_int_equal(a.type, FRAME_RESULT);
		assert_true(a.error == EINVAL || a.error == E2BIG);
	}
}

static void test_name_is_taken_until_it_is_forgotten(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_shell(&w, "main", "exec sleep 1000");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_RUNNING);
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_result(r->agent, "main"), EEXIST);
	send_task(r->agent, FRAME_FORGET, "main");
	assert_int_equal(await_result(r->agent, "main"), EBUSY);
	send_signal(r->agent, "main", SIGKILL);
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_result(r->agent, "main"), EEXIST);
	send_task(r->agent, FRAME_FORGET, "main");
	assert_int_equal(await_result(r->agent, "main"), 0);
	send_task(r->agent, FRAME_FORGET, "main");
	assert_int_equal(await_result(r->agent, "main"), ENOENT);
	order_shell(&w, "main", "exit 3");
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).code, 3);
}

static void test_program_sees_what_the_order_says(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[1024];

	order_shell(&w, "main",
		    "echo $0 $A $B ${HOME-none}; pwd; umask; ulimit -n; ulimit -Hn; "
		    "ls /proc/self/fd | tr '\\n' ' '; echo; "
		    "grep -E 'Sig(Blk|Ign)' /proc/self/status | tr '\\t\\n' '  '; "
		    "test $$ = $(cut -d' ' -f6 /proc/$$/stat) && echo leads");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "zero");
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, "A=1");
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, "B=two words");
	frame_put_text(&w, FRAME_TAG_CWD, "/proc");
	frame_put_u32(&w, FRAME_TAG_UMASK, 027);
	order_limit(&w, RLIMIT_NOFILE, 64, 128);
	assert_int_equal(run_to_end(r, &w, text, sizeof(text)).code, 0);
	assert_string_equal(text, "zero 1 two words none\n/proc\n0027\n64\n128\n0 1 2 3 \n"
				  "SigBlk: 0000000000000000 SigIgn: 0000000000000000 leads\n");
}

/* proc_pid_numa_maps(5): "address policy ..."; 2 is MPOL_BIND. */
static void test_program_has_the_memory_policy_ordered(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[64];

	if (access("/proc/self/numa_maps", R_OK) < 0) {
		print_message("skipped: this kernel does not tell memory policies\n");
		return;
	}
	order_shell(&w, "main", "head -n 1 /proc/self/numa_maps | cut -d' ' -f2");
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, "PATH=/bin:/usr/bin");
	frame_put_u32(&w, FRAME_TAG_MEMORY_POLICY, 2);
	frame_put_u32(&w, FRAME_TAG_MEMORY_NODE, 0);
	assert_int_equal(run_to_end(r, &w, text, sizeof(text)).code, 0);
	assert_string_equal(text, "bind:0\n");
}

static void test_program_is_searched_in_its_own_path(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_begin(&w, "own");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "true");
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, "PATH=/nonexistent:/bin");
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_state(r->agent, "own", FRAME_STATE_ENDED).code, 0);
	order_begin(&w, "default");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "true");
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_state(r->agent, "default", FRAME_STATE_ENDED).code, 0);
}

static void test_task_gets_the_user_and_groups_ordered(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[1024];

	if (geteuid() != 0)
		skip();
	order_shell(&w, "main", "grep -E '^(Uid|Gid|Groups|CapEff|CapAmb)' /proc/self/status");
	frame_put_u32(&w, FRAME_TAG_UID, 65533);
	frame_put_u32(&w, FRAME_TAG_GID, 65532);
	frame_put_u32(&w, FRAME_TAG_GROUP, 65531);
	frame_put_u32(&w, FRAME_TAG_GROUP, 65530);
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_non_null(strstr(text, "Uid:\t65533\t65533\t65533\t65533\n"));
	assert_non_null(strstr(text, "Gid:\t65532\t65532\t65532\t65532\n"));
	assert_non_null(strstr(text, "Groups:\t65530 65531 \n"));
	assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
	order_shell(&w, "bare", "grep ^Groups /proc/self/status");
	frame_put_u32(&w, FRAME_TAG_UID, 65533);
	frame_put_u32(&w, FRAME_TAG_GID, 65532);
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_string_equal(text, "Groups:\t \n"); /* none of root's */
}

static void test_missing_descriptors_are_the_null_device(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256];
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	order_shell(&w, "main", "readlink /proc/self/fd/2 >&0");
	send_frame(r->agent, &w, &ends[1], 1);
	close_fd(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	assert_string_equal(text, "/dev/null\n");
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	assert_int_equal(read(ends[0], text, sizeof(text)), 0); /* init holds it no longer */
	close_fd(ends[0]);
}

static void put_restart(struct frame_writer *w, enum frame_restart policy, uint32_t max)
{
	frame_put_u32(w, FRAME_TAG_RESTART, policy);
	frame_put_u64(w, FRAME_TAG_BACKOFF_FIRST_USEC, 1000);
	frame_put_u64(w, FRAME_TAG_BACKOFF_MAX_USEC, 4000);
	frame_put_u32(w, FRAME_TAG_RESTARTS_MAX, max);
}

static void test_restart_follows_the_policy(void **state)
{
	static const struct {
		enum frame_restart policy;
		uint32_t max;
		const char *script;
		int restarts;
	} vectors[] = {
		{ FRAME_RESTART_NEVER, 5, "exit 1", 0 },
		{ FRAME_RESTART_ON_FAILURE, 5, "exit 0", 0 },
		{ FRAME_RESTART_ON_FAILURE, 3, "echo x; exit 1", 3 },
		{ FRAME_RESTART_ON_FAILURE, 1, "echo x; kill -9 $$", 1 },
		{ FRAME_RESTART_ALWAYS, 2, "echo x; exit 0", 2 },
		{ FRAME_RESTART_ALWAYS, 0, "exit 0", 0 },
	};
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char name[16], text[64];

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		snprintf(name, sizeof(name), "t-%zu", i);
		order_shell(&w, name, vectors[i].script);
		put_restart(&w, vectors[i].policy, vectors[i].max);
		a = run_to_end(r, &w, text, sizeof(text));
		assert_int_equal(a.restarts, vectors[i].restarts);
		if (vectors[i].restarts) /* each run had the same stdout */
			assert_int_equal(strlen(text), 2 * (vectors[i].restarts + 1));
	}
}

static void test_program_that_vanishes_between_runs_is_tried_again_and_then_failed(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/reeve-test-init-%d", getpid());
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
	static const char script[] = "#!/bin/sh\nrm $0\nexit 1\n";
	assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close_fd(fd);
	order_begin(&w, "main");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, path);
	put_restart(&w, FRAME_RESTART_ON_FAILURE, 2);
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "main", FRAME_STATE_WAITING);
	assert_int_equal(a.code, 1);
	assert_int_equal(a.pid, -1);
	a = await_state(r->agent, "main", FRAME_STATE_FAILED);
	assert_int_equal(a.error, ENOENT);
	assert_string_equal(a.stage, "exec");
	assert_int_equal(a.restarts, 2);
}

static void test_stop_ends_a_task_that_listens_with_sigterm(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_shell(&w, "main", "exec sleep 1000");
	put_restart(&w, FRAME_RESTART_ALWAYS, 100);
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_RUNNING);
	send_signal(r->agent, "main", SIGSTOP); /* a stopped one listens too */
	send_stop(r->agent, "main", 3600000000ULL);
	(void)await_state(r->agent, "main", FRAME_STATE_STOPPING);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).signal, SIGTERM);
	send_stop(r->agent, "main", 0); /* it has ended: nothing to do, and no error */
	assert_int_equal(await_result(r->agent, "main"), 0);
	send_stop(r->agent, "other", 0);
	assert_int_equal(await_result(r->agent, "other"), ENOENT);
}

static void test_stop_kills_a_task_that_ignores_sigterm_after_its_grace(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char ready;
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	order_shell(&w, "main", "trap '' TERM; echo; while :; do sleep 0.05; done");
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	close_fd(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	send_stop(r->agent, "main", 3600000000ULL);
	(void)await_state(r->agent, "main", FRAME_STATE_STOPPING);
	send_stop(r->agent, "main", 50000); /* a shorter one replaces it */
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).signal, SIGKILL);
	close_fd(ends[0]);
}

static void test_stop_of_a_waiting_task_ends_it(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;

	order_shell(&w, "main", "exit 4");
	frame_put_u32(&w, FRAME_TAG_RESTART, FRAME_RESTART_ALWAYS);
	frame_put_u64(&w, FRAME_TAG_BACKOFF_FIRST_USEC, 3600000000ULL);
	frame_put_u64(&w, FRAME_TAG_BACKOFF_MAX_USEC, 3600000000ULL);
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_WAITING);
	send_stop(r->agent, "main", 1000000);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).code, 4);
}

static void test_leftovers_of_a_task_are_killed_at_its_end(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char text[64];
	pid_t left;

	/* With a cgroup even one in a session of its own; without, one in the process group. */
	order_shell(&w, "main",
		    r->with_cgroup
			    ? "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; exit 6"
			    : "sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; exit 6");
	a = run_to_end(r, &w, text, sizeof(text));
	assert_int_equal(a.code, 6);
	left = atoi(text);
	assert_true(left > 1);
	await_gone(left);
	assert_false(r->with_cgroup && rig_leaf_exists(r, "main"));
}

static void test_cgroups_a_task_made_below_its_own_are_removed(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256], leaf[300];

	if (!r->with_cgroup || geteuid() != 0)
		skip();
	snprintf(leaf, sizeof(leaf), "LEAF=%s/main", r->cgroup);
	order_shell(&w, "main",
		    "mkdir -p $LEAF/a/b $LEAF/c; sleep 1000 >/dev/null 2>&1 & "
		    "echo $! >$LEAF/a/b/cgroup.procs; grep ^0:: /proc/self/cgroup; exit 2");
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, leaf);
	assert_int_equal(run_to_end(r, &w, text, sizeof(text)).code, 2);
	assert_non_null(strstr(text, "/main\n"));
	assert_false(rig_leaf_exists(r, "main"));
}

static void test_task_starts_in_its_cgroup_even_where_clone3_is_refused(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256];

	rig_reopen_without_clone3(r);
	order_shell(&w, "main", "grep ^0:: /proc/self/cgroup");
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_int_equal(strstr(text, "/main\n") != NULL, r->with_cgroup);
	assert_false(r->with_cgroup && rig_leaf_exists(r, "main"));
}

/* As systemd has it: the scope is made around a running reeve-init. */
static void test_task_starts_in_the_cgroup_that_hello_brought(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256];
	int cgroup;

	if (!r->with_cgroup)
		skip();
	rig_reopen_without_cgroup(r);
	cgroup = open(r->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_return_code(cgroup, errno);
	frame_begin(&w, (char[64]){ 0 }, 64, FRAME_HELLO);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	send_frame(r->agent, &w, &r->record, 1); /* no directory: of no use */
	send_frame(r->agent, &w, &cgroup, 1);
	close_fd(cgroup);
	order_shell(&w, "main", "grep ^0:: /proc/self/cgroup");
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_non_null(strstr(text, "/main\n"));
	assert_false(rig_leaf_exists(r, "main"));
}

/* What is already outside of every leaf would be counted as nothing. */
static void test_cgroup_that_comes_after_a_task_is_too_late(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[256];
	int cgroup;

	if (!r->with_cgroup)
		skip();
	rig_reopen_without_cgroup(r);
	order_shell(&w, "early", "exec sleep 1000");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "early", FRAME_STATE_RUNNING);
	cgroup = open(r->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	frame_begin(&w, (char[64]){ 0 }, 64, FRAME_HELLO);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	send_frame(r->agent, &w, &cgroup, 1);
	close_fd(cgroup);
	order_shell(&w, "main", "grep ^0:: /proc/self/cgroup");
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_null(strstr(text, "/main\n"));
	send_stop(r->agent, "early", 0);
	assert_int_equal(await_state(r->agent, "early", FRAME_STATE_ENDED).signal, SIGKILL);
}

/* The agent's protection from the kernel's out-of-memory killer (OOMScoreAdjust=) is its own. */
static void test_task_does_not_keep_the_oom_score_of_the_agent(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char path[64], text[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)r->init);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "300", 3), 3); /* to lower it takes a capability */
	close_fd(fd);
	order_shell(&w, "main", "cat /proc/self/oom_score_adj");
	(void)run_to_end(r, &w, text, sizeof(text));
	assert_string_equal(text, "0\n");
}

/* A debugger holds the new process before its first instruction, as a dead file server would hold
 * it in exec: nobody else may wait for that. */
static void test_start_that_hangs_stops_nobody_and_can_be_stopped(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	unsigned long child;
	int status;

	if (ptrace(PTRACE_SEIZE, r->init, NULL, PTRACE_O_TRACEFORK) < 0)
		skip(); /* forbidden here */
	order_shell(&w, "main", "exit 0");
	send_frame(r->agent, &w, NULL, 0);
	do
		assert_int_equal(waitpid(r->init, &status, 0), r->init);
	while (status >> 8 != (SIGTRAP | PTRACE_EVENT_FORK << 8));
	assert_return_code(ptrace(PTRACE_GETEVENTMSG, r->init, NULL, &child), errno);
	assert_int_equal(waitpid((pid_t)child, &status, 0), (pid_t)child);
	assert_return_code(ptrace(PTRACE_DETACH, r->init, NULL, NULL), errno);
	send_task(r->agent, FRAME_HELLO, NULL);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_RUNNING).pid, (pid_t)child);
	send_stop(r->agent, "main", 20000);
	(void)await_state(r->agent, "main", FRAME_STATE_STOPPING);
	assert_int_equal(waitpid((pid_t)child, &status, 0), (pid_t)child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(await_state(r->agent, "main", FRAME_STATE_ENDED).signal, SIGKILL);
}

static void test_leaf_that_somebody_holds_fails_the_start(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char path[400];

	if (!r->with_cgroup)
		skip();
	snprintf(path, sizeof(path), "%s/main", r->cgroup);
	assert_return_code(mkdir(path, 0755), errno);
	snprintf(path, sizeof(path), "%s/main/below", r->cgroup);
	assert_return_code(mkdir(path, 0755), errno);
	order_shell(&w, "main", "exit 0");
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "main", FRAME_STATE_FAILED);
	assert_string_equal(a.stage, "mkdir");
	assert_int_equal(a.error, EBUSY);
	assert_true(rig_leaf_exists(r, "main/below"));
	(void)rmdir(path);
	send_task(r->agent, FRAME_FORGET, "main");
	order_shell(&w, "main", "exit 0"); /* an empty one that was left is taken over */
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
}

static void test_large_order_arrives_whole(void **state)
{
	static char big[120 << 10];
	struct rig *r = *state;
	struct frame_writer w;
	char text[64];

	memset(big, 'x', sizeof(big) - 1);
	order_shell(&w, "main", "echo ${#1} ${#B}");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "zero");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, big);
	memcpy(big, "B=", 2);
	big[30 << 10] = 0;
	frame_put_text(&w, FRAME_TAG_ENVIRONMENT, big);
	assert_int_equal(run_to_end(r, &w, text, sizeof(text)).code, 0);
	assert_string_equal(text, "122879 30718\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RIG_TEST(test_task_that_exits_reports_its_code_and_facts),
		RIG_TEST(test_signal_ends_a_task_and_is_reported),
		RIG_TEST(test_signal_reaches_every_process_of_a_task),
		RIG_TEST(test_start_that_fails_tells_where_and_why),
		RIG_TEST(test_order_that_makes_no_sense_is_refused),
		RIG_TEST(test_name_that_is_no_plain_component_is_refused),
		RIG_TEST(test_name_is_taken_until_it_is_forgotten),
		RIG_TEST(test_program_sees_what_the_order_says),
		RIG_TEST(test_program_has_the_memory_policy_ordered),
		RIG_TEST(test_program_is_searched_in_its_own_path),
		RIG_TEST(test_task_gets_the_user_and_groups_ordered),
		RIG_TEST(test_missing_descriptors_are_the_null_device),
		RIG_TEST(test_restart_follows_the_policy),
		RIG_TEST(test_program_that_vanishes_between_runs_is_tried_again_and_then_failed),
		RIG_TEST(test_stop_ends_a_task_that_listens_with_sigterm),
		RIG_TEST(test_stop_kills_a_task_that_ignores_sigterm_after_its_grace),
		RIG_TEST(test_stop_of_a_waiting_task_ends_it),
		RIG_TEST(test_leftovers_of_a_task_are_killed_at_its_end),
		RIG_TEST(test_cgroups_a_task_made_below_its_own_are_removed),
		RIG_TEST(test_task_starts_in_its_cgroup_even_where_clone3_is_refused),
		RIG_TEST(test_task_starts_in_the_cgroup_that_hello_brought),
		RIG_TEST(test_cgroup_that_comes_after_a_task_is_too_late),
		RIG_TEST(test_task_does_not_keep_the_oom_score_of_the_agent),
		RIG_TEST(test_start_that_hangs_stops_nobody_and_can_be_stopped),
		RIG_TEST(test_leaf_that_somebody_holds_fails_the_start),
		RIG_TEST(test_large_order_arrives_whole),
	};

	return RIG_RUN(tests);
}
