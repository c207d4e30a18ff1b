/* SPDX-License-Identifier: Apache-2.0 */
/* The server, handler and clients of the HTTP tests; see http-fixture.h. */
#include "http-fixture.h"

#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

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

void http_start(struct fixture *t, const struct http_limits *limits)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct fail f = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
	assert_int_equal(listen(fd, 4096), 0);
	assert_int_equal(http_server_new(&t->server, t->loop, fd, limits, on_request, t, &f), 0);
}

int http_set_up(void **state)
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

int http_tear_down(void **state)
{
	struct fixture *t = *state;

	http_server_free(t->server);
	sd_event_unref(t->loop);
	assert_int_equal(fs_remove_tree(AT_FDCWD, t->directory), 0);
	free(t);
	return 0;
}

void settle(struct fixture *t, unsigned quiet_msec)
{
	while (sd_event_run(t->loop, (uint64_t)quiet_msec * 1000) > 0)
		t->iterations++;
}

int client(struct fixture *t)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&t->address, sizeof(t->address)), 0);
	return fd;
}

void put_bytes(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

void put(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

char *got(int fd, bool *ret_closed)
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

char *ask(struct fixture *t, int fd, const char *request)
{
	put(fd, request);
	settle(t, 20);
	return got(fd, NULL);
}

unsigned status_of(const char *answer)
{
	unsigned status = 0;

	(void)sscanf(answer, "HTTP/1.1 %u", &status);
	return status;
}

const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : "";
}
