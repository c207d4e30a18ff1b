/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for tasks and following events; see api.h. */
#include "api.h"

#include "api_internal.h"
#include "manager.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct api_wait {
	struct task_waiter waiter;
	struct api_reply reply;
	char *slice, *task;
	struct api *api;
	sd_event_source *timeout;
};

static void wait_free(struct api_wait *w)
{
	sd_event_source_disable_unref(w->timeout);
	free(w->slice);
	free(w->task);
	free(w);
}

static void on_over(struct slice *s, struct slice_task *t, void *userdata)
{
	struct api_wait *w = userdata;
	_cleanup_json_ json_t *document = slice_task_document(s, t);

	w->reply.done(document, NULL, w->reply.userdata);
	wait_free(w);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct api_wait *w = userdata;
	_cleanup_json_ json_t *document = NULL;
	struct fail why = { 0 };
	int r;

	(void)source;
	(void)usec;
	list_remove(&w->waiter.link);
	r = api_tasks(w->api, w->slice, w->task, &document, &why);
	w->reply.done(document, r < 0 ? &why : NULL, w->reply.userdata);
	wait_free(w);
	return 0;
}

int api_task_wait(struct api *a, const struct api_wait_order *order, struct api_wait **ret,
		  struct fail *f)
{
	struct api_found found;
	struct api_wait *w;
	int r = api_find_task(a, &order->task, &found, f);

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return fail_set(f, -ENOMEM, "out of memory");
	w->waiter = (struct task_waiter){ .until_over = true, .done = on_over, .userdata = w };
	list_init(&w->waiter.link);
	w->reply = order->reply;
	w->api = a;
	w->slice = strdup(order->task.slice);
	w->task = strdup(order->task.task);
	r = w->slice && w->task ? 0 : -ENOMEM;
	if (r == 0)
		r = sd_event_add_time_relative(a->manager->loop, &w->timeout, CLOCK_MONOTONIC,
					       order->timeout_usec, 1000, on_timeout, w);
	if (r < 0) {
		wait_free(w);
		return fail_set(f, r, "cannot wait: %s", strerror(-r));
	}
	*ret = w;
	list_append(&found.task->waiters, &w->waiter.link);
	if (task_is_over(found.task->state)) {
		*ret = NULL;
		slice_task_notify(found.slice, found.task);
	}
	return 0;
}

void api_wait_cancel(struct api_wait *w)
{
	if (!w)
		return;
	list_remove(&w->waiter.link);
	wait_free(w);
}

struct api_events {
	struct api *api;
	struct api_events_order order;
	char *slice;
	struct journal_reader *reader;
	bool listening, ended;
	bool going; /* api_events_go is on the stack */
};

static int tell_loss(struct api_events *e, uint64_t from, uint64_t resume)
{
	char data[128];
	_cleanup_free_ char *text = NULL;

	(void)snprintf(data, sizeof(data),
		       "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"resume\":%" PRIu64 "}", from,
		       resume - 1, resume); /* three numbers of 20 digits */
	text = journal_render_unnumbered(e->api->manager->journal, EVENT_STREAM_LOST, data);
	return text ? e->order.record(0, event_kind_to_string(EVENT_STREAM_LOST), text,
				      strlen(text), e->order.userdata)
		    : -ENOMEM;
}

static int tell(struct api_events *e, const struct journal_record *record)
{
	if (e->slice && (!record->slice || strcmp(record->slice, e->slice) != 0))
		return 0;
	return e->order.record(record->seq, NULL, record->text, record->size, e->order.userdata);
}

void api_events_go(struct api_events *e)
{
	struct journal_record record;
	enum journal_answer answer;
	uint64_t from = 0;
	int r = 0;

	if (e->ended || e->going)
		return;
	e->going = true;
	while (r == 0 &&
	       (answer = journal_reader_peek(e->reader, &record, &from)) != JOURNAL_NOTHING) {
		r = answer == JOURNAL_LOST ? tell_loss(e, from, record.seq) : tell(e, &record);
		if (r == 0)
			journal_reader_advance(e->reader);
	}
	e->going = false;
	if (r == 0 && !e->order.follow) {
		e->ended = true;
		e->order.end(e->order.userdata);
	}
}

static void on_wake(void *userdata)
{
	api_events_go(userdata);
}

/* A heartbeat that does not fit is dropped: the next one says more. */
static void on_beat(const char *text, size_t size, void *userdata)
{
	struct api_events *e = userdata;

	(void)e->order.record(0, event_kind_to_string(EVENT_HEARTBEAT), text, size,
			      e->order.userdata);
}

int api_events_open(struct api *a, const struct api_events_order *order, struct api_events **ret,
		    struct fail *f)
{
	struct journal *j = a->manager->journal;
	struct api_events *e = calloc(1, sizeof(*e));
	uint64_t after = order->after == UINT64_MAX ? journal_last(j) : order->after;

	if (e) {
		e->api = a;
		e->order = *order;
		e->slice = order->slice ? strdup(order->slice) : NULL;
	}
	if (!e || (order->slice && !e->slice) ||
	    journal_reader_new(&e->reader, j, after, order->follow ? on_wake : NULL, e) < 0) {
		api_events_close(e);
		return fail_set(f, -ENOMEM, "out of memory");
	}
	if (order->follow) {
		e->listening = true;
		watch_listen(a->manager->watch, on_beat, e);
	}
	*ret = e;
	return 0;
}

struct api_events *api_events_close(struct api_events *e)
{
	if (!e)
		return NULL;
	if (e->listening)
		watch_unlisten(e->api->manager->watch, e);
	journal_reader_free(e->reader);
	free(e->slice);
	free(e);
	return NULL;
}
