/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange, from its request line to its completion; see http_server.h. An answer is always
 * kept in the request first and queued when libmicrohttpd next asks: so that it may come from
 * within the handler or, after http_defer, from anywhere. It knows no paths and no methods but
 * HEAD. */
#include "wire/http_internal.h"

#include "util/cleanup.h"
#include "util/parse.h"
#include "wire/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DRAIN_FACTOR = 8 }; /* a body this many times over the limit is not even read to its end */

/* --- from the request line to the whole body --- */

/* Percent escapes must be whole, and none may hide a NUL, which would cut the text short. */
static const char *target_error(const char *uri)
{
	for (; (uri = strchr(uri, '%')); uri++) {
		if (!isxdigit((unsigned char)uri[1]) || !isxdigit((unsigned char)uri[2]))
			return "the request's target has a '%' that is no escape";
		if (uri[1] == '0' && uri[2] == '0')
			return "the request's target has a NUL byte in it";
	}
	return NULL;
}

void *http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct http_server *s = cls;
	struct http_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->mhd = mhd;
	r->malformed = target_error(uri);
	buf_init(&r->body, s->limits.body_bytes);
	return r;
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct http_request *r = userdata;

	(void)fd;
	(void)events; /* HUP or ERR: epoll reports them unasked, and nothing else was asked for */
	/* It stays so, and would be told for ever. */
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	r->hung_up = true;
	if (r->suspended) /* otherwise libmicrohttpd sees it too */
		http_request_drop(r);
	return 0;
}

int http_request_suspend(struct http_request *r)
{
	struct http_connection *c = r->connection;
	int n = 0;

	if (r->hung_up)
		return -ECONNRESET;
	if (!r->hangup)
		n = sd_event_add_io(c->server->loop, &r->hangup, c->fd, 0, on_hangup, r);
	if (n < 0)
		return n;
	r->suspended = true;
	MHD_suspend_connection(r->mhd);
	return 0;
}

void http_request_resume(struct http_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->mhd);
	http_server_kick(r->connection->server);
}

static void tell_gone(struct http_request *r)
{
	void (*gone)(void *) = TAKE_PTR(r->gone);

	if (gone)
		gone(r->userdata);
}

void http_request_drop(struct http_request *r)
{
	r->dropped = true;
	http_request_resume(r);
	tell_gone(r);
}

/* The declared length, or 0 without one (chunked); libmicrohttpd has checked its form. */
static uint64_t declared_bytes(struct http_request *r)
{
	const char *text = http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t bytes = 0;

	if (text && parse_u64(text, &bytes) < 0)
		bytes = UINT64_MAX;
	return bytes;
}

static void refuse_body(struct http_request *r)
{
	struct fail f;

	fail_set(&f, -E2BIG, "the request's body is larger than %zu bytes",
		 r->connection->server->limits.body_bytes);
	http_problem(r, MHD_HTTP_CONTENT_TOO_LARGE, f.code, f.text);
}

/* Takes a piece of the body. What is over the limit is thrown away, so that the client, which reads
 * only after it has written, gets its 413; far over the limit the connection is closed. */
static enum MHD_Result take_body(struct http_request *r, const char *data, size_t *size)
{
	uint64_t limit = r->connection->server->limits.body_bytes;

	r->received_bytes += *size;
	if (r->received_bytes <= limit)
		(void)buf_append(&r->body, data,
				 *size); /* its error sticks and is read at the end */
	else
		buf_done(&r->body);
	*size = 0;
	return r->received_bytes / DRAIN_FACTOR > limit ? MHD_NO : MHD_YES;
}

/* --- the answer --- */

static enum MHD_Result queue_answer(struct http_request *r)
{
	return MHD_queue_response(r->mhd, r->status, r->response);
}

static void call_handler(struct http_request *r, const char *url, const char *method)
{
	struct http_server *s = r->connection->server;
	bool head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	struct http_call call = {
		.method = head ? MHD_HTTP_METHOD_GET : method,
		.path = url,
		.peer = r->connection->peer,
		.body = r->body.data ? r->body.data : "",
		.body_size = r->body.size,
	};

	s->handler(r, &call, s->userdata);
	if (!r->response && !r->gone && !r->dropped)
		http_problem(r, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal",
			     "the request was not answered");
}

static void handle(struct http_request *r, const char *url, const char *method)
{
	r->handled = true;
	if (!r->malformed && !parse_utf8_valid(url, strlen(url)))
		r->malformed = "the request's path is not UTF-8";
	if (r->malformed)
		http_problem(r, MHD_HTTP_BAD_REQUEST, "malformed", r->malformed);
	else if (r->received_bytes > r->connection->server->limits.body_bytes)
		refuse_body(r);
	else if (buf_error(&r->body))
		http_problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, "out-of-memory",
			     "no memory for the request's body");
	else
		call_handler(r, url, method);
}

static enum MHD_Result begin_body(struct http_request *r, struct http_connection *c,
				  const char *version)
{
	const char *expect = http_header(r, MHD_HTTP_HEADER_EXPECT);
	uint64_t limit, declared = declared_bytes(r);

	if (!c)
		return MHD_NO;
	r->connection = c;
	c->request = r;
	/* libmicrohttpd would check this too, but with an answer that is no problem+json */
	if (strcmp(version, MHD_HTTP_VERSION_1_1) == 0 && !http_header(r, MHD_HTTP_HEADER_HOST))
		r->malformed = "the request has no Host header";
	limit = c->server->limits.body_bytes;
	if (declared <= limit || (!expect && declared / DRAIN_FACTOR <= limit))
		return MHD_YES;
	refuse_body(r); /* before the body: libmicrohttpd closes the connection behind it */
	return r->response ? queue_answer(r) : MHD_NO;
}

enum MHD_Result http_request_access(void *cls, struct MHD_Connection *mhd, const char *url,
				    const char *method, const char *version, const char *data,
				    size_t *size, void **context)
{
	struct http_request *r = *context;

	(void)cls;
	if (!r || r->dropped)
		return MHD_NO;
	if (!r->connection)
		return begin_body(r, connection_of(mhd), version);
	if (*size > 0)
		return take_body(r, data, size);
	if (!r->handled)
		handle(r, url, method);
	if (r->dropped)
		return MHD_NO;
	if (r->response)
		return queue_answer(r);
	return http_request_suspend(r) < 0 ? MHD_NO : MHD_YES;
}

void http_request_completed(void *cls, struct MHD_Connection *mhd, void **context,
			    enum MHD_RequestTerminationCode why)
{
	struct http_server *s = cls;
	struct http_request *r = *context;

	if (!r)
		return;
	*context = NULL;
	/* The stream's connection goes on with other requests, and may be idle no longer than
	 * others */
	if (r->stream && why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		(void)MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT,
						s->limits.idle_seconds);
	sd_event_source_disable_unref(r->hangup);
	r->dropped = true;
	tell_gone(r);
	if (r->stream)
		http_stream_finish(r->stream);
	if (r->response)
		MHD_destroy_response(r->response);
	for (size_t i = 0; i < r->headers_count; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	buf_done(&r->body);
	if (r->connection)
		r->connection->request = NULL;
	free(r);
}

/* --- what handlers call --- */

const char *http_query(struct http_request *r, const char *name)
{
	const char *value = NULL;
	size_t size = 0;

	if (MHD_lookup_connection_value_n(r->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value,
					  &size) != MHD_YES)
		return NULL;
	return value ? value : "";
}

struct each {
	void (*callback)(const char *name, const char *value, void *userdata);
	void *userdata;
};

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	struct each *each = cls;

	(void)kind;
	each->callback(name, value ? value : "", each->userdata);
	return MHD_YES;
}

void http_each_query(struct http_request *r,
		     void (*callback)(const char *name, const char *value, void *userdata),
		     void *userdata)
{
	struct each each = { callback, userdata };

	(void)MHD_get_connection_values(r->mhd, MHD_GET_ARGUMENT_KIND, on_query, &each);
}

const char *http_header(struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

void http_set_header(struct http_request *r, const char *name, const char *value)
{
	size_t i = r->headers_count;

	assert(i < HTTP_HEADERS_MAX);
	r->headers[i].name = strdup(name);
	r->headers[i].value = strdup(value);
	r->headers_count++;
}

static bool add_headers(struct http_request *r, struct MHD_Response *response)
{
	for (size_t i = 0; i < r->headers_count; i++)
		if (!r->headers[i].name || !r->headers[i].value ||
		    MHD_add_response_header(response, r->headers[i].name, r->headers[i].value) !=
			    MHD_YES)
			return false;
	return true;
}

void http_request_answer(struct http_request *r, unsigned status, struct MHD_Response *response)
{
	assert(!r->response);
	r->gone = NULL; /* from here on the answer's way is libmicrohttpd's */
	if (response && add_headers(r, response)) {
		r->status = status;
		r->response = response;
	} else {
		if (response)
			MHD_destroy_response(response);
		r->dropped = true;
	}
	http_request_resume(r);
}

void http_reply(struct http_request *r, unsigned status, const char *content_type, const void *body,
		size_t size)
{
	struct MHD_Response *response;

	/* libmicrohttpd wants a pointer even for nothing, and does not write to it */
	response = MHD_create_response_from_buffer(size, size ? (void *)body : (void *)"",
						   MHD_RESPMEM_MUST_COPY);
	if (response && content_type &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) !=
		    MHD_YES) {
		MHD_destroy_response(response);
		response = NULL;
	}
	http_request_answer(r, status, response);
}

void http_problem(struct http_request *r, unsigned status, const char *code, const char *sentence)
{
	_cleanup_json_ json_t *problem = json_object();
	_cleanup_free_ char *text = NULL;

	if (json_put_string(problem, "type", "about:blank") == 0 &&
	    json_put_string(problem, "title", MHD_get_reason_phrase_for(status)) == 0 &&
	    json_put(problem, "status", json_integer(status)) == 0 &&
	    json_put_string(problem, "code", code) == 0 &&
	    json_put_string(problem, "detail", sentence) == 0)
		text = json_text(problem);
	if (!text)
		http_request_answer(r, status, NULL);
	else
		http_reply(r, status, "application/problem+json", text, strlen(text));
}

static void on_gone_ignored(void *userdata)
{
	(void)userdata;
}

void http_defer(struct http_request *r, void (*gone)(void *userdata), void *userdata)
{
	assert(!r->response);
	r->gone = gone ? gone : on_gone_ignored;
	r->userdata = userdata;
}
