/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A server on a socket in a directory of its own, with a handler that answers by path, and clients
 * that write bytes by hand. For cmocka: everything asserts. */

#include "util/cleanup.h"
#include "wire/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

/* Paths: /later defers, /stream opens one, /nothing does not answer, /problem is a 409, all others
 * echo the body. */
struct fixture {
	char directory[32];
	struct sockaddr_un address;
	sd_event *loop;
	struct http_server *server;
	unsigned iterations; /* of the loop, that did something */
	/* what the handler saw and keeps */
	unsigned calls, gone, closed, drained;
	struct http_peer peer;
	char method[16], path[256], body[64], query[256];
	size_t body_size;
	struct http_request *deferred;
	struct http_stream *stream;
};

#define HOST "Host: reeve\r\n"
#define TEST(name) cmocka_unit_test_setup_teardown(name, http_set_up, http_tear_down)

int http_set_up(void **state);
int http_tear_down(void **state);
void http_start(struct fixture *t, const struct http_limits *limits);

/* Runs the loop until it has nothing to do for that long. */
void settle(struct fixture *t, unsigned quiet_msec);
int client(struct fixture *t); /* connects; the caller closes */
void put_bytes(int fd, const void *bytes, size_t size);
void put(int fd, const char *text);
/* What has arrived by now, until the next call; *ret_closed (may be NULL) tells whether the server
 * hung up behind it. */
char *got(int fd, bool *ret_closed);
char *ask(struct fixture *t, int fd, const char *request); /* put, settle, got */
unsigned status_of(const char *answer);			   /* 0 when it is none */
const char *body_of(const char *answer);
