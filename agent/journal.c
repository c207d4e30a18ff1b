/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of events; see journal.h. Records are rendered once, whatever the number of readers. */
#include "journal.h"

#include "clocktext.h"
#include "store.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/host.h"
#include "util/list.h"
#include "util/log.h"
#include "wire/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SEQ_BLOCK = 1024 }; /* numbers taken from the store at once: one write a thousand events */

struct slot {
	uint64_t seq; /* 0: never used */
	char *slice, *text;
	size_t size;
};

struct journal {
	const struct host *host;
	struct store *store;
	struct slot *slots;
	size_t kept;
	uint64_t first, last; /* first: oldest that this run can tell */
	uint64_t reserved;    /* numbers up to here are taken from the store */
	struct list readers;
};

struct journal_reader {
	struct list link;
	struct journal *journal;
	uint64_t next; /* the number wanted next */
	void (*wake)(void *userdata);
	void *userdata;
};

int journal_new(struct journal **ret, const struct host *host, struct store *store, size_t kept,
		struct fail *f)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j)
		j->slots = calloc(kept, sizeof(*j->slots));
	if (!j || !j->slots) {
		free(j);
		return fail_set(f, -ENOMEM, "out of memory");
	}
	j->host = host;
	j->store = store;
	j->kept = kept;
	list_init(&j->readers);
	if (store)
		j->reserved = j->last = store_sequence(store);
	j->first = j->last + 1;
	*ret = j;
	return 0;
}

struct journal *journal_free(struct journal *j)
{
	if (!j)
		return NULL;
	assert(list_empty(&j->readers));
	if (j->store) /* an orderly end leaves no hole in the numbers */
		(void)store_set_sequence(j->store, j->last);
	for (size_t i = 0; i < j->kept; i++) {
		free(j->slots[i].slice);
		free(j->slots[i].text);
	}
	free(j->slots);
	free(j);
	return NULL;
}

uint64_t journal_last(const struct journal *j)
{
	return j->last;
}

uint64_t journal_first(const struct journal *j)
{
	return j->first;
}

static void reserve_numbers(struct journal *j)
{
	if (j->last < j->reserved)
		return;
	j->reserved = j->last + SEQ_BLOCK;
	if (j->store && store_set_sequence(j->store, j->reserved) < 0)
		log_warning(NULL,
			    "cannot keep the event number %" PRIu64
			    ": numbers may repeat after a restart",
			    j->reserved);
}

/* {"seq":7,"time":"..","kind":"..","slice":"..",...,"data":{..}} ; names are quoted by jansson. */
static char *render(uint64_t seq, uint64_t time_usec, enum event_kind kind,
		    const struct event_about *about, const char *data_json)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	const struct {
		const char *key, *value;
	} names[] = {
		{ "slice", about ? about->slice : NULL },
		{ "task", about ? about->task : NULL },
		{ "device", about ? about->device : NULL },
	};
	char time[CLOCK_TEXT_SIZE];

	clock_text(time_usec, time);
	buf_format(&b, "{\"seq\":%" PRIu64 ",\"time\":\"%s\",\"kind\":\"%s\"", seq, time,
		   event_kind_to_string(kind));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_json_ json_t *text = names[i].value ? json_string(names[i].value) : NULL;
		_cleanup_free_ char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;

		if (quoted)
			buf_format(&b, ",\"%s\":%s", names[i].key, quoted);
	}
	if (data_json)
		buf_format(&b, ",\"data\":%s", data_json);
	buf_text(&b, "}");
	return buf_steal(&b);
}

static void fill_slot(struct slot *s, uint64_t seq, const char *slice, char *text)
{
	free(s->slice);
	free(s->text);
	*s = (struct slot){ .seq = seq, .text = text, .size = text ? strlen(text) : 0 };
	s->slice = slice ? strdup(slice) : NULL;
}

int journal_report(struct journal *j, enum event_kind kind, const struct event_about *about,
		   const char *data_json)
{
	char *text;

	reserve_numbers(j);
	j->last++;
	text = render(j->last, j->host->realtime_usec(j->host), kind, about, data_json);
	fill_slot(&j->slots[j->last % j->kept], j->last, about ? about->slice : NULL, text);
	if (j->last - j->first >= j->kept)
		j->first = j->last - j->kept + 1;
	list_each (item, next, &j->readers) {
		struct journal_reader *r = container_of(item, struct journal_reader, link);

		if (r->wake)
			r->wake(r->userdata);
	}
	return text ? 0 : -ENOMEM;
}

char *journal_render_unnumbered(const struct journal *j, enum event_kind kind,
				const char *data_json)
{
	return render(j->last, j->host->realtime_usec(j->host), kind, NULL, data_json);
}

int journal_reader_new(struct journal_reader **ret, struct journal *j, uint64_t after,
		       void (*wake)(void *userdata), void *userdata)
{
	struct journal_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	/* A number from the future is a client of another store: it reads from here on. */
	*r = (struct journal_reader){ .journal = j,
				      .next = (after > j->last ? j->last : after) + 1,
				      .wake = wake,
				      .userdata = userdata };
	list_append(&j->readers, &r->link);
	*ret = r;
	return 0;
}

struct journal_reader *journal_reader_free(struct journal_reader *r)
{
	if (!r)
		return NULL;
	list_remove(&r->link);
	free(r);
	return NULL;
}

/* The first number from `from` on that is still to be had, last + 1 when none is. */
static uint64_t next_kept(const struct journal *j, uint64_t from)
{
	uint64_t seq = from < j->first ? j->first : from;

	while (seq <= j->last && !j->slots[seq % j->kept].text)
		seq++;
	return seq;
}

enum journal_answer journal_reader_peek(const struct journal_reader *r, struct journal_record *ret,
					uint64_t *ret_from)
{
	const struct journal *j = r->journal;
	uint64_t seq = next_kept(j, r->next);
	const struct slot *s = &j->slots[seq % j->kept];

	if (r->next > j->last)
		return JOURNAL_NOTHING;
	*ret = (struct journal_record){ .seq = seq };
	if (seq != r->next) {
		*ret_from = r->next;
		return JOURNAL_LOST;
	}
	ret->slice = s->slice;
	ret->text = s->text;
	ret->size = s->size;
	return JOURNAL_RECORD;
}

void journal_reader_advance(struct journal_reader *r)
{
	uint64_t seq = next_kept(r->journal, r->next);

	if (r->next > r->journal->last)
		return;
	r->next = seq != r->next ? seq : seq + 1;
}
