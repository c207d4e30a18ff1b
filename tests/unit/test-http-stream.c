/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that come later or never end, and what happens when somebody leaves. */
#include "http-fixture.h"

#include <errno.h>
#include <stdio.h>

static void test_http_deferred_request_is_answered_later(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;

	http_start(t, NULL);
	fd = client(t);
	assert_string_equal(ask(t, fd, "GET /later?wait=1 HTTP/1.1\r\n" HOST "\r\n"), "");
	assert_non_null(t->deferred);
	assert_string_equal(http_query(t->deferred, "wait"), "1");
	assert_null(http_query(t->deferred, "absent"));
	assert_string_equal(http_header(t->deferred, "host"), "reeve");
	http_problem(t->deferred, 404, "not-found", "it was not found");
	settle(t, 20);
	assert_int_equal(status_of(got(fd, NULL)), 404);
	assert_int_equal(t->gone, 0);
	assert_int_equal(status_of(ask(t, fd, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
}

static void test_http_deferred_request_tells_when_its_client_left(void **state)
{
	struct fixture *t = *state;
	int fd;

	http_start(t, NULL);
	fd = client(t);
	(void)ask(t, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(t->deferred);
	close_fd(fd);
	settle(t, 20);
	assert_int_equal(t->gone, 1);
	assert_null(t->deferred);
	assert_int_equal(http_server_connections(t->server), 0);
}

static void test_http_connection_is_bounded_in_idleness_again_after_a_stream(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .idle_seconds = 1 };
	_cleanup_close_ int fd = -1;

	http_start(t, &limits);
	fd = client(t);
	(void)ask(t, fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	settle(t, 2200);
	assert_non_null(t->stream); /* a quiet stream stays */
	http_stream_close(t->stream);
	settle(t, 50);
	assert_int_equal(http_server_connections(t->server), 1);
	settle(t, 2200);
	assert_int_equal(http_server_connections(t->server), 0);
}

static void test_http_stream_of_a_client_that_left_is_closed(void **state)
{
	struct fixture *t = *state;
	int fd;

	http_start(t, NULL);
	fd = client(t);
	(void)ask(t, fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(t->stream);
	close_fd(fd);
	settle(t, 20);
	assert_int_equal(t->closed, 1);
	assert_int_equal(http_server_connections(t->server), 0);
}

/* Fills the queue of a reader that does not read. */
static size_t fill_stream(struct fixture *t, const char *block, size_t size)
{
	size_t written = 0;

	while (http_stream_write(t->stream, block, size) == 0) {
		written += size;
		settle(t, 0);
		assert_true(written < 4 << 20);
	}
	return written;
}

static void test_http_stream_of_a_slow_reader_is_bounded_and_drains(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char block[10000];
	size_t written, marks = 0;

	memset(block, '#', sizeof(block));
	http_start(t, NULL);
	fd = client(t);
	(void)ask(t, fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	written = fill_stream(t, block, sizeof(block));
	assert_true(http_stream_queued(t->stream) <= 256 << 10);
	assert_int_equal(http_stream_write(t->stream, block, sizeof(block)), -ENOBUFS);
	assert_int_equal(t->drained, 0);
	for (int i = 0; i < 100 && t->drained == 0; i++) {
		for (const char *p = got(fd, NULL); *p; p++)
			marks += *p == '#';
		settle(t, 0);
	}
	assert_int_equal(t->drained, 1);
	assert_int_equal(http_stream_write(t->stream, "tail\n", 5), 0);
	settle(t, 10);
	for (const char *p = got(fd, NULL); *p; p++)
		marks += *p == '#';
	assert_int_equal(marks, written);
}

static void test_http_stream_reader_that_left_while_full_is_closed(void **state)
{
	struct fixture *t = *state;
	char block[10000] = { 0 };
	int fd;

	http_start(t, NULL);
	fd = client(t);
	(void)ask(t, fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	(void)fill_stream(t, block, sizeof(block));
	close_fd(fd);
	settle(t, 20);
	assert_int_equal(t->closed, 1);
	assert_int_equal(http_server_connections(t->server), 0);
}

static void test_http_server_is_freed_with_everything_open(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int idle = -1, half = -1, later = -1, stream = -1;

	http_start(t, NULL);
	idle = client(t);
	half = client(t);
	later = client(t);
	stream = client(t);
	put(half, "POST /x?a=b HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhalf");
	(void)ask(t, later, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	(void)ask(t, stream, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(http_stream_write(t->stream, "unsent", 6), 0);
	assert_int_equal(http_server_connections(t->server), 4);
	t->server = http_server_free(t->server);
	assert_int_equal(t->gone, 1);
	assert_int_equal(t->closed, 1);
}

static void test_http_stream_sends_what_is_written_and_ends(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	http_start(t, NULL);
	fd = client(t);
	answer = ask(t, fd, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(status_of(answer), 200); /* before there is anything to send */
	assert_non_null(strstr(answer, "Transfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(answer, "Content-Type: application/x-ndjson\r\n"));
	assert_int_equal(http_stream_write(t->stream, "one\n", 4), 0);
	settle(t, 20);
	assert_non_null(strstr(got(fd, NULL), "one\n"));
	assert_int_equal(http_stream_write(t->stream, "two\n", 4), 0);
	assert_int_equal(http_stream_write(t->stream, "three\n", 6), 0);
	assert_int_equal(http_stream_queued(t->stream), 10);
	http_stream_close(t->stream);
	settle(t, 20);
	answer = got(fd, NULL);
	assert_non_null(strstr(answer, "two\nthree\n"));
	assert_non_null(strstr(answer, "\r\n0\r\n\r\n"));
	assert_int_equal(t->closed, 1);
	assert_int_equal(status_of(ask(t, fd, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
}

static void test_http_idle_server_sleeps(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int stream = -1;
	int fd;

	http_start(t, NULL);
	fd = client(t);
	assert_int_equal(status_of(ask(t, fd, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
	close_fd(fd);
	stream = client(t);
	(void)ask(t, stream, "GET /stream HTTP/1.1\r\n" HOST "\r\n");
	t->iterations = 0;
	for (int i = 0; i < 5; i++)
		if (sd_event_run(t->loop, 100000) > 0)
			t->iterations++;
	assert_int_equal(t->iterations, 0);
	/* and no timer is armed: the next time-out of the loop is for ever */
	assert_int_equal(sd_event_prepare(t->loop), 0);
	assert_int_equal(sd_event_wait(t->loop, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http_deferred_request_is_answered_later),
		TEST(test_http_deferred_request_tells_when_its_client_left),
		TEST(test_http_connection_is_bounded_in_idleness_again_after_a_stream),
		TEST(test_http_stream_of_a_client_that_left_is_closed),
		TEST(test_http_stream_of_a_slow_reader_is_bounded_and_drains),
		TEST(test_http_stream_reader_that_left_while_full_is_closed),
		TEST(test_http_server_is_freed_with_everything_open),
		TEST(test_http_stream_sends_what_is_written_and_ends),
		TEST(test_http_idle_server_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
