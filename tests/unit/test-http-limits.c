/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds: bodies, headers, time, connections and descriptors. */
#include "http-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void test_http_huge_header_gets_431(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *big = malloc(64 << 10);

	assert_non_null(big);
	memset(big, 'a', 64 << 10);
	big[(64 << 10) - 1] = 0;
	http_start(t, NULL);
	fd = client(t);
	put(fd, "GET /x HTTP/1.1\r\n" HOST "X-Big: ");
	put(fd, big);
	put(fd, "\r\n\r\n");
	settle(t, 20);
	assert_int_equal(status_of(got(fd, NULL)), 431);
	assert_int_equal(t->calls, 0);
	free(big);
}

/* Writes as the loop reads, for the socket's buffer is smaller than the body. */
static void put_slowly(struct fixture *t, int fd, size_t size)
{
	static const char block[16 << 10] = { 0 };

	while (size > 0) {
		size_t piece = size < sizeof(block) ? size : sizeof(block);
		ssize_t n = send(fd, block, piece, MSG_NOSIGNAL);

		if (n > 0)
			size -= (size_t)n;
		else if (errno != EAGAIN)
			return;
		(void)sd_event_run(t->loop, 0);
	}
}

static void test_http_body_over_the_limit_gets_413_and_the_connection_goes_on(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .body_bytes = 100000 };
	_cleanup_close_ int fd = -1;
	char *answer;

	http_start(t, &limits);
	fd = client(t);
	put(fd, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n");
	put_slowly(t, fd, 100001);
	settle(t, 20);
	answer = got(fd, NULL);
	assert_int_equal(status_of(answer), 413);
	assert_non_null(strstr(answer, "larger than 100000 bytes"));
	assert_int_equal(t->calls, 0);

	put(fd, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
	put_slowly(t, fd, 100000);
	settle(t, 20);
	assert_int_equal(status_of(got(fd, NULL)), 200);
	assert_int_equal(t->calls, 1);
	assert_int_equal(t->body_size, 100000);
}

static void test_http_body_over_the_limit_is_refused_before_it_is_sent(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	http_start(t, NULL);
	fd = client(t);
	answer = ask(t, fd,
		     "POST /x HTTP/1.1\r\n" HOST
		     "Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n");
	assert_int_equal(status_of(answer), 413);
}

static void test_http_chunked_bodies_are_put_together_and_bounded(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .body_bytes = 10 };
	_cleanup_close_ int fd = -1;
	bool closed = false;

	http_start(t, &limits);
	fd = client(t);
	assert_string_equal(
		body_of(ask(t, fd,
			    "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			    "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")),
		"abcdefg");
	assert_int_equal(
		status_of(ask(t, fd,
			      "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			      "3\r\nabc\r\n8\r\ndefghijk\r\n0\r\n\r\n")),
		413);
	put(fd, "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n");
	put_slowly(t, fd, 100000);
	settle(t, 20);
	(void)got(fd, &closed);
	assert_true(closed);
	assert_int_equal(t->calls, 1);
}

static void test_http_half_request_is_closed_after_the_idle_time(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .idle_seconds = 1 };
	_cleanup_close_ int head = -1, body = -1, idle = -1;
	bool closed = false;

	http_start(t, &limits);
	head = client(t);
	body = client(t);
	idle = client(t);
	put(head, "GET /x HT");
	put(body, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
	settle(t, 50);
	assert_int_equal(http_server_connections(t->server), 3);
	settle(t, 2000);
	assert_int_equal(http_server_connections(t->server), 0);
	(void)got(head, &closed);
	assert_true(closed);
	(void)got(body, &closed);
	assert_true(closed);
	(void)got(idle, &closed);
	assert_true(closed);
	assert_int_equal(t->calls, 0);
}

static void test_http_connections_over_the_limit_get_503(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .connections = 4 };
	int fds[10];
	unsigned refused = 0;

	http_start(t, &limits);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client(t);
	settle(t, 20);
	assert_true(http_server_connections(t->server) <= 4);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		char *answer = got(fds[i], NULL);
		size_t declared = 0;

		if (status_of(answer) != 503)
			continue;
		refused++;
		assert_int_equal(sscanf(strstr(answer, "Content-Length: "), "Content-Length: %zu",
					&declared),
				 1);
		assert_int_equal(strlen(body_of(answer)), declared);
	}
	assert_int_equal(refused, 10 - http_server_connections(t->server));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close_fd(fds[i]);
	settle(t, 20);
	fds[0] = client(t);
	assert_int_equal(status_of(ask(t, fds[0], "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
	close_fd(fds[0]);
}

/* Connects that often as `nobody` and stays until the parent closes the pipe. */
static void connect_as_nobody(struct fixture *t, unsigned count, int wait_fd)
{
	char c;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(1);
	for (unsigned i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&t->address, sizeof(t->address)) < 0)
			_exit(1);
	}
	_exit(read(wait_fd, &c, 1) == 0 ? 0 : 1);
}

static void test_http_ten_thousand_connections_leave_it_answering(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int good = -1;
	struct rlimit limit;
	size_t count;
	int *fds;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	count = limit.rlim_cur > 12000 ? 10000 : limit.rlim_cur / 2;
	fds = calloc(count, sizeof(*fds));
	assert_non_null(fds);
	http_start(t, NULL);
	for (size_t i = 0; i < count; i++) {
		fds[i] = client(t);
		if (i % 100 == 0)
			settle(t, 0);
	}
	settle(t, 10);
	assert_true(http_server_connections(t->server) <= 1024);
	assert_true(http_server_connections(t->server) >= 256);
	assert_int_equal(status_of(ask(t, fds[0], "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
	for (size_t i = 0; i < count; i++)
		close_fd(fds[i]);
	settle(t, 20);
	assert_int_equal(http_server_connections(t->server), 0);
	good = client(t);
	assert_int_equal(status_of(ask(t, good, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
	free(fds);
}

static void test_http_shortage_of_descriptors_does_not_spin(void **state)
{
	struct fixture *t = *state;
	struct rlimit before, tight;
	_cleanup_close_ int fd = -1;
	int held[64];
	size_t count = 0;

	http_start(t, NULL);
	fd = client(t);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = before;
	tight.rlim_cur = (rlim_t)fd + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	while (count < ARRAY_SIZE(held) && (held[count] = open("/dev/null", O_RDONLY)) >= 0)
		count++;
	assert_true(count < ARRAY_SIZE(held));
	put(fd, "GET /x HTTP/1.1\r\n" HOST "\r\n");
	t->iterations = 0;
	for (int i = 0; i < 10; i++)
		if (sd_event_run(t->loop, 50000) > 0)
			t->iterations++;
	assert_in_range(t->iterations, 1, 9);
	assert_int_equal(t->calls, 0);
	while (count > 0)
		close_fd(held[--count]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	settle(t, 300);
	assert_int_equal(status_of(got(fd, NULL)), 200);
}

static void test_http_connections_of_one_user_do_not_shut_others_out(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .connections = 64, .connections_per_uid = 5 };
	_cleanup_close_ int fd = -1;
	int barrier[2], status = 0;
	pid_t child;

	if (getuid() != 0)
		skip(); /* only root can be somebody else */
	http_start(t, &limits);
	assert_int_equal(chmod(t->directory, 0755), 0);
	assert_int_equal(chmod(t->address.sun_path, 0666), 0);
	assert_int_equal(pipe2(barrier, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close_fd(barrier[1]);
		connect_as_nobody(t, 20, barrier[0]);
	}
	close_fd(barrier[0]);
	settle(t, 200);
	assert_int_equal(http_server_connections(t->server), 5);
	fd = client(t);
	assert_int_equal(status_of(ask(t, fd, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
	close_fd(barrier[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	settle(t, 20);
	assert_int_equal(http_server_connections(t->server), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http_huge_header_gets_431),
		TEST(test_http_body_over_the_limit_gets_413_and_the_connection_goes_on),
		TEST(test_http_body_over_the_limit_is_refused_before_it_is_sent),
		TEST(test_http_chunked_bodies_are_put_together_and_bounded),
		TEST(test_http_half_request_is_closed_after_the_idle_time),
		TEST(test_http_connections_over_the_limit_get_503),
		TEST(test_http_ten_thousand_connections_leave_it_answering),
		TEST(test_http_shortage_of_descriptors_does_not_spin),
		TEST(test_http_connections_of_one_user_do_not_shut_others_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
