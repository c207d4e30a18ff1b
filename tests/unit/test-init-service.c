/* SPDX-License-Identifier: Apache-2.0 */
/* How the real reeve-init serves agents that come, go, lie and are deaf, and how it ends; see
 * test-init-task.c for tasks. Every test runs without a cgroup and with one. */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init-rig.h"
#include "util/cleanup.h"

static void test_agent_that_comes_back_is_told_all_tasks(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;

	order_shell(&w, "one", "exec sleep 1000");
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "one", FRAME_STATE_RUNNING);
	pid_t one = (pid_t)a.pid;
	order_shell(&w, "two", "exit 9");
	send_frame(r->agent, &w, NULL, 0);
	close_fd(r->agent);
	r->agent = rig_connect(r);
	send_task(r->agent, FRAME_HELLO, NULL);
	do
		assert_true(receive(r->agent, &a));
	while (a.type != FRAME_WELCOME); /* two may end meanwhile, which all are told */
	assert_string_equal(a.slice, "test-slice");
	assert_int_equal(a.pid, r->init);
	assert_int_equal(await_state(r->agent, "one", FRAME_STATE_RUNNING).pid, one);
	close_fd(r->agent);
	const struct timespec nap = { .tv_nsec = 200000000 };
	(void)nanosleep(&nap, NULL);
	r->agent = rig_connect(r);
	send_task(r->agent, FRAME_HELLO, NULL);
	assert_int_equal(await_state(r->agent, "two", FRAME_STATE_ENDED).code, 9);
}

static void test_every_agent_is_told_and_a_fifth_is_turned_away(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	int more[4];

	for (int i = 0; i < 4; i++)
		more[i] = rig_connect(r);
	await_close(more[3]);
	order_shell(&w, "main", "exit 8");
	send_frame(more[0], &w, NULL, 0);
	for (int i = 0; i < 3; i++) {
		(void)await_state(more[i], "main", FRAME_STATE_RUNNING);
		assert_int_equal(await_state(more[i], "main", FRAME_STATE_ENDED).code, 8);
	}
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	for (int i = 0; i < 4; i++)
		close_fd(more[i]);
}

static void test_garbage_costs_a_connection_and_nothing_else(void **state)
{
	static char garbage[FRAME_LIMIT_BYTES + 8];
	struct rig *r = *state;
	struct frame_writer w;
	unsigned seed = 20240229;

	order_shell(&w, "main", "exec sleep 1000");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "main", FRAME_STATE_RUNNING);
	for (int i = 0; i < 60; i++) {
		size_t size = i == 0 ? sizeof(garbage) : 9 + (size_t)rand_r(&seed) % 300;
		int fd = rig_connect(r);

		frame_begin(&w, garbage, sizeof(garbage), FRAME_START);
		for (size_t k = i % 3 ? 0 : w.size; k < size; k++)
			garbage[k] = (char)rand_r(&seed);
		assert_true(send(fd, garbage, size, MSG_NOSIGNAL) > 0);
		await_close(fd);
		close_fd(fd);
	}
	send_task(r->agent, FRAME_HELLO, NULL);
	(void)await_state(r->agent, "main", FRAME_STATE_RUNNING);
}

static void test_newer_types_are_skipped_and_newer_protocols_refused(void **state)
{
	struct rig *r = *state;
	struct answer a;

	send_task(r->agent, 63, "main");
	send_task(r->agent, FRAME_HELLO, NULL);
	assert_true(receive(r->agent, &a));
	assert_int_equal(a.type, FRAME_WELCOME);

	struct frame_writer w;
	char room[64];
	frame_begin(&w, room, sizeof(room), FRAME_HELLO);
	room[4] = FRAME_VERSION + 1;
	send_frame(r->agent, &w, NULL, 0);
	await_close(r->agent);
}

static void test_stranger_is_not_served(void **state)
{
	struct rig *r = *state;
	int status;

	if (geteuid() != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		struct answer a;

		if (setresuid(65533, 65533, 65533) < 0)
			_exit(2);
		_exit(receive(rig_connect(r), &a) ? 1 : 0); /* closed, not one byte */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_descriptors_beyond_three_are_closed(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	int ends[2];
	char c;

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	order_shell(&w, "main", "exit 0");
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1], ends[1] }, 4);
	(void)!await_state(r->agent, "main", FRAME_STATE_ENDED).code;
	order_shell(&w, "many", "exit 0");
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1], ends[1], ends[1] }, 5);
	assert_int_equal(await_result(r->agent, "many"), EMFILE);
	frame_begin(&w, (char[64]){ 0 }, 64, FRAME_HELLO);
	send_frame(r->agent, &w, &ends[1], 1); /* nor does another request keep one */
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	close_fd(ends[1]);
	assert_int_equal(poll(&(struct pollfd){ .fd = ends[0] }, 1, RIG_PATIENCE_MSEC), 1);
	assert_int_equal(read(ends[0], &c, 1), 0);
	close_fd(ends[0]);
}

static void start_sleepers(struct rig *r, int count)
{
	struct frame_writer w;
	char name[16];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "t-%d", i);
		order_begin(&w, name);
		frame_put_text(&w, FRAME_TAG_ARGUMENT, "/bin/sleep");
		frame_put_text(&w, FRAME_TAG_ARGUMENT, "1000");
		frame_put_u32(&w, FRAME_TAG_RESTART, FRAME_RESTART_ALWAYS); /* keeps descriptors */
		send_frame(r->agent, &w, (int[]){ r->record, r->record, r->record }, 3);
		(void)await_state(r->agent, name, FRAME_STATE_RUNNING);
	}
}

static void await_exit(struct rig *r, int code)
{
	int status;

	assert_int_equal(waitpid(r->init, &status, 0), r->init);
	r->init = -1;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static bool is_held(int reading)
{
	struct pollfd p = { .fd = reading, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static void keep(const struct rig *r, const int *fds, size_t count)
{
	_Alignas(8) char room[64];
	struct frame_writer w;
	struct answer a;

	frame_begin(&w, room, sizeof(room), FRAME_KEEP);
	send_frame(r->agent, &w, fds, count);
	send_task(r->agent, FRAME_HELLO, NULL); /* whose answer says that it has read the other */
	do
		assert_true(receive(r->agent, &a));
	while (a.type != FRAME_WELCOME);
}

static void test_descriptors_are_kept_until_others_come_or_it_ends(void **state)
{
	struct rig *r = *state;
	int first[2], second[2];

	assert_return_code(pipe2(first, O_CLOEXEC), errno);
	assert_return_code(pipe2(second, O_CLOEXEC), errno);
	keep(r, (const int[]){ first[1], first[1] }, 2);
	first[1] = close_fd(first[1]);
	assert_true(is_held(first[0]));
	close_fd(r->agent); /* the next agent finds nothing that ended with the one before it */
	r->agent = rig_connect(r);
	keep(r, &second[1], 1);
	second[1] = close_fd(second[1]);
	assert_false(is_held(first[0]));
	assert_true(is_held(second[0]));
	send_task(r->agent, FRAME_QUIT, NULL);
	await_close(r->agent);
	await_exit(r, 0);
	assert_false(is_held(second[0]));
	close_fd(first[0]);
	close_fd(second[0]);
}

static void test_tasks_are_bounded_and_all_can_be_told_at_once(void **state)
{
	enum { BOUND = 256 };
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	int late = rig_connect(r);

	start_sleepers(r, BOUND);
	order_shell(&w, "one-more", "exit 0");
	send_frame(r->agent, &w, NULL, 0);
	assert_int_equal(await_result(r->agent, "one-more"), ENOSPC);
	close_fd(late);
	late = rig_connect(r);
	send_task(late, FRAME_HELLO, NULL);
	send_task(r->agent, FRAME_HELLO, NULL);
	for (int i = -1; i < BOUND; i++) /* the other one has not read a word meanwhile */
		assert_true(receive(r->agent, &a));
	for (int i = -1; i < BOUND; i++)
		assert_true(receive(late, &a));
	assert_string_equal(a.task, "t-255");
	close_fd(late);
	send_task(r->agent, FRAME_QUIT, NULL);
	await_close(r->agent);
	await_exit(r, 0);
}

static void test_task_without_a_cgroup_goes_with_a_killed_init(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;

	if (r->with_cgroup)
		return; /* its cgroup is the agent's to empty */
	order_shell(&w, "main", "exec sleep 1000");
	frame_put_u32(&w, FRAME_TAG_UID, 65534); /* a change of user clears what parents set */
	frame_put_u32(&w, FRAME_TAG_GID, 65534);
	send_frame(r->agent, &w, NULL, 0);
	a = await_state(r->agent, "main",
			geteuid() == 0 ? FRAME_STATE_RUNNING : FRAME_STATE_FAILED);
	assert_int_equal(kill(r->init, SIGKILL), 0);
	assert_int_equal(waitpid(r->init, NULL, 0), r->init);
	r->init = -1;
	if (a.pid > 0)
		await_gone((pid_t)a.pid);
}

static void test_agent_that_does_not_read_is_dropped_and_others_are_served(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char room[64];
	int deaf = rig_connect(r);

	start_sleepers(r, 20);
	frame_begin(&w, room, sizeof(room), FRAME_HELLO);
	for (int i = 0; i < 20000; i++) {
		if (send(deaf, w.data, w.size, MSG_NOSIGNAL) < 0)
			break;
	}
	assert_true(send(deaf, w.data, w.size, MSG_NOSIGNAL) < 0);
	/* with packets of ours unread it is a reset, see unix(7) */
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close_fd(deaf);
	send_task(r->agent, FRAME_HELLO, NULL);
	assert_true(receive(r->agent, &a));
	assert_int_equal(a.type, FRAME_WELCOME);
}

static void test_quit_kills_everything_and_leaves_nothing(void **state)
{
	static const char *const names[] = { "t-0", "t-1", "t-2" };
	struct rig *r = *state;
	struct frame_writer w;
	char text[32] = "";
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	start_sleepers(r, 3);
	/* Without cgroups this daemon is found as a child that came to reeve-init. */
	order_shell(&w, "main",
		    "trap '' TERM; (setsid sleep 1000 >/dev/null 2>&1 & echo $!); "
		    "while :; do sleep 0.05; done");
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	close_fd(ends[1]);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	send_task(r->agent, FRAME_QUIT, NULL);
	for (int i = 0; i < 3; i++)
		(void)await_state(r->agent, names[i], FRAME_STATE_STOPPING);
	await_close(r->agent);
	await_exit(r, 0);
	assert_true(kill(atoi(text), 0) < 0 && errno == ESRCH);
	assert_int_equal(read(ends[0], text, 1), 0);
	close_fd(ends[0]);
	if (r->with_cgroup)
		assert_return_code(rmdir(r->cgroup), errno); /* no leaf is left in it */
}

static void test_sigterm_gives_each_task_its_grace_and_refuses_new_ones(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char text[8];
	int ends[2];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	order_shell(&w, "kind", "trap 'exit 11' TERM; echo; while :; do sleep 0.02; done");
	frame_put_u64(&w, FRAME_TAG_GRACE_USEC, 3600000000ULL);
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	order_shell(&w, "deaf", "trap '' TERM; echo; while :; do sleep 0.02; done");
	frame_put_u64(&w, FRAME_TAG_GRACE_USEC, 400000);
	send_frame(r->agent, &w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	close_fd(ends[1]);
	for (int n = 0; n < 2;)
		n += (int)read(ends[0], text, 1);
	(void)kill(r->init, SIGHUP);
	(void)kill(r->init, SIGINT);
	(void)kill(r->init, SIGTERM);
	/* kind is told to stop first, deaf keeps us open long enough to be refused */
	(void)await_state(r->agent, "deaf", FRAME_STATE_STOPPING);
	order_shell(&w, "late", "exit 0");
	send_frame(r->agent, &w, NULL, 0);
	struct answer a;
	int seen = 0;
	while (receive(r->agent, &a)) {
		seen += a.type == FRAME_RESULT && a.error == ESHUTDOWN;
		seen += a.type == FRAME_STATUS && strcmp(a.task, "kind") == 0 && a.code == 11;
		seen += a.type == FRAME_STATUS && strcmp(a.task, "deaf") == 0 &&
			a.signal == SIGKILL;
	}
	assert_int_equal(seen, 3);
	await_exit(r, 0);
	close_fd(ends[0]);
}

static void test_record_file_keeps_every_final_status(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	struct answer a;
	char room[2048] __attribute__((aligned(8)));
	static const char *const names[] = { "good", "bad", "t-0" };
	uint32_t size;
	off_t at = 0;

	order_shell(&w, "good", "exit 12");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "good", FRAME_STATE_ENDED);
	order_begin(&w, "bad");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "/bin/true");
	frame_put_text(&w, FRAME_TAG_CWD, "/nonexistent");
	send_frame(r->agent, &w, NULL, 0);
	(void)await_state(r->agent, "bad", FRAME_STATE_FAILED);
	start_sleepers(r, 1);
	send_task(r->agent, FRAME_QUIT, NULL);
	await_exit(r, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pread(r->record, &size, sizeof(size), at), sizeof(size));
		assert_true(size < sizeof(room));
		assert_int_equal(pread(r->record, room, size, at + 4), size);
		assert_true(parse_answer(room, size, &a));
		assert_int_equal(a.type, FRAME_STATUS);
		assert_string_equal(a.task, names[i]);
		assert_int_equal(a.code, i == 0 ? 12 : -1);
		assert_int_equal(a.error, i == 1 ? ENOENT : -1);
		assert_int_equal(a.signal, i == 2 ? SIGKILL : -1);
		at += 4 + size;
	}
	assert_int_equal(pread(r->record, &size, 1, at), 0);
}

/* The number after `key` in a file of /proc. */
static long proc_number(pid_t pid, const char *file, const char *key)
{
	char path[64], line[256];
	long value = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtol(line + strlen(key), NULL, 10);
	}
	return value;
}

static long cpu_ticks(pid_t pid)
{
	char path[64];
	long user = -1, system = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
				&user, &system),
			 2);
	return user + system;
}

static void starve_of_descriptors(struct rig *r, rlim_t limit)
{
	const struct timespec nap = { .tv_nsec = 300000000 };
	struct rlimit before, none;
	struct answer a;

	send_task(r->agent, FRAME_HELLO, NULL);
	assert_true(receive(r->agent, &a)); /* it is up, and all it needs is open */
	assert_return_code(prlimit(r->init, RLIMIT_NOFILE, NULL, &before), errno);
	none = (struct rlimit){ .rlim_cur = limit, .rlim_max = before.rlim_max };
	assert_return_code(prlimit(r->init, RLIMIT_NOFILE, &none, NULL), errno);
	int late = rig_connect(r);
	long ticks = cpu_ticks(r->init);
	(void)nanosleep(&nap, NULL);
	assert_in_range(cpu_ticks(r->init) - ticks, 0, 9); /* of the 30 a busy loop takes */
	send_task(r->agent, FRAME_HELLO, NULL);
	assert_true(receive(r->agent, &a));
	assert_return_code(prlimit(r->init, RLIMIT_NOFILE, &before, NULL), errno);
	send_task(late, FRAME_HELLO, NULL);
	assert_true(receive(late, &a));
	assert_int_equal(a.type, FRAME_WELCOME);
	close_fd(late);
}

/* 0 to 7 are open in it: with 8 it cannot accept, with 3 poll(2) itself refuses. */
static void test_init_without_descriptors_sleeps_and_serves_again_later(void **state)
{
	starve_of_descriptors(*state, 8);
	starve_of_descriptors(*state, 3);
}

static void test_init_without_its_descriptors_does_not_start(void **state)
{
	struct rig *r = *state;
	int status;

	for (int i = 0; i < 2; i++) {
		struct rig broken = *r;

		broken.listener = i == 0 ? r->record : -1; /* no socket; nothing */
		broken.init = rig_fork_init(&broken);
		assert_int_equal(waitpid(broken.init, &status, 0), broken.init);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	}
}

static void test_idle_init_is_small_and_asleep(void **state)
{
	const struct timespec nap = { .tv_nsec = 300000000 };
	struct rig *r = *state;

	start_sleepers(r, 10);
	(void)nanosleep(&nap, NULL);
	long before = proc_number(r->init, "status", "voluntary_ctxt_switches:");
	(void)nanosleep(&nap, NULL);
	assert_true(before > 0);
	assert_int_equal(proc_number(r->init, "status", "voluntary_ctxt_switches:"), before);
	long anonymous = proc_number(r->init, "smaps_rollup", "Anonymous:");
	print_message("reeve-init with 10 tasks: %ld kB of its own, %ld kB with shared code\n",
		      anonymous, proc_number(r->init, "smaps_rollup", "Rss:"));
	assert_in_range(anonymous, 1, INIT_OWN_MEMORY_MAX_KB); /* from tests/unit/init.am */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		RIG_TEST(test_agent_that_comes_back_is_told_all_tasks),
		RIG_TEST(test_every_agent_is_told_and_a_fifth_is_turned_away),
		RIG_TEST(test_garbage_costs_a_connection_and_nothing_else),
		RIG_TEST(test_newer_types_are_skipped_and_newer_protocols_refused),
		RIG_TEST(test_stranger_is_not_served),
		RIG_TEST(test_descriptors_beyond_three_are_closed),
		RIG_TEST(test_descriptors_are_kept_until_others_come_or_it_ends),
		RIG_TEST(test_tasks_are_bounded_and_all_can_be_told_at_once),
		RIG_TEST(test_task_without_a_cgroup_goes_with_a_killed_init),
		RIG_TEST(test_agent_that_does_not_read_is_dropped_and_others_are_served),
		RIG_TEST(test_quit_kills_everything_and_leaves_nothing),
		RIG_TEST(test_sigterm_gives_each_task_its_grace_and_refuses_new_ones),
		RIG_TEST(test_record_file_keeps_every_final_status),
		RIG_TEST(test_init_without_descriptors_sleeps_and_serves_again_later),
		RIG_TEST(test_init_without_its_descriptors_does_not_start),
		RIG_TEST(test_idle_init_is_small_and_asleep),
	};

	return RIG_RUN(tests);
}
