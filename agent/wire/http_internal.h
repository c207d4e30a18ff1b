/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What http_server.c (loop, accepting), http_request.c (one exchange) and http_stream.c (one
 * endless body) share. Private to them: everybody else includes http_server.h. */

#include "util/buf.h"
#include "util/list.h"
#include "wire/http_server.h"

#include <microhttpd.h>

enum { HTTP_HEADERS_MAX = 8 }; /* set by one handler on one answer */

struct http_connection { /* owned by the server's list; freed when libmicrohttpd closed it */
	struct list link;
	struct http_server *server;
	struct http_peer peer;
	int fd;			      /* libmicrohttpd's, borrowed */
	struct http_request *request; /* the one in progress, or NULL */
};

struct http_request { /* owned by libmicrohttpd's request context; freed by its completion */
	struct http_connection *connection; /* NULL until the headers are in */
	struct MHD_Connection *mhd;
	const char *malformed; /* the sentence why the target is refused; NULL: it is fine */
	struct buf body;
	uint64_t received_bytes; /* of the body, also what was thrown away */
	struct MHD_Response *response;
	unsigned status;
	struct {
		char *name, *value;
	} headers[HTTP_HEADERS_MAX];
	size_t headers_count;
	bool handled;	/* the handler has been called */
	bool suspended; /* taken out of libmicrohttpd's loop, which then does not see a hangup */
	bool dropped;	/* to be closed without an answer */
	bool hung_up;	/* the client has: not worth suspending for */
	sd_event_source *hangup;
	void (*gone)(void *userdata); /* set while deferred */
	void *userdata;
	struct http_stream *stream;
};

struct http_server {
	sd_event *loop;
	struct MHD_Daemon *daemon;
	sd_event_source *listening, *ready, *timer, *again, *pause;
	uint64_t timer_usec; /* what the timer is armed for */
	int listen_fd;
	struct http_limits limits;
	http_handler handler;
	void *userdata;
	struct list connections;
	unsigned count;
	bool running; /* within MHD_run */
};

/* Has libmicrohttpd run soon, after something was resumed. */
void http_server_kick(struct http_server *s);

/* libmicrohttpd's callbacks; cls is the server. */
void *http_request_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request_access(void *cls, struct MHD_Connection *mhd, const char *url,
				    const char *method, const char *version, const char *data,
				    size_t *size, void **context);
void http_request_completed(void *cls, struct MHD_Connection *mhd, void **context,
			    enum MHD_RequestTerminationCode why);

/* Only from within libmicrohttpd's callbacks; watches for the client's hangup from then on. */
int http_request_suspend(struct http_request *r);
void http_request_resume(struct http_request *r); /* harmless when it is not suspended */
/* Has the client gone without an answer: the connection will be closed. */
void http_request_drop(struct http_request *r);
/* Takes the response over (NULL: no memory for one; the connection is closed). */
void http_request_answer(struct http_request *r, unsigned status, struct MHD_Response *response);

void http_stream_finish(struct http_stream *s); /* calls closed() and frees it */
