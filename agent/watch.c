/* SPDX-License-Identifier: Apache-2.0 */
/* Health and heartbeats; see watch.h. Memory and I/O pressure are announced by the kernel (see
 * pressure.h); the averages are read when a verdict is asked for. */
#include "watch.h"

#include "admission.h"
#include "backend.h"
#include "cgroups/usage.h"
#include "document.h"
#include "manager.h"
#include "presence.h"
#include "pressure.h"
#include "privs.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Share of wall time (percent, 10 s average) in which all non-idle tasks stalled, from which on the
 * node is not well. Memory stalls of a tenth of the time are what oomd-like tools act on; a node
 * with I/O stalled three quarters of the time does no other work. CPU has no system-wide "full". */
static const struct {
	enum cg_pressure_kind kind;
	const char *type;
	double degraded, failed;
} pressure_limits[] = {
	{ CG_PRESSURE_MEMORY, "memory-pressure", 10, 60 },
	{ CG_PRESSURE_IO, "io-pressure", 40, 95 },
};

enum { LISTENERS_MAX = 4096 };

struct listener {
	void (*beat)(const char *text, size_t size, void *userdata);
	void *userdata;
};

struct watch {
	struct manager *manager;
	sd_event_source *heartbeat;
	struct listener *listeners;
	size_t count;
};

static int tell(struct manager *m, const struct reading *c)
{
	_cleanup_json_ json_t *data =
		json_pack("{s:s,s:s,s:s,s:s*}", "subject", c->subject, "type", c->type, "verdict",
			  verdict_to_string(c->verdict), "evidence", c->evidence);
	_cleanup_free_ char *text = data ? json_text(data) : NULL;

	log_notice(&(struct log_about){ .device = c->subject }, "%s of %s is %s: %s", c->type,
		   c->subject, verdict_to_string(c->verdict), c->evidence ? c->evidence : "well");
	return journal_report(m->journal, EVENT_HEALTH_CHANGED,
			      &(struct event_about){ .device = c->subject }, text);
}

static int feed(const struct reading *r, void *userdata)
{
	struct manager *m = userdata;
	const struct condition *c = NULL;
	int k = health_feed(m->health, r, m->host->monotonic_usec(m->host), &c);

	if (k <= 0)
		return k;
	admission_wake(
		m->admission); /* what failed is no more offered, and what is well again is */
	return tell(m, &(struct reading){ .subject = c->subject,
					  .type = c->type,
					  .verdict = c->verdict,
					  .evidence = c->evidence });
}

/* A reader of events counts on hearing of the end of what was not well. */
static void forget(struct manager *m, const char *subject)
{
	size_t cursor = 0;

	for (const struct condition *c; (c = health_next(m->health, &cursor));)
		if (c->verdict != VERDICT_OK && strcmp(c->subject, subject) == 0)
			(void)tell(m, &(struct reading){ .subject = subject,
							 .type = c->type,
							 .evidence = "the device is gone and no "
								     "slice holds it" });
}

static void look_at_presence(struct manager *m)
{
	_cleanup_free_ char *gone = NULL;

	(void)presence_check(m->inventory, m->ledger, m->health, feed, m);
	for (const char *subject; (subject = presence_gone(m->inventory, m->ledger, m->health));) {
		free(gone);
		gone = strdup(subject); /* it is the health's, which is about to drop it */
		if (!gone)
			return; /* the next look forgets it */
		forget(m, gone);
		health_forget(m->health, gone);
	}
}

static void look_at_pressure(struct manager *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(pressure_limits); i++) {
		struct cg_pressure p;
		char evidence[128];
		struct reading r = { .subject = "node", .type = pressure_limits[i].type };

		if (cg_pressure_read_host(m->host, pressure_limits[i].kind, &p) < 0)
			continue; /* PSI is off: nothing is known, and nothing is claimed */
		if (p.full10 >= pressure_limits[i].degraded)
			r.verdict = p.full10 >= pressure_limits[i].failed ? VERDICT_FAILED
									  : VERDICT_DEGRADED;
		(void)snprintf(evidence, sizeof(evidence),
			       "every task stalled %.1f %% of the last 10 s (limit %.0f %%)",
			       p.full10, pressure_limits[i].degraded); /* fits */
		r.evidence = r.verdict == VERDICT_OK ? NULL : evidence;
		(void)feed(&r, m); /* without memory the next look tells */
	}
}

/* What is taken from slices for a while, for the host's sake. */
static void look_at_relief(struct manager *m)
{
	char evidence[256] = "";
	struct reading r = { .subject = "node", .type = "pressure" };

	if (m->pressure && pressure_on_host(m->pressure, evidence, sizeof(evidence))) {
		r.verdict = VERDICT_DEGRADED;
		r.evidence = evidence;
	}
	(void)feed(&r, m); /* without memory the next look tells */
}

void watch_look_pressure(struct watch *w)
{
	look_at_pressure(w->manager);
	look_at_relief(w->manager);
}

/* What the agent cannot do on this host is said once, as evidence, not hidden. */
static void look_at_means(struct manager *m)
{
	static const enum cg_controller wanted[] = { CG_CPUSET, CG_CPU, CG_MEMORY, CG_PIDS };
	_cleanup_free_ char *missing_caps = privs_missing_text();
	char missing[128] = "";
	char evidence[320];
	struct reading r = { .subject = "agent" };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!(m->controllers & CG_BIT(wanted[i])))
			(void)snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				       "%s%s", *missing ? ", " : "",
				       cg_controller_to_string(wanted[i])); /* four short names */
	(void)snprintf(evidence, sizeof(evidence),
		       "no %s controller on cgroup v2 (layout %s): such limits are not enforced",
		       missing, cg_layout_to_string(m->layout)); /* fits */
	r.type = "controllers";
	r.verdict = *missing ? VERDICT_DEGRADED : VERDICT_OK;
	r.evidence = *missing ? evidence : NULL;
	(void)feed(&r, m);
	r.type = "capabilities";
	r.verdict = missing_caps && *missing_caps ? VERDICT_DEGRADED : VERDICT_OK;
	r.evidence = r.verdict == VERDICT_OK ? NULL : missing_caps;
	(void)feed(&r, m);
}

static void look_at_store(struct manager *m)
{
	struct reading r = { .subject = "agent", .type = "store" };
	struct statvfs fs;

	if (!m->store) {
		r.verdict = VERDICT_DEGRADED;
		r.evidence =
			"the state directory cannot be written: slices will not be found again "
			"after a restart";
	} else if (statvfs(m->config->state_dir, &fs) == 0 &&
		   (fs.f_bavail * fs.f_frsize < (64U << 20) || (fs.f_files && fs.f_favail == 0))) {
		r.verdict = VERDICT_DEGRADED;
		r.evidence = "the state directory's file system is nearly full";
	}
	(void)feed(&r, m);
}

static void look_at_leaks(struct manager *m)
{
	char evidence[256];
	struct reading r = { .subject = "node", .type = "leak" };
	size_t cursor = 0;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		if (s->leaks.count == 0)
			continue;
		(void)snprintf(evidence, sizeof(evidence), "slice %s has not given all back: %s",
			       s->id, s->leaks.reasons[0]); /* may be cut */
		r.verdict = VERDICT_DEGRADED;
		r.evidence = evidence;
	}
	(void)feed(&r, m);
}

static void look_at_inventory(struct manager *m)
{
	char evidence[256];
	struct reading r = { .subject = "node", .type = "inventory" };

	if (!manager_is_at_home(m)) {
		r.verdict = VERDICT_UNKNOWN;
		r.evidence =
			"the inventory is that of another machine: nothing of it can be held here";
	} else if (m->inventory->notes_count > 0) {
		(void)snprintf(evidence, sizeof(evidence), "%zu notes; the first: %s: %s",
			       m->inventory->notes_count, m->inventory->notes[0].driver,
			       m->inventory->notes[0].text); /* may be cut */
		r.verdict = VERDICT_UNKNOWN;
		r.evidence = evidence;
	}
	(void)feed(&r, m);
	(void)discover_check(manager_machine(m), m->inventory, feed, m);
}

void watch_look(struct watch *w)
{
	watch_look_pressure(w);
	look_at_means(w->manager);
	look_at_store(w->manager);
	look_at_inventory(w->manager);
	look_at_presence(w->manager);
	look_at_leaks(w->manager);
}

static json_t *pressure_document(const struct cg_pressure *p)
{
	const struct {
		const char *key;
		double value;
	} rows[] = {
		{ "some10", p->some10 },
		{ "some60", p->some60 },
		{ "full10", p->full10 },
		{ "full60", p->full60 },
	};
	json_t *object = json_object();

	for (size_t i = 0; object && i < ARRAY_SIZE(rows); i++)
		if (rows[i].value >= 0)
			json_object_set_new(object, rows[i].key, json_real(rows[i].value));
	return object;
}

json_t *watch_pressure(const struct watch *w)
{
	json_t *object = json_object();

	for (enum cg_pressure_kind kind = 0; object && kind < CG_PRESSURES; kind++) {
		struct cg_pressure p;

		if (cg_pressure_read_host(w->manager->host, kind, &p) == 0)
			json_object_set_new(object, cg_pressure_kind_to_string(kind),
					    pressure_document(&p));
	}
	if (object)
		json_object_set_new(object, "actions", pressure_actions(w->manager));
	return object;
}

static size_t count_tasks(const struct manager *m)
{
	size_t cursor = 0, n = 0;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));)
		n += slice_tasks_alive(s);
	return n;
}

json_t *watch_heartbeat(struct watch *w)
{
	struct manager *m = w->manager;
	struct view v = manager_view(m);
	struct resources free_now, used;

	watch_look(w);
	view_free(&v, &free_now);
	view_used(&v, &used);
	return json_pack("{s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:i,s:i}", "verdict",
			 verdict_to_string(health_verdict(m->health, NULL)), "node",
			 verdict_to_string(health_verdict(m->health, "node")), "agent",
			 verdict_to_string(health_verdict(m->health, "agent")), "generation",
			 (json_int_t)m->inventory->generation, "summary",
			 document_summary(m->inventory), "free", document_resources(&free_now),
			 "used", document_resources(&used), "pressure", watch_pressure(w), "slices",
			 (int)map_count(m->slices), "tasks", (int)count_tasks(m));
}

json_t *watch_health(const struct watch *w)
{
	struct manager *m = w->manager;
	_cleanup_json_ json_t *list = json_array();
	uint64_t offset = m->host->realtime_usec(m->host) - m->host->monotonic_usec(m->host);
	size_t cursor = 0;

	for (const struct condition *c; list && (c = health_next(m->health, &cursor));)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s*,s:o}", "subject",
						      c->subject, "type", c->type, "verdict",
						      verdict_to_string(c->verdict), "evidence",
						      c->evidence, "since",
						      document_time(c->since_usec + offset)));
	return json_pack("{s:s,s:s,s:s,s:O}", "verdict",
			 verdict_to_string(health_verdict(m->health, NULL)), "node",
			 verdict_to_string(health_verdict(m->health, "node")), "agent",
			 verdict_to_string(health_verdict(m->health, "agent")), "conditions", list);
}

static int on_heartbeat(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;
	_cleanup_json_ json_t *data = watch_heartbeat(w);
	_cleanup_free_ char *data_text = data ? json_text(data) : NULL;
	_cleanup_free_ char *text =
		journal_render_unnumbered(w->manager->journal, EVENT_HEARTBEAT, data_text);

	(void)usec;
	/* A listener may leave from within its own beat; those behind it move up. */
	for (size_t i = 0; text && i < w->count;) {
		void *userdata_then = w->listeners[i].userdata;

		w->listeners[i].beat(text, strlen(text), userdata_then);
		i += i < w->count && w->listeners[i].userdata == userdata_then;
	}
	if (w->count == 0)
		return 0;
	(void)sd_event_source_set_time_relative(source, w->manager->config->heartbeat_usec);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void watch_listen(struct watch *w, void (*beat)(const char *text, size_t size, void *userdata),
		  void *userdata)
{
	struct listener *grown;

	if (w->count == LISTENERS_MAX)
		return; /* more than connections are allowed to be */
	grown = reallocarray(w->listeners, w->count + 1, sizeof(*grown));
	if (!grown)
		return;
	w->listeners = grown;
	w->listeners[w->count++] = (struct listener){ .beat = beat, .userdata = userdata };
	if (w->count > 1)
		return;
	(void)sd_event_source_set_time_relative(w->heartbeat, w->manager->config->heartbeat_usec);
	(void)sd_event_source_set_enabled(w->heartbeat, SD_EVENT_ONESHOT);
}

void watch_unlisten(struct watch *w, void *userdata)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->listeners[i].userdata == userdata) {
			memmove(&w->listeners[i], &w->listeners[i + 1],
				(w->count - i - 1) * sizeof(*w->listeners));
			w->count--;
			break;
		}
	if (w->count == 0)
		(void)sd_event_source_set_enabled(w->heartbeat, SD_EVENT_OFF);
}

int watch_new(struct watch **ret, struct manager *m, struct fail *f)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (w) {
		w->manager = m;
		r = sd_event_add_time_relative(m->loop, &w->heartbeat, CLOCK_MONOTONIC,
					       m->config->heartbeat_usec, 50000, on_heartbeat, w);
	}
	if (r >= 0)
		r = sd_event_source_set_enabled(w->heartbeat, SD_EVENT_OFF);
	if (r < 0) {
		watch_free(w);
		return fail_set(f, r, "cannot set up the heartbeat: %s", strerror(-r));
	}
	*ret = w;
	return 0;
}

struct watch *watch_free(struct watch *w)
{
	if (!w)
		return NULL;
	sd_event_source_disable_unref(w->heartbeat);
	free(w->listeners);
	free(w);
	return NULL;
}
