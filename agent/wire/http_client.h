/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP client: libcurl's multi interface on an sd_event loop. Asynchronous calls and streams for
 * the daemon's upstreams; http_client_call() runs the loop until one call is over, for the command
 * line. Over a unix socket or TCP (TLS where the URL says https). */

#include "util/buf.h"
#include "util/fail.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct http_client;
struct http_exchange;

/* unix_socket NULL: by the URL's host. loop NULL: a loop of its own. */
int http_client_new(struct http_client **ret, sd_event *loop, const char *unix_socket,
		    struct fail *f);
struct http_client *http_client_free(struct http_client *c); /* drops open exchanges silently;
							      * not from within a callback */
static inline void http_client_freep(struct http_client **c)
{
	http_client_free(*c);
}

struct http_order {
	const char *method; /* "GET" */
	const char *url;    /* "http://reeve/v1/node" */
	const char *body;   /* NULL none; copied */
	size_t body_size;
	const char *content_type; /* of the body; NULL: application/json */
	const char *header;	  /* one more header line, "Last-Event-ID: 7"; NULL none */
	uint64_t timeout_usec;	  /* of the whole exchange; 0: none (streams, waits) */
	/* A stream's bytes as they come, when the status is 200; a negative return ends the
	 * exchange. NULL: collected, at most body_limit bytes (0: 16 MiB). */
	int (*data)(const char *bytes, size_t size, void *userdata);
	size_t body_limit;
	/* Called once: status 0 when no answer came, with the reason in why. */
	void (*done)(unsigned status, const struct buf *body, const struct fail *why,
		     void *userdata);
	void *userdata;
};

/* ret may be NULL. done() is never called from inside here. */
int http_client_send(struct http_client *c, const struct http_order *order,
		     struct http_exchange **ret, struct fail *f);
void http_exchange_cancel(struct http_exchange *e); /* done() is not called */

/* Sends and runs the loop until done; status and body (freed by the caller with buf_done) out. The
 * order's done must be NULL. -ECONNREFUSED, -ENOENT, -EACCES, -ETIMEDOUT, -EPROTO with a sentence.
 */
int http_client_call(struct http_client *c, const struct http_order *order, unsigned *ret_status,
		     struct buf *ret_body, struct fail *f);
