/* SPDX-License-Identifier: Apache-2.0 */
/* Words to the service manager, over a socket that plays it, and sockets handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "systemd/notify.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* An abstract socket, so that nothing is left on disk. */
static int listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[100];
	int n = snprintf(name, sizeof(name), "@reeve-test-notify-%d", (int)getpid());

	assert_true(fd >= 0);
	memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void assert_told(int fd, const char *expected)
{
	char room[2048] = "";
	ssize_t n = recv(fd, room, sizeof(room) - 1, 0);

	assert_true(n >= 0);
	assert_string_equal(room, expected);
}

static void test_notify_is_harmless_where_no_one_listens(void **state)
{
	sd_event *loop = NULL;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	notify_ready("ready");
	notify_status(NULL);
	notify_stopping();
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(notify_watchdog(loop), 0);
	assert_int_equal(sd_event_get_watchdog(loop), 0);
	sd_event_unref(loop);
}

static void test_notify_tells_each_state_in_one_message(void **state)
{
	int fd = listen_as_manager();

	(void)state;
	notify_ready("offering 4 cores");
	assert_told(fd, "READY=1\nSTATUS=offering 4 cores");
	notify_ready(NULL);
	assert_told(fd, "READY=1\n");
	notify_status("");
	assert_told(fd, "STATUS=");
	notify_stopping();
	assert_told(fd, "STOPPING=1\n");
	close_fd(fd);
	unsetenv("NOTIFY_SOCKET");
}

static void test_notify_lets_no_status_smuggle_an_assignment(void **state)
{
	int fd = listen_as_manager();
	char longest[4000], expected[600] = "STATUS=";

	(void)state;
	notify_status("a\nMAINPID=1\tb");
	assert_told(fd, "STATUS=a MAINPID=1 b");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	memset(expected + 7, 'x', 511);
	notify_status(longest);
	assert_told(fd, expected);
	close_fd(fd);
	unsetenv("NOTIFY_SOCKET");
}

static void test_watchdog_is_fed_from_the_loop(void **state)
{
	int fd = listen_as_manager();
	sd_event *loop = NULL;

	(void)state;
	assert_int_equal(setenv("WATCHDOG_USEC", "100000", 1), 0);
	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(notify_watchdog(loop), 0);
	assert_told(fd, "WATCHDOG=1");
	for (unsigned i = 0; i < 2; i++)
		assert_true(sd_event_run(loop, 200000) >= 0);
	assert_told(fd, "WATCHDOG=1");
	sd_event_unref(loop);
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	close_fd(fd);
}

/* In a child, because descriptors 3 and up belong to the test itself. Its exit status is what was
 * found: the number of the listener, 100 for none, 99 when a stranger was left open. */
static int take_in_child(const int *fds, int count)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		char text[16];
		int kept[8], fd;

		for (int i = 0; i < count; i++) /* out of the way of 3, 4, ... */
			kept[i] = fcntl(fds[i], F_DUPFD, 100);
		for (int i = 0; i < count; i++)
			(void)dup2(kept[i], 3 + i);
		(void)snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("LISTEN_PID", text, 1);
		(void)snprintf(text, sizeof(text), "%d", count);
		setenv("LISTEN_FDS", text, 1);
		fd = notify_take_listener();
		for (int i = 3; i < 3 + count; i++)
			if ((fcntl(i, F_GETFD) >= 0) != (i == fd))
				_exit(99);
		_exit(fd < 0 ? 100 : fd);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_listener_is_the_first_unix_stream_socket_that_listens(void **state)
{
	int pair[2], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(take_in_child((int[]){ datagram, pair[0], listener, listener }, 4), 5);
	assert_int_equal(take_in_child((int[]){ pair[0], datagram }, 2), 100);
	assert_int_equal(notify_take_listener(), -1); /* nothing was passed to us */
	close_fd(pair[0]);
	close_fd(pair[1]);
	close_fd(datagram);
	close_fd(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify_is_harmless_where_no_one_listens),
		cmocka_unit_test(test_notify_tells_each_state_in_one_message),
		cmocka_unit_test(test_notify_lets_no_status_smuggle_an_assignment),
		cmocka_unit_test(test_watchdog_is_fed_from_the_loop),
		cmocka_unit_test(test_listener_is_the_first_unix_stream_socket_that_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
