/* SPDX-License-Identifier: Apache-2.0 */
/* GET .../logs: what a task wrote to its file, and, with follow, what it goes on to write: inotify
 * says when there is more, and the task's end says when there will be none. */
#include "api.h"
#include "routes_stream.h"
#include "server.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_REPLY_MAX = 16 << 20, LOG_CHUNK = 32 << 10 };

struct log_stream {
	struct http_stream *http;
	int fd;
	bool over;  /* the task has ended: close once all is read */
	bool stuck; /* the reader does not keep up: go on when drained */
	struct api_wait *wait;
	sd_event_source *changed;
	off_t at;
};

static void log_free(struct log_stream *s)
{
	api_wait_cancel(s->wait);
	sd_event_source_disable_unref(s->changed);
	close_fd(s->fd);
	free(s);
}

/* Passes on what there is; what does not fit is read again later. */
static void pump(struct log_stream *s)
{
	char chunk[LOG_CHUNK];
	ssize_t n;

	s->stuck = false;
	while ((n = pread(s->fd, chunk, sizeof(chunk), s->at)) > 0) {
		if (http_stream_write(s->http, chunk, (size_t)n) < 0) {
			s->stuck = true;
			return;
		}
		s->at += n;
	}
	if (s->over)
		http_stream_close(s->http);
}

static void on_closed(void *userdata)
{
	log_free(userdata);
}

static void on_drained(void *userdata)
{
	pump(userdata);
}

static int on_changed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct log_stream *s = userdata;

	(void)source;
	(void)event;
	if (!s->stuck)
		pump(s);
	return 0;
}

static void on_over(json_t *document, const struct fail *why, void *userdata)
{
	struct log_stream *s = userdata;

	(void)document;
	(void)why;
	s->wait = NULL;
	s->over = true;
	if (s->http && !s->stuck)
		pump(s);
}

static off_t start_of(int fd, uint64_t tail)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_size > tail ? st.st_size - (off_t)tail : 0;
}

static void reply_whole(struct exchange *x, int fd, uint64_t tail)
{
	_cleanup_close_ int file = fd;
	_cleanup_free_ char *text = NULL;
	off_t at = start_of(fd, tail < LOG_REPLY_MAX ? tail : LOG_REPLY_MAX);
	size_t size = 0;
	struct fail why = { 0 };
	ssize_t n = 1;

	text = malloc(LOG_REPLY_MAX);
	while (text && n > 0 && size < LOG_REPLY_MAX) {
		n = pread(file, text + size, LOG_REPLY_MAX - size, at + (off_t)size);
		size += n > 0 ? (size_t)n : 0;
	}
	if (!text || n < 0) {
		fail_set(&why, text ? -EIO : -ENOMEM, "the log cannot be read");
		exchange_fail(x, &why);
		return;
	}
	exchange_text(x, "text/plain; charset=utf-8", text, size);
}

static int watch_file(struct exchange *x, struct log_stream *s)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd); /* fits */
	return sd_event_add_inotify(exchange_loop(x), &s->changed, path, IN_MODIFY, on_changed, s);
}

static void follow(struct exchange *x, int fd, uint64_t tail)
{
	struct log_stream *s = calloc(1, sizeof(*s));
	const struct http_stream_events on = { .closed = on_closed,
					       .drained = on_drained,
					       .userdata = s };
	const struct api_wait_order order = {
		.task = { .slice = x->params[0], .task = x->params[1] },
		.timeout_usec = UINT64_MAX / 4,
		.reply = { .done = on_over, .userdata = s },
	};
	struct fail why = { 0 };
	int r = s ? 0 : -ENOMEM;

	if (s) {
		s->fd = fd;
		s->at = start_of(fd, tail);
		r = watch_file(x, s);
	} else {
		close_fd(fd);
	}
	if (r >= 0)
		r = api_task_wait(x->api, &order, &s->wait, &why);
	if (r >= 0)
		r = http_stream_open(x->request, "text/plain; charset=utf-8",
				     exchange_stream_limit(x), &on, &s->http);
	if (r < 0) {
		if (!why.error)
			fail_set(&why, r, "the log cannot be followed: %s", strerror(-r));
		if (s)
			log_free(s);
		exchange_fail(x, &why);
		return;
	}
	pump(s);
	exchange_release(x);
}

void routes_logs(struct exchange *x)
{
	const struct api_caller caller = { .uid = x->call->peer.uid, .gid = x->call->peer.gid };
	const struct api_task_order order = { .slice = x->params[0], .task = x->params[1] };
	const char *stream = http_query(x->request, "stream");
	struct fail why = { 0 };
	uint64_t tail;
	bool following;
	int fd;

	if (!exchange_number(x, "tail", UINT64_MAX, &tail) ||
	    !exchange_flag(x, "follow", false, &following))
		return;
	if (stream && strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0) {
		fail_set(&why, -EINVAL, "stream=%.32s is neither stdout nor stderr", stream);
		exchange_fail(x, &why);
		return;
	}
	fd = api_task_log(x->api, &caller, &order, stream ? stream : "stdout", &why);
	if (fd < 0)
		exchange_fail(x, &why);
	else if (following)
		follow(x, fd, tail);
	else
		reply_whole(x, fd, tail);
}
