/* SPDX-License-Identifier: Apache-2.0 */
/* One endless chunked body; see http_server.h. A bounded queue between the writer and
 * libmicrohttpd, which pulls: when the queue is empty the connection is suspended, so that an idle
 * stream costs nothing, and the next write resumes it. It frames nothing: stream.h does. */
#include "wire/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM_BLOCK_BYTES = 16 << 10 }; /* of one chunk; half of the connection's memory */

struct http_stream {
	struct http_request *request;
	struct buf queue;
	size_t taken; /* bytes at the queue's front that are sent already */
	struct http_stream_events events;
	size_t limit_bytes;
	bool closing, refused; /* refused: a write said -ENOBUFS, drained() is owed */
};

size_t http_stream_queued(const struct http_stream *s)
{
	return s->queue.size - s->taken;
}

/* Keeps moving bytes to the front rare: each is moved at most once per halving. */
static void take(struct http_stream *s, char *room, size_t size)
{
	memcpy(room, s->queue.data + s->taken, size);
	s->taken += size;
	if (s->taken < s->queue.size && s->taken < s->queue.size / 2)
		return;
	buf_consume(&s->queue, s->taken);
	s->taken = 0;
}

static void tell_drained(struct http_stream *s)
{
	if (!s->refused || http_stream_queued(s) > 0 || s->closing)
		return;
	s->refused = false;
	if (s->events.drained)
		s->events.drained(s->events.userdata);
}

static ssize_t on_pull(void *cls, uint64_t position, char *room, size_t size)
{
	struct http_stream *s = cls;
	size_t queued = http_stream_queued(s);

	(void)position; /* counts what went out; nothing is sent twice */
	if (s->request->dropped)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (queued == 0 && s->closing)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (queued == 0)
		return http_request_suspend(s->request) < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : 0;
	if (size > queued)
		size = queued;
	take(s, room, size);
	tell_drained(s);
	return (ssize_t)size;
}

int http_stream_open(struct http_request *r, const char *content_type, size_t limit_bytes,
		     const struct http_stream_events *events, struct http_stream **ret)
{
	struct MHD_Response *response;
	struct http_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_pull,
						     s, NULL);
	if (!response || MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
						 content_type) != MHD_YES) {
		if (response)
			MHD_destroy_response(response);
		free(s);
		return -ENOMEM;
	}
	*s = (struct http_stream){ .request = r, .events = *events, .limit_bytes = limit_bytes };
	buf_init(&s->queue, 0); /* bounded by http_stream_write, for what is taken counts not */
	r->stream = s;
	/* A reader may pause for as long as it likes: it holds one bounded queue, no more. */
	(void)MHD_set_connection_option(r->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	http_request_answer(r, MHD_HTTP_OK, response);
	*ret = s;
	return 0;
}

int http_stream_write(struct http_stream *s, const void *data, size_t size)
{
	size_t queued = http_stream_queued(s);

	if (s->closing || s->request->dropped || size == 0)
		return 0; /* nobody will read it; closed() follows */
	if (queued > s->limit_bytes || size > s->limit_bytes - queued ||
	    buf_append(&s->queue, data, size) < 0) {
		s->queue.error = 0; /* out of memory now is not for ever */
		s->refused = true;
		return -ENOBUFS;
	}
	http_request_resume(s->request);
	return 0;
}

void http_stream_close(struct http_stream *s)
{
	s->closing = true;
	http_request_resume(s->request);
}

void http_stream_finish(struct http_stream *s)
{
	if (s->events.closed)
		s->events.closed(s->events.userdata);
	buf_done(&s->queue);
	free(s);
}
