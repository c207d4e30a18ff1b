/* SPDX-License-Identifier: Apache-2.0 */
/* Supervision; see supervise.h. The state table decides; this file copies facts and tells. */
#include "supervise.h"

#include "enforce.h"
#include "freeze.h"
#include "launch.h"
#include "manager.h"
#include "network.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of reeve-init's states: what happened, and the event when it leads to a new state. */
static const struct {
	enum task_happening happening;
	enum event_kind event;
} heard[] = {
	[FRAME_STATE_RUNNING] = { TASK_HAPPENING_STARTED, EVENT_TASK_STARTED },
	[FRAME_STATE_STOPPING] = { TASK_HAPPENING_STOP_ASKED, EVENT_TASK_STOPPING },
	[FRAME_STATE_WAITING] = { TASK_HAPPENING_WILL_RESTART, EVENT_TASK_WAITING },
	[FRAME_STATE_ENDED] = { TASK_HAPPENING_ENDED, EVENT_TASK_EXITED },
	[FRAME_STATE_FAILED] = { TASK_HAPPENING_START_FAILED, EVENT_TASK_FAILED },
};

static void report(struct slice *s, struct slice_task *t, enum event_kind kind)
{
	_cleanup_json_ json_t *document = slice_task_document(s, t);
	_cleanup_free_ char *text = document ? json_text(document) : NULL;
	const struct event_about about = { .slice = s->id, .task = t->name };

	if (journal_report(s->manager->journal, kind, &about, text) < 0)
		log_error(&(struct log_about){ .slice = s->id, .task = t->name },
			  "an event was lost: out of memory");
}

static void keep_record(struct slice *s, const struct slice_task *t)
{
	_cleanup_json_ json_t *document = slice_task_document(s, t);
	_cleanup_json_ json_t *record = NULL;
	_cleanup_free_ char *text = NULL;
	struct fail why = { 0 };

	if (!s->manager->store || !document)
		return;
	record = json_pack("{s:O,s:O,s:I,s:I,s:I,s:I,s:I,s:I}", "request", t->request, "status",
			   document, "start_time", (json_int_t)t->start_time, "started_usec",
			   (json_int_t)t->started_usec, "ended_usec", (json_int_t)t->ended_usec,
			   "cpu_user_usec", (json_int_t)t->cpu_user_usec, "cpu_system_usec",
			   (json_int_t)t->cpu_system_usec, "memory_peak_bytes",
			   (json_int_t)t->memory_peak_bytes);
	text = record ? json_text(record) : NULL;
	if (text && store_put_task(s->manager->store, s->id, t->name, text, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id, .task = t->name }, "%s", why.text);
}

static void set_reason(struct slice_task *t, const char *what, const char *why)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s%s%s", what, why ? ": " : "",
		       why ? why : ""); /* may be cut */
	free(t->reason);
	t->reason = strdup(text);
}

static const char *why_not_started(const struct channel_status *status)
{
	if (strcmp(status->stage, "set_mempolicy") == 0 && status->error == EINVAL)
		return "this kernel does not know that memory policy, or not for these nodes";
	return strerror((int)status->error);
}

static void copy_facts(struct slice_task *t, const struct channel_status *status)
{
	t->pid = status->state == FRAME_STATE_RUNNING || status->state == FRAME_STATE_STOPPING
			 ? status->pid
			 : 0;
	t->start_time = status->start_time;
	t->started_usec = status->started_usec ? status->started_usec : t->started_usec;
	t->ended_usec = status->ended_usec;
	t->exit_code = status->exit_code;
	t->exit_signal = status->exit_signal;
	t->oom_killed = status->oom_killed;
	t->restarts = status->restarts;
	t->cpu_user_usec = status->cpu_user_usec;
	t->cpu_system_usec = status->cpu_system_usec;
	t->memory_peak_bytes = status->memory_peak_bytes;
	if (status->state == FRAME_STATE_FAILED)
		set_reason(t, status->stage[0] ? status->stage : "start", why_not_started(status));
	else if (status->oom_killed > 0 && !t->reason)
		set_reason(t, "the kernel's OOM killer took processes of it", NULL);
}

/* What is over need not be kept by reeve-init any more: its table is small. */
static void release_in_init(struct slice *s, const struct slice_task *t)
{
	if (s->channel)
		(void)channel_order(
			s->channel, /* it is asked again when the slice goes */
			&(struct channel_order){ .type = FRAME_FORGET, .task = t->name }, NULL);
}

/* The oldest ended tasks make room for new ones. */
static void drop_oldest(struct slice *s)
{
	size_t cursor = 0;

	if (map_count(s->tasks) <= s->manager->config->tasks_per_slice)
		return;
	for (struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));)
		if (task_is_over(t->state) && list_empty(&t->waiters)) {
			supervise_forget(s, t->name);
			return;
		}
}

static struct slice_task *find_or_add(struct slice *s, const char *name)
{
	struct slice_task *t = slice_task_find(s, name);
	_cleanup_json_ json_t *nothing = NULL;

	if (t)
		return t;
	nothing = json_object();
	return nothing && slice_task_add(s, name, nothing, &t) == 0 ? t : NULL;
}

void supervise_status(struct slice *s, const struct channel_status *status)
{
	struct slice_task *t;
	int next;

	if (status->state > FRAME_STATE_FAILED || !(t = find_or_add(s, status->task)))
		return;
	next = task_next(t->state, heard[status->state].happening);
	if (next < 0)
		return; /* late or repeated */
	if ((enum task_state)next == t->state && t->pid == status->pid &&
	    t->restarts == status->restarts)
		return; /* said again, after a reconnect */
	t->state = (enum task_state)next;
	copy_facts(t, status);
	if (s->frozen && t->state == TASK_RUNNING) /* reeve-init has started it again */
		freeze_task(s, t);
	report(s, t, heard[status->state].event);
	slice_task_notify(s, t);
	t = slice_task_find(s, status->task);
	if (!t)
		return;
	keep_record(s, t);
	if (task_is_over(t->state)) {
		network_leave(s, t);
		release_in_init(s, t);
		drop_oldest(s);
		enforce_task_ended(s);
	}
}

static void end_without_init(struct slice *s, struct slice_task *t, enum task_happening happening,
			     enum event_kind event)
{
	int next = task_next(t->state, happening);

	if (next < 0)
		return;
	t->state = (enum task_state)next;
	t->pid = 0;
	report(s, t, event);
	keep_record(s, t);
	network_leave(s, t);
	slice_task_notify(s, t);
}

void supervise_not_started(struct slice *s, struct slice_task *t, const char *why)
{
	set_reason(t, why, NULL);
	end_without_init(s, t, TASK_HAPPENING_START_FAILED, EVENT_TASK_FAILED);
	drop_oldest(s);
}

void supervise_result(struct slice *s, const char *task, int error)
{
	struct slice_task *t = slice_task_find(s, task);

	if (error == 0 || !t || t->state != TASK_STARTING)
		return;
	if (error == -ENOENT && t->stopping) /* its network was being joined */
		set_reason(t, "it was stopped before it had started", NULL);
	else
		set_reason(t, "reeve-init refused it", strerror(-error));
	end_without_init(s, t, TASK_HAPPENING_START_FAILED, EVENT_TASK_FAILED);
	drop_oldest(s);
}

/* Field 22 of /proc/PID/stat, counted from behind the name, which may hold anything; 0: gone. */
static uint64_t start_ticks(const struct host *host, pid_t pid)
{
	char path[32], line[1024];
	const char *place;

	(void)snprintf(path, sizeof(path), "%d/stat", (int)pid); /* fits */
	if (fs_read_line(host->proc_fd, path, line, sizeof(line)) < 0)
		return 0;
	place = strrchr(line, ')');
	for (int field = 2; place && field < 22; field++)
		place = strchr(place + 1, ' ');
	return place ? strtoull(place, NULL, 10) : 0;
}

/* Without a cgroup nobody else takes down what a reeve-init that was killed has left behind. A task
 * leads a process group of its own; its number is its own while it started when it did. */
static void kill_orphan(const struct slice *s, const struct slice_task *t)
{
	if (s->cgroup_fd >= 0 || t->pid <= 1 || t->start_time == 0 ||
	    start_ticks(s->manager->host, t->pid) != t->start_time)
		return;
	if (kill(-t->pid, SIGKILL) < 0)
		log_debug(&(struct log_about){ .slice = s->id, .task = t->name },
			  "its processes are gone already");
}

void supervise_all_lost(struct slice *s, const char *reason)
{
	size_t cursor = 0;

	for (struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));) {
		if (task_is_over(t->state))
			continue;
		kill_orphan(s, t);
		set_reason(t, reason, NULL);
		t->ended_usec = s->manager->host->realtime_usec(s->manager->host);
		end_without_init(s, t, TASK_HAPPENING_LOST, EVENT_TASK_LOST);
	}
}

static int order(struct slice *s, const struct channel_order *o, struct fail *f)
{
	if (!s->channel)
		return fail_set(f, -EAGAIN, "slice %s has no connection to its reeve-init", s->id);
	return channel_order(s->channel, o, f);
}

int supervise_signal(struct slice *s, struct slice_task *t, int signal, struct fail *f)
{
	if (task_is_over(t->state))
		return fail_code(f, -EBUSY, "task-over", "task %s of slice %s is over: %s", t->name,
				 s->id, task_state_to_string(t->state));
	return order(s,
		     &(struct channel_order){
			     .type = FRAME_SIGNAL, .task = t->name, .signal = (uint32_t)signal },
		     f);
}

int supervise_stop(struct slice *s, struct slice_task *t, uint64_t grace_usec, struct fail *f)
{
	if (task_is_over(t->state))
		return 0;
	t->stopping = true;
	return order(s,
		     &(struct channel_order){
			     .type = FRAME_STOP, .task = t->name, .grace_usec = &grace_usec },
		     f);
}

void supervise_forget(struct slice *s, const char *task)
{
	if (s->manager->store)
		(void)store_remove_task(s->manager->store, s->id, task); /* goes with its slice */
	launch_forget_log(s, task);
	slice_task_remove(s, task);
}
