/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The numbered events: a bounded ring of rendered records, and readers that each have a place in
 * it. A reader that falls behind the ring is told what it lost; it never makes the ring grow.
 * Numbers go on rising over restarts: they are taken from the store in blocks. */

#include "model/event.h"
#include "util/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;
struct journal_reader;
struct store;
struct host;

struct journal_record {
	uint64_t seq;
	const char *slice; /* NULL: about no slice */
	const char *text;  /* the whole event as JSON, one line, without newline */
	size_t size;
};

/* store may be NULL (numbers start at 1 then). */
int journal_new(struct journal **ret, const struct host *host, struct store *store, size_t kept,
		struct fail *f);
struct journal *journal_free(struct journal *j); /* asserts that there is no reader left */

/* data_json: a JSON object or NULL. Wakes the readers. -ENOMEM loses the event but not its number,
 * so that readers see the gap. */
int journal_report(struct journal *j, enum event_kind kind, const struct event_about *about,
		   const char *data_json);
uint64_t journal_last(const struct journal *j);	 /* the newest number; 0 before the first */
uint64_t journal_first(const struct journal *j); /* the oldest still kept */

/* Renders an event that is not numbered (heartbeat, stream.lost) with seq = the newest number. The
 * caller frees; NULL without memory. */
char *journal_render_unnumbered(const struct journal *j, enum event_kind kind,
				const char *data_json);

/* A reader that wants everything behind `after`. wake() is called when there is something new; it
 * may not remove the reader. */
int journal_reader_new(struct journal_reader **ret, struct journal *j, uint64_t after,
		       void (*wake)(void *userdata), void *userdata);
struct journal_reader *journal_reader_free(struct journal_reader *r);
enum journal_answer {
	JOURNAL_NOTHING = 0, /* it has read everything */
	JOURNAL_RECORD = 1,  /* *ret is valid until the next report */
	JOURNAL_LOST = 2,    /* ret->seq is the first that is still to be had; read on */
};
/* Looks at the next record without moving; journal_reader_advance moves behind it. For JOURNAL_LOST
 * *ret_from is the first number that is gone, and advancing moves to ret->seq. */
enum journal_answer journal_reader_peek(const struct journal_reader *r, struct journal_record *ret,
					uint64_t *ret_from);
void journal_reader_advance(struct journal_reader *r);
