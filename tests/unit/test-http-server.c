/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over real unix sockets: what a request is, byte by byte. */
#include "http-fixture.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

static void test_http_request_reaches_the_handler_with_its_peer(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer;

	http_start(t, NULL);
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

	http_start(t, NULL);
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

	http_start(t, NULL);
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

	http_start(t, NULL);
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
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 999999999999\r\n\r\n"),
		VECTOR("GET /x HTTP/1.1\r\n\r\n"), /* no Host: libmicrohttpd 1.0 sees it first */
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 1x\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n"),
		VECTOR("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
#undef VECTOR
	};
	const size_t by_library = 7; /* from here on */
	struct fixture *t = *state;

	http_start(t, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_close_ int fd = client(t);
		unsigned status;
		char *answer;

		put_bytes(fd, vectors[i].bytes, vectors[i].size);
		settle(t, 20);
		answer = got(fd, NULL);
		status = status_of(answer);
		if (status < 400 || status > 499)
			fail_msg("vector %zu got %u", i, status);
		/* what libmicrohttpd itself cannot parse it answers itself, with a page */
		assert_true(strstr(answer, "application/problem+json") || i >= by_library);
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

	http_start(t, NULL);
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

static void test_http_pipelined_requests_are_answered_in_order(void **state)
{
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	char *answer, *second;

	http_start(t, NULL);
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

static void test_http_thousand_requests_on_one_connection(void **state)
{
	static const char request[] = "GET /x HTTP/1.1\r\n" HOST "\r\n";
	struct fixture *t = *state;
	_cleanup_close_ int fd = -1;
	struct timespec begin, end;
	char room[1024];

	http_start(t, NULL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_http_request_reaches_the_handler_with_its_peer),
		TEST(test_http_head_is_get_without_a_body),
		TEST(test_http_problem_is_json_whatever_the_sentence),
		TEST(test_http_handler_that_forgets_to_answer_gives_500),
		TEST(test_http_malformed_requests_get_4xx_and_no_handler),
		TEST(test_http_noise_harms_nobody),
		TEST(test_http_pipelined_requests_are_answered_in_order),
		TEST(test_http_thousand_requests_on_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
