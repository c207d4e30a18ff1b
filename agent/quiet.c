/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet CPUs; see quiet.h. The settings are the host's, not a slice's: so there is one plan for all
 * slices, made anew when one comes or goes, and carried out by what differs. What was before is
 * written down first (quiet_record.h), then changed; what the record names and no slice needs is
 * put back. An agent that is killed anywhere between finds in the record all that it may have
 * changed. */
#include "quiet.h"

#include "enforce.h"
#include "hold.h"
#include "irq.h"
#include "quiet_internal.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LOOK_USEC = 60 * 1000000, /* a file an interrupt: a millisecond a minute on a large host */
	RECORD_MAX = 8 << 20,	  /* bytes; 65536 interrupts of 1024 CPUs */
};

static void load(struct quiet *q)
{
	struct fail why = { 0 };
	char *text = NULL;
	int r = fs_read(AT_FDCWD, q->path, RECORD_MAX, &text, NULL);

	if (r == -ENOENT)
		return;
	if (r < 0)
		fail_set(&why, r, "%s", strerror(-r));
	else
		r = quiet_record_parse(text, q->manager->boot_id, &q->record, &why);
	if (r < 0)
		log_error(NULL, "%s: %s; what it kept is not put back", q->path, why.text);
	q->saved = text;
}

int quiet_new(struct quiet **ret, struct manager *m)
{
	struct quiet *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->manager = m;
	if (quiet_record_init(&q->record) < 0 || cpuset_new(&q->cpus) < 0 ||
	    cpuset_new(&q->inside) < 0 ||
	    asprintf(&q->path, "%s/quiet.json", m->config->runtime_dir) < 0) {
		quiet_free(q);
		return -ENOMEM;
	}
	load(q);
	*ret = q;
	return 0;
}

struct quiet *quiet_free(struct quiet *q)
{
	if (!q)
		return NULL;
	sd_event_source_disable_unref(q->look);
	quiet_record_done(&q->record);
	quiet_plan_done(&q->plan);
	quiet_irqs_done(&q->irqs);
	cpuset_free(q->cpus);
	cpuset_free(q->inside);
	cpuset_free(q->workers);
	cpuset_free(q->workers_now);
	cpuset_free(q->isolated);
	errand_free(q->balance_errand);
	irqbalance_work_done(&q->balance_work);
	cpuset_free(q->balance_told);
	cpuset_free(q->balance_told_irqs);
	cpuset_free(q->units_told);
	free(q->saved);
	free(q->path);
	free(q);
	return NULL;
}

static const struct allocation *allocation_of(const struct slice *s)
{
	return ledger_find(s->manager->ledger, s->id);
}

/* The message interrupts of one device, over the slice's CPUs in turn. */
static int add_own(struct quiet_plan *plan, const struct slice *s, const char *pci, int *cpu)
{
	const struct allocation *a = allocation_of(s);
	_cleanup_(cpuset_freep) struct cpuset *irqs = NULL;
	int r = cpuset_new(&irqs);

	if (r == 0)
		r = irq_of_device(s->manager->host, pci, irqs);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* it is just going away */
	cpuset_each (irq, irqs) {
		struct quiet_own *grown =
			reallocarray(plan->own, plan->own_count + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		plan->own = grown;
		*cpu = cpuset_next(a->cpus, *cpu);
		if (*cpu < 0)
			*cpu = cpuset_next(a->cpus, -1);
		grown[plan->own_count++] =
			(struct quiet_own){ .irq = (unsigned)irq, .cpu = (unsigned)*cpu };
	}
	return 0;
}

static int add_devices(struct quiet_plan *plan, const struct slice *s)
{
	const struct allocation *a = allocation_of(s);
	int cpu = -1, r = 0;

	for (size_t i = 0; r == 0 && i < a->devices_count; i++) {
		const struct device *d = inventory_find(s->manager->inventory, a->devices[i]);

		if (d && d->pci)
			r = add_own(plan, s, d->pci, &cpu);
	}
	return r;
}

static int by_number(const void *a, const void *b)
{
	const struct quiet_own *x = a, *y = b;

	return (x->irq > y->irq) - (x->irq < y->irq);
}

/* Two devices of one function share its interrupts: the first has them. */
static void sort_own(struct quiet_plan *plan)
{
	size_t kept = 0;

	if (plan->own_count > 0)
		qsort(plan->own, plan->own_count, sizeof(*plan->own), by_number);
	for (size_t i = 0; i < plan->own_count; i++)
		if (kept == 0 || plan->own[kept - 1].irq != plan->own[i].irq)
			plan->own[kept++] = plan->own[i];
	plan->own_count = kept;
}

static int add_slice(const struct slice *s, struct quiet_plan *plan, struct cpuset *cpus,
		     struct cpuset *inside)
{
	const struct config *c = s->manager->config;
	const struct allocation *a = allocation_of(s);
	int r = a ? cpuset_union(cpus, a->cpus) : 0;

	if (!a || r < 0)
		return r;
	if (s->quiet != QUIET_PARTITION)
		r = cpuset_union(inside, a->cpus);
	if (r == 0 && c->interrupts)
		r = cpuset_union(plan->away, a->cpus);
	if (r == 0 && c->interrupts && s->request.interrupts == INTERRUPTS_SLICE)
		r = add_devices(plan, s);
	return r;
}

static bool same_plan(const struct quiet *q, const struct quiet_plan *plan,
		      const struct cpuset *cpus, const struct cpuset *inside)
{
	if (!q->settled || !cpuset_equal(q->cpus, cpus) || !cpuset_equal(q->inside, inside) ||
	    q->plan.own_count != plan->own_count)
		return false;
	for (size_t i = 0; i < plan->own_count; i++)
		if (q->plan.own[i].irq != plan->own[i].irq ||
		    q->plan.own[i].cpu != plan->own[i].cpu)
			return false;
	return true;
}

/* The plan for the slices that there are: 1 when it is another one than was carried out. */
static int make_plan(struct quiet *q)
{
	struct manager *m = q->manager;
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *inside = NULL;
	_cleanup_(quiet_plan_done) struct quiet_plan plan = { .host = m->host };
	size_t cursor = 0;
	int r;

	if (cpuset_new(&cpus) < 0 || cpuset_new(&inside) < 0 || cpuset_new(&plan.away) < 0)
		return -ENOMEM;
	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		r = s->quiet == QUIET_NO ? 0 : add_slice(s, &plan, cpus, inside);
		if (r < 0)
			return r;
	}
	sort_own(&plan);
	r = !same_plan(q, &plan, cpus, inside);
	quiet_plan_done(&q->plan);
	q->plan = plan;
	plan = (struct quiet_plan){ 0 };
	cpuset_free(q->cpus);
	q->cpus = TAKE_PTR(cpus);
	cpuset_free(q->inside);
	q->inside = TAKE_PTR(inside);
	return r;
}

static int prepare(struct quiet *q)
{
	int r;

	quiet_irqs_done(&q->irqs);
	q->irqs_error = quiet_irqs_prepare(&q->plan, &q->record, &q->irqs);
	r = q->irqs_error == -ENOMEM ? -ENOMEM : quiet_workers_prepare(q);
	if (r == 0)
		r = quiet_balance_prepare(q);
	return r == 0 ? quiet_units_prepare(q) : r;
}

static int apply(struct quiet *q)
{
	int r = q->irqs_error < 0 ? 0 : quiet_irqs_apply(&q->plan, &q->record, &q->irqs);

	quiet_workers_apply(q);
	if (r == 0)
		r = quiet_balance_apply(q);
	return r == 0 ? quiet_units_apply(q) : r;
}

int quiet_save(struct quiet *q)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (cpuset_empty(q->cpus) && quiet_record_empty(&q->record)) {
		if (q->saved && unlink(q->path) < 0 && errno != ENOENT)
			return -errno;
		free(TAKE_PTR(q->saved));
		return 0;
	}
	text = quiet_record_text(&q->record, q->manager->boot_id);
	if (!text)
		return -ENOMEM;
	if (q->saved && strcmp(q->saved, text) == 0)
		return 0;
	r = fs_replace(AT_FDCWD, q->path, text, strlen(text), 0600);
	if (r < 0)
		return r;
	free(q->saved);
	q->saved = TAKE_PTR(text);
	return 0;
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct quiet *q = userdata;

	(void)source;
	(void)usec;
	quiet_look(q->manager);
	return 0;
}

/* Only while there is something to look after. */
static void set_clock(struct quiet *q)
{
	q->look = sd_event_source_disable_unref(q->look);
	if (!q->manager->loop || (cpuset_empty(q->cpus) && quiet_record_empty(&q->record)))
		return;
	if (sd_event_add_time_relative(q->manager->loop, &q->look, CLOCK_MONOTONIC, LOOK_USEC,
				       LOOK_USEC / 4, on_look, q) < 0)
		log_debug(NULL, "interrupts are not looked at by the clock: out of memory");
}

/* Makes the host what its slices need now. -ENOMEM: some of it is done, and the next time does the
 * rest. */
static int settle(struct quiet *q, bool again)
{
	int r = make_plan(q);

	if (r <= 0 && (r < 0 || !again))
		return r;
	q->settled = false;
	q->plan.online = q->manager->inventory->machine.online;
	r = prepare(q);
	if (r == 0)
		r = cpuset_union(q->record.cpus, q->cpus);
	if (r == 0)
		r = q->save_error = quiet_save(q);
	/* What is not written down is not changed. */
	if (r == 0)
		r = apply(q);
	if (r == 0) {
		cpuset_free(TAKE_PTR(q->record.cpus));
		r = cpuset_copy(&q->record.cpus, q->cpus);
	}
	if (r == 0 && quiet_save(q) < 0)
		log_debug(NULL, "the record of what was before names more than is changed");
	q->settled = r == 0;
	q->plan.online = NULL; /* the inventory's, which may be replaced */
	set_clock(q);
	return r == -ENOMEM ? r : 0;
}

static enum quiet_hold held_by(const struct enforcements *rows)
{
	enum quiet_hold held = QUIET_NO;

	for (size_t i = 0; i < rows->count; i++) {
		const struct enforcement *row = &rows->items[i];

		if (row->mechanism == MECHANISM_PARTITION)
			return QUIET_PARTITION;
		if (row->mechanism == MECHANISM_CPUSET && strcmp(row->limit, "cpus") == 0)
			held = QUIET_CPUSET;
	}
	return held;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = allocation_of(s);
	struct quiet *q = s->manager->quiet;
	enum quiet_hold before = s->quiet;
	int r = 0;

	if (!q || !a || cpuset_empty(a->cpus))
		return 0;
	s->quiet = held_by(rows);
	if (s->quiet != QUIET_NO || before != QUIET_NO)
		r = settle(q, false);
	if (r == 0 && s->quiet == QUIET_NO)
		r = quiet_refuse(s, "interrupts",
				 "no cpuset holds these CPUs: the host's interrupts and kernel "
				 "work are left as they are",
				 rows);
	else if (r == 0)
		r = quiet_rows(s, rows);
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

static void give(struct slice *s)
{
	if (s->quiet == QUIET_NO)
		return;
	s->quiet = QUIET_NO;
	if (settle(s->manager->quiet, false) < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "out of memory: the host's interrupts are put back later");
}

void quiet_adopted(struct manager *m)
{
	struct quiet *q = m->quiet;
	size_t cursor = 0;

	if (!q || (cpuset_empty(q->record.cpus) && quiet_record_empty(&q->record)))
		return;
	for (struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *a = allocation_of(s);

		if (a && !cpuset_empty(a->cpus) && cpuset_subset(a->cpus, q->record.cpus))
			s->quiet = q->record.units_count > 0 ? QUIET_CPUSET : QUIET_PARTITION;
	}
	if (settle(q, true) < 0)
		log_warning(NULL, "out of memory: the host's interrupts are looked at later");
}

/* What the slices show of it is as it was found now. */
static int show_again(struct manager *m)
{
	size_t cursor = 0;
	int r = 0;

	for (struct slice *s; r == 0 && (s = map_next(m->slices, &cursor, NULL));)
		if (s->state == SLICE_ACTIVE && s->quiet != QUIET_NO)
			r = enforce_again(s, &hold_quiet, "noise");
	return r;
}

void quiet_look(struct manager *m)
{
	struct quiet *q = m->quiet;
	int r = 0;

	if (q && (!cpuset_empty(q->cpus) || !quiet_record_empty(&q->record)))
		r = settle(q, true);
	if (r == 0)
		r = show_again(m);
	if (r < 0)
		log_warning(NULL, "out of memory: the host's interrupts are looked at later");
}

/* Settings that are not as they were, and a record of nothing. One of irqbalance alone stays until
 * that has read its own settings again, and keeps nothing from anybody. */
static unsigned count_owed(const struct quiet *q)
{
	const struct quiet_record *k = &q->record;

	return (unsigned)k->irqs_count + (unsigned)k->units_count +
	       (k->irq_default.original != NULL) + (k->workqueues.original != NULL) +
	       (q->saved != NULL && quiet_record_empty(k));
}

/* With the last slice gone all is back; before that an interrupt may well be another one's. What is
 * not is tried again at each look. */
static int left(struct slice *s, struct leaks *ret)
{
	struct quiet *q = s->manager->quiet;
	char why[160];
	unsigned owed;
	int r;

	if (!q || !cpuset_empty(q->cpus) || count_owed(q) == 0)
		return 0;
	r = settle(q, true);
	owed = count_owed(q);
	if (r < 0 || owed == 0)
		return r;
	(void)snprintf(why, sizeof(why),
		       "%u settings of interrupts, kernel work and units of the host, or their "
		       "record, are not back yet",
		       owed); /* fits */
	return leaks_add_note(ret, why);
}

const struct hold hold_quiet = { .name = "quiet", .take = take, .give = give, .left = left };
