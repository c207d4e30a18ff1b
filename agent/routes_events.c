/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/events: the journal as NDJSON or server-sent events. A reader that does not keep up keeps
 * its place in the journal, and is told what the ring has dropped when it comes back. */
#include "api.h"
#include "routes_stream.h"
#include "server.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "wire/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct event_stream {
	struct http_stream *http;
	struct api_events *events;
	enum stream_framing framing;
};

static int on_record(uint64_t seq, const char *kind, const char *text, size_t size, void *userdata)
{
	struct event_stream *s = userdata;
	_cleanup_(buf_done) struct buf b = { 0 };
	const struct stream_item item = { .id = seq, .event = kind, .text = text, .size = size };
	int r = stream_write(&b, s->framing, &item);

	return r < 0 ? r : http_stream_write(s->http, b.data, b.size);
}

static void on_end(void *userdata)
{
	struct event_stream *s = userdata;

	http_stream_close(s->http);
}

static void on_closed(void *userdata)
{
	struct event_stream *s = userdata;

	api_events_close(s->events);
	free(s);
}

static void on_drained(void *userdata)
{
	struct event_stream *s = userdata;

	api_events_go(s->events);
}

static bool choose_framing(struct exchange *x, enum stream_framing *ret)
{
	const char *format = http_query(x->request, "format");
	const char *accept = http_header(x->request, "Accept");
	struct fail why = { 0 };

	*ret = accept && strstr(accept, "text/event-stream") ? STREAM_SSE : STREAM_NDJSON;
	if (!format)
		return true;
	if (strcmp(format, "sse") == 0 || strcmp(format, "ndjson") == 0) {
		*ret = *format == 's' ? STREAM_SSE : STREAM_NDJSON;
		return true;
	}
	fail_set(&why, -EINVAL, "format=%.32s is neither ndjson nor sse", format);
	exchange_fail(x, &why);
	return false;
}

/* since=N wins over Last-Event-ID; without either: from now on, or all there is when not following.
 */
static bool choose_start(struct exchange *x, bool follow, uint64_t *ret)
{
	const char *last = http_header(x->request, "Last-Event-ID");
	uint64_t initial = follow ? UINT64_MAX : 0;

	if (last && parse_u64(last, &initial) < 0) {
		struct fail why = { 0 };

		fail_set(&why, -EINVAL, "the header Last-Event-ID is no event number");
		exchange_fail(x, &why);
		return false;
	}
	return exchange_number(x, "since", initial, ret);
}

static void start_stream(struct exchange *x, struct event_stream *s,
			 const struct api_events_order *order)
{
	const struct http_stream_events on = { .closed = on_closed,
					       .drained = on_drained,
					       .userdata = s };
	struct fail why = { 0 };
	int r = api_events_open(x->api, order, &s->events, &why);

	if (r == 0)
		r = http_stream_open(x->request, stream_content_type(s->framing),
				     exchange_stream_limit(x), &on, &s->http);
	if (r < 0) {
		if (!why.error)
			fail_set(&why, r, "cannot open a stream: %s", strerror(-r));
		api_events_close(s->events);
		free(s);
		exchange_fail(x, &why);
		return;
	}
	api_events_go(s->events);
	exchange_release(x);
}

void routes_events(struct exchange *x)
{
	struct api_events_order order = { .record = on_record, .end = on_end };
	struct event_stream *s;
	enum stream_framing framing;
	struct fail why = { 0 };

	if (!exchange_flag(x, "follow", true, &order.follow) || !choose_framing(x, &framing) ||
	    !choose_start(x, order.follow, &order.after))
		return;
	s = calloc(1, sizeof(*s));
	if (!s) {
		fail_set(&why, -ENOMEM, "out of memory");
		exchange_fail(x, &why);
		return;
	}
	s->framing = framing;
	order.slice = http_query(x->request, "slice");
	order.userdata = s;
	start_stream(x, s, &order);
}
