/* SPDX-License-Identifier: Apache-2.0 */
/* Handing back; see handback.h. A slice with leaks stays in the map of slices, so that everybody
 * can see it, and in the store, so that the next agent goes on looking. */
#include "handback.h"

#include "carve.h"
#include "enforce.h"
#include "hold.h"
#include "launch.h"
#include "leftovers.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	LOOK_FIRST_USEC = 1000000, /* until it is looked again for what has not come back */
	LOOK_LAST_USEC = 60 * 1000000,
};

void handback_stuck(struct slice *s, const struct fail *why)
{
	s->state = SLICE_DELETING;
	s->stuck = true;
	s->removals = 0;
	log_error(&(struct log_about){ .slice = s->id, .code = "leak" },
		  "what it held is not given back: %s", why ? why->text : "unknown");
	slice_report(s, EVENT_SLICE_FAILED, why);
	slice_notify(s, why);
}

/* Nothing of it is left. */
static void gone(struct slice *s)
{
	struct manager *m = s->manager;
	struct fail reason = s->failed;

	if (m->store)
		(void)store_remove_slice(m->store,
					 s->id); /* a stale record is found out at adoption */
	launch_forget_logs(s);
	if (s->announced)
		slice_report(s, EVENT_SLICE_DELETED, NULL);
	ledger_release(m->ledger, s->id);
	map_remove(m->slices, s->id);
	slice_notify(s, reason.error ? &reason : NULL);
	slice_free(s);
	enforce_pool_changed(m, NULL);
	manager_settle(m);
}

/* A core of which one CPU is not back is not free. */
static int name_cores(const struct manager *m, struct allocation *held)
{
	int r = 0;

	inventory_each (core, m->inventory, DEVICE_CORE)
		if (r == 0 && cpuset_intersects(core->core.cpus, held->cpus))
			r = cpuset_add(held->cores, core->core.number);
	return r;
}

/* Only what is not back stays out of the offers: the rest of what it held is free. */
static int shrink(struct slice *s, struct leaks *l)
{
	struct ledger *ledger = s->manager->ledger;
	int r = leaks_hold(l) ? 0 : allocation_new(&l->held);

	if (r == 0)
		r = name_cores(s->manager, l->held);
	if (r < 0)
		return r;
	l->held->slice = strdup(s->id);
	if (!l->held->slice)
		return -ENOMEM;
	ledger_release(ledger, s->id);
	return ledger_take(ledger, &l->held);
}

/* While somebody takes it down again the back end may be at work on it: its end is the next look.
 */
static int on_due(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;

	(void)source;
	(void)usec;
	if (s->stuck)
		handback_prove(s);
	return 0;
}

/* Nothing announces that a stranger closed a device: so look again, ever more seldom. */
static void look_later(struct slice *s)
{
	s->leak_wait_usec *= 2;
	if (s->leak_wait_usec < LOOK_FIRST_USEC)
		s->leak_wait_usec = LOOK_FIRST_USEC;
	if (s->leak_wait_usec > LOOK_LAST_USEC)
		s->leak_wait_usec = LOOK_LAST_USEC;
	sd_event_source_disable_unref(s->leak_due);
	s->leak_due = NULL;
	if (sd_event_add_time_relative(s->manager->loop, &s->leak_due, CLOCK_MONOTONIC,
				       s->leak_wait_usec, s->leak_wait_usec / 10, on_due, s) < 0)
		log_error(&(struct log_about){ .slice = s->id },
			  "it is not looked at again: out of memory");
}

static void keep(struct slice *s, struct leaks *l)
{
	_cleanup_free_ char *text = leaks_text(l);
	bool known = s->leaks.count > 0;
	struct fail why = { 0 };

	fail_code(&why, -EBUSY, "leak", "%s", text ? text : "out of memory");
	if (shrink(s, l) < 0)
		log_error(&(struct log_about){ .slice = s->id },
			  "the ledger could not be told what is free of it: out of memory");
	leaks_done(&s->leaks);
	s->leaks = TAKE(*l, (struct leaks){ 0 });
	if (!known) {
		handback_stuck(s, &why);
	} else { /* who tried again is answered, others know */
		s->stuck = true;
		slice_notify(s, &why);
	}
	carve_keep_record(s); /* others may hold what is free of it when the next agent reads it */
	look_later(s);
	enforce_pool_changed(s->manager, NULL);
	watch_look(s->manager->watch);
}

static void remove_dir(const struct slice *s, struct leaks *ret)
{
	int r = s->dir ? fs_remove_tree(AT_FDCWD, s->dir) : 0;
	char why[256];

	if (r == 0)
		return;
	(void)snprintf(why, sizeof(why), "its directory %s cannot be removed: %s", s->dir,
		       strerror(-r)); /* a long path may be cut */
	(void)leaks_add_note(ret, why);
}

static bool anything_left(struct slice *s, struct leaks *ret)
{
	remove_dir(s, ret);
	if (hold_left_all(s, ret) < 0) /* what was found before the memory ran out counts */
		(void)leaks_add_note(ret, "not all could be looked at: out of memory");
	return ret->count > 0 || leaks_hold(ret);
}

void handback_prove(struct slice *s)
{
	_cleanup_(leaks_done) struct leaks l = { 0 };

	s->deadline = sd_event_source_disable_unref(s->deadline);
	if (leftovers_await(s))
		return;
	if (anything_left(s, &l))
		keep(s, &l);
	else
		gone(s);
}

bool handback_inherit(struct slice *s)
{
	_cleanup_(leaks_done) struct leaks l = { 0 };

	if (!ledger_find(s->manager->ledger, s->id))
		return false;
	if (anything_left(s, &l) && map_put(s->manager->slices, s->id, s) == 0) {
		keep(s, &l);
		return true;
	}
	ledger_release(s->manager->ledger, s->id);
	return false;
}
