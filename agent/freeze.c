/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing and thawing; see freeze.h. The kernel tells by cgroup.events when the last process of a
 * cgroup stands still; a process in an uninterruptible wait can take its time, so there is a
 * deadline, and then all of it is undone. */
#include "freeze.h"

#include "carve.h"
#include "cgroups/tree.h"
#include "manager.h"
#include "parts.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

enum { FREEZE_LIMIT_USEC = 10 * 1000000 };

struct watched {
	char *name; /* of the task */
	int cgroup;
	sd_event_source *events;
};

struct freeze {
	bool frozen; /* what it is to be */
	struct watched *items;
	size_t count;
	sd_event_source *deadline;
	struct slice_waiter *waiter;
};

static void freeze_done(struct freeze *z)
{
	for (size_t i = 0; i < z->count; i++) {
		sd_event_source_disable_unref(z->items[i].events);
		close_fd(z->items[i].cgroup);
		free(z->items[i].name);
	}
	sd_event_source_disable_unref(z->deadline);
	free(z->items);
}

static struct freeze *freeze_free(struct freeze *z)
{
	if (z)
		freeze_done(z);
	free(z);
	return NULL;
}

static inline void freeze_freep(struct freeze **z)
{
	freeze_free(*z);
}

/* The cgroups of the slice's tasks, whoever knows of them, or of its parts; one that goes meanwhile
 * is left out. */
static int open_leaves(const struct slice *s, struct freeze *z)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t count = 0;
	int r = cg_children(s->cgroup_fd, &names, &count);

	if (r < 0)
		return r;
	z->items = calloc(count + 1, sizeof(*z->items));
	if (!z->items)
		return -ENOMEM;
	for (char **name = names; *name; name++) {
		struct watched *w = &z->items[z->count];

		if (strcmp(*name, "init") == 0 || cg_open(s->cgroup_fd, *name, &w->cgroup) < 0)
			continue;
		z->count++;
		w->name = strdup(*name);
		if (!w->name)
			return -ENOMEM;
	}
	return 0;
}

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

static int write_all(const struct freeze *z, bool frozen, struct fail *f)
{
	for (size_t i = 0; i < z->count; i++) {
		int r = cg_freeze(z->items[i].cgroup, frozen);

		if (r < 0 && !is_gone(r))
			return fail_set(f, r, "cgroup.freeze of task %.64s: %s", z->items[i].name,
					strerror(-r));
	}
	return 0;
}

/* The first that is not there yet; NULL: all are. */
static const char *missing(const struct freeze *z)
{
	for (size_t i = 0; i < z->count; i++) {
		bool frozen = !z->frozen;
		int r = cg_frozen(z->items[i].cgroup, &frozen);

		if (!is_gone(r) && (r < 0 || frozen != z->frozen))
			return z->items[i].name;
	}
	return NULL;
}

static void tell(struct slice *s, const struct fail *why)
{
	struct slice_waiter *w = s->freeze->waiter;

	s->freeze = freeze_free(s->freeze);
	w->done(s, why, w->userdata);
}

void freeze_drop(struct slice *s)
{
	struct fail why = { 0 };

	if (!s->freeze)
		return;
	fail_set(&why, -ECANCELED, "slice %s or its agent went meanwhile", s->id);
	tell(s, &why);
}

/* The kernel may have told of the last one already: then nothing else comes. */
static bool end_if_done(struct slice *s)
{
	struct freeze *z = s->freeze;

	if (missing(z))
		return false;
	if (s->frozen != z->frozen) {
		s->frozen = z->frozen;
		slice_report(s, s->frozen ? EVENT_SLICE_FROZEN : EVENT_SLICE_THAWED, NULL);
		carve_keep_record(s);
	}
	tell(s, NULL);
	return true;
}

static void give_up(struct slice *s, const struct fail *why)
{
	struct fail ignored = { 0 };

	if (write_all(s->freeze, s->frozen, &ignored) < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "some of its tasks are not as they were: %s", ignored.text);
	tell(s, why);
}

static int on_events(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	(void)source;
	(void)event;
	(void)end_if_done(userdata);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;
	const char *task = missing(s->freeze);
	struct fail why = { 0 };

	(void)source;
	(void)usec;
	if (end_if_done(s))
		return 0;
	fail_code(&why, -ETIMEDOUT, "freeze-late",
		  "task %.64s of slice %s does not %s within %d s: nothing has changed", task,
		  s->id, s->freeze->frozen ? "stand still" : "run", FREEZE_LIMIT_USEC / 1000000);
	give_up(s, &why);
	return 0;
}

static int watch_all(struct slice *s, struct freeze *z)
{
	int r = sd_event_add_time_relative(s->manager->loop, &z->deadline, CLOCK_MONOTONIC,
					   FREEZE_LIMIT_USEC, 0, on_late, s);

	for (size_t i = 0; r >= 0 && i < z->count; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/cgroup.events",
			       z->items[i].cgroup); /* fits */
		r = sd_event_add_inotify(s->manager->loop, &z->items[i].events, path, IN_MODIFY,
					 on_events, s);
		if (is_gone(r))
			r = 0;
	}
	return r < 0 ? r : 0;
}

static int may_start(const struct slice *s, struct fail *f)
{
	int r = slice_may_change(s, f);

	if (r < 0)
		return r;
	if (s->cgroup_fd < 0 || !fs_exists(s->leaf_fd, "cgroup.freeze"))
		return fail_code(f, -EOPNOTSUPP, "no-freezer",
				 "freezing needs a cgroup v2 of the slice's own (with "
				 "cgroup.freeze, Linux 5.2), and there is none");
	return 0;
}

/* A part of a mixed slice is the child that its tasks are below. */
static bool is_in(const struct slice *s, const struct slice_task *t, const char *child)
{
	_cleanup_free_ char *path = parts_leaf(s, t);
	const size_t n = strlen(child);

	/* Without memory it may be. */
	return !path || (strncmp(path, child, n) == 0 && (path[n] == 0 || path[n] == '/'));
}

const struct slice_task *freeze_starting(const struct slice *s, const char *child)
{
	size_t cursor = 0;

	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));)
		if (t->state == TASK_STARTING && (!child || is_in(s, t, child)))
			return t;
	return NULL;
}

static int none_starts(const struct slice *s, struct fail *f)
{
	const struct slice_task *t = freeze_starting(s, NULL);

	return t ? fail_code(f, -EBUSY, "slice-busy", "task %s of slice %s is starting", t->name,
			     s->id)
		 : 0;
}

int freeze_start(struct slice *s, bool frozen, struct slice_waiter *waiter, struct fail *f)
{
	_cleanup_(freeze_freep) struct freeze *z = NULL;
	int r = may_start(s, f);

	if (r == 0 && frozen)
		r = none_starts(s, f);
	if (r < 0)
		return r;
	z = calloc(1, sizeof(*z));
	if (!z)
		return fail_set(f, -ENOMEM, "out of memory");
	z->frozen = frozen;
	z->waiter = waiter;
	r = open_leaves(s, z);
	if (r == 0)
		r = watch_all(s, z);
	if (r < 0)
		return fail_set(f, r, "the tasks of slice %s cannot be watched: %s", s->id,
				strerror(-r));
	r = write_all(z, frozen, f);
	if (r < 0) {
		(void)write_all(z, s->frozen, NULL); /* the refusal is told */
		return r;
	}
	s->freeze = TAKE_PTR(z);
	(void)end_if_done(s);
	return 0;
}

static void write_leaves(struct slice *s, bool frozen)
{
	_cleanup_(freeze_done) struct freeze z = { 0 };
	struct fail why = { 0 };

	if (s->cgroup_fd < 0)
		return;
	if (open_leaves(s, &z) < 0 || write_all(&z, frozen, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "not all its tasks can be %s: %s", frozen ? "frozen" : "thawed",
			    why.text);
}

void freeze_release(struct slice *s, bool thaw)
{
	bool standing = s->frozen || s->freeze;
	struct fail why = { 0 };

	if (s->freeze) {
		fail_code(&why, -EBUSY, "slice-deleted", "slice %s is being deleted", s->id);
		tell(s, &why);
	}
	if (standing && thaw)
		write_leaves(s, false);
	s->frozen = s->frozen && !thaw;
}

void freeze_task(struct slice *s, const struct slice_task *t)
{
	_cleanup_close_ int leaf = -1;

	if (parts_open_leaf(s, t, &leaf) == 0 && cg_freeze(leaf, true) < 0)
		log_warning(&(struct log_about){ .slice = s->id, .task = t->name },
			    "it runs in a slice that is frozen");
}

static bool one_is_frozen(const struct slice *s)
{
	_cleanup_(freeze_done) struct freeze z = { 0 };
	bool frozen = false;

	(void)open_leaves(s, &z); /* as far as they could be opened */
	for (size_t i = 0; i < z.count; i++) {
		uint64_t value = 0;

		frozen |= fs_read_u64(z.items[i].cgroup, "cgroup.freeze", &value) == 0 && value;
	}
	return frozen;
}

void freeze_adopt(struct slice *s, bool frozen)
{
	s->frozen = s->cgroup_fd >= 0 && (frozen || one_is_frozen(s));
}

void freeze_settle(struct slice *s)
{
	if (s->frozen)
		write_leaves(s, true);
}
