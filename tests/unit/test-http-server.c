/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over real unix sockets, with requests written byte by byte where that matters. */
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "wire/http_server.h"
#include "wire/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	char directory[32];
	struct sockaddr_un address;
	sd_event *loop;
	struct http_server *server;
	unsigned iterations; /* of the loop, that did something */
	/* what the handler saw and keeps */
	unsigned calls, gone, closed, drained;
	struct http_peer peer;
	char method[16], path[256], body[64], query[256];
	size_t body_size;
	struct http_request *deferred;
	struct http_stream *stream;
};

static void on_gone(void *userdata)
{
	struct fixture *t = userdata;

	t->gone++;
	t->deferred = NULL;
}

static void on_closed(void *userdata)
{
	struct fixture *t = userdata;

	t->closed++;
	t->stream = NULL;
}

static void on_drained(void *userdata)
{
	((struct fixture *)userdata)->drained++;
}

static void on_query(const char *name, const char *value, void *userdata)
{
	struct fixture *t = userdata;
	size_t used = strlen(t->query);

	(void)snprintf(t->query + used, sizeof(t->query) - used, "[%s=%s]", name, value);
}

static void answer_echo(struct fixture *t, struct http_request *r, const struct http_call *call)
{
	(void)t;
	http_set_header(r, "X-Test", "echo");
	http_reply(r, 200, "text/plain", call->body, call->body_size);
}

static void answer_later(struct fixture *t, struct http_request *r, const struct http_call *call)
{
	(void)call;
	t->deferred = r;
	http_defer(r, on_gone, t);
}

static void answer_stream(struct fixture *t, struct http_request *r, const struct http_call *call)
{
	struct http_stream_events events = { on_closed, on_drained, t };

	(void)call;
	assert_int_equal(
		http_stream_open(r, "application/x-ndjson", 256 << 10, &events, &t->stream), 0);
}

static void answer_nothing(struct fixture *t, struct http_request *r, const struct http_call *call)
{
	(void)t;
	(void)r;
	(void)call;
}

static void answer_problem(struct fixture *t, struct http_request *r, const struct http_call *call)
{
	(void)t;
	(void)call;
	http_problem(r, 409, "cpu-held", "cpu 3 is held by \"a\\b\" \xff");
}

static void on_request(struct http_request *r, const struct http_call *call, void *userdata)
{
	static const struct {
		const char *path;
		void (*answer)(struct fixture *t, struct http_request *r,
			       const struct http_call *call);
	} routes[] = {
		{ "/later", answer_later },
		{ "/stream", answer_stream },
		{ "/nothing", answer_nothing },
		{ "/problem", answer_problem },
	};
	struct fixture *t = userdata;

	t->calls++;
	t->peer = call->peer;
	t->body_size = call->body_size;
	t->query[0] = 0;
	(void)snprintf(t->method, sizeof(t->method), "%s", call->method);
	(void)snprintf(t->path, sizeof(t->path), "%s", call->path);
	(void)snprintf(t->body, sizeof(t->body), "%s", call->body);
	http_each_query(r, on_query, t);
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(routes[i].path, call->path) == 0) {
			routes[i].answer(t, r, call);
			return;
		}
	answer_echo(t, r, call);
}

static void start(struct fixture *t, const struct http_limits *limits)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct fail f = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
	assert_int_equal(listen(fd, 4096), 0);
	assert_int_equal(http_server_new(&t->server, t->loop, fd, limits, on_request, t, &f), 0);
}

static int set_up(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	strcpy(t->directory, "/tmp/reeve-http-XXXXXX");
	assert_non_null(mkdtemp(t->directory));
	t->address.sun_family = AF_UNIX;
	(void)snprintf(t->address.sun_path, sizeof(t->address.sun_path), "%s/socket", t->directory);
	assert_int_equal(sd_event_new(&t->loop), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *t = *state;

	http_server_free(t->server);
	sd_event_unref(t->loop);
	assert_int_equal(fs_remove_tree(AT_FDCWD, t->directory), 0);
	free(t);
	return 0;
}

/* Runs the loop until it has nothing to do for that long. */
static void settle(struct fixture *t, unsigned quiet_msec)
{
	while (sd_event_run(t->loop, (uint64_t)quiet_msec * 1000) > 0)
		t->iterations++;
}

static int client(struct fixture *t)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
	return fd;
}

static void put_bytes(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

static void put(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

/* What has arrived by now; *ret_closed tells whether the server hung up behind it. */
static char *got(int fd, bool *ret_closed)
{
	static char room[1 << 20];
	size_t size = 0;
	ssize_t n;

	while ((n = recv(fd, room + size, sizeof(room) - 1 - size, 0)) > 0)
		size += (size_t)n;
	room[size] = 0;
	if (ret_closed)
		*ret_closed = n == 0 || (n < 0 && errno == ECONNRESET);
	return room;
}

static char *ask(struct fixture *t, int fd, const char *request)
{
	put(fd, request);
	settle(t, 20);
	return got(fd, NULL);
}

static unsigned status_of(const char *answer)
{
	unsigned status = 0;

	(void)sscanf(answer, "HTTP/1.1 %u", &status);
	return status;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

#define HOST "Host: reeve\r\n"

static void test_http_request_reaches_the_handler_with_its_peer(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	start(t, NULL);
	fd = client(t);
	answer = ask(t, fd,
		     "POST /v1/a%20b?x=1&y&z=%C3%A9+e HTTP/1.1\r\n" HOST
		     "Content-Length: 5\r\n\r\nhello");
	assert_int_equal(status_of(answer), 200);
	assert_string_equal(body_of(answer), "hello");
	assert_non_null(strstr(answer, "X-Test: echo\r\n"));
	assert_non_null(strstr(answer, "Content-Type: text/plain\r\n"));
	assert_string_equal(t->method, "POST");
	assert_string_equal(t->path, "/v1/a b");
	assert_string_equal(t->query, "[x=1][y=][z=\xc3\xa9 e]");
	assert_string_equal(t->body, "hello");
	assert_int_equal(t->peer.uid, getuid());
	assert_int_equal(t->peer.gid, getgid());
	assert_int_equal(t->peer.pid, getpid());
	assert_int_equal(http_server_connections(t->server), 1);
}

static void test_http_head_is_get_without_a_body(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	start(t, NULL);
	fd = client(t);
	answer = ask(t, fd, "HEAD /problem HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(status_of(answer), 409);
	assert_string_equal(body_of(answer), "");
	assert_string_equal(t->method, "GET");
	answer = ask(t, fd, "HEAD /stream HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(status_of(answer), 200);
	assert_int_equal(t->closed, 1);
	answer = ask(t, fd, "GET /x HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(status_of(answer), 200);
}

static void test_http_problem_is_json_whatever_the_sentence(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	_cleanup_json_ json_t *problem = NULL;
	char *answer;

	start(t, NULL);
	fd = client(t);
	answer = ask(t, fd, "GET /problem HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(answer, "Content-Type: application/problem+json\r\n"));
	assert_int_equal(
		json_parse_object(body_of(answer), strlen(body_of(answer)), &problem, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(problem, "type")), "about:blank");
	assert_string_equal(json_string_value(json_object_get(problem, "title")), "Conflict");
	assert_int_equal(json_integer_value(json_object_get(problem, "status")), 409);
	assert_string_equal(json_string_value(json_object_get(problem, "code")), "cpu-held");
	assert_string_equal(json_string_value(json_object_get(problem, "detail")),
			    "cpu 3 is held by \"a\\b\" ?");
}

static void test_http_handler_that_forgets_to_answer_gives_500(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;

	start(t, NULL);
	fd = client(t);
	assert_int_equal(status_of(ask(t, fd, "GET /nothing HTTP/1.1\r\n" HOST "\r\n")), 500);
	assert_int_equal(status_of(ask(t, fd, "GET /fine HTTP/1.1\r\n" HOST "\r\n")), 200);
}

static void test_http_malformed_requests_get_4xx_and_no_handler(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} vectors[] = {
#define VECTOR(text) { text, sizeof(text) - 1 }
		VECTOR("GET /a%00b HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /a?x=%00 HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /a%zz HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /a% HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /%ff%fe HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /%c0%ae%c0%ae HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET /x HTTP/1.1\r\n\r\n"), /* no Host */
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
#undef VECTOR
	};
	struct fixture *t = *state;

	start(t, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_close_ int fd = client(t);
		unsigned status;

		put_bytes(fd, vectors[i].bytes, vectors[i].size);
		settle(t, 20);
		status = status_of(got(fd, NULL));
		if (status < 400 || status > 499)
			fail_msg("vector %zu got %u", i, status);
	}
	assert_int_equal(t->calls, 0);
	settle(t, 20);
	assert_int_equal(http_server_connections(t->server), 0);
}

static void test_http_noise_harms_nobody(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} vectors[] = {
#define VECTOR(text) { text, sizeof(text) - 1 }
		VECTOR("\0\0\0\0\r\n\r\n"),
		VECTOR("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"),
		VECTOR("GET\r\n\r\n"),
		VECTOR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), /* TLS hello */
		VECTOR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		VECTOR("\r\n\r\n\r\n\r\n"),
		VECTOR("GET /x HTTP/9.9\r\n" HOST "\r\n"),
		VECTOR("GET  HTTP/1.1\r\n" HOST "\r\n"),
#undef VECTOR
	};
	struct fixture *t = *state;
	_cleanup_close_ int good = -1;

	start(t, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_close_ int fd = client(t);

		put_bytes(fd, vectors[i].bytes, vectors[i].size);
		settle(t, 10);
	}
	settle(t, 20);
	assert_int_equal(http_server_connections(t->server), 0);
	good = client(t);
	assert_int_equal(status_of(ask(t, good, "GET /x HTTP/1.1\r\n" HOST "\r\n")), 200);
}

static void test_http_huge_header_gets_431(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *big = malloc(64 << 10);

	assert_non_null(big);
	memset(big, 'a', 64 << 10);
	big[(64 << 10) - 1] = 0;
	start(t, NULL);
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

	start(t, &limits);
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

	start(t, NULL);
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

	start(t, &limits);
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

	start(t, &limits);
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

static void test_http_pipelined_requests_are_answered_in_order(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer, *second;

	start(t, NULL);
	fd = client(t);
	put(fd, "POST /later HTTP/1.1\r\n" HOST
		"Content-Length: 1\r\n\r\nAPOST /b HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nB");
	settle(t, 20);
	assert_int_equal(t->calls, 1);
	assert_string_equal(got(fd, NULL), "");
	http_reply(t->deferred, 202, "text/plain", "first", 5);
	settle(t, 20);
	answer = got(fd, NULL);
	assert_int_equal(status_of(answer), 202);
	second = strstr(answer, "firstHTTP/1.1 200");
	assert_non_null(second);
	assert_string_equal(body_of(second), "B");
}

static void test_http_deferred_request_is_answered_later(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;

	start(t, NULL);
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

	start(t, NULL);
	fd = client(t);
	(void)ask(t, fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(t->deferred);
	close_fd(fd);
	settle(t, 20);
	assert_int_equal(t->gone, 1);
	assert_null(t->deferred);
	assert_int_equal(http_server_connections(t->server), 0);
}

static void test_http_stream_sends_what_is_written_and_ends(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	start(t, NULL);
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

static void test_http_stream_of_a_client_that_left_is_closed(void **state)
{
	struct fixture *t = *state;
	int fd;

	start(t, NULL);
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
	start(t, NULL);
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

	start(t, NULL);
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

	start(t, NULL);
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

static void test_http_connections_over_the_limit_get_503(void **state)
{
	struct fixture *t = *state;
	struct http_limits limits = { .connections = 4 };
	int fds[10];
	unsigned refused = 0;

	start(t, &limits);
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
	start(t, NULL);
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

	start(t, NULL);
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

static void test_http_idle_server_sleeps(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int stream = -1;
	int fd;

	start(t, NULL);
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

static void test_http_thousand_requests_on_one_connection(void **state)
{
	static const char request[] = "GET /x HTTP/1.1\r\n" HOST "\r\n";
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	struct timespec begin, end;
	char room[1024];

	start(t, NULL);
	fd = client(t);
	settle(t, 10);
	t->iterations = 0;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &begin), 0);
	for (int i = 0; i < 1000; i++) {
		put(fd, request);
		while (recv(fd, room, sizeof(room), 0) <= 0) {
			assert_true(sd_event_run(t->loop, 1000000) > 0);
			t->iterations++;
		}
		assert_memory_equal(room, "HTTP/1.1 200", 12);
	}
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
	assert_int_equal(t->calls, 1000);
	assert_in_range(t->iterations, 1000, 2100);
	print_message("keep-alive round trip: %.1f us, %.2f loop iterations\n",
		      ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		       (double)(end.tv_nsec - begin.tv_nsec)) /
			      1e6,
		      t->iterations / 1000.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http_request_reaches_the_handler_with_its_peer),
		TEST(test_http_head_is_get_without_a_body),
		TEST(test_http_problem_is_json_whatever_the_sentence),
		TEST(test_http_handler_that_forgets_to_answer_gives_500),
		TEST(test_http_malformed_requests_get_4xx_and_no_handler),
		TEST(test_http_noise_harms_nobody),
		TEST(test_http_huge_header_gets_431),
		TEST(test_http_body_over_the_limit_gets_413_and_the_connection_goes_on),
		TEST(test_http_body_over_the_limit_is_refused_before_it_is_sent),
		TEST(test_http_chunked_bodies_are_put_together_and_bounded),
		TEST(test_http_half_request_is_closed_after_the_idle_time),
		TEST(test_http_pipelined_requests_are_answered_in_order),
		TEST(test_http_deferred_request_is_answered_later),
		TEST(test_http_deferred_request_tells_when_its_client_left),
		TEST(test_http_stream_sends_what_is_written_and_ends),
		TEST(test_http_stream_of_a_client_that_left_is_closed),
		TEST(test_http_stream_of_a_slow_reader_is_bounded_and_drains),
		TEST(test_http_stream_reader_that_left_while_full_is_closed),
		TEST(test_http_server_is_freed_with_everything_open),
		TEST(test_http_connections_over_the_limit_get_503),
		TEST(test_http_ten_thousand_connections_leave_it_answering),
		TEST(test_http_shortage_of_descriptors_does_not_spin),
		TEST(test_http_idle_server_sleeps),
		TEST(test_http_thousand_requests_on_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
