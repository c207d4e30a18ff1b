/* SPDX-License-Identifier: Apache-2.0 */
/* A stream from the agent: start, wait, cancel. It does not know what flows. */
#include "ctl/follow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void on_done(unsigned status, const struct buf *body, const struct fail *why, void *userdata)
{
	struct follow *f = userdata;

	f->over = true;
	f->status = status;
	f->exchange = NULL;
	if (why)
		f->why = *why;
	if (body && body->size)
		buf_append(&f->problem, body->data, body->size);
	if (f->done)
		f->done(f->userdata);
}

static int on_data(const char *bytes, size_t size, void *userdata)
{
	struct follow *f = userdata;

	return f->data(bytes, size, f->userdata);
}

enum ctl_exit follow_start(struct follow *f, struct session *s, const char *path)
{
	struct buf url = { 0 };
	struct http_order order = {
		.method = "GET", .data = on_data, .done = on_done, .userdata = f
	};
	enum ctl_exit e = session_open(s);
	int r;

	if (e)
		return e;
	buf_format(&url, "http://reeve%s", path);
	order.url = url.data;
	r = url.data ? http_client_send(s->client, &order, &f->exchange, &f->why) : -ENOMEM;
	buf_done(&url);
	if (r < 0) {
		f->why.error = r;
		return session_unreachable(s, &f->why);
	}
	return CTL_OK;
}

void follow_done(struct follow *f)
{
	if (f->exchange)
		http_exchange_cancel(f->exchange);
	f->exchange = NULL;
	buf_done(&f->problem);
}

enum ctl_exit follow_wait(struct follow *f, struct session *s)
{
	while (!f->over) {
		int r = sd_event_run(s->loop, UINT64_MAX);

		if (r < 0 && r != -EINTR) {
			fail_set(&f->why, r, "the event loop failed: %s", strerror(-r));
			return session_unreachable(s, &f->why);
		}
	}
	return f->status ? session_judge(s, f->status, &f->problem)
			 : session_unreachable(s, &f->why);
}

int follow_to_fd(const char *bytes, size_t size, void *fd)
{
	while (size) {
		ssize_t n = write(*(const int *)fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}
