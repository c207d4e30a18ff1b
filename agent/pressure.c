/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers and timers; see pressure.h. What they lead to is decided in model/pressure.h and done in
 * pressure_act.c; here the two meet the loop. */
#include "pressure_internal.h"

#include "cgroups/usage.h"
#include "channel.h"
#include "hold.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Who may not set triggers of any window may set those of full two seconds (psi.rst). */
	COMMON_WINDOW_USEC = 2000000,
	TIMER_ACCURACY_USEC = 100000,
	/* When the last descriptor of a trigger is closed, the kernel waits for an RCU grace
	 * period, 8 to 24 ms (psi_trigger_destroy()). A slice that ends sooner than this never
	 * makes anybody wait; see keep_open() for the others. */
	WATCHED_AFTER_USEC = 250000,
	WATCHED_ACCURACY_USEC = 50000,
	KEEP_FRAME_BYTES = 64,
};

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void look_later(struct pressure_point *p, uint64_t usec)
{
	if (!p->timer)
		(void)sd_event_add_time_relative(p->manager->loop, &p->timer, CLOCK_MONOTONIC, usec,
						 TIMER_ACCURACY_USEC, on_timer, p);
	if (!p->timer) {
		log_error(NULL, "pressure: nobody will look whether it has ended: out of memory");
		return;
	}
	(void)sd_event_source_set_time_relative(p->timer, usec);
	(void)sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct pressure_point *p = userdata;
	struct manager *m = p->manager;
	struct cg_pressure averages;
	struct pressure_decision d;
	double avg10;

	(void)source;
	(void)usec;
	pressure_read(p, &averages, &avg10);
	d = pressure_looked(&m->config->pressure, p->rule, &p->state, avg10,
			    m->host->monotonic_usec(m->host));
	if (d.undo)
		pressure_restore(p);
	else
		pressure_act_again(p);
	if (d.look_usec)
		look_later(p, d.look_usec);
	if (d.undo && !p->slice)
		watch_look_pressure(m->watch);
	return 0;
}

static void heard(struct pressure_point *p)
{
	struct manager *m = p->manager;
	char why[PRESSURE_EVIDENCE_BYTES] = "";
	const bool can = pressure_able(p, why, sizeof(why));
	const struct pressure_decision d = pressure_fired(&m->config->pressure, p->rule, &p->state,
							  can, m->host->monotonic_usec(m->host));

	if (d.look_usec)
		look_later(p, d.look_usec);
	if (d.step)
		pressure_act(p, d.step->action, why);
	else if (d.tell)
		pressure_tell(p, &(struct pressure_story){
					 .action = "report", .evidence = why, .about = p->slice });
	if (!p->slice)
		watch_look_pressure(m->watch);
}

void pressure_heard(struct manager *m, struct slice *s, enum pressure_resource resource)
{
	struct pressure_point *p = !s		 ? &m->pressure->points[resource]
				   : s->pressure ? &s->pressure->points[resource]
						 : NULL;

	if (p && p->rule->on && (!s || s->state == SLICE_ACTIVE))
		heard(p);
}

static int on_trigger(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pressure_point *p = userdata;

	(void)fd;
	if (revents & EPOLLERR) /* the cgroup is gone, and its trigger with it: for good */
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	pressure_heard(p->manager, p->slice, p->resource);
	return 0;
}

/* The same share of a window that everybody may ask for. */
static void widen(struct cg_trigger *t)
{
	const uint64_t windows = (t->window_usec + COMMON_WINDOW_USEC - 1) / COMMON_WINDOW_USEC,
		       wide = windows * COMMON_WINDOW_USEC;

	t->stall_usec = t->stall_usec * wide / t->window_usec;
	t->window_usec = wide;
}

static int open_trigger(const struct pressure_point *p, int *ret)
{
	struct cg_trigger t = { .host = !p->slice,
				.kind = (enum cg_pressure_kind)p->resource,
				.full = p->rule->full,
				.stall_usec = p->rule->stall_usec,
				.window_usec = p->rule->window_usec };
	const int dir = p->slice ? p->slice->top_fd : p->manager->host->proc_fd;
	int r = cg_pressure_trigger(dir, &t, ret);

	if (r != -EINVAL && r != -EPERM)
		return r;
	widen(&t); /* without CAP_SYS_RESOURCE, since Linux 6.5 */
	return cg_pressure_trigger(dir, &t, ret);
}

static int arm(struct pressure_point *p)
{
	int fd = -1, r;

	if (!p->rule->on || p->trigger)
		return 0;
	r = open_trigger(p, &fd);
	if (r < 0)
		return r;
	r = sd_event_add_io(p->manager->loop, &p->trigger, fd, EPOLLPRI, on_trigger, p);
	if (r >= 0)
		r = sd_event_source_set_io_fd_own(p->trigger, true);
	if (r < 0) {
		p->trigger = sd_event_source_disable_unref(p->trigger);
		close_fd(fd);
		return r;
	}
	/* Before everything else that is due: seconds count. */
	(void)sd_event_source_set_priority(p->trigger, SD_EVENT_PRIORITY_IMPORTANT);
	return 0;
}

static void disarm(struct pressure_point *p)
{
	p->trigger = sd_event_source_disable_unref(p->trigger);
	p->timer = sd_event_source_disable_unref(p->timer);
	p->state = (struct pressure_state){ 0 };
}

static void set_points(struct pressure_point points[PRESSURE_RESOURCES], struct manager *m,
		       struct slice *s)
{
	const enum pressure_scope scope = s ? PRESSURE_SLICE : PRESSURE_HOST;

	for (size_t i = 0; i < PRESSURE_RESOURCES; i++) {
		points[i].manager = m;
		points[i].slice = s;
		points[i].resource = (enum pressure_resource)i;
		points[i].rule = &m->config->pressure.rules[scope][i];
	}
}

int pressure_new(struct pressure **ret, struct manager *m, struct fail *f)
{
	struct pressure *p = calloc(1, sizeof(*p));

	if (!p)
		return fail_set(f, -ENOMEM, "out of memory");
	set_points(p->points, m, NULL);
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++) {
		int r = arm(&p->points[i]);

		if (r < 0)
			log_warning(NULL, "%s pressure of the host is not announced here: %s",
				    pressure_resource_to_string((enum pressure_resource)i),
				    strerror(-r));
	}
	*ret = p;
	return 0;
}

struct pressure *pressure_free(struct pressure *p)
{
	for (size_t i = 0; p && i < PRESSURE_RESOURCES; i++)
		disarm(&p->points[i]);
	free(p);
	return NULL;
}

/* reeve-init ends with the slice and has nothing else to do then: it is to be the last who closes
 * them, so that neither the loop waits for the kernel at the end of a slice, nor the next agent for
 * the end of this one. Without it, or when it is of a version that cannot, the loop waits. */
static void keep_open(struct slice *s)
{
	_Alignas(8) char room[KEEP_FRAME_BYTES];
	int fds[PRESSURE_RESOURCES];
	struct frame_writer w;
	struct fail why = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < PRESSURE_RESOURCES; i++)
		if (s->pressure->points[i].trigger)
			fds[count++] = sd_event_source_get_io_fd(s->pressure->points[i].trigger);
	if (count == 0 || !s->channel || channel_can(s->channel, FRAME_ABILITY_KEEP) <= 0)
		return;
	frame_begin(&w, room, sizeof(room), FRAME_KEEP);
	frame_put_u32(&w, FRAME_TAG_VERSION, FRAME_VERSION);
	if (channel_send(s->channel, &w, fds, count, &why) < 0)
		log_debug(&(struct log_about){ .slice = s->id }, "pressure: %s", why.text);
}

static void arm_all(struct slice *s)
{
	struct pressure_slice *p = s->pressure;

	p->reason[0] = 0;
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++) {
		int r = arm(&p->points[i]);

		if (r < 0)
			(void)snprintf(p->reason, sizeof(p->reason),
				       "%s pressure is not announced: %s",
				       pressure_resource_to_string((enum pressure_resource)i),
				       strerror(-r)); /* may be cut */
	}
	keep_open(s);
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;

	(void)source;
	(void)usec;
	s->pressure->due = sd_event_source_disable_unref(s->pressure->due);
	arm_all(s);
	return 0;
}

static bool is_armed(const struct pressure_slice *p)
{
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++)
		if (p->points[i].rule->on && !p->points[i].trigger)
			return false;
	return true;
}

static void arm_soon(struct slice *s)
{
	struct pressure_slice *p = s->pressure;

	if (p->due || is_armed(p))
		return;
	if (sd_event_add_time_relative(s->manager->loop, &p->due, CLOCK_MONOTONIC,
				       WATCHED_AFTER_USEC, WATCHED_ACCURACY_USEC, on_due, s) < 0)
		arm_all(s);
}

int pressure_recover(struct slice *s)
{
	struct pressure_slice *p = s->pressure;

	if (!p) {
		p = s->pressure = calloc(1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		set_points(p->points, s->manager, s);
	}
	if (s->cgroup_fd < 0)
		return 0;
	if (!p->relief && relief_new(&p->relief, s->dir) < 0)
		return -ENOMEM;
	if (!p->recovered && relief_recover(p->relief, s->cgroup_fd) > 0)
		log_notice(&(struct log_about){ .slice = s->id },
			   "what an earlier agent had taken from its tasks for a while is given "
			   "back");
	p->recovered = true;
	return 0;
}

/* No row: it is no limit. What is not announced is said in the slice's document. */
static int take_pressure(struct slice *s, struct enforcements *rows, struct fail *f)
{
	int r = pressure_recover(s);

	(void)rows; /* see above */
	(void)f;    /* the table's own sentence is enough */
	if (r < 0)
		return r;
	if (s->top_fd >= 0 && s->cgroup_fd >= 0)
		arm_soon(s);
	else
		(void)snprintf(s->pressure->reason, sizeof(s->pressure->reason), "%s",
			       "this host has no cgroup v2 that can be written"); /* fits */
	return 0;
}

static void disarm_all(struct pressure_slice *p)
{
	p->due = sd_event_source_disable_unref(p->due);
	for (size_t i = 0; i < PRESSURE_RESOURCES; i++)
		disarm(&p->points[i]);
}

void pressure_detach(struct slice *s)
{
	struct pressure_slice *p = s->pressure;
	char evidence[PRESSURE_EVIDENCE_BYTES];

	if (!p)
		return;
	disarm_all(p);
	if (p->relief && s->cgroup_fd >= 0 && relief_bits(p->relief))
		(void)relief_set(p->relief, &(struct relief_target){ .cgroup = s->cgroup_fd }, 0,
				 evidence, sizeof(evidence)); /* it is going anyway */
}

struct pressure_slice *pressure_slice_free(struct pressure_slice *p)
{
	if (!p)
		return NULL;
	disarm_all(p);
	relief_free(p->relief);
	free(p);
	return NULL;
}

const struct hold hold_pressure = {
	.name = "pressure",
	.take = take_pressure,
	.give = pressure_detach,
};
