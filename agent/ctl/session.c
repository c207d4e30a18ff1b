/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the agent and what their failures mean to a person. One call at a time on a loop of its
 * own; streams are the verbs' affair. */
#include "ctl/session.h"

#include "ctl/look.h"
#include "ctl/text.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	ANSWER_LIMIT = 64 << 20, /* an inventory of thousands of devices is a few MiB */
};
#define WAIT_MAX_USEC (86400 * UINT64_C(1000000)) /* the agent refuses more */
/* Long enough for a slice that has to kill its tasks first. */
static const uint64_t call_timeout_usec = 120 * UINT64_C(1000000);

void session_done(struct session *s)
{
	s->client = http_client_free(s->client);
	s->loop = sd_event_unref(s->loop);
}

void session_complain(const struct session *s, const char *sentence, const char *code)
{
	struct buf line = { 0 };

	buf_text(&line, "reevectl: ");
	text_safe(&line, sentence, s->screen.utf8);
	if (code && *code) {
		buf_text(&line, " [");
		text_safe(&line, code, s->screen.utf8);
		buf_text(&line, "]");
	}
	(void)fprintf(stderr, "%s\n", line.data); /* where stderr is gone there is nobody to tell */
	buf_done(&line);
}

enum ctl_exit session_usage(const struct session *s, const struct fail *f)
{
	session_complain(s, f->text, NULL);
	return CTL_USAGE;
}

enum ctl_exit session_unreachable(const struct session *s, const struct fail *why)
{
	char text[1024];

	switch (why->error) {
	case -ENOENT:
	case -ECONNREFUSED:
		(void)snprintf(text, sizeof(text),
			       "reeved does not seem to run: %s %s; start it with 'systemctl start "
			       "reeved' or 'reeved --socket %s', or name its socket with --socket",
			       why->error == -ENOENT ? "there is no socket" : "nobody answers on",
			       s->socket, s->socket);
		break;
	case -EACCES:
	case -EPERM:
		(void)snprintf(
			text, sizeof(text),
			"this user may not talk to reeved on %s; join the group that owns the "
			"socket, or run as root",
			s->socket);
		break;
	default:
		(void)snprintf(text, sizeof(text), "no answer from reeved on %s: %s", s->socket,
			       why->text);
	}
	session_complain(s, text, "unreachable");
	return CTL_UNREACHABLE;
}

enum ctl_exit session_open(struct session *s)
{
	struct fail f = { 0 };
	int r;

	if (s->client)
		return CTL_OK;
	if (!s->loop) {
		r = sd_event_new(&s->loop);
		if (r < 0) {
			fail_set(&f, r, "cannot make an event loop: %s", strerror(-r));
			return session_unreachable(s, &f);
		}
	}
	r = http_client_new(&s->client, s->loop, s->socket, &f);
	return r < 0 ? session_unreachable(s, &f) : CTL_OK;
}

static enum ctl_exit strange(const struct session *s, unsigned status)
{
	char text[160];

	(void)snprintf(
		text, sizeof(text),
		"the agent answered with status %u and something that is not of this API; it "
		"may be older or newer than this reevectl (%s)",
		status, REEVE_VERSION);
	session_complain(s, text, "not-understood");
	return CTL_STRANGE;
}

enum ctl_exit session_judge(const struct session *s, unsigned status, const struct buf *body)
{
	_cleanup_json_ json_t *problem = NULL;
	const char *detail;

	if (status >= 200 && status < 300)
		return CTL_OK;
	if (body && body->size)
		(void)json_parse_object(body->data, body->size, &problem, NULL); /* judged below */
	detail = look_text(problem, "detail");
	if (!detail)
		detail = look_text(problem, "title");
	if (!detail || status < 400)
		return strange(s, status);
	session_complain(s, detail, look_text(problem, "code"));
	return CTL_REFUSED;
}

struct answer {
	unsigned status;
	struct buf body;
};

static void answer_done(struct answer *a)
{
	buf_done(&a->body);
}

/* One request and its answer. order's url is ignored: it is made of the path; its time is added to
 * what any call may take. */
static int exchange(struct session *s, const char *path, const struct http_order *order,
		    struct answer *ret, struct fail *f)
{
	_cleanup_(buf_done) struct buf url = { 0 };
	struct http_order whole = *order;

	buf_format(&url, "http://reeve%s", path);
	if (buf_error(&url))
		return fail_set(f, -ENOMEM, "out of memory");
	whole.url = url.data;
	whole.timeout_usec += call_timeout_usec;
	whole.body_limit = ANSWER_LIMIT;
	return http_client_call(s->client, &whole, &ret->status, &ret->body, f);
}

/* The same, with the session opened before and the answer judged after it. */
static enum ctl_exit ask(struct session *s, const char *path, const struct http_order *order,
			 struct answer *ret)
{
	struct fail f = { 0 };
	enum ctl_exit e = session_open(s);

	if (e)
		return e;
	f.error = exchange(s, path, order, ret, &f);
	if (f.error < 0)
		return session_unreachable(s, &f);
	return session_judge(s, ret->status, &ret->body);
}

/* How long the agent was asked to wait before it answers. */
static uint64_t wait_of(const json_t *body)
{
	const char *wait = json_string_value(json_object_get(body, "wait"));
	uint64_t usec = 0;

	return wait && parse_duration(wait, &usec) == 0 && usec <= WAIT_MAX_USEC ? usec : 0;
}

enum ctl_exit session_call(struct session *s, const char *method, const char *path,
			   const json_t *body, json_t **ret)
{
	_cleanup_free_ char *text = body ? json_text(body) : NULL;
	const struct http_order order = { .method = method,
					  .body = text,
					  .body_size = text ? strlen(text) : 0,
					  .timeout_usec = wait_of(body) };
	_cleanup_(answer_done) struct answer answer = { 0 };
	_cleanup_json_ json_t *document = NULL;
	enum ctl_exit e = ask(s, path, &order, &answer);

	if (e)
		return e;
	if (answer.body.size &&
	    json_parse_object(answer.body.data, answer.body.size, &document, NULL) < 0)
		return strange(s, answer.status);
	if (ret)
		*ret = TAKE_PTR(document);
	return CTL_OK;
}

enum ctl_exit session_get(struct session *s, const char *path, json_t **ret)
{
	_cleanup_json_ json_t *document = NULL;
	enum ctl_exit e = session_call(s, "GET", path, NULL, &document);

	if (e)
		return e;
	if (!document)
		return strange(s, 204);
	*ret = TAKE_PTR(document);
	return CTL_OK;
}

enum ctl_exit session_get_text(struct session *s, const char *path, struct buf *ret)
{
	const struct http_order order = { .method = "GET" };
	_cleanup_(answer_done) struct answer answer = { 0 };
	enum ctl_exit e = ask(s, path, &order, &answer);

	if (e)
		return e;
	*ret = answer.body;
	answer.body = (struct buf){ 0 };
	return CTL_OK;
}

json_t *session_try(struct session *s, const char *path)
{
	const struct http_order order = { .method = "GET" };
	_cleanup_(answer_done) struct answer answer = { 0 };
	json_t *document = NULL;

	if (session_open(s) || exchange(s, path, &order, &answer, NULL) < 0)
		return NULL;
	if (answer.status != 200 || answer.body.size == 0 ||
	    json_parse_object(answer.body.data, answer.body.size, &document, NULL) < 0)
		return NULL;
	return document;
}

enum ctl_exit session_print(struct session *s, struct buf *text)
{
	enum ctl_exit e = CTL_OK;

	if (buf_error(text)) {
		session_complain(s, "out of memory", NULL);
		e = CTL_REFUSED;
	} else if (text->size && (fwrite(text->data, 1, text->size, stdout) != text->size ||
				  fflush(stdout) != 0)) {
		session_complain(s, "cannot write to standard output", NULL);
		e = CTL_REFUSED;
	}
	buf_clear(text);
	return e;
}

enum ctl_exit session_show(struct session *s, const struct column *columns, const json_t *document,
			   const char *key)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	const json_t *part = key ? look(document, key) : document;

	if (s->screen.json)
		writer_json(&text, document);
	else if (json_is_object(part))
		writer_record(&text, &s->screen, columns, part);
	else
		writer_table(&text, &s->screen, columns, part, "(none)");
	return session_print(s, &text);
}

void session_path(struct buf *into, const char *before, const char *segment)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	buf_text(into, before);
	for (; *segment; segment++) {
		if (strchr(plain, *segment))
			buf_append(into, segment, 1);
		else
			buf_format(into, "%%%02X", (unsigned char)*segment);
	}
}
