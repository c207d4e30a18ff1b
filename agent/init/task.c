/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a task; see task.h for its states. Every end of a run goes the same way: exit, drain,
 * settle; settle alone decides what follows. No limits are set here and nothing blocks. */
#include "init/task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/report.h"
#include "init/spawn.h"
#include "util/cleanup.h"

/* Killed processes that do not go (stuck in the kernel) are no reason to hide the exit for longer;
 * their cgroup stays. */
enum { DRAIN_USEC = 5000000 };

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* these clocks always exist */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

static uint64_t timeval_usec(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_usec;
}

struct task *task_find(struct init *i, const char *name)
{
	list_each (item, next, &i->tasks) {
		struct task *t = container_of(item, struct task, link);

		if (strcmp(t->order.name, name) == 0)
			return t;
	}
	return NULL;
}

struct task *task_of_pid(struct init *i, pid_t pid)
{
	list_each (item, next, &i->tasks) {
		struct task *t = container_of(item, struct task, link);

		if (t->pid == pid)
			return t;
	}
	return NULL;
}

bool task_active(const struct task *t)
{
	return t->phase < TASK_ENDED;
}

/* Field 22 of /proc/PID/stat (proc(5)); 0 when it cannot be told. The name in field 2 may hold
 * anything, so counting starts behind its last parenthesis. */
static uint64_t read_start_ticks(pid_t pid)
{
	char text[1024], path[32] = "/proc/", digits[16], *d = digits + sizeof(digits) - 1;
	_cleanup_close_ int fd = -1;
	const char *place;
	ssize_t n;

	*d = 0;
	for (; pid > 0; pid /= 10)
		*--d = (char)('0' + pid % 10);
	stpcpy(stpcpy(path + strlen(path), d), "/stat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	place = strrchr(text, ')');
	for (int field = 2; place && field < 22; field++)
		place = strchr(place + 1, ' ');
	return place ? strtoull(place, NULL, 10) : 0;
}

static void release_means(struct task *t) /* nothing will be started with them again */
{
	for (int i = 0; i < TASK_FDS; i++)
		t->fds[i] = close_fd(t->fds[i]);
	order_drop_packet(&t->order);
}

static bool wants_restart(const struct task *t)
{
	bool good = t->error == 0 && WIFEXITED(t->wait_status) && WEXITSTATUS(t->wait_status) == 0;

	if (t->stopping || t->init->quitting || t->restarts >= t->order.restarts_max)
		return false;
	if (t->error < 0 && t->restarts == 0)
		return false; /* it never ran: the order is wrong, and trying again will not mend it
			       */
	return t->order.restart == FRAME_RESTART_ALWAYS ||
	       (t->order.restart == FRAME_RESTART_ON_FAILURE && !good);
}

static void settle(struct task *t)
{
	t->fd = close_fd(t->fd);
	t->deadline_usec = 0;
	if (wants_restart(t)) {
		if (now_usec() - t->run_since_usec > t->backoff.max_usec)
			backoff_reset(&t->backoff);
		t->phase = TASK_WAITING;
		t->deadline_usec = now_usec() + backoff_next(&t->backoff);
	} else {
		t->phase = t->error < 0 ? TASK_FAILED : TASK_ENDED;
		release_means(t);
	}
	report_task(t);
}

static bool is_drained(struct task *t)
{
	if (t->init->cgroup < 0)
		return kill(-t->group, 0) < 0;
	return leaf_remove(t->init->cgroup, t->order.leaf, &t->facts) == 0;
}

static void kill_rest(struct task *t)
{
	if (t->init->cgroup >= 0)
		leaf_kill(t->init->cgroup, t->order.leaf);
	else if (kill(-t->group, SIGKILL) < 0 && t->pid > 0)
		(void)kill(t->pid, SIGKILL); /* it has not come to setsid() yet */
}

/* The watch is armed before the last look, so that no change falls between the two. */
static void drain(struct task *t)
{
	t->phase = TASK_DRAINING;
	if (!is_drained(t)) {
		if (t->init->cgroup >= 0)
			kill_rest(t); /* else task_before_reap() has done it, while it was safe */
		t->deadline_usec = now_usec() + DRAIN_USEC;
		if (t->init->cgroup >= 0)
			t->fd = leaf_watch(t->init->cgroup, t->order.leaf);
		if (!is_drained(t))
			return;
	}
	settle(t);
}

static int spawn(struct task *t)
{
	struct spawn s = { .order = &t->order,
			   .stdio = t->fds,
			   .netns = t->fds[TASK_FD_NETNS],
			   .slice = t->init->cgroup };
	int r;

	t->stage = "mkdir";
	r = s.slice < 0 ? 0 : leaf_make(s.slice, t->order.leaf);
	if (r < 0)
		return r;
	t->stage = "memory.oom.group";
	r = s.slice < 0 ? 0 : leaf_kill_together(s.slice, t->order.leaf, !t->order.oom_single);
	if (r < 0) {
		(void)leaf_remove(s.slice, t->order.leaf, &t->facts); /* it is empty */
		return r;
	}
	t->stage = "clone";
	r = spawn_start(&s, &t->pid, &t->fd);
	if (r < 0 && s.slice >= 0)
		(void)leaf_remove(s.slice, t->order.leaf, &t->facts); /* it is empty */
	return r;
}

static void launch(struct task *t)
{
	t->phase = TASK_STARTING;
	t->deadline_usec = 0;
	t->has_exited = false;
	t->start_ticks = 0;
	t->run_since_usec = now_usec();
	t->error = spawn(t);
	if (t->error < 0) {
		settle(t);
		return;
	}
	t->group = t->pid;
	t->started_usec = clock_usec(CLOCK_REALTIME);
}

static void on_exec(struct task *t)
{
	int r = spawn_result(t->fd, &t->stage);

	if (r == SPAWN_PENDING)
		return;
	t->fd = close_fd(t->fd);
	t->error = r;
	if (r < 0)
		return; /* the child is about to exit; its end is waited for as any other */
	t->phase = TASK_RUNNING;
	t->has_run = true;
	t->start_ticks = read_start_ticks(t->pid);
	if (t->order.restart == FRAME_RESTART_NEVER)
		release_means(t);
	report_task(t);
}

void task_on_fd(struct task *t)
{
	if (t->phase == TASK_STARTING) {
		on_exec(t);
	} else if (t->phase == TASK_DRAINING) {
		leaf_watch_read(t->fd);
		if (is_drained(t))
			settle(t);
	}
}

void task_on_orphan(struct task *t)
{
	if (t->phase == TASK_DRAINING && is_drained(t))
		settle(t);
}

void task_on_deadline(struct task *t)
{
	t->deadline_usec = 0;
	if (t->phase == TASK_WAITING) {
		t->restarts++;
		launch(t);
	} else if (t->phase == TASK_DRAINING) {
		if (t->init->cgroup >= 0)
			leaf_read_facts(t->init->cgroup, t->order.leaf, &t->facts);
		settle(t);
	} else {
		kill_rest(t);
	}
}

/* While the zombie holds its pid, no other process group can have that number. */
void task_before_reap(struct task *t)
{
	if (t->init->cgroup < 0)
		(void)kill(-t->group, SIGKILL); /* the zombie itself is in it: nothing to fail */
}

void task_on_exit(struct task *t, int wait_status, const struct rusage *usage)
{
	uint64_t resident = (uint64_t)usage->ru_maxrss * 1024;

	if (t->phase == TASK_STARTING)
		on_exec(t);
	t->pid = 0;
	t->fd = close_fd(t->fd);
	t->wait_status = wait_status;
	t->has_exited = t->error == 0;
	t->ended_usec = clock_usec(CLOCK_REALTIME);
	t->cpu_user_usec += timeval_usec(&usage->ru_utime);
	t->cpu_system_usec += timeval_usec(&usage->ru_stime);
	if (resident > t->resident_peak_bytes)
		t->resident_peak_bytes = resident;
	drain(t);
}

int task_signal(struct task *t, int signal)
{
	if (t->pid <= 0)
		return -ESRCH;
	if (t->init->cgroup >= 0)
		return leaf_signal(t->init->cgroup, t->order.leaf, signal);
	if (kill(-t->group, signal) == 0 || kill(t->pid, signal) == 0)
		return 0;
	return -errno;
}

static void ask_to_end(struct task *t)
{
	/* Both may find nobody: then its end is on its way to us. A stopped process sleeps through
	 * SIGTERM until it is continued. */
	(void)task_signal(t, SIGTERM);
	(void)task_signal(t, SIGCONT);
}

void task_stop(struct task *t, uint64_t grace_usec)
{
	uint64_t deadline = now_usec() + grace_usec;
	bool first = !t->stopping;

	if (!task_active(t))
		return;
	t->stopping = true;
	if (t->phase == TASK_WAITING) {
		settle(t);
		return;
	}
	if (first)
		report_task(t);
	if (t->phase == TASK_DRAINING)
		return; /* its rest is killed already */
	if (grace_usec == 0)
		kill_rest(t);
	else if (first)
		ask_to_end(t);
	if (grace_usec > 0 && (t->deadline_usec == 0 || deadline < t->deadline_usec))
		t->deadline_usec = deadline;
}

struct task *task_free(struct task *t)
{
	list_remove(&t->link);
	t->init->task_count--;
	close_fd(t->fd);
	release_means(t);
	order_done(&t->order);
	free(t);
	return NULL;
}

static int task_new(struct task **ret, struct init *i, const void *packet, size_t size)
{
	_cleanup_free_ struct task *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	r = order_init(&t->order, packet, size);
	if (r < 0)
		return r;
	t->init = i;
	t->fd = -1;
	memset(t->fds, -1, sizeof(t->fds));
	t->backoff.first_usec = t->order.backoff_first_usec;
	t->backoff.max_usec = t->order.backoff_max_usec;
	list_append(&i->tasks, &t->link);
	i->task_count++;
	*ret = TAKE_PTR(t);
	return 0;
}

static int task_add(struct task **ret, struct init *i, const void *packet, size_t size)
{
	if (i->quitting)
		return -ESHUTDOWN;
	return i->task_count >= INIT_TASKS_MAX ? -ENOSPC : task_new(ret, i, packet, size);
}

/* A namespace that was not asked for is nothing to the task. */
static int take_fds(struct task *t, const int fds[TASK_FDS])
{
	memcpy(t->fds, fds, sizeof(t->fds));
	if (!t->order.netns)
		t->fds[TASK_FD_NETNS] = close_fd(t->fds[TASK_FD_NETNS]);
	return t->order.netns && t->fds[TASK_FD_NETNS] < 0 ? -EBADF : 0;
}

int task_start(struct init *i, const void *packet, size_t size, const int fds[TASK_FDS])
{
	struct task *t;
	int r = task_add(&t, i, packet, size);

	for (int k = 0; r < 0 && k < TASK_FDS; k++)
		close_fd(fds[k]);
	if (r < 0)
		return r;
	r = take_fds(t, fds);
	if (r < 0) {
		task_free(t);
		return r;
	}
	launch(t);
	return 0;
}
