/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl events: numbered events as lines, or as the API's NDJSON. When a stream that is followed
 * breaks, it says from which number on it can be resumed. */
#include "ctl/follow.h"
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/parse.h"
#include "wire/stream.h"

#include <errno.h>
#include <string.h>

enum { RECORD_LIMIT = 4 << 20 };

const struct option_row events_options[] = {
	{ "follow", 'f', OPTION_FLAG, NULL, NULL, NULL, "go on as they happen" },
	{ "since", 0, OPTION_U64, "N", NULL, NULL,
	  "only those after number N (default: all that are kept; with -f: from now on)" },
	{ "slice", 0, OPTION_TEXT, "SLICE", NULL, NULL, "only those of one slice" },
	{ "heartbeats", 0, OPTION_FLAG, NULL, NULL, NULL,
	  "also the heartbeats of a followed stream" },
	{ 0 },
};

struct events {
	struct session *session;
	struct stream_reader reader;
	bool heartbeats;
	uint64_t last; /* number of the newest event shown */
};

static void subject(struct buf *into, const json_t *event, const struct screen *screen)
{
	const char *slice = look_text(event, "slice"), *task = look_text(event, "task");

	text_safe(into, slice, screen->utf8);
	if (task) {
		buf_text(into, slice ? "/" : "");
		text_safe(into, task, screen->utf8);
	}
	text_safe(into, look_text(event, "device"), screen->utf8);
}

/* The facts that say what happened; the whole of it is for --output=json. */
static void facts(struct buf *into, const json_t *event, const struct screen *screen)
{
	static const char *const keys[] = { "data.pid",	       "data.exit_code", "data.exit_signal",
					    "data.reason",     "data.type",	 "data.verdict",
					    "data.evidence",   "data.version",	 "data.backend",
					    "data.generation", "data.slices",	 "data.tasks",
					    "data.from",       "data.to",	 "data.resume" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct column column = { keys[i], keys[i], COLUMN_TEXT, NULL };
		const json_t *value = look(event, keys[i]);

		if (!value || json_is_array(value) || json_is_object(value))
			continue;
		buf_format(into, "  %s=", strchr(keys[i], '.') + 1);
		writer_value(into, screen, &column, event);
	}
	if (look_u64_or(event, "data.oom_killed", 0))
		buf_text(into, "  out of memory");
}

static void event_line(struct buf *into, const struct screen *screen, const json_t *event)
{
	const char *kind = look_text(event, "kind");
	struct buf who = { 0 };
	const char *dot = kind ? strrchr(kind, '.') : NULL;

	buf_format(into, "%6llu  %s", (unsigned long long)look_u64_or(event, "seq", 0),
		   writer_dim_on(screen));
	unit_time(into, look_text(event, "time"));
	buf_format(into, "%s  %s", writer_off(screen),
		   writer_verdict_on(screen, dot ? dot + 1 : ""));
	text_safe(into, kind ? kind : "?", screen->utf8);
	for (unsigned i = text_columns(kind); i < 18; i++)
		buf_text(into, " ");
	subject(&who, event, screen);
	buf_format(into, "%s%s%s", writer_off(screen), who.size ? "  " : "",
		   who.size ? who.data : "");
	buf_done(&who);
	facts(into, event, screen);
	while (into->size && into->data[into->size - 1] == ' ')
		into->data[--into->size] = 0;
	buf_text(into, "\n");
}

static int on_event(uint64_t id, const char *text, size_t size, void *userdata)
{
	struct events *e = userdata;
	_cleanup_json_ json_t *event = NULL;
	_cleanup_(buf_done) struct buf line = { 0 };
	const char *kind;

	(void)id; /* NDJSON has none beside the record's own number */
	if (size == 0)
		return 0;
	if (json_parse_object(text, size, &event, NULL) < 0)
		return -EBADMSG;
	kind = look_text(event, "kind");
	if (kind && strcmp(kind, "heartbeat") == 0 && !e->heartbeats)
		return 0;
	e->last = look_u64_or(event, "seq", e->last);
	if (e->session->screen.json) {
		_cleanup_free_ char *compact = json_text(event);

		text_json(&line, compact);
		buf_text(&line, "\n");
	} else {
		event_line(&line, &e->session->screen, event);
	}
	return session_print(e->session, &line) ? -EPIPE : 0;
}

static int on_bytes(const char *bytes, size_t size, void *userdata)
{
	struct events *e = userdata;

	return stream_reader_feed(&e->reader, bytes, size, on_event, e);
}

static int build_path(const struct args *args, struct buf *path, struct fail *f)
{
	const char *since = args_value(args, "since"), *slice = args_value(args, "slice");
	bool follow = args_value(args, "follow");
	uint64_t number;

	if (since && parse_u64(since, &number) < 0)
		return fail_code(f, -EINVAL, "usage", "--since wants an event's number, not '%s'",
				 since);
	buf_format(path, "/v1/events?format=ndjson&follow=%s", follow ? "true" : "false");
	if (since || !follow)
		buf_format(path, "&since=%s", since ? since : "0");
	if (slice)
		session_path(path, "&slice=", slice);
	return 0;
}

/* A followed stream has no end of its own: the agent stopped, or the connection broke. */
static void tell_how_to_resume(const struct events *e)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "the stream ended after event %llu; resume with --since %llu",
		       (unsigned long long)e->last, (unsigned long long)e->last);
	session_complain(e->session, text, NULL);
}

enum ctl_exit verb_events(struct session *s, const struct args *args)
{
	struct events events = { .session = s, .heartbeats = args_value(args, "heartbeats") };
	struct follow follow = { .data = on_bytes, .userdata = &events };
	_cleanup_(buf_done) struct buf path = { 0 };
	struct fail f = { 0 };
	enum ctl_exit e;

	if (build_path(args, &path, &f) < 0)
		return session_usage(s, &f);
	stream_reader_init(&events.reader, STREAM_NDJSON, RECORD_LIMIT);
	e = follow_start(&follow, s, path.data);
	if (!e)
		e = follow_wait(&follow, s);
	if (args_value(args, "follow") && events.last)
		tell_how_to_resume(&events);
	stream_reader_done(&events.reader);
	follow_done(&follow);
	return e;
}
