/* SPDX-License-Identifier: Apache-2.0 */
/* What leaf.c reads of the kernel's files, from made ones: a memory controller is not on every
 * host that runs the tests, and a kernel that lies is on none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/leaf.h"
#include "util/cleanup.h"

struct slice {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	static struct slice slice;

	slice = (struct slice){ .path = "/tmp/reeve-leaf-XXXXXX" };
	assert_non_null(mkdtemp(slice.path));
	slice.fd = open(slice.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_return_code(slice.fd, errno);
	assert_return_code(leaf_make(slice.fd, "main"), 0);
	*state = &slice;
	return 0;
}

static int teardown(void **state)
{
	struct slice *s = *state;

	(void)unlinkat(s->fd, "main/memory.events", 0);
	(void)unlinkat(s->fd, "main/memory.peak", 0);
	(void)unlinkat(s->fd, "main/memory.oom.group", 0);
	(void)unlinkat(s->fd, "main/cgroup.procs", 0);
	(void)unlinkat(s->fd, "main", AT_REMOVEDIR);
	close_fd(s->fd);
	return rmdir(s->path);
}

static void put_file(const struct slice *s, const char *file, const char *text)
{
	_cleanup_close_ int fd =
		openat(s->fd, file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_facts_are_read_from_the_memory_controller(void **state)
{
	static const struct {
		const char *events, *peak;
		bool has_oom, has_peak;
		uint32_t oom_killed;
		uint64_t peak_bytes;
	} vectors[] = {
		{ "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n", "8192\n", true,
		  true, 4, 8192 },
		{ "low 0\noom_kill 0\n", "", true, false, 0, 0 },
		{ "low 0\noom_group_kill 5\n", "8192\n", false, false, 0, 0 },
		{ "", "8192\n", false, false, 0, 0 },
		{ "low 0\noom_kill garbage\n", "garbage\n", true, false, 0, 0 },
		{ "low 0\noom_kill ", "max\n", true, false, 0, 0 },
	};
	struct slice *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct leaf_facts facts = { 0 };

		put_file(s, "main/memory.events", vectors[i].events);
		put_file(s, "main/memory.peak", vectors[i].peak);
		leaf_read_facts(s->fd, "main", &facts);
		assert_int_equal(facts.has_oom, vectors[i].has_oom);
		assert_int_equal(facts.has_peak, vectors[i].has_peak);
		assert_int_equal(facts.oom_killed, vectors[i].oom_killed);
		assert_int_equal(facts.peak_bytes, vectors[i].peak_bytes);
	}
}

static void test_leaf_dies_together_or_by_one(void **state)
{
	struct slice *s = *state;
	char text[4] = "";

	/* without a memory controller there is nobody to be told */
	assert_int_equal(leaf_kill_together(s->fd, "main", true), 0);
	for (int together = 0; together <= 1; together++) {
		_cleanup_close_ int fd = -1;

		put_file(s, "main/memory.oom.group", "");
		assert_int_equal(leaf_kill_together(s->fd, "main", together), 0);
		fd = openat(s->fd, "main/memory.oom.group", O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, text, sizeof(text)), 1);
		assert_int_equal(text[0], together ? '1' : '0');
	}
	assert_int_equal(unlinkat(s->fd, "main/memory.oom.group", 0), 0);
	assert_int_equal(symlinkat("/dev/null", s->fd, "main/memory.oom.group"), 0);
	assert_int_equal(leaf_kill_together(s->fd, "main", true), -ELOOP);
}

static void test_facts_of_several_runs_add_up(void **state)
{
	struct slice *s = *state;
	struct leaf_facts facts = { 0 };

	put_file(s, "main/memory.events", "oom 1\noom_kill 2\n");
	put_file(s, "main/memory.peak", "9000\n");
	leaf_read_facts(s->fd, "main", &facts);
	put_file(s, "main/memory.peak", "100\n");
	leaf_read_facts(s->fd, "main", &facts);
	leaf_read_facts(s->fd, "no-such", &facts);
	assert_int_equal(facts.oom_killed, 4);
	assert_int_equal(facts.peak_bytes, 9000);
}

static void test_leaf_that_cannot_be_removed_gives_no_facts(void **state)
{
	struct slice *s = *state;
	struct leaf_facts facts = { 0 };

	put_file(s, "main/memory.events", "oom 1\noom_kill 2\n");
	assert_int_equal(leaf_remove(s->fd, "main", &facts), -EBUSY);
	assert_false(facts.has_oom);
	assert_return_code(unlinkat(s->fd, "main/memory.events", 0), errno);
	assert_int_equal(leaf_remove(s->fd, "main", &facts), 0);
	assert_int_equal(leaf_remove(s->fd, "main", &facts), 0); /* gone is gone */
}

/* Two children, one of them named on both sides of a read's end; 0, 1 and what is no number are
 * nobody, above all not our own process group. */
static void test_signal_goes_to_the_listed_processes_only(void **state)
{
	static char text[4096 + 64];
	struct slice *s = *state;
	pid_t children[2];
	int status;

	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			pause();
			_exit(0);
		}
		assert_true(children[i] > 0);
	}
	memset(text, '\n', sizeof(text));
	memcpy(text, "0\n1\n", 4);
	/* the buffer takes 4095 bytes: the second digit is the first of the next read */
	snprintf(text + 4094, 64, "%d\n%d\n-1\nrest", children[0], children[1]);
	put_file(s, "main/cgroup.procs", text);
	assert_int_equal(leaf_signal(s->fd, "main", SIGUSR2), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
	}
	put_file(s, "main/cgroup.procs", "0\n0\n-5\n");
	assert_int_equal(leaf_signal(s->fd, "main", SIGUSR2), -ESRCH);
	put_file(s, "main/cgroup.procs", "");
	assert_int_equal(leaf_signal(s->fd, "main", SIGUSR2), -ESRCH);
	assert_int_equal(leaf_signal(s->fd, "no-such", SIGUSR2), -ESRCH);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_facts_are_read_from_the_memory_controller,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaf_dies_together_or_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_facts_of_several_runs_add_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaf_that_cannot_be_removed_gives_no_facts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_signal_goes_to_the_listed_processes_only,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
