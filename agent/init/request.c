/* SPDX-License-Identifier: Apache-2.0 */
/* The table of requests; see request.h. Handlers look up a task and call task.h, nothing more. */
#include "init/request.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "init/channel.h"
#include "init/leaf.h"
#include "init/report.h"
#include "util/cleanup.h"
#include "wire/frame.h"

enum { ANSWER_BYTES = 256 };
enum { ANSWERED = 1 }; /* by a handler itself: no FRAME_RESULT */

/* Where PID 1 makes the slice around a running reeve-init, its cgroup comes with the first hello.
 * A task that was started before has no leaf, and would be taken for an empty one's. */
static void take_cgroup(struct init *i, struct request *q)
{
	if (i->cgroup < 0 && i->task_count == 0 && leaf_is_directory(q->fds[0]))
		i->cgroup = TAKE_FD(q->fds[0]);
}

static int on_hello(struct init *i, int *channel, struct request *q)
{
	char room[REPORT_BYTES] __attribute__((aligned(8)));
	struct frame_writer w;

	take_cgroup(i, q);
	frame_begin(&w, room, sizeof(room), FRAME_WELCOME);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	frame_put_text(&w, FRAME_TAG_SLICE, i->slice);
	frame_put_u32(&w, FRAME_TAG_PID, (uint32_t)getpid());
	frame_put_u32(&w, FRAME_TAG_ABILITIES,
		      FRAME_ABILITY_NETNS | FRAME_ABILITY_MEMORY | FRAME_ABILITY_CPUS |
			      FRAME_ABILITY_KEEP);
	if (frame_end(&w) < 0)
		return -EMSGSIZE;
	channel_send(channel, room, w.size);
	list_each (item, next, &i->tasks) {
		size_t size = report_encode(container_of(item, struct task, link), room);

		channel_send(channel, room, size);
	}
	return ANSWERED;
}

static int on_start(struct init *i, int *channel, struct request *q)
{
	int fds[TASK_FDS], r;

	(void)channel; /* the status goes to all */
	if (q->fds_lost)
		return -EMFILE;
	if (q->task[0] && task_find(i, q->task))
		return -EEXIST;
	for (int k = 0; k < REQUEST_FDS; k++)
		fds[k] = TAKE_FD(q->fds[k]);
	r = task_start(i, q->packet, q->size, fds);
	return r < 0 ? r : ANSWERED;
}

static int on_signal(struct init *i, int *channel, struct request *q)
{
	struct task *t = task_find(i, q->task);

	(void)channel;
	if (!t)
		return -ENOENT;
	if (q->signal < 1 || q->signal >= NSIG)
		return -EINVAL;
	return task_signal(t, (int)q->signal);
}

static int on_stop(struct init *i, int *channel, struct request *q)
{
	struct task *t = task_find(i, q->task);

	(void)channel;
	if (!t)
		return -ENOENT;
	task_stop(t, q->has_grace ? q->grace_usec : t->order.grace_usec);
	return 0;
}

static int on_forget(struct init *i, int *channel, struct request *q)
{
	struct task *t = task_find(i, q->task);

	(void)channel;
	if (!t)
		return -ENOENT;
	if (task_active(t))
		return -EBUSY;
	task_free(t);
	return 0;
}

static int on_quit(struct init *i, int *channel, struct request *q)
{
	(void)channel;
	(void)q;
	request_quit(i, false);
	return ANSWERED; /* by the end of the connection */
}

/* They are an agent's before it: what it takes the kernel to let go of them is no tasks' time. */
static int on_keep(struct init *i, int *channel, struct request *q)
{
	_Static_assert((int)INIT_KEPT_MAX == (int)REQUEST_FDS, "all that a frame can bring");

	(void)channel;
	for (int k = 0; k < INIT_KEPT_MAX; k++) {
		close_fd(i->kept[k]);
		i->kept[k] = TAKE_FD(q->fds[k]);
	}
	return ANSWERED; /* nobody waits for it */
}

static const struct {
	enum frame_type type;
	int (*run)(struct init *, int *channel, struct request *);
} handlers[] = {
	{ FRAME_HELLO, on_hello }, { FRAME_START, on_start },	{ FRAME_SIGNAL, on_signal },
	{ FRAME_STOP, on_stop },   { FRAME_FORGET, on_forget }, { FRAME_QUIT, on_quit },
	{ FRAME_KEEP, on_keep },
};

void request_quit(struct init *i, bool with_grace)
{
	i->quitting = true;
	list_each (item, next, &i->tasks) {
		struct task *t = container_of(item, struct task, link);

		task_stop(t, with_grace ? t->order.grace_usec : 0);
	}
}

/* The fields that several requests share; START's own are the order's. */
static int read_fields(struct request *q, struct frame_reader *reader)
{
	static const uint64_t longest_usec = (uint64_t)366 * 86400 * 1000000;
	struct frame_field field;
	int r = 0;

	while (r == 0 && frame_next(reader, &field) > 0) {
		if (field.tag == FRAME_TAG_TASK) {
			r = order_name(&field, q->task);
		} else if (field.tag == FRAME_TAG_SIGNAL) {
			r = frame_u32(&field, &q->signal);
		} else if (field.tag == FRAME_TAG_GRACE_USEC) {
			r = frame_u64(&field, &q->grace_usec);
			q->has_grace = true;
			if (q->grace_usec > longest_usec)
				q->grace_usec = longest_usec; /* sums stay far from 2^64 */
		}
	}
	return r;
}

static void answer(int *channel, const char *task, int r)
{
	char room[ANSWER_BYTES] __attribute__((aligned(8)));
	struct frame_writer w;

	frame_begin(&w, room, sizeof(room), FRAME_RESULT);
	frame_put_text(&w, FRAME_TAG_TASK, task);
	frame_put_u32(&w, FRAME_TAG_ERRNO, (uint32_t)-r);
	if (frame_end(&w) == 0)
		channel_send(channel, room, w.size);
}

int request_handle(struct init *i, int *channel, struct request *q)
{
	struct frame_reader reader;
	uint32_t version, type;
	int r;

	if (frame_open(&reader, q->packet, q->size, &version, &type) < 0 || version > FRAME_VERSION)
		return -EBADMSG;
	for (size_t k = 0; k < ARRAY_SIZE(handlers); k++) {
		if (handlers[k].type != type)
			continue;
		r = read_fields(q, &reader);
		if (r == 0)
			r = handlers[k].run(i, channel, q);
		if (r != ANSWERED)
			answer(channel, q->task, r);
	}
	return 0; /* a type of a newer agent is skipped */
}
