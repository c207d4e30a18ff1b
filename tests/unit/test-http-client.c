/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against our own server on the same loop, and against servers that misbehave. */
#include "util/cleanup.h"
#include "util/fs.h"
#include "wire/http_client.h"
#include "wire/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	char directory[32];
	struct sockaddr_un address;
	sd_event *loop;
	struct http_server *server;
	struct http_client *client;
	struct http_stream *stream;
	unsigned served, gone;
	char method[16], header[64];
	/* what the last exchange ended with */
	unsigned done, status;
	char body[256];
	struct fail why;
	struct http_exchange *exchange;
	unsigned pieces;
};

static void on_gone(void *userdata)
{
	((struct fixture *)userdata)->gone++;
}

static void on_closed(void *userdata)
{
	struct fixture *t = userdata;

	t->gone++;
	t->stream = NULL;
}

static void on_request(struct http_request *r, const struct http_call *call, void *userdata)
{
	struct fixture *t = userdata;
	const char *header = http_header(r, "Last-Event-ID"),
		   *type = http_header(r, "Content-Type");
	struct http_stream_events events = { .closed = on_closed, .userdata = t };

	t->served++;
	(void)snprintf(t->method, sizeof(t->method), "%s", call->method);
	(void)snprintf(t->header, sizeof(t->header), "%s,%s", header ? header : "-",
		       type ? type : "-");
	if (strcmp(call->path, "/later") == 0)
		http_defer(r, on_gone, t);
	else if (strcmp(call->path, "/stream") == 0)
		assert_int_equal(http_stream_open(r, "text/plain", 4096, &events, &t->stream), 0);
	else if (strcmp(call->path, "/problem") == 0)
		http_problem(r, 409, "busy", "it is busy");
	else
		http_reply(r, 200, "text/plain", call->body, call->body_size);
}

static int listener(struct fixture *t)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void serve(struct fixture *t)
{
	assert_int_equal(
		http_server_new(&t->server, t->loop, listener(t), NULL, on_request, t, NULL), 0);
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
	assert_int_equal(http_client_new(&t->client, t->loop, t->address.sun_path, &t->why), 0);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *t = *state;

	http_client_free(t->client);
	http_server_free(t->server);
	sd_event_unref(t->loop);
	assert_int_equal(fs_remove_tree(AT_FDCWD, t->directory), 0);
	free(t);
	return 0;
}

static void settle(struct fixture *t, unsigned quiet_msec)
{
	while (sd_event_run(t->loop, (uint64_t)quiet_msec * 1000) > 0)
		;
}

static void on_done(unsigned status, const struct buf *body, const struct fail *why, void *userdata)
{
	struct fixture *t = userdata;

	t->done++;
	t->status = status;
	t->exchange = NULL;
	(void)snprintf(t->body, sizeof(t->body), "%s", body->data ? body->data : "");
	t->why = why ? *why : (struct fail){ 0 };
}

static void test_client_call_gets_status_and_body(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "POST",
				    .url = "http://reeve/echo?x=1",
				    .body = "{\"a\":1}",
				    .body_size = 7,
				    .header = "Last-Event-ID: 7" };
	_cleanup_(buf_done) struct buf body = { 0 };
	unsigned status = 0;

	serve(t);
	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), 0);
	assert_int_equal(status, 200);
	assert_string_equal(body.data, "{\"a\":1}");
	assert_string_equal(t->method, "POST");
	assert_string_equal(t->header, "7,application/json");
}

static void test_client_sends_every_method_with_and_without_body(void **state)
{
	static const struct {
		const char *method, *body, *seen, *answer;
	} vectors[] = {
		{ "GET", NULL, "GET", "" },	  { "POST", NULL, "POST", "" },
		{ "PUT", "x", "PUT", "x" },	  { "DELETE", NULL, "DELETE", "" },
		{ "DELETE", "y", "DELETE", "y" }, { "HEAD", NULL, "GET", "" },
	};
	struct fixture *t = *state;

	serve(t);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct http_order order = { .method = vectors[i].method,
					    .url = "http://reeve/echo",
					    .body = vectors[i].body,
					    .body_size = vectors[i].body ? 1 : 0 };
		_cleanup_(buf_done) struct buf body = { 0 };
		unsigned status = 0;

		assert_int_equal(http_client_call(t->client, &order, &status, &body, NULL), 0);
		assert_int_equal(status, 200);
		assert_string_equal(body.data, vectors[i].answer);
		assert_string_equal(t->method, vectors[i].seen);
	}
	assert_int_equal(http_server_connections(t->server), 1); /* one connection for all */
}

static void test_client_passes_problems_on_as_answers(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET", .url = "http://reeve/problem" };
	_cleanup_(buf_done) struct buf body = { 0 };
	unsigned status = 0;

	serve(t);
	assert_int_equal(http_client_call(t->client, &order, &status, &body, NULL), 0);
	assert_int_equal(status, 409);
	assert_non_null(strstr(body.data, "it is busy"));
}

static void test_client_says_why_it_cannot_connect(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET", .url = "http://reeve/x" };
	struct buf body = { .size = 77 };
	unsigned status = 77;
	int fd;

	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), -ENOENT);
	assert_non_null(strstr(t->why.text, t->address.sun_path));
	assert_non_null(strstr(t->why.text, "No such file"));
	fd = listener(t);
	close_fd(fd);
	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why),
			 -ECONNREFUSED);
	assert_int_equal(status, 77);
	assert_int_equal(body.size, 77);
}

static void test_client_times_out_and_the_server_hears_of_it(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET",
				    .url = "http://reeve/later",
				    .timeout_usec = 50000 };
	struct buf body = { 0 };
	unsigned status = 0;

	serve(t);
	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), -ETIMEDOUT);
	settle(t, 20);
	assert_int_equal(t->gone, 1);
}

static void test_client_refuses_an_answer_over_its_limit(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "POST",
				    .url = "http://reeve/echo",
				    .body = "12345",
				    .body_size = 5,
				    .body_limit = 4 };
	struct buf body = { 0 };
	unsigned status = 0;

	serve(t);
	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), -E2BIG);
	assert_non_null(strstr(t->why.text, "larger than 4 bytes"));
	order.body_limit = 5;
	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), 0);
	buf_done(&body);
}

static int on_piece(const char *bytes, size_t size, void *userdata)
{
	struct fixture *t = userdata;

	t->pieces++;
	return memchr(bytes, '!', size) ? -ECANCELED : 0;
}

static void test_client_stream_hands_over_pieces_until_its_reader_stops(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET",
				    .url = "http://reeve/stream",
				    .data = on_piece,
				    .done = on_done,
				    .userdata = t };

	serve(t);
	assert_int_equal(http_client_send(t->client, &order, NULL, NULL), 0);
	settle(t, 20);
	assert_non_null(t->stream);
	assert_int_equal(http_stream_write(t->stream, "one\n", 4), 0);
	settle(t, 20);
	assert_int_equal(t->pieces, 1);
	assert_int_equal(t->done, 0);
	assert_int_equal(http_stream_write(t->stream, "stop!\n", 6), 0);
	settle(t, 20);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->status, 0);
	assert_int_equal(t->why.error, -ECANCELED);
	assert_int_equal(t->gone, 1);
}

static void test_client_stream_that_is_ended_by_the_server_is_done(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET",
				    .url = "http://reeve/stream",
				    .data = on_piece,
				    .done = on_done,
				    .userdata = t };

	serve(t);
	assert_int_equal(http_client_send(t->client, &order, NULL, NULL), 0);
	settle(t, 20);
	assert_int_equal(http_stream_write(t->stream, "one\n", 4), 0);
	http_stream_close(t->stream);
	settle(t, 20);
	assert_int_equal(t->pieces, 1);
	assert_int_equal(t->done, 1);
	assert_int_equal(t->status, 200);
}

static void test_client_cancel_is_silent_and_closes(void **state)
{
	struct fixture *t = *state;
	struct http_order order = {
		.method = "GET", .url = "http://reeve/later", .done = on_done, .userdata = t
	};
	struct http_exchange *e = NULL;

	serve(t);
	assert_int_equal(http_client_send(t->client, &order, &e, NULL), 0);
	settle(t, 20);
	http_exchange_cancel(e);
	settle(t, 20);
	assert_int_equal(t->done, 0);
	assert_int_equal(t->gone, 1);
}

static int on_piece_cancel(const char *bytes, size_t size, void *userdata)
{
	struct fixture *t = userdata;
	struct http_order order = {
		.method = "GET", .url = "http://reeve/echo", .done = on_done, .userdata = t
	};

	(void)bytes;
	(void)size;
	http_exchange_cancel(t->exchange);
	return http_client_send(t->client, &order, NULL, NULL);
}

static void test_client_may_cancel_and_send_from_within_its_data(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET",
				    .url = "http://reeve/stream",
				    .data = on_piece_cancel,
				    .done = on_done,
				    .userdata = t };

	serve(t);
	assert_int_equal(http_client_send(t->client, &order, &t->exchange, NULL), 0);
	settle(t, 20);
	assert_int_equal(http_stream_write(t->stream, "one\n", 4), 0);
	settle(t, 20);
	assert_int_equal(t->done, 1); /* of the second, not of the cancelled one */
	assert_int_equal(t->status, 200);
	assert_int_equal(t->gone, 1);
}

static void on_done_again(unsigned status, const struct buf *body, const struct fail *why,
			  void *userdata)
{
	struct fixture *t = userdata;
	struct http_order order = {
		.method = "GET", .url = "http://reeve/echo", .done = on_done_again, .userdata = t
	};

	on_done(status, body, why, t);
	if (t->done < 5)
		assert_int_equal(http_client_send(t->client, &order, NULL, NULL), 0);
}

static void test_client_may_send_from_within_done(void **state)
{
	struct fixture *t = *state;
	struct http_order order = {
		.method = "GET", .url = "http://reeve/echo", .done = on_done_again, .userdata = t
	};

	serve(t);
	assert_int_equal(http_client_send(t->client, &order, NULL, NULL), 0);
	assert_int_equal(t->done, 0); /* never from inside the sending */
	settle(t, 20);
	assert_int_equal(t->done, 5);
	assert_int_equal(t->served, 5);
}

static void test_client_is_freed_with_open_exchanges(void **state)
{
	struct fixture *t = *state;
	struct http_order order = {
		.method = "GET", .url = "http://reeve/later", .done = on_done, .userdata = t
	};

	serve(t);
	for (int i = 0; i < 3; i++)
		assert_int_equal(http_client_send(t->client, &order, NULL, NULL), 0);
	settle(t, 20);
	assert_int_equal(t->served, 3);
	t->client = http_client_free(t->client);
	settle(t, 20);
	assert_int_equal(t->done, 0);
	assert_int_equal(t->gone, 3);
}

/* A server that writes these bytes to whoever connects, and hangs up. */
static int on_victim(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
	_cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	const char *bytes = userdata;
	char request[4096];

	(void)source;
	(void)events;
	assert_true(fd >= 0);
	assert_true(recv(fd, request, sizeof(request), 0) > 0);
	assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
	return 0;
}

static void test_client_survives_answers_that_are_none(void **state)
{
	static const char *const answers[] = {
		"",
		"garbage",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 99999 No\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n",
	};
	struct fixture *t = *state;
	_cleanup_close_ int fd = listener(t);

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct http_order order = { .method = "GET",
					    .url = "http://reeve/x",
					    .timeout_usec = 2000000 };
		_cleanup_(buf_done) struct buf body = { 0 };
		sd_event_source *source = NULL;
		struct fail f = { 0 };
		unsigned status = 0;
		int r;

		assert_true(sd_event_add_io(t->loop, &source, fd, 1 /* EPOLLIN */, on_victim,
					    (void *)answers[i]) >= 0);
		r = http_client_call(t->client, &order, &status, &body, &f);
		if (r != -EPROTO)
			fail_msg("answer %zu gave %d (%s)", i, r, f.text);
		assert_true(strlen(f.text) > 10);
		sd_event_source_disable_unref(source);
	}
}

static void test_client_refuses_other_protocols(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET", .url = "file:///etc/passwd" };
	struct buf body = { 0 };
	unsigned status = 0;

	assert_int_equal(http_client_call(t->client, &order, &status, &body, &t->why), -EPROTO);
}

static void test_client_thousand_calls_on_one_connection(void **state)
{
	struct fixture *t = *state;
	struct http_order order = { .method = "GET", .url = "http://reeve/echo" };
	struct timespec begin, end;

	serve(t);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &begin), 0);
	for (int i = 0; i < 1000; i++) {
		_cleanup_(buf_done) struct buf body = { 0 };
		unsigned status = 0;

		assert_int_equal(http_client_call(t->client, &order, &status, &body, NULL), 0);
		assert_int_equal(status, 200);
	}
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
	assert_int_equal(http_server_connections(t->server), 1);
	print_message("client and server, one call: %.1f us\n",
		      ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		       (double)(end.tv_nsec - begin.tv_nsec)) /
			      1e6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_client_call_gets_status_and_body),
		TEST(test_client_sends_every_method_with_and_without_body),
		TEST(test_client_passes_problems_on_as_answers),
		TEST(test_client_says_why_it_cannot_connect),
		TEST(test_client_times_out_and_the_server_hears_of_it),
		TEST(test_client_refuses_an_answer_over_its_limit),
		TEST(test_client_stream_hands_over_pieces_until_its_reader_stops),
		TEST(test_client_stream_that_is_ended_by_the_server_is_done),
		TEST(test_client_cancel_is_silent_and_closes),
		TEST(test_client_may_cancel_and_send_from_within_its_data),
		TEST(test_client_may_send_from_within_done),
		TEST(test_client_is_freed_with_open_exchanges),
		TEST(test_client_survives_answers_that_are_none),
		TEST(test_client_refuses_other_protocols),
		TEST(test_client_thousand_calls_on_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
