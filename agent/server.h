/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The HTTP face of api.h on a unix socket: makes the socket, finds the route, checks the query,
 * answers problems. */

#include "util/fail.h"
#include "wire/http_server.h"
#include "wire/json.h"

#include <sys/types.h>

struct manager;
struct server;
struct api;
struct api_wait;

int server_new(struct server **ret, struct manager *m, struct fail *f);
struct server *server_free(struct server *s);

/* One request on its way to an answer. Freed by the one who answers, or, once deferred, when the
 * answer has come; request is NULL when the client left before. */
struct exchange {
	struct server *server;
	struct api *api;
	struct http_request *request;
	const struct http_call *call; /* valid within the route's function only */
	char *params[4];	      /* what stood for each {} of the route's pattern */
	struct api_wait *wait;	      /* cancelled when the client leaves */
	uint64_t queued;	      /* and so is the request that waits under this number */
};

struct route {
	const char *method, *pattern; /* "/v1/slices/{}/tasks"; method NULL ends the table */
	void (*handle)(struct exchange *x);
	const char *queries[6]; /* parameters it knows */
};
extern const struct route routes[];

/* The header Location for the answer that follows; task NULL: the slice's. */
void exchange_location(struct exchange *x, const char *slice, const char *task);
/* Answers, each of which ends the exchange. */
void exchange_document(struct exchange *x, unsigned status, json_t *document);
void exchange_text(struct exchange *x, const char *content_type, const char *text, size_t size);
void exchange_nothing(struct exchange *x, unsigned status);
void exchange_fail(struct exchange *x, const struct fail *why);
/* The answer comes later, by one of these. */
void exchange_defer(struct exchange *x);
/* The caller has opened a stream on x->request: only the exchange ends. */
void exchange_release(struct exchange *x);

/* NULL (and answered) when the body is no JSON object. An empty body is an empty object. */
json_t *exchange_body(struct exchange *x);
/* A duration in the query, `initial` without one; false (and answered) when malformed. */
bool exchange_duration(struct exchange *x, const char *name, uint64_t initial, uint64_t *ret);
bool exchange_flag(struct exchange *x, const char *name, bool initial, bool *ret);
bool exchange_number(struct exchange *x, const char *name, uint64_t initial, uint64_t *ret);
sd_event *exchange_loop(const struct exchange *x);
size_t exchange_stream_limit(const struct exchange *x); /* bytes a reader may lag behind */
