/* SPDX-License-Identifier: Apache-2.0 */
/* Carving; see carve.h. The way up: place, take in the ledger, prepare the cgroup, start
 * reeve-init, admit, enforce, connect, welcome. The way down from any step is one function:
 * retreat. */
#include "carve.h"

#include "apart.h"
#include "backend.h"
#include "channel.h"
#include "document.h"
#include "enforce.h"
#include "freeze.h"
#include "handback.h"
#include "launch.h"
#include "leftovers.h"
#include "manager.h"
#include "model/placement.h"
#include "network.h"
#include "pressure.h"
#include "resize.h"
#include "room.h"
#include "slice_limits.h"
#include "supervise.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	CREATE_LIMIT_USEC =
		30 * 1000000,		/* PID 1 may be slow (20 s on the bus); reeve-init is not */
	QUIT_LIMIT_USEC = 10 * 1000000, /* from FRAME_QUIT until its socket closes */
	REMOVE_TRY_USEC = 500 * 1000,	/* when cgroup.events stays silent */
	REMOVE_FIRST_USEC = 125,
	REMOVE_TRIES = 60,
	ABANDON_WAIT_MSEC = 1000, /* for a killed reeve-init to end, outside of the loop */
	ABANDON_TRIES = 20,
	ABANDON_PAUSE_NSEC = 20 * 1000000,
};

static void remove_resources(struct slice *s);

static int arm(struct slice *s, uint64_t usec, sd_event_time_handler_t handler)
{
	sd_event_source_disable_unref(s->deadline);
	s->deadline = NULL;
	return sd_event_add_time_relative(s->manager->loop, &s->deadline, CLOCK_MONOTONIC, usec,
					  usec / 100 + 1, handler, s);
}

static void disarm(struct slice *s)
{
	s->deadline = sd_event_source_disable_unref(s->deadline);
}

static bool init_is_gone(const struct slice *s)
{
	struct pollfd p = { .fd = s->init_fd, .events = POLLIN };

	return s->init_pid == 0 || (s->init_fd >= 0 && poll(&p, 1, 0) > 0);
}

/* Only its reeve-init can ever have been in a slice that no one was told about: once that is dead,
 * nothing is held, whatever a silent PID 1 may still keep loaded under the name. */
static bool holds_nothing(const struct slice *s)
{
	return !s->announced && init_is_gone(s);
}

static int on_still_busy(sd_event_source *source, uint64_t usec, void *userdata);

/* A process killed just now is not dead yet. */
static bool try_again(struct slice *s)
{
	return !s->announced && !init_is_gone(s) && s->removals++ < REMOVE_TRIES &&
	       arm(s, REMOVE_TRY_USEC, on_still_busy) >= 0;
}

static void on_removed(struct slice *s, int error, const struct fail *why)
{
	s->admitting = false;
	if (error < 0 && try_again(s))
		return;
	if (error < 0 && holds_nothing(s)) {
		log_warning(&(struct log_about){ .slice = s->id },
			    "what it was made of may remain: %s", why ? why->text : "unknown");
		error = 0;
	}
	if (error < 0)
		handback_stuck(s, why); /* it keeps its resources: they are not free */
	else
		handback_prove(s);
}

static int on_still_busy(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;

	(void)source;
	(void)usec;
	s->emptied = sd_event_source_disable_unref(s->emptied);
	remove_resources(s);
	return 0;
}

static int on_emptied(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct slice *s = userdata;
	bool populated = true;

	(void)source;
	(void)event;
	if (s->cgroup_fd >= 0 && cg_populated(s->cgroup_fd, &populated) == 0 && !populated)
		remove_resources(s);
	return 0;
}

static uint64_t remove_delay(unsigned tries)
{
	return tries < 11 ? REMOVE_FIRST_USEC << tries : REMOVE_TRY_USEC;
}

/* A killed process takes a moment to leave its cgroup: cgroup.events tells when the last one has.
 */
static int await_empty(struct slice *s)
{
	char path[64];

	if (s->removals++ >= REMOVE_TRIES)
		return -EBUSY;
	if (s->cgroup_fd < 0) /* nothing announces the end of processes that are not ours */
		return arm(s, remove_delay(s->removals), on_still_busy);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/cgroup.events",
		       s->cgroup_fd); /* fits */
	if (!s->emptied &&
	    sd_event_add_inotify(s->manager->loop, &s->emptied, path, IN_MODIFY, on_emptied, s) < 0)
		return -EBUSY;
	/* The kernel holds these notifications back for up to 10 ms (CGROUP_FILE_NOTIFY_MIN_INTV),
	 * and a dying process is out of its cgroup within microseconds: so look by ourselves too.
	 */
	return arm(s, remove_delay(s->removals), on_still_busy);
}

static int on_init_dead(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct slice *s = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	s->emptied = sd_event_source_disable_unref(s->emptied);
	remove_resources(s);
	return 0;
}

/* Its socket closes a little before reeve-init is dead, and until then its cgroup cannot go. Once.
 */
static bool await_init(struct slice *s)
{
	if (s->awaited || s->init_fd < 0 || init_is_gone(s))
		return false;
	s->awaited = true;
	return sd_event_add_io(s->manager->loop, &s->emptied, s->init_fd, EPOLLIN, on_init_dead,
			       s) >= 0 &&
	       arm(s, REMOVE_TRY_USEC, on_still_busy) >= 0;
}

static void remove_resources(struct slice *s)
{
	struct fail why = { 0 };
	int r;

	/* on_admitted, on_removed, its death, the end of the last network or of its room goes on */
	if (s->admitting || await_init(s) || network_await(s) || room_await(s))
		return;
	enforce_undo(s);
	s->admitting = true;
	r = s->backend->remove(s, on_removed, &why);
	if (r < 0)
		s->admitting = false;
	if (r == -EBUSY)
		r = await_empty(s) < 0 ? r : 0;
	if (r < 0)
		on_removed(s, r, &why);
}

void carve_go_on(struct slice *s)
{
	remove_resources(s);
}

/* From any step of the way up, or when reeve-init died: kill, take away, tell. */
static void retreat(struct slice *s, const struct fail *why)
{
	disarm(s);
	leftovers_look_over(s);
	if (why)
		s->failed = *why;
	s->channel = channel_free(s->channel);
	if (s->init_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, s->init_fd, SIGKILL, NULL,
			      0); /* may be gone */
	remove_resources(s);
}

static int on_create_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;
	struct fail why = { 0 };

	(void)source;
	(void)usec;
	fail_set(&why, -ETIMEDOUT, "slice %s was not ready within %d s", s->id,
		 CREATE_LIMIT_USEC / 1000000);
	retreat(s, &why);
	return 0;
}

void carve_keep_record(struct slice *s)
{
	_cleanup_json_ json_t *document = slice_document(s), *record = NULL;
	_cleanup_free_ char *text = NULL;
	struct fail why = { 0 };

	if (!s->manager->store || !document)
		return;
	record = json_pack("{s:s,s:I,s:O}", "boot_id", s->manager->boot_id, "created_usec",
			   (json_int_t)s->created_usec, "slice", document);
	if (record && (leftovers_put_record(s, record) < 0 ||
		       (resize_before(s) && json_put(record, "resizing_from",
						     document_allocation(resize_before(s))) < 0)))
		return; /* without memory the record before this one stays */
	text = record ? json_text(record) : NULL;
	if (!text || store_put_slice(s->manager->store, s->id, text, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "it will not be found again after a restart: %s", why.text);
}

static void activate(struct slice *s)
{
	disarm(s);
	s->state = SLICE_ACTIVE;
	s->announced = true;
	slice_report(s, EVENT_SLICE_CREATED, NULL);
	slice_notify(s, NULL);
	carve_keep_record(s);
	(void)enforce_follow_pool(s); /* while it was made others may have taken from the pool */
}

/* After a restart of the agent: what holds the slice is read from the kernel, not remembered. All
 * slices are in the ledger by now, since this comes from the loop. What it lacks is told in its
 * rows. */
static void hold_again(struct slice *s, const struct fail *lack)
{
	struct fail why = { 0 };

	(void)lack;
	if (s->state != SLICE_ACTIVE)
		return;
	if (enforce_apply(s, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id, .code = why.code }, "%s",
			    why.text);
	resize_settle(s);
	freeze_settle(s);
}

/* No task runs yet. It may be on its way down again. */
static void hold_first(struct slice *s, const struct fail *lack)
{
	struct fail why = lack ? *lack : (struct fail){ 0 };

	if (s->state != SLICE_CREATING || s->failed.error)
		return;
	if (lack || enforce_apply(s, &why) < 0)
		retreat(s, &why);
	else
		activate(s);
}

/* reeve-init is up: it has pinned itself, so what holds it can be read back. */
static void on_welcome(pid_t init_pid, void *userdata)
{
	struct slice *s = userdata;
	void (*hold)(struct slice * s, const struct fail *lack) =
		s->state == SLICE_CREATING ? hold_first : hold_again;
	struct fail why = { 0 };
	int r;

	if (s->state == SLICE_DELETING)
		return;
	if (s->state == SLICE_ACTIVE)
		s->init_pid = init_pid;
	r = room_make(s, hold, &why);
	if (r != ROOM_LATER)
		hold(s, r < 0 ? &why : NULL);
}

static void on_status(const struct channel_status *status, void *userdata)
{
	supervise_status(userdata, status);
}

static void on_result(const char *task, int error, void *userdata)
{
	supervise_result(userdata, task, error);
}

/* The socket closes when reeve-init is gone: asked to (deleting), or not. */
static void on_closed(void *userdata)
{
	struct slice *s = userdata;
	struct fail why = { 0 };

	s->channel = channel_free(s->channel);
	supervise_all_lost(s, s->state == SLICE_DELETING ? "the slice was deleted"
							 : "its reeve-init is gone");
	if (s->state == SLICE_DELETING) {
		retreat(s, NULL);
		return;
	}
	fail_code(&why, -EIO, "init-gone", "the reeve-init of slice %s ended unexpectedly", s->id);
	log_error(&(struct log_about){ .slice = s->id, .code = why.code }, "%s", why.text);
	if (s->state == SLICE_ACTIVE) {
		slice_report(s, EVENT_SLICE_FAILED, &why);
		s->state = SLICE_DELETING;
		retreat(s, NULL);
	} else {
		retreat(s, &why);
	}
}

int carve_connect(struct slice *s, struct fail *f)
{
	static const struct channel_events events = {
		.welcome = on_welcome,
		.status = on_status,
		.result = on_result,
		.closed = on_closed,
	};

	return channel_open(&s->channel, s->manager->loop,
			    &(struct channel_target){ .dir = s->dir, .cgroup_fd = s->cgroup_fd },
			    &events, s, f);
}

static void on_admitted(struct slice *s, int error, const struct fail *why)
{
	struct fail reason = why ? *why : (struct fail){ 0 };

	s->admitting = false;
	if (s->state != SLICE_CREATING || s->failed.error) { /* it was given up meanwhile */
		retreat(s, NULL);
		return;
	}
	if (error == 0)
		error = carve_connect(s, &reason);
	if (error < 0)
		retreat(s, &reason);
}

static int choose_name(struct manager *m, struct request *request, struct fail *f)
{
	if (request->name && map_get(m->slices, request->name))
		return fail_code(f, -EEXIST, "name-taken", "there is a slice %s already",
				 request->name);
	if (map_count(m->slices) >= m->config->slices)
		return fail_code(f, -EBUSY, "too-many-slices",
				 "there are %zu slices, the limit of this agent",
				 map_count(m->slices));
	for (unsigned i = 1; !request->name; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "slice-%u", i); /* 6 + 10 digits fit */
		if (map_get(m->slices, name))
			continue;
		request->name = strdup(name);
		if (!request->name)
			return fail_set(f, -ENOMEM, "out of memory");
	}
	return 0;
}

static int place(struct manager *m, struct request *request, struct fail *f)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct view v = manager_view(m);
	int r = apart_find(m, request);

	if (r == 0)
		r = placement_decide(&v, request, &a, f, NULL, NULL);
	apart_forget(request);
	if (r == PLACEMENT_NO_FIT)
		return f->error;
	if (r == 0 && limits_check(m, a, -1, &request->limits, f) < 0)
		return f->error;
	if (r == 0) {
		a->slice = strdup(request->name);
		r = a->slice ? ledger_take(m->ledger, &a) : -ENOMEM;
	}
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

static int new_slice(struct manager *m, struct request *request, uid_t owner_uid,
		     struct slice **ret)
{
	_cleanup_(slice_freep) struct slice *s = NULL;
	int r = slice_new(&s, m, request->name);

	if (r == 0)
		r = map_put(m->slices, request->name, s);
	if (r < 0)
		return r;
	s->request = *request;
	*request = (struct request){ 0 };
	s->owner_uid = owner_uid;
	s->backend = m->backend;
	s->created_usec = m->host->realtime_usec(m->host);
	*ret = TAKE_PTR(s);
	return 0;
}

int carve_create(struct manager *m, struct request *request, uid_t owner_uid,
		 struct slice_waiter *waiter, struct fail *f)
{
	struct fail why = { 0 };
	struct slice *s;
	int r = enforce_possible(m, request, f);

	if (r == 0)
		r = choose_name(m, request, f);
	if (r == 0)
		r = place(m, request, f);
	if (r < 0)
		return r;
	r = new_slice(m, request, owner_uid, &s);
	if (r < 0) {
		ledger_release(m->ledger, request->name);
		return fail_set(f, r, "out of memory");
	}
	list_append(&s->waiters, &waiter->link);
	enforce_pool_changed(m, NULL); /* before the new owner's tasks can meet those of the pool */
	r = arm(s, CREATE_LIMIT_USEC, on_create_late);
	if (r >= 0)
		r = s->backend->prepare(s, &why);
	if (r >= 0)
		r = launch_init(s, &why);
	if (r >= 0) {
		s->admitting = true;
		r = s->backend->admit(s, on_admitted, &why); /* may have freed it when it is 0 */
	}
	if (r < 0) {
		s->admitting = false;
		if (!why.error)
			fail_set(&why, r, "slice %s cannot be made: %s", s->id, strerror(-r));
		retreat(s, &why);
	}
	return 0;
}

static int on_quit_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;

	(void)source;
	(void)usec;
	if (s->channel)
		log_warning(&(struct log_about){ .slice = s->id },
			    "reeve-init did not end in time");
	s->channel = channel_free(s->channel);
	supervise_all_lost(s, "the slice was deleted");
	retreat(s, NULL);
	return 0;
}

/* What follows happens from the loop, never from within: callers may be walking the slice. */
static void quit(struct slice *s)
{
	const struct channel_order order = { .type = FRAME_QUIT };
	bool told = s->channel && channel_order(s->channel, &order, NULL) == 0;

	if (arm(s, told ? QUIT_LIMIT_USEC : 0, on_quit_late) < 0)
		log_error(&(struct log_about){ .slice = s->id }, "it cannot be taken down: out of "
								 "memory");
}

static int on_grace_over(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	quit(userdata);
	return 0;
}

static void on_task_over(struct slice *s, struct slice_task *t, void *userdata)
{
	(void)t;
	free(userdata);
	if (slice_tasks_alive(s) == 0 && s->state == SLICE_DELETING && s->channel)
		quit(s);
}

/* Stops every task; the last one's end leads on, or the end of the grace. */
static void stop_tasks(struct slice *s, uint64_t grace_usec)
{
	size_t cursor = 0;

	if (arm(s, grace_usec + 500000, on_grace_over) < 0) {
		quit(s);
		return;
	}
	for (struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));) {
		struct task_waiter *w;

		if (task_is_over(t->state) || !(w = calloc(1, sizeof(*w))))
			continue;
		*w = (struct task_waiter){ .until_over = true,
					   .done = on_task_over,
					   .userdata = w };
		list_append(&t->waiters, &w->link);
		(void)supervise_stop(s, t, grace_usec, NULL); /* the end of the grace helps it */
	}
}

/* Whether its end may begin: the caller is the first who wants it. */
static bool begin_end(struct slice *s, uint64_t grace_usec, struct slice_waiter *waiter)
{
	struct fail why = { 0 };

	if (s->state == SLICE_CREATING) { /* whoever waits for it to come will not see it */
		s->state = SLICE_DELETING;
		fail_code(&why, -EBUSY, "slice-deleted",
			  "slice %s was deleted while it was being made", s->id);
		slice_notify(s, s->failed.error ? &s->failed : &why);
		s->stuck = true;
	}
	resize_drop(s); /* it goes with all that it holds */
	freeze_release(s, grace_usec > 0);
	s->failed = (struct fail){ 0 }; /* whoever waits from here on wants it gone */
	if (waiter)
		list_append(&s->waiters, &waiter->link);
	if (s->state == SLICE_DELETING && !s->stuck)
		return false; /* somebody else's delete is under way: wait with it */
	s->state = SLICE_DELETING;
	s->stuck = false;
	pressure_detach(s); /* a task that stands still hears no SIGTERM */
	return true;
}

void carve_delete(struct slice *s, uint64_t grace_usec, struct slice_waiter *waiter)
{
	if (begin_end(s, grace_usec, waiter) && !leftovers_look(s, grace_usec))
		carve_end(s, grace_usec);
}

void carve_end(struct slice *s, uint64_t grace_usec)
{
	if (grace_usec > 0 && slice_tasks_alive(s) > 0)
		stop_tasks(s, grace_usec);
	else
		quit(s);
}

void carve_revoke(struct slice *s, const struct fail *why)
{
	log_notice(&(struct log_about){ .slice = s->id, .code = why->code }, "%s", why->text);
	slice_report(s, EVENT_SLICE_REVOKED, why);
	if (begin_end(s, 0, NULL)) /* its tasks were killed, and the host wants its memory now */
		carve_end(s, 0);
}

/* The loop does not run: a bounded wait for what was killed to end. */
static int remove_now(struct slice *s, struct fail *f)
{
	const struct timespec pause = { .tv_nsec = ABANDON_PAUSE_NSEC };
	int r = s->backend->remove(s, NULL, f);

	for (int i = 0; r == -EBUSY && i < ABANDON_TRIES; i++) {
		(void)nanosleep(&pause, NULL); /* a shorter wait is one more try */
		r = s->backend->remove(s, NULL, f);
	}
	return r;
}

void carve_abandon(struct slice *s)
{
	struct pollfd p = { .fd = s->init_fd, .events = POLLIN };
	struct fail why = { 0 };

	s->channel = channel_free(s->channel);
	s->room = room_free(s->room);
	if (s->init_fd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, s->init_fd, SIGKILL, NULL,
			      0);		      /* may be gone */
		(void)poll(&p, 1, ABANDON_WAIT_MSEC); /* its cgroup cannot go before it does */
	}
	enforce_undo(s);
	if (remove_now(s, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "what it was made of may remain: %s", why.text);
	if (s->dir)
		(void)fs_remove_tree(AT_FDCWD, s->dir); /* replaced when the name is used again */
}
