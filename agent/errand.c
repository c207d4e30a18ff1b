/* SPDX-License-Identifier: Apache-2.0 */
/* Errands; see errand.h. The agent's children are reaped by the kernel (SA_NOCLDWAIT), so the end
 * of the answer is the end of the errand. */
#include "errand.h"

#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, ANSWER_FD = 3 };

struct errand {
	struct errand_order order;
	int pidfd, answer;
	struct buf buf;
	sd_event_source *io, *deadline;
	bool reading, freed;
};

/* As a program expects it, and gone when the agent is. */
static void settle_child(pid_t parent)
{
	const struct sigaction initial = { .sa_handler = SIG_DFL };
	_cleanup_close_ int fd = -1;
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before that */
		_exit(1);
	(void)sigaction(SIGCHLD, &initial, NULL);
	(void)sigaction(SIGTERM, &initial, NULL);
	(void)sigaction(SIGINT, &initial, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	/* The agent is kept from the kernel's out-of-memory killer, and this is not. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	(void)!write(fd, "0", 1); /* refused where it is above */
}

/* The answer and what is kept, in this order, from ANSWER_FD on; all else is closed. */
static int place_descriptors(const struct errand_order *order, int answer)
{
	int fds[1 + ERRAND_KEPT_MAX] = { answer };
	const int count = 1 + (int)order->kept_count;

	for (int i = 1; i < count; i++)
		fds[i] = order->kept[i - 1];
	for (int i = 0; i < count; i++) /* out of the way of their targets first */
		if (fds[i] >= 0)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, ANSWER_FD + count);
	for (int i = 0; i < count; i++) {
		if (fds[i] < 0)
			(void)close(ANSWER_FD + i); /* there may be none */
		else if (dup3(fds[i], ANSWER_FD + i, O_CLOEXEC) < 0)
			return -errno;
	}
	/* Linux 5.9; marked CLOEXEC where not */
	(void)close_range((unsigned)(ANSWER_FD + count), ~0U, 0);
	return fds[0] < 0 ? -EMFILE : 0;
}

static _Noreturn void child_main(const struct errand_order *order, int answer, pid_t parent)
{
	settle_child(parent);
	if (place_descriptors(order, answer) < 0)
		_exit(1);
	order->run(order->argument, ANSWER_FD);
	_exit(0);
}

static void finish(struct errand *e, int error)
{
	const char *text = e->buf.data ? e->buf.data : "";
	struct fail why = { 0 };

	e->io = sd_event_source_disable_unref(e->io);
	e->deadline = sd_event_source_disable_unref(e->deadline);
	if (error < 0 && e->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, e->pidfd, SIGKILL, NULL, 0); /* may be gone */
	if (error < 0)
		fail_set(&why, error, "%s", strerror(-error));
	e->reading = true;
	e->order.done(text, e->buf.size, error < 0 ? &why : NULL, e->order.userdata);
	e->reading = false;
	if (e->freed)
		errand_free(e);
}

static int on_answer(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct errand *e = userdata;
	char room[READ_BYTES];
	ssize_t n = read(fd, room, sizeof(room));

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		finish(e, n < 0 ? -errno : 0);
	else if (buf_append(&e->buf, room, (size_t)n) < 0)
		finish(e, buf_error(&e->buf));
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	finish(userdata, -ETIMEDOUT);
	return 0;
}

static int spawn(struct errand *e)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child_main(&e->order, ends[1], parent);
	close_fd(ends[1]);
	e->answer = ends[0];
	if (pid < 0)
		return -errno;
	e->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* gone already: its answer is there */
	return fcntl(e->answer, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int errand_start(struct errand **ret, sd_event *loop, const struct errand_order *order,
		 struct fail *f)
{
	struct errand *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return fail_set(f, -ENOMEM, "out of memory");
	e->order = *order;
	e->pidfd = e->answer = -1;
	buf_init(&e->buf, order->limit_bytes);
	r = spawn(e);
	if (r == 0)
		r = sd_event_add_io(loop, &e->io, e->answer, EPOLLIN, on_answer, e);
	if (r >= 0)
		r = sd_event_add_time_relative(loop, &e->deadline, CLOCK_MONOTONIC,
					       order->limit_usec, order->limit_usec / 100 + 1,
					       on_late, e);
	if (r < 0) {
		errand_free(e);
		return fail_set(f, r, "a child cannot be started: %s", strerror(-r));
	}
	*ret = e;
	return 0;
}

struct errand *errand_free(struct errand *e)
{
	if (!e)
		return NULL;
	e->freed = true;
	if (e->reading)
		return NULL; /* finish() comes back for it */
	if (e->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, e->pidfd, SIGKILL, NULL, 0); /* may be gone */
	sd_event_source_disable_unref(e->io);
	sd_event_source_disable_unref(e->deadline);
	close_fd(e->pidfd);
	close_fd(e->answer);
	buf_done(&e->buf);
	free(e);
	return NULL;
}
