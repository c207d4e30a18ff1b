/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of endless bodies; see stream.h. The reader is given pieces cut anywhere and keeps only
 * the unfinished record, within its limit. It does not parse what is in a record. */
#include "wire/stream.h"

#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { RECORDIO_DIGITS = 20 }; /* of 2^64 - 1: more before the LF is no length */

/* --- writing --- */

static int write_sse(struct buf *into, const struct stream_item *item)
{
	if (item->id)
		(void)buf_format(into, "id: %" PRIu64 "\n", item->id);
	if (item->event)
		(void)buf_format(into, "event: %s\n", item->event);
	(void)buf_text(into, "data: ");
	(void)buf_append(into, item->text, item->size);
	return buf_text(into, "\n\n"); /* the buffer's error sticks: this tells it */
}

int stream_write(struct buf *into, enum stream_framing framing, const struct stream_item *item)
{
	switch (framing) {
	case STREAM_NDJSON:
		(void)buf_append(into, item->text, item->size);
		return buf_text(into, "\n");
	case STREAM_SSE:
		return write_sse(into, item);
	case STREAM_RECORDIO:
		(void)buf_format(into, "%zu\n", item->size);
		return buf_append(into, item->text, item->size);
	}
	return -EINVAL;
}

const char *stream_content_type(enum stream_framing framing)
{
	switch (framing) {
	case STREAM_NDJSON:
		return "application/x-ndjson";
	case STREAM_SSE:
		return "text/event-stream";
	case STREAM_RECORDIO:
		return "application/recordio";
	}
	return NULL;
}

/* --- reading --- */

struct sink { /* where whole records go */
	stream_record record;
	void *userdata;
};

void stream_reader_init(struct stream_reader *r, enum stream_framing framing, size_t limit_bytes)
{
	*r = (struct stream_reader){ .framing = framing };
	buf_init(&r->pending, limit_bytes);
	buf_init(&r->data, limit_bytes);
}

void stream_reader_done(struct stream_reader *r)
{
	buf_done(&r->pending);
	buf_done(&r->data);
}

static int keep(struct buf *into, const char *bytes, size_t size)
{
	int r = buf_append(into, bytes, size);

	return r == -E2BIG ? -EMSGSIZE : r;
}

static int take_ndjson(struct stream_reader *r, const struct sink *sink)
{
	char *line = r->pending.data;
	size_t length = r->pending.size;

	if (length > 0 && line[length - 1] == '\r')
		line[--length] = 0;
	return length > 0 ? sink->record(0, line, length, sink->userdata)
			  : 0; /* blank: kept alive */
}

/* A field is its name, a colon, one space that may be absent, its value. Other names than data and
 * id do not concern us: what `event` says is in the data too. */
static int take_sse_field(struct stream_reader *r, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length), *end = line + length;
	const char *value = colon ? colon + 1 : end;
	size_t name = colon ? (size_t)(colon - line) : length;
	uint64_t id = 0;
	int n;

	if (value < end && *value == ' ')
		value++;
	if (name == 4 && memcmp(line, "data", 4) == 0) {
		n = keep(&r->data, value, (size_t)(end - value));
		return n < 0 ? n : keep(&r->data, "\n", 1);
	}
	if (name == 2 && memcmp(line, "id", 2) == 0 && strlen(value) == (size_t)(end - value) &&
	    parse_u64(value, &id) == 0)
		r->id = id; /* one that is no number is not ours, and leaves ours alone */
	return 0;
}

static int take_sse(struct stream_reader *r, const struct sink *sink)
{
	const char *line = r->pending.data;
	size_t length = r->pending.size;
	int n;

	if (!r->started && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3; /* one byte order mark may come first */
		length -= 3;
	}
	r->started = true;
	if (length > 0)
		return line[0] == ':' ? 0 : take_sse_field(r, line, length);
	if (r->data.size == 0)
		return 0;		  /* an event without data is none */
	r->data.data[--r->data.size] = 0; /* the newline behind the last data line */
	n = sink->record(r->id, r->data.data, r->data.size, sink->userdata);
	buf_clear(&r->data);
	return n;
}

/* Collects in r->pending up to a line's end and has it taken. In SSE a line ends with CR, LF or
 * CRLF, the last of which may come in two pieces: the LF right behind a CR is skipped. */
static int feed_lines(struct stream_reader *r, const char *bytes, size_t size,
		      const struct sink *sink)
{
	bool sse = r->framing == STREAM_SSE;
	int n = 0;

	for (size_t i = 0; i < size && n == 0;) {
		size_t start = i;

		if (r->after_return && bytes[i] == '\n')
			start = ++i;
		r->after_return = false;
		while (i < size && bytes[i] != '\n' && !(sse && bytes[i] == '\r'))
			i++;
		n = keep(&r->pending, bytes + start, i - start);
		if (n < 0 || i == size)
			return n;
		r->after_return = bytes[i++] == '\r';
		n = sse ? take_sse(r, sink) : take_ndjson(r, sink);
		buf_clear(&r->pending);
	}
	return n;
}

/* The decimal length before a record; 0 while it is not whole, 1 once r->length is known. */
static int take_length(struct stream_reader *r, char c)
{
	if (c != '\n') {
		if (c < '0' || c > '9' || r->pending.size >= RECORDIO_DIGITS)
			return -EBADMSG;
		return keep(&r->pending, &c, 1);
	}
	if (r->pending.size == 0 || parse_u64(r->pending.data, &r->length) < 0)
		return -EBADMSG;
	buf_clear(&r->pending);
	if (r->pending.limit && r->length > r->pending.limit)
		return -EMSGSIZE;
	return 1;
}

static int feed_recordio(struct stream_reader *r, const char *bytes, size_t size,
			 const struct sink *sink)
{
	int n = 0;

	for (size_t i = 0; i < size && n == 0;) {
		size_t piece = 0;

		if (!r->started) {
			n = take_length(r, bytes[i++]);
			if (n <= 0)
				continue;
			r->started = true;
		}
		piece = r->length - r->pending.size < size - i ? r->length - r->pending.size
							       : size - i;
		n = keep(&r->pending, bytes + i, piece);
		i += piece;
		if (n < 0 || r->pending.size < r->length)
			return n;
		n = sink->record(0, r->pending.data, r->pending.size, sink->userdata);
		buf_clear(&r->pending);
		r->started = false;
	}
	return n;
}

int stream_reader_feed(struct stream_reader *r, const char *bytes, size_t size,
		       stream_record record, void *userdata)
{
	struct sink sink = { record, userdata };

	if (r->framing == STREAM_RECORDIO)
		return feed_recordio(r, bytes, size, &sink);
	return feed_lines(r, bytes, size, &sink);
}
