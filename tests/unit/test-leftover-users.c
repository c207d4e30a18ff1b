/* SPDX-License-Identifier: Apache-2.0 */
/* Users of leftovers: as a made-up /proc tells of them, and this process of itself. */
#include "leftover_users.h"

#include "util/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

static void put_process(const struct scratch *s, const char *file, const char *text)
{
	char path[64];

	(void)mkdirat(s->fd, "9", 0755);
	(void)snprintf(path, sizeof(path), "9/%s", file);
	put_file(s->fd, path, text);
}

static void test_users_of_a_process_are_read(void **state)
{
	static const struct {
		const char *text;
		int result;
	} vectors[] = {
		{ "Name:\tx\nState:\tS (sleeping)\nUid:\t1\t2\t3\t4\nGid:\t9\t9\t9\t9\n", 0 },
		{ "Name:\tx\nState:\tZ (zombie)\nUid:\t1\t2\t3\t4\n", LEFTOVER_PROCESS_GONE },
		{ "Name:\tx\nState:\tX (dead)\nUid:\t1\t2\t3\t4\n", LEFTOVER_PROCESS_GONE },
		{ "Name:\tUid:\t7\nState:\tR\nUid:\t1\t2\t3\t4\n", 0 },
		{ "Name:\tx\nState:\tR\nUid:\t1\t2\t3\n", -EBADMSG },
		{ "Name:\tx\nState:\tR\nUid:\t1\t2\t3\t-4\n", -EBADMSG },
		{ "Name:\tx\nState:\tR\nUid:\t1\t2\t3\t4294967296\n", -EBADMSG },
		{ "Name:\tx\nState:\tR\n", -EBADMSG },
		{ "Name:\tx\nUid:\t1\t2\t3\t4\n", -EBADMSG },
		{ "", -EBADMSG },
	};
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint32_t users[4] = { 0 };

		put_process(&s, "status", vectors[i].text);
		assert_int_equal(leftover_process_users(s.fd, 9, users), vectors[i].result);
		assert_int_equal(users[0], vectors[i].result == 0 ? 1 : 0);
		assert_int_equal(users[3], vectors[i].result == 0 ? 4 : 0);
	}
	assert_int_equal(leftover_process_users(s.fd, 8, (uint32_t[4]){ 0 }),
			 LEFTOVER_PROCESS_GONE);
	scratch_done(&s);
}

static void test_start_of_a_process_is_read_behind_any_name(void **state)
{
	_cleanup_close_ int proc = fs_open_dir(AT_FDCWD, "/proc");
	uint64_t started = 0, now = (uint64_t)time(NULL) * 1000000;
	struct scratch s;

	(void)state;
	assert_int_equal(leftover_process_started(proc, getpid(), &started), 0);
	assert_true(started > now - UINT64_C(3600) * 1000000 && started < now + 2000000);
	scratch_open(&s);
	put_process(&s, "stat",
		    "9 (a) S 1 2 (b) S 1 9 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 0\n");
	assert_int_equal(leftover_process_started(s.fd, 9, &started), 0);
	assert_true(started < now - 1000000);
	put_process(&s, "stat", "9 (a) S 1 9 9\n");
	assert_int_equal(leftover_process_started(s.fd, 9, &started), -EBADMSG);
	put_process(&s, "stat", "");
	assert_int_equal(leftover_process_started(s.fd, 9, &started), -EBADMSG);
	assert_int_equal(leftover_process_started(s.fd, 8, &started), LEFTOVER_PROCESS_GONE);
	scratch_done(&s);
}

static void test_lines_of_maps_are_read_by_their_numbers(void **state)
{
	static const struct {
		const char *line;
		int result;
		bool writable;
	} vectors[] = {
		{ "7f00-7f10 rw-s 00000000 00:1b 4711    /dev/shm/x\n", 0, true },
		{ "7f00-7f10 rw-p 00000000 00:1b 4711    /dev/shm/x\n", 0, false },
		{ "7f00-7f10 r--s 00000000 00:1b 4711    /dev/shm/x y (deleted)\n", 0, false },
		{ "7f00-7f10 rw-s 00000000 00:1b 4711\n", 0, true },
		{ "7f00-7f10 rw-p 00000000 00:00 0    [heap]\n", 1, false },
		{ "7f00-7f10 rw-s 00000000 001b 4711\n", -EBADMSG, false },
		{ "7f00-7f10 rw-s 00000000 00:1x 4711\n", -EBADMSG, false },
		{ "7f00-7f10 rw-s 00000000 00:1b x\n", -EBADMSG, false },
		{ "7f00-7f10 rws 00000000 00:1b 4711\n", -EBADMSG, false },
		{ "7f00-7f10 rw-s 00000000 00:100000000 4711\n", -EBADMSG, false },
		{ "7f00-7f10 rw-s\n", -EBADMSG, false },
		{ "\n", -EBADMSG, false },
		{ "", -EBADMSG, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct leftover_node node = { 0 };
		bool writable = false;
		char line[128];

		(void)snprintf(line, sizeof(line), "%s", vectors[i].line);
		assert_int_equal(leftover_maps_line(line, &node, &writable), vectors[i].result);
		assert_int_equal(writable, vectors[i].writable);
		assert_int_equal(node.minor, vectors[i].result == 0 ? 0x1b : 0);
		assert_int_equal(node.inode, vectors[i].result == 0 ? 4711 : 0);
	}
}

struct uses {
	struct leftover_node wanted;
	unsigned seen, writable;
	int answer;
};

static int see(const struct leftover_node *node, bool writable, void *userdata)
{
	struct uses *u = userdata;

	if (leftover_node_compare(node, &u->wanted) == 0) {
		u->seen++;
		u->writable += writable;
	}
	return u->answer;
}

static void *stay(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* Its first thread ends, and another has the file that the test waits to see. */
static pid_t start_headless(int fd)
{
	pid_t pid = fork();
	pthread_t thread;

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pthread_create(&thread, NULL, stay, NULL) != 0 || fcntl(fd, F_GETFD) < 0)
		_exit(9);
	pthread_exit(NULL);
}

static char state_of(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[32], *end;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	assert_int_equal(fs_read(AT_FDCWD, path, 4096, &text, NULL), 0);
	end = strrchr(text, ')');
	assert_non_null(end);
	return end[2];
}

static void test_process_whose_first_thread_has_ended_still_counts(void **state)
{
	_cleanup_close_ int proc = fs_open_dir(AT_FDCWD, "/proc"), fd = -1;
	struct uses u = { 0 };
	struct leftover_places places = { .count = 1 };
	struct leftover_uses uses = { &places, see, &u };
	uint32_t users[4] = { UINT32_MAX };
	struct scratch s;
	struct statx st;
	pid_t pid;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "x", "12345");
	fd = openat(s.fd, "x", O_RDWR | O_CLOEXEC);
	assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st), 0);
	u.wanted = (struct leftover_node){ st.stx_dev_major, st.stx_dev_minor, st.stx_ino };
	places.devices[0] = u.wanted;
	pid = start_headless(fd);
	for (int i = 0; i < 1000 && state_of(pid) != 'Z'; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(state_of(pid), 'Z');
	assert_int_equal(leftover_process_users(proc, pid, users), LEFTOVER_PROCESS_THERE);
	assert_int_equal(users[0], getuid());
	assert_int_equal(leftover_process_files(proc, pid, &uses), LEFTOVER_PROCESS_THERE);
	assert_int_equal(u.seen, 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	assert_int_equal(leftover_process_users(proc, pid, users), LEFTOVER_PROCESS_GONE);
	assert_int_equal(leftover_process_files(proc, pid, &uses), LEFTOVER_PROCESS_GONE);
	(void)reap_signal(pid);
	scratch_done(&s);
}

static void test_what_a_process_has_open_or_mapped_is_told(void **state)
{
	_cleanup_close_ int proc = fs_open_dir(AT_FDCWD, "/proc");
	struct uses u = { 0 };
	struct leftover_places places = { .count = 1 }, none = { 0 };
	struct leftover_uses uses = { &places, see, &u };
	struct scratch s;
	struct statx st;
	void *mapped;
	int fd, only_read;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "x", "12345");
	fd = openat(s.fd, "x", O_RDWR | O_CLOEXEC);
	only_read = openat(s.fd, "x", O_RDONLY | O_CLOEXEC);
	assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st), 0);
	u.wanted = (struct leftover_node){ st.stx_dev_major, st.stx_dev_minor, st.stx_ino };
	places.devices[0] = u.wanted;
	assert_int_equal(leftover_process_files(proc, getpid(), &uses), 0);
	assert_int_equal(u.seen, 2);
	assert_int_equal(u.writable, 1);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mapped, MAP_FAILED);
	close_fd(fd);
	close_fd(only_read);
	u.seen = u.writable = 0;
	assert_int_equal(leftover_process_files(proc, getpid(), &uses), 0);
	assert_int_equal(u.seen, 1);
	assert_int_equal(u.writable, 1);
	u.answer = -E2BIG;
	assert_int_equal(leftover_process_files(proc, getpid(), &uses), -E2BIG);
	uses.places = &none;
	assert_int_equal(leftover_process_files(proc, getpid(), &uses), 0);
	assert_int_equal(munmap(mapped, 4096), 0);
	uses.places = &places;
	assert_int_equal(leftover_process_files(s.fd, 5, &uses), LEFTOVER_PROCESS_GONE);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users_of_a_process_are_read),
		cmocka_unit_test(test_start_of_a_process_is_read_behind_any_name),
		cmocka_unit_test(test_lines_of_maps_are_read_by_their_numbers),
		cmocka_unit_test(test_process_whose_first_thread_has_ended_still_counts),
		cmocka_unit_test(test_what_a_process_has_open_or_mapped_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
