/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's API over one kept connection, with as little as HTTP/1.1 needs, so that the agent is
 * measured and not a client library. It reads answers that have a Content-Length only. */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM = 1 << 16, SECONDS_LIMIT = 30 };

int client_open(struct client *c)
{
	struct timeval limit = { .tv_sec = SECONDS_LIMIT };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(c->socket) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)strcpy(address.sun_path, c->socket);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(c->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

static size_t content_length(const char *head)
{
	for (const char *line = head; line; line = strchr(line + 1, '\n'))
		if (strncasecmp(line, "\nContent-Length:", 16) == 0)
			return (size_t)strtoul(line + 16, NULL, 10);
	return 0;
}

/* Reads one answer; the status, or a negative errno. */
static int answer(const struct client *c, char *room)
{
	size_t size = 0, wanted = 0;
	int status = 0;

	for (;;) {
		ssize_t n = recv(c->fd, room + size, ROOM - 1 - size, 0);
		const char *end;

		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		size += (size_t)n;
		room[size] = 0;
		end = strstr(room, "\r\n\r\n");
		if (!end)
			continue;
		wanted = (size_t)(end - room) + 4 + content_length(room);
		if (wanted >= ROOM)
			return -EMSGSIZE;
		if (size < wanted)
			continue;
		return sscanf(room, "HTTP/1.1 %d", &status) == 1 ? status : -EPROTO;
	}
}

/* The status, or a negative errno; the answer is in the room. */
static int exchange(const struct client *c, const char *method, const char *path, const char *body,
		    char *room)
{
	char text[2048];
	int size = snprintf(text, sizeof(text),
			    "%s %s HTTP/1.1\r\nHost: reeve\r\nContent-Type: application/json\r\n"
			    "Content-Length: %zu\r\n\r\n%s",
			    method, path, strlen(body), body);

	if (size < 0 || (size_t)size >= sizeof(text))
		return -EMSGSIZE;
	if (send(c->fd, text, (size_t)size, MSG_NOSIGNAL) != size)
		return -EIO;
	return answer(c, room);
}

int client_call(const struct client *c, const char *method, const char *path, const char *body,
		int wanted)
{
	char room[ROOM];
	int status = exchange(c, method, path, body, room);

	if (status < 0)
		return status;
	if (status == wanted)
		return 0;
	(void)fprintf(stderr, "bench: %s %s: %s\n", method, path, room);
	return -EREMOTEIO;
}

int client_read(const struct client *c, const char *path, char *room, size_t size)
{
	char text[ROOM];
	int status = exchange(c, "GET", path, "", text);

	if (status != 200)
		return status < 0 ? status : -EREMOTEIO;
	return snprintf(room, size, "%s", strstr(text, "\r\n\r\n") + 4) < (int)size ? 0 : -EMSGSIZE;
}

static int carve(const struct client *c, const char *name)
{
	char body[256];

	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"cores\":1,\"memory\":\"64MiB\"}",
		       name);
	return client_call(c, "POST", "/v1/slices", body, 201);
}

static int uncarve(const struct client *c, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "/v1/slices/%s?grace=0s", name);
	return client_call(c, "DELETE", path, "", 204);
}

static int run_task(const struct client *c, const char *slice, const char *task)
{
	char path[256], body[512];
	int r;

	(void)snprintf(path, sizeof(path), "/v1/slices/%s/tasks", slice);
	(void)snprintf(
		body, sizeof(body),
		"{\"name\":\"%s\",\"argv\":[\"%s\"],\"stdout\":\"null\",\"stderr\":\"null\"}", task,
		c->program);
	r = client_call(c, "POST", path, body, 201);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/v1/slices/%s/tasks/%s?wait=30s", slice, task);
	return client_call(c, "GET", path, "", 200);
}

int client_slice_once(void *userdata, double *ret_usec)
{
	struct client *c = userdata;
	double start;
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "bench-%u", c->made++);
	start = bench_now_usec();
	r = carve(c, name);
	if (r == 0)
		r = run_task(c, name, "main");
	if (r == 0)
		r = uncarve(c, name);
	*ret_usec = bench_now_usec() - start;
	return r;
}

/* Forgetting the ended task is not timed: its cgroup is gone by then, and nobody waits for it. */
int client_task_once(void *userdata, double *ret_usec)
{
	struct client *c = userdata;
	char name[32], path[256];
	double start;
	int r;

	(void)snprintf(name, sizeof(name), "task-%u", c->made++);
	start = bench_now_usec();
	r = run_task(c, c->held, name);
	*ret_usec = bench_now_usec() - start;
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/v1/slices/%s/tasks/%s", c->held, name);
	return client_call(c, "DELETE", path, "", 204);
}

int client_ping_once(void *userdata, double *ret_usec)
{
	struct client *c = userdata;
	double start = bench_now_usec();
	int r = client_call(c, "GET", "/v1/health", "", 200);

	*ret_usec = bench_now_usec() - start;
	return r;
}

int client_hold(struct client *c)
{
	(void)strcpy(c->held, "bench-held");
	return carve(c, c->held);
}

void client_release(struct client *c)
{
	(void)uncarve(c, c->held); /* the agent of a benchmark goes at its end anyway */
}
