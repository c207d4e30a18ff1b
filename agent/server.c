/* SPDX-License-Identifier: Apache-2.0 */
/* The server; see server.h. Whatever is wrong with a request is said here or in decode.c, before
 * anything below api.h is touched. */
#include "server.h"

#include "api.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

struct server {
	struct manager *manager;
	struct http_server *http;
	bool unlink_socket; /* we made it */
};

static const struct {
	int error;
	unsigned status;
} statuses[] = {
	{ -EINVAL, 400 },     { -ERANGE, 400 }, { -EBADMSG, 400 }, { -EPERM, 403 },
	{ -EACCES, 403 },     { -ENOENT, 404 }, { -EEXIST, 409 },  { -EBUSY, 409 },
	{ -ENOSPC, 409 },     { -ESTALE, 409 }, { -E2BIG, 413 },   { -EMSGSIZE, 413 },
	{ -EOPNOTSUPP, 409 }, { -ENOMEM, 503 }, { -EAGAIN, 503 },  { -ETIMEDOUT, 504 },
	{ -EDQUOT, 409 },     { -EUSERS, 429 },
};

static unsigned status_of(const struct fail *why)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].error == why->error)
			return statuses[i].status;
	return 500;
}

static void exchange_free(struct exchange *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(x->params); i++)
		free(x->params[i]);
	free(x);
}

void exchange_release(struct exchange *x)
{
	exchange_free(x);
}

void exchange_location(struct exchange *x, const char *slice, const char *task)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "/v1/slices/%.63s%s%.63s", slice, task ? "/tasks/" : "",
		       task ? task : ""); /* names have at most 63 bytes */
	if (x->request)
		http_set_header(x->request, "Location", path);
}

void exchange_text(struct exchange *x, const char *content_type, const char *text, size_t size)
{
	if (x->request)
		http_reply(x->request, 200, content_type, text, size);
	exchange_free(x);
}

void exchange_nothing(struct exchange *x, unsigned status)
{
	if (x->request)
		http_reply(x->request, status, "application/json", "", 0);
	exchange_free(x);
}

void exchange_fail(struct exchange *x, const struct fail *why)
{
	if (x->request)
		http_problem(x->request, status_of(why), why->code ? why->code : "internal",
			     why->text);
	exchange_free(x);
}

void exchange_document(struct exchange *x, unsigned status, json_t *document)
{
	_cleanup_free_ char *text = x->request && document ? json_text(document) : NULL;
	struct fail why = { 0 };

	if (x->request && !text) {
		fail_set(&why, -ENOMEM, "out of memory");
		exchange_fail(x, &why);
		return;
	}
	if (x->request)
		http_reply(x->request, status, "application/json", text, strlen(text));
	exchange_free(x);
}

static void on_gone(void *userdata)
{
	struct exchange *x = userdata;

	x->request = NULL;
	if (x->queued && api_withdraw(x->api, x->queued))
		return; /* its answer freed the exchange */
	if (!x->wait)
		return; /* what was asked for is under way: its end frees the exchange */
	api_wait_cancel(x->wait);
	exchange_free(x);
}

void exchange_defer(struct exchange *x)
{
	http_defer(x->request, on_gone, x);
	x->call = NULL;
}

json_t *exchange_body(struct exchange *x)
{
	struct fail why = { 0 };
	json_t *body = NULL;

	if (x->call->body_size == 0)
		body = json_object();
	else if (json_parse_object(x->call->body, x->call->body_size, &body, &why) < 0)
		body = NULL;
	if (!body) {
		if (!why.error)
			fail_set(&why, -ENOMEM, "out of memory");
		exchange_fail(x, &why);
	}
	return body;
}

static bool refuse_query(struct exchange *x, const char *name, const char *value,
			 const char *expected)
{
	struct fail why = { 0 };

	fail_set(&why, -EINVAL, "the query parameter %s=%.64s is no %s", name, value, expected);
	exchange_fail(x, &why);
	return false;
}

bool exchange_duration(struct exchange *x, const char *name, uint64_t initial, uint64_t *ret)
{
	const char *value = http_query(x->request, name);

	*ret = initial;
	if (!value || (parse_duration(value, ret) == 0 && *ret <= 86400ULL * 1000000))
		return true;
	return refuse_query(x, name, value, "time of at most a day, such as 5s");
}

bool exchange_flag(struct exchange *x, const char *name, bool initial, bool *ret)
{
	const char *value = http_query(x->request, name);

	*ret = initial;
	return !value || parse_bool(*value ? value : "yes", ret) == 0 ||
	       refuse_query(x, name, value, "true or false");
}

bool exchange_number(struct exchange *x, const char *name, uint64_t initial, uint64_t *ret)
{
	const char *value = http_query(x->request, name);

	*ret = initial;
	return !value || parse_u64(value, ret) == 0 || refuse_query(x, name, value, "whole number");
}

sd_event *exchange_loop(const struct exchange *x)
{
	return x->server->manager->loop;
}

size_t exchange_stream_limit(const struct exchange *x)
{
	return (size_t)x->server->manager->config->stream_bytes;
}

/* Matches one path against a pattern; what stands for {} is copied out. */
static bool matches(const char *pattern, const char *path, char *params[4])
{
	size_t n = 0;

	while (*pattern && *path) {
		size_t length;

		if (strncmp(pattern, "{}", 2) != 0) {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		length = strcspn(path, "/");
		if (length == 0 || n == 4)
			return false;
		params[n++] = strndup(path, length);
		pattern += 2;
		path += length;
	}
	return !*pattern && !*path;
}

static void clear_params(struct exchange *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(x->params); i++) {
		free(x->params[i]);
		x->params[i] = NULL;
	}
}

struct query_check {
	const struct route *route;
	char unknown[64];
};

static void check_query(const char *name, const char *value, void *userdata)
{
	struct query_check *check = userdata;

	(void)value;
	for (size_t i = 0; i < ARRAY_SIZE(check->route->queries); i++)
		if (check->route->queries[i] && strcmp(check->route->queries[i], name) == 0)
			return;
	(void)snprintf(check->unknown, sizeof(check->unknown), "%s", *name ? name : "(empty)");
}

static void run_route(struct exchange *x, const struct route *r)
{
	struct query_check check = { .route = r };
	struct fail why = { 0 };

	http_each_query(x->request, check_query, &check);
	if (*check.unknown) {
		fail_code(&why, -EINVAL, "unknown-query", "%s %s knows no query parameter \"%s\"",
			  r->method, x->call->path, check.unknown);
		exchange_fail(x, &why);
		return;
	}
	r->handle(x);
}

static bool same_method(const char *route, const char *method)
{
	return strcmp(route, method) == 0 ||
	       (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void refuse_route(struct exchange *x, const char *allowed)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       *allowed ? "%.16s is not allowed on %.128s"
				: "%.16s %.128s is not part of this API",
		       x->call->method, x->call->path);
	if (*allowed)
		http_set_header(x->request, "Allow", allowed);
	http_problem(x->request, *allowed ? 405 : 404,
		     *allowed ? "method-not-allowed" : "not-found", text);
	exchange_free(x);
}

/* "GET, HEAD, POST": what a path knows (RFC 9110, section 10.2.1). */
static void add_allowed(char *list, size_t size, const char *method)
{
	const size_t n = strlen(list);

	(void)snprintf(list + n, size - n, "%s%s%s", n ? ", " : "", method,
		       strcmp(method, "GET") == 0 ? ", HEAD" : ""); /* four short names */
}

static void on_request(struct http_request *request, const struct http_call *call, void *userdata)
{
	struct server *s = userdata;
	struct exchange *x = calloc(1, sizeof(*x));
	char allowed[64] = "";

	if (!x) {
		http_problem(request, 503, "out-of-memory", "out of memory");
		return;
	}
	*x = (struct exchange){
		.server = s, .api = s->manager->api, .request = request, .call = call
	};
	for (const struct route *r = routes; r->method; r++) {
		clear_params(x);
		if (!matches(r->pattern, call->path, x->params))
			continue;
		add_allowed(allowed, sizeof(allowed), r->method);
		if (same_method(r->method, call->method)) {
			run_route(x, r);
			return;
		}
	}
	refuse_route(x, allowed);
}

static int make_address(const char *path, struct sockaddr_un *ret, struct fail *f)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return fail_set(f, -ENAMETOOLONG, "the socket's path %s has more than %zu bytes",
				path, sizeof(ret->sun_path) - 1);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* A socket that answers belongs to another agent; one that does not is left over. EAGAIN: its queue
 * is full (unix(7)). What is no socket was not made by an agent. */
static int clear_stale(const struct sockaddr_un *address, struct fail *f)
{
	_cleanup_close_ int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : fail_set(f, -errno, "cannot look at %s: %s",
						  address->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail_set(f, -EEXIST, "%s is there, and is no socket", address->sun_path);
	if (probe >= 0 &&
	    (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	     errno == EAGAIN))
		return fail_code(f, -EBUSY, "agent-running", "another agent serves %s already",
				 address->sun_path);
	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return fail_set(f, -errno, "cannot remove the old socket %s: %s", address->sun_path,
				strerror(errno));
	return 0;
}

static int set_owner(const struct config *c, struct fail *f)
{
	const struct group *g = c->socket_group ? getgrnam(c->socket_group) : NULL;

	if (c->socket_group && !g)
		return fail_set(f, -ENOENT, "there is no group %s to give the socket to",
				c->socket_group);
	if (g && chown(c->socket, (uid_t)-1, g->gr_gid) < 0)
		return fail_set(f, -errno, "cannot give the socket to group %s: %s",
				c->socket_group, strerror(errno));
	return 0;
}

static int make_parent(const char *path, struct fail *f)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r;

	if (!slash || slash == dir)
		return dir ? 0 : fail_set(f, -ENOMEM, "out of memory");
	*slash = 0;
	r = fs_make_dirs(dir, 0755);
	return r < 0 ? fail_set(f, r, "cannot make %s: %s", dir, strerror(-r)) : 0;
}

/* Bound under a mask, so that the socket is never more open than it is to be. */
static int listen_on(const struct config *c, int *ret_fd, struct fail *f)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	mode_t mask;
	int r = make_address(c->socket, &address, f);

	if (r == 0)
		r = make_parent(c->socket, f);
	if (r == 0)
		r = clear_stale(&address, f);
	if (r < 0)
		return r;
	mask = umask(0177);
	r = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(mask); /* cannot fail */
	if (r < 0)
		return fail_set(f, r, "cannot make the socket %s: %s", c->socket, strerror(-r));
	r = set_owner(c, f);
	if (r < 0)
		return r;
	if (chmod(c->socket, (mode_t)c->socket_mode) < 0 || listen(fd, BACKLOG) < 0)
		return fail_set(f, -errno, "cannot listen on %s: %s", c->socket, strerror(errno));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int server_new(struct server **ret, struct manager *m, struct fail *f)
{
	const struct http_limits limits = {
		.connections = (unsigned)m->config->connections,
		.connections_per_uid = (unsigned)m->config->connections_per_uid,
	};
	struct server *s = calloc(1, sizeof(*s));
	int fd = -1, r = s ? 0 : fail_set(f, -ENOMEM, "out of memory");

	if (r == 0)
		r = listen_on(m->config, &fd, f);
	if (r == 0) {
		s->manager = m;
		s->unlink_socket = true;
		r = http_server_new(&s->http, m->loop, fd, &limits, on_request, s, f);
	}
	if (r < 0) {
		if (s && s->unlink_socket)
			(void)unlink(m->config->socket); /* nobody would answer on it */
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct server *server_free(struct server *s)
{
	if (!s)
		return NULL;
	http_server_free(s->http);
	if (s->unlink_socket)
		(void)unlink(s->manager->config->socket); /* the next agent clears it otherwise */
	free(s);
	return NULL;
}
