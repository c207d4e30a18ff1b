/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP/1.1 on a listening unix socket: libmicrohttpd driven by the caller's sd_event loop, one
 * thread. It parses and bounds; what a request means is the handler's. RFC 9110, 9112, 9457. */

#include "util/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct http_server;
struct http_request; /* lives until it has been answered in full or its client is gone */
struct http_stream;

struct http_limits {	   /* 0: the default */
	size_t body_bytes; /* default 1 MiB; larger: 413 */
	/* Default 1024, at most half of RLIMIT_NOFILE; the last eighth is kept for uid 0. Further
	 * ones are answered 503 and closed. */
	unsigned connections;
	/* Default 256, so that one user cannot shut others out; uid 0 is exempt. */
	unsigned connections_per_uid;
	unsigned idle_seconds; /* default 30: a half request or an idle connection is closed */
};

struct http_peer { /* SO_PEERCRED of the connection */
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

struct http_call {	    /* what came in; strings live as long as the request */
	const char *method; /* "GET" */
	const char *path;   /* decoded, without the query, no NUL inside */
	struct http_peer peer;
	const char *body; /* NUL-terminated behind body_size; "" without a body */
	size_t body_size;
};

/* Called once a request with its whole body is in. It must answer, open a stream, or defer. A
 * handler that returns without any of these is a bug: 500 is sent. */
typedef void (*http_handler)(struct http_request *request, const struct http_call *call,
			     void *userdata);

/* listen_fd is taken over (also on failure). The handler is called from the loop only. */
int http_server_new(struct http_server **ret, sd_event *loop, int listen_fd,
		    const struct http_limits *limits, http_handler handler, void *userdata,
		    struct fail *f);
/* Not from within the handler or a stream's callbacks. Open requests are dropped: gone() and
 * closed() are called for them. */
struct http_server *http_server_free(struct http_server *s);
static inline void http_server_freep(struct http_server **s)
{
	http_server_free(*s);
}
unsigned http_server_connections(const struct http_server *s);

const char *http_query(struct http_request *r,
		       const char *name); /* NULL absent; "" without value */
/* Calls back for every query parameter, so that unknown ones can be refused. */
void http_each_query(struct http_request *r,
		     void (*callback)(const char *name, const char *value, void *userdata),
		     void *userdata);
const char *http_header(struct http_request *r, const char *name); /* NULL absent */

/* Answers, copying the body. Before it, http_set_header may add headers. */
void http_set_header(struct http_request *r, const char *name, const char *value);
void http_reply(struct http_request *r, unsigned status, const char *content_type, const void *body,
		size_t size);
/* application/problem+json: {"type":"about:blank","title":<of status>,"status":N,"code":code,
 * "detail":sentence}. */
void http_problem(struct http_request *r, unsigned status, const char *code, const char *sentence);

/* Leaves the request open: http_reply or http_problem may come at any later time. `gone` is called
 * when the client left before; the request must not be used from then on. */
void http_defer(struct http_request *r, void (*gone)(void *userdata), void *userdata);

/* Answers 200 with an endless chunked body. What is written is queued up to limit_bytes; closed()
 * is called once, when the client is gone or http_stream_close has drained; the stream must not be
 * used after it. drained() (may be NULL) is called when the queue has become empty after a write
 * said -ENOBUFS. -ENOMEM. */
struct http_stream_events {
	void (*closed)(void *userdata);
	void (*drained)(void *userdata);
	void *userdata;
};
int http_stream_open(struct http_request *r, const char *content_type, size_t limit_bytes,
		     const struct http_stream_events *events, struct http_stream **ret);
int http_stream_write(struct http_stream *s, const void *data, size_t size); /* all or -ENOBUFS */
size_t http_stream_queued(const struct http_stream *s);
void http_stream_close(struct http_stream *s); /* ends the body after what is queued */
