/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Framing of endless bodies: NDJSON (one JSON text a line), server-sent events (WHATWG HTML,
 * section 9.2) and Mesos' RecordIO (decimal length, LF, bytes). Writers append to a buffer; the
 * reader takes arbitrary pieces and calls back for each whole record. Pure. */

#include "util/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_framing { STREAM_NDJSON, STREAM_SSE, STREAM_RECORDIO };

/* One record. id 0 and event NULL: without (they exist in SSE only). text has no newline. The
 * buffer's error sticks: what did not fit leaves part of a record behind, so check it. */
struct stream_item {
	uint64_t id;
	const char *event, *text;
	size_t size; /* of text */
};
int stream_write(struct buf *into, enum stream_framing framing, const struct stream_item *item);
const char *stream_content_type(enum stream_framing framing);

struct stream_reader {
	enum stream_framing framing;
	struct buf pending; /* bounded by the limit given */
	/* private */
	struct buf data;   /* SSE: the data lines of the event so far */
	uint64_t id;	   /* SSE: the last id seen, which stays for events without one */
	bool after_return; /* SSE: the last byte was a CR, an LF now belongs to it */
	bool started;	   /* SSE: the first line is over; RecordIO: within a record */
	uint64_t length;   /* RecordIO: of the record */
};
typedef int (*stream_record)(uint64_t id, const char *text, size_t size, void *userdata);

void stream_reader_init(struct stream_reader *r, enum stream_framing framing, size_t limit_bytes);
void stream_reader_done(struct stream_reader *r);
/* -EMSGSIZE for a record over the limit, -EBADMSG for a broken frame, else what a callback said:
 * anything but 0 ends the reading, and the reader must not be fed again. Blank NDJSON lines, SSE
 * comments and events without data are skipped. */
int stream_reader_feed(struct stream_reader *r, const char *bytes, size_t size,
		       stream_record record, void *userdata);
