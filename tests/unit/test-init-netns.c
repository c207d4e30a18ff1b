/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of the real reeve-init in network namespaces of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init-rig.h"
#include "util/cleanup.h"

/* A network namespace that nobody is in. */
static int make_netns(void)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: no network namespace can be made: %s\n", strerror(errno));
		return -1;
	}
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_return_code(setns(home, CLONE_NEWNET), errno);
	assert_true(fd >= 0);
	return fd;
}

static void test_task_runs_in_the_network_namespace_that_came_with_it(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	char wanted[64], text[256] = "";
	struct stat st;
	int ends[2], fds[4], fd = make_netns();

	if (fd < 0)
		skip();
	assert_return_code(fstat(fd, &st), errno);
	(void)snprintf(wanted, sizeof(wanted), "net:[%llu]\nnet:[%llu]\n",
		       (unsigned long long)st.st_ino, (unsigned long long)st.st_ino);
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	for (int i = 0; i < 3; i++)
		fds[i] = ends[1];
	fds[3] = fd;
	order_shell(&w, "main", "readlink /proc/self/ns/net; exit 1");
	frame_put_u32(&w, FRAME_TAG_NETNS, 1);
	frame_put_u32(&w, FRAME_TAG_RESTART, FRAME_RESTART_ALWAYS); /* the second run has it too */
	frame_put_u64(&w, FRAME_TAG_BACKOFF_FIRST_USEC, 1000);
	frame_put_u32(&w, FRAME_TAG_RESTARTS_MAX, 1);
	send_frame(r->agent, &w, fds, 4);
	close_fd(ends[1]);
	close_fd(fd);
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	for (size_t n = 0; n < strlen(wanted);) {
		ssize_t k = read(ends[0], text + n, sizeof(text) - 1 - n);

		assert_true(k > 0);
		n += (size_t)k;
	}
	close_fd(ends[0]);
	assert_string_equal(text, wanted);
}

/* An agent that sends one without a word about it means nothing by it. */
static void test_namespace_that_was_not_asked_for_is_closed(void **state)
{
	struct rig *r = *state;
	struct frame_writer w;
	int ends[2], fds[4] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, -1 };
	char text[8];

	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	fds[3] = ends[1];
	order_shell(&w, "main", "exit 0");
	send_frame(r->agent, &w, fds, 4);
	close_fd(ends[1]);
	assert_int_equal(read(ends[0], text, sizeof(text)), 0); /* nobody holds it */
	(void)await_state(r->agent, "main", FRAME_STATE_ENDED);
	close_fd(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_task_runs_in_the_network_namespace_that_came_with_it),
		RIG_TEST(test_namespace_that_was_not_asked_for_is_closed),
	};

	return RIG_RUN(tests);
}
