/* SPDX-License-Identifier: Apache-2.0 */
/* The door: the socket that the agent makes, and what a request gets that is not of the API. Real
 * sockets, a whole agent (tests/sim/agent.h) without cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/agent.h"

#include "server.h"
#include "util/buf.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { TURNS = 500 };

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close_fd(fd);
	return -errno;
}

/* The whole answer: the connection is closed behind it. */
static char *ask(struct agent *a, const char *method, const char *target, const char *body)
{
	struct buf request = { 0 }, answer = { 0 };
	int fd = connect_to(a->config.socket);
	char room[4096];
	ssize_t n = -1;

	assert_true(fd >= 0);
	buf_format(
		&request,
		"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
		method, target, strlen(body), body);
	assert_int_equal(send(fd, request.data, request.size, MSG_NOSIGNAL), request.size);
	for (int i = 0; i < TURNS && n != 0; i++) {
		assert_true(sd_event_run(a->manager->loop, 10000) >= 0);
		while ((n = recv(fd, room, sizeof(room), 0)) > 0)
			assert_int_equal(buf_append(&answer, room, (size_t)n), 0);
	}
	assert_int_equal(n, 0);
	buf_text(&answer, "");
	close_fd(fd);
	buf_done(&request);
	return buf_steal(&answer);
}

static void open_agent(struct agent *a)
{
	const char *missing = agent_missing(BACKEND_PROCESS);

	if (missing) {
		print_message("skipped: %s\n", missing);
		skip();
	}
	agent_open(a, BACKEND_PROCESS);
}

static void assert_part(const char *target, const char *answer, const char *part)
{
	if (!strstr(answer, part))
		fail_msg("%s: \"%s\" is not in\n%s", target, part, answer);
}

static void test_routes_answer_what_the_api_says(void **state)
{
	static const struct {
		const char *method, *target, *body, *parts[3];
	} vectors[] = {
		{ "GET", "/v1/node", "", { "HTTP/1.1 200", "\"backend\":\"process\"" } },
		{ "GET", "/v1/slices", "", { "HTTP/1.1 200", "{\"slices\":[]}" } },
		{ "GET", "/v1/offers", "", { "HTTP/1.1 200", "\"offers\":[" } },
		{ "GET", "/v1/health", "", { "HTTP/1.1 200", "\"conditions\":[" } },
		{ "GET", "/v1/inventory", "", { "HTTP/1.1 200", "\"bill_of_materials\"" } },
		{ "GET", "/metrics", "", { "HTTP/1.1 200", "openmetrics", "# EOF\n" } },
		{ "HEAD", "/v1/node", "", { "HTTP/1.1 200" } },
		{ "GET", "/", "", { "HTTP/1.1 404", "problem+json", "not-found" } },
		{ "GET", "/v1", "", { "HTTP/1.1 404" } },
		{ "GET", "/v1/node/", "", { "HTTP/1.1 404" } },
		{ "GET", "/v1/nodes", "", { "HTTP/1.1 404" } },
		{ "GET", "/v1/slices/", "", { "HTTP/1.1 404", "not part of this API" } },
		{ "GET", "/v1/slices//tasks", "", { "HTTP/1.1 404", "not part of this API" } },
		{ "GET", "/v1/slices/nobody", "", { "HTTP/1.1 404", "there is no slice nobody" } },
		{ "GET", "/v1/slices/%FF", "", { "HTTP/1.1 400", "UTF-8" } },
		{ "GET", "/v1/slices/a/tasks/b/logs/c", "", { "HTTP/1.1 404" } },
		{ "PUT", "/v1/slices", "", { "HTTP/1.1 405", "Allow: GET, HEAD, POST" } },
		{ "DELETE", "/v1/node", "", { "HTTP/1.1 405", "Allow: GET, HEAD\r" } },
		{ "POST",
		  "/v1/slices/a",
		  "",
		  { "HTTP/1.1 405", "Allow: GET, HEAD, PATCH, DELETE" } },
		{ "GET", "/v1/explain", "", { "HTTP/1.1 405", "Allow: POST\r" } },
		{ "GET", "/v1/node?x=1", "", { "HTTP/1.1 400", "unknown-query", "\\\"x\\\"" } },
		{ "GET", "/v1/node?=1", "", { "HTTP/1.1 400", "unknown-query" } },
		{ "GET", "/v1/events?follow=perhaps", "", { "HTTP/1.1 400", "true or false" } },
		{ "GET", "/v1/events?since=-1", "", { "HTTP/1.1 400", "whole number" } },
		{ "GET", "/v1/events?format=xml", "", { "HTTP/1.1 400", "ndjson" } },
		{ "PATCH", "/v1/slices/a", "{\"cores\":1}", { "HTTP/1.1 404" } },
		{ "PATCH", "/v1/slices/a", "{\"name\":\"b\"}", { "HTTP/1.1 400", "name" } },
		{ "POST", "/v1/slices/a/freeze", "", { "HTTP/1.1 404" } },
		{ "POST", "/v1/slices/a/thaw", "{\"x\":1}", { "HTTP/1.1 400" } },
		{ "DELETE", "/v1/slices/a?grace=soon", "", { "HTTP/1.1 400", "time" } },
		{ "DELETE", "/v1/slices/a?grace=2d", "", { "HTTP/1.1 400", "time" } },
		{ "DELETE", "/v1/slices/a?grace=1s", "", { "HTTP/1.1 404" } },
		{ "POST", "/v1/slices", "{", { "HTTP/1.1 400", "problem+json" } },
		{ "POST", "/v1/slices", "[]", { "HTTP/1.1 400" } },
		{ "POST", "/v1/slices", "{\"colour\":1}", { "HTTP/1.1 400", "colour" } },
		{ "POST", "/v1/slices", "{\"cores\":60000}", { "HTTP/1.1 409" } },
		{ "POST",
		  "/v1/slices",
		  "{\"offer\":\"o-9-9-9\"}",
		  { "HTTP/1.1 409", "offer-gone" } },
		{ "POST",
		  "/v1/explain",
		  "{\"cores\":60000}",
		  { "HTTP/1.1 200", "\"admissible\":false" } },
		{ "POST", "/v1/slices/a/tasks", "{\"argv\":[\"a\"]}", { "HTTP/1.1 404" } },
		{ "POST",
		  "/v1/slices/a/tasks/b/signal",
		  "{\"signal\":\"TERM\"}",
		  { "HTTP/1.1 404" } },
		{ "POST", "/v1/slices/a/tasks/b/signal", "{}", { "HTTP/1.1 400" } },
		{ "POST", "/v1/slices/a/tasks/b/stop", "{\"grace\":\"2h\"}", { "HTTP/1.1 400" } },
		{ "GET", "/v1/slices/a/tasks/b/logs?stream=x", "", { "HTTP/1.1 400", "stderr" } },
		{ "GET", "/v1/events?follow=false&since=0", "", { "HTTP/1.1 200", "ndjson" } },
	};
	struct agent a;

	(void)state;
	open_agent(&a);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *answer =
			ask(&a, vectors[i].method, vectors[i].target, vectors[i].body);

		for (size_t k = 0; k < 3 && vectors[i].parts[k]; k++)
			assert_part(vectors[i].target, answer, vectors[i].parts[k]);
	}
	assert_int_equal(map_count(a.manager->slices), 0); /* nothing of it changed anything */
	assert_int_equal(ledger_count(a.manager->ledger), 0);
	agent_done(&a);
}

static void test_every_route_is_found_by_its_own_pattern(void **state)
{
	struct agent a;

	(void)state;
	open_agent(&a);
	for (const struct route *r = routes; r->method; r++) {
		_cleanup_free_ char *answer = NULL;
		char target[128], *out = target;

		for (const char *p = r->pattern; *p; p++) {
			if (strncmp(p, "{}", 2) == 0) {
				*out++ = 'x';
				p++;
			} else {
				*out++ = *p;
			}
		}
		*out = 0;
		answer = ask(&a, "PUT", target, "");
		assert_part(target, answer, "HTTP/1.1 405");
		assert_part(target, answer, r->method);
	}
	agent_done(&a);
}

static void test_socket_has_the_mode_that_was_set(void **state)
{
	struct agent a;
	struct stat st;

	(void)state;
	open_agent(&a);
	assert_int_equal(stat(a.config.socket, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	a.manager = manager_free(a.manager);
	assert_int_equal(access(a.config.socket, F_OK), -1); /* it goes with its agent */
	agent_done(&a);
}

/* A second one in the same runtime directory, or on the same socket. */
static void test_second_agent_is_refused(void **state)
{
	struct server *second = NULL;
	struct fail f = { 0 };
	struct agent a;

	(void)state;
	open_agent(&a);
	assert_int_equal(server_new(&second, a.manager, &f), -EBUSY);
	assert_string_equal(f.code, "agent-running");
	assert_null(second);
	close_fd(connect_to(a.config.socket)); /* the first one still answers */
	agent_turn(&a, 10000);
	assert_int_equal(access(a.config.socket, F_OK), 0);
	agent_done(&a);
}

/* Another process, for so long; the agent leaves nobody to be reaped. */
static pid_t hold_lock(const char *runtime_dir, useconds_t usec)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int dir = fs_open_dir(AT_FDCWD, runtime_dir);
		int fd = openat(dir, "reeved.lock", O_RDWR | O_CLOEXEC);

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)!write(ready[1], "", 1);
		(void)usleep(usec);
		_exit(0);
	}
	close_fd(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close_fd(ready[0]);
	return pid;
}

/* A child of an agent that was killed has its lock until it executes. */
static void test_agent_waits_for_a_lock_that_is_about_to_go(void **state)
{
	struct agent a;

	(void)state;
	open_agent(&a);
	a.manager = manager_free(a.manager);
	(void)hold_lock(a.config.runtime_dir, 100000);
	agent_restart(&a); /* asserts that it starts */
	agent_done(&a);
}

static void test_agent_is_refused_for_a_lock_that_stays(void **state)
{
	struct fail f = { 0 };
	struct agent a;
	pid_t other;

	(void)state;
	open_agent(&a);
	a.manager = manager_free(a.manager);
	other = hold_lock(a.config.runtime_dir, 60 * 1000000);
	assert_int_equal(manager_new(&a.manager, &a.config, &f), -EBUSY);
	assert_string_equal(f.code, "agent-running");
	assert_null(a.manager);
	assert_int_equal(kill(other, SIGKILL), 0);
	agent_done(&a);
}

static void leave_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close_fd(fd);
}

static void test_socket_left_over_is_cleared(void **state)
{
	_cleanup_free_ char *answer = NULL;
	struct agent a;

	(void)state;
	open_agent(&a);
	a.manager = manager_free(a.manager);
	leave_socket(a.config.socket);
	agent_restart(&a);
	answer = ask(&a, "GET", "/v1/slices", "");
	assert_part("/v1/slices", answer, "HTTP/1.1 200");
	agent_done(&a);
}

static void test_file_in_the_place_of_the_socket_is_left_alone(void **state)
{
	struct fail f = { 0 };
	struct agent a;
	int fd;

	(void)state;
	open_agent(&a);
	a.manager = manager_free(a.manager);
	fd = open(a.config.socket, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close_fd(fd);
	assert_int_equal(manager_new(&a.manager, &a.config, &f), -EEXIST);
	assert_non_null(strstr(f.text, "no socket"));
	assert_int_equal(access(a.config.socket, F_OK), 0);
	agent_done(&a);
}

/* Half requests and clients that leave: the agent is there for the next one. */
static void test_clients_that_leave_do_no_harm(void **state)
{
	static const char *const halves[] = {
		"",
		"G",
		"GET /v1/node HTTP/1.1\r\n",
		"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/slices HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		("POST /v1/slices HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n"
		 "{\"shared_cpus\":0.1}"),
		"\x16\x03\x01\x02garbage\r\n\r\n",
	};
	struct answer gone = { 0 };
	struct agent a;

	(void)state;
	open_agent(&a);
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		_cleanup_free_ char *answer = NULL;
		int fd = connect_to(a.config.socket);

		assert_int_equal(send(fd, halves[i], strlen(halves[i]), MSG_NOSIGNAL),
				 strlen(halves[i]));
		agent_turn(&a, 3000);
		close_fd(fd);
		answer = ask(&a, "GET", "/v1/slices", "");
		assert_part(halves[i], answer, "HTTP/1.1 200");
	}
	/* The one whose client left before it was ready is there all the same. */
	agent_turn(&a, 200000);
	assert_int_equal(map_count(a.manager->slices), 1);
	agent_delete(&a, "slice-1", 0, &gone);
	assert_true(agent_await(&a, &gone, 10000000));
	assert_int_equal(gone.error, 0);
	agent_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_answer_what_the_api_says),
		cmocka_unit_test(test_every_route_is_found_by_its_own_pattern),
		cmocka_unit_test(test_socket_has_the_mode_that_was_set),
		cmocka_unit_test(test_second_agent_is_refused),
		cmocka_unit_test(test_agent_waits_for_a_lock_that_is_about_to_go),
		cmocka_unit_test(test_agent_is_refused_for_a_lock_that_stays),
		cmocka_unit_test(test_socket_left_over_is_cleared),
		cmocka_unit_test(test_file_in_the_place_of_the_socket_is_left_alone),
		cmocka_unit_test(test_clients_that_leave_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
