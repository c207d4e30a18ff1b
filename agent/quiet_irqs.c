/* SPDX-License-Identifier: Apache-2.0 */
/* Moving interrupts; see quiet_irqs.h. One read an interrupt, one write for each that is to move:
 * the affinity counts, not only the CPU that serves it now, since the kernel chooses anew within it
 * whenever a driver takes its interrupts again (an interface that is brought up) or a CPU goes.
 * Those that the kernel manages itself (irq_set_affinity(9): the queues of storage devices) refuse;
 * they are left, and only said when they are served where they should not be. */
#include "quiet_irqs.h"

#include "irq.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>

void quiet_plan_done(struct quiet_plan *plan)
{
	cpuset_free(plan->away);
	free(plan->own);
	*plan = (struct quiet_plan){ 0 };
}

static void stuck_done(struct quiet_stuck *s)
{
	cpuset_free(s->cpus);
	cpuset_free(s->affinity);
}

void quiet_irqs_done(struct quiet_irqs *work)
{
	for (size_t i = 0; i < work->changes_count; i++)
		cpuset_free(work->changes[i].now);
	free(work->changes);
	for (size_t i = 0; i < work->stuck_count; i++)
		stuck_done(&work->stuck[i]);
	free(work->stuck);
	cpuset_free(work->default_now);
	*work = (struct quiet_irqs){ 0 };
}

/* The part of `from` that is online and not away. */
static int usable(const struct quiet_plan *plan, const struct cpuset *from, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *s = NULL;
	int r = cpuset_copy(&s, from);

	if (r == 0)
		r = cpuset_intersect(s, plan->online);
	if (r == 0)
		r = cpuset_subtract(s, plan->away);
	if (r == 0)
		*ret = TAKE_PTR(s);
	return r;
}

int quiet_rest(const struct quiet_plan *plan, const struct cpuset *original,
	       const struct cpuset *near, struct cpuset **ret)
{
	const struct cpuset *const places[] = { original, near, plan->online };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_(cpuset_freep) struct cpuset *s = NULL;
		int r = places[i] ? usable(plan, places[i], &s) : 0;

		if (r < 0)
			return r;
		if (cpuset_empty(s))
			continue;
		if (i == 0) { /* with its CPUs that are offline: they may come back */
			cpuset_free(TAKE_PTR(s));
			r = cpuset_copy(&s, original);
			if (r == 0)
				r = cpuset_subtract(s, plan->away);
		}
		if (r == 0)
			*ret = TAKE_PTR(s);
		return r;
	}
	return cpuset_copy(ret, original);
}

static const struct quiet_own *own_of(const struct quiet_plan *plan, unsigned irq)
{
	size_t low = 0, high = plan->own_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->own[middle].irq == irq)
			return &plan->own[middle];
		if (plan->own[middle].irq < irq)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int wanted_of(const struct quiet_plan *plan, unsigned irq, const struct cpuset *original,
		     struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *near = NULL, *s = NULL;
	const struct quiet_own *own = own_of(plan, irq);
	int r;

	if (own) {
		r = cpuset_new(&s);
		if (r == 0)
			r = cpuset_add(s, own->cpu);
		if (r == 0)
			*ret = TAKE_PTR(s);
		return r;
	}
	if (!cpuset_intersects(original, plan->away))
		return cpuset_copy(ret, original);
	if (cpuset_subset(original, plan->away)) {
		r = irq_read_node(plan->host, irq, &near);
		if (r < 0)
			return r;
	}
	return quiet_rest(plan, original, near, ret);
}

/* It appeared while the default was narrowed and has that: with the default it gets its width back.
 */
static bool born_narrow(const struct quiet_record *record, unsigned irq, const struct cpuset *now)
{
	const struct quiet_kept *k = &record->irq_default;

	return k->original && k->written && !cpuset_has(record->seen, irq) &&
	       cpuset_equal(now, k->written);
}

static int begin(struct quiet_record *record, unsigned irq, const struct cpuset *now,
		 struct quiet_irq **ret)
{
	struct quiet_irq *known = quiet_record_irq(record, irq);
	bool born = !known && born_narrow(record, irq, now);
	int r = known ? 0 : quiet_record_add_irq(record, irq, &known);

	if (r == 0 && born)
		r = cpuset_copy(&known->kept.original, record->irq_default.original);
	if (r == 0 && born)
		r = cpuset_copy(&known->kept.written, now);
	if (r == 0)
		r = quiet_kept_begin(&known->kept, now);
	if (r == 0)
		*ret = known;
	return r;
}

static int add_change(struct quiet_irqs *work, unsigned irq, struct cpuset **now, bool write)
{
	struct quiet_irq_change *grown =
		reallocarray(work->changes, work->changes_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	work->changes = grown;
	grown[work->changes_count++] =
		(struct quiet_irq_change){ .irq = irq, .now = TAKE_PTR(*now), .write = write };
	return 0;
}

static int prepare_one(const struct quiet_plan *plan, struct quiet_record *record, unsigned irq,
		       struct quiet_irqs *work)
{
	_cleanup_(cpuset_freep) struct cpuset *now = NULL, *want = NULL;
	struct quiet_irq *known = NULL;
	int r = irq_read(plan->host, irq, &now);

	if (r == -ENOMEM || r == -ENOENT)
		return r == -ENOENT ? 0 : r; /* it has just gone */
	if (r < 0) {
		work->unreadable++;
		return 0;
	}
	if (!quiet_record_irq(record, irq) && !own_of(plan, irq) &&
	    !cpuset_intersects(now, plan->away) && !born_narrow(record, irq, now))
		return 0;
	r = begin(record, irq, now, &known);
	if (r == 0)
		r = wanted_of(plan, irq, known->kept.original, &want);
	if (r == 0)
		r = quiet_kept_aim(&known->kept, now, &want);
	return r < 0 ? r : add_change(work, irq, &now, r > 0);
}

/* What is gone for good has nothing to be put back. */
static void forget_gone(struct quiet_record *record, const struct cpuset *there)
{
	for (size_t i = 0; i < record->irqs_count; i++)
		if (!cpuset_has(there, record->irqs[i].irq))
			quiet_kept_done(&record->irqs[i].kept);
}

static int prepare_default(const struct quiet_plan *plan, struct quiet_record *record,
			   struct quiet_irqs *work)
{
	_cleanup_(cpuset_freep) struct cpuset *now = NULL, *want = NULL;
	int r = irq_read_default(plan->host, &now);

	if (r < 0) {
		work->default_error = r;
		return r == -ENOMEM ? r : 0;
	}
	r = quiet_kept_begin(&record->irq_default, now);
	if (r == 0)
		r = quiet_rest(plan, record->irq_default.original, NULL, &want);
	if (r == 0)
		r = quiet_kept_aim(&record->irq_default, now, &want);
	if (r > 0)
		work->default_now = TAKE_PTR(now);
	return r < 0 ? r : 0;
}

int quiet_irqs_prepare(const struct quiet_plan *plan, struct quiet_record *record,
		       struct quiet_irqs *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *there = NULL;
	_cleanup_(quiet_irqs_done) struct quiet_irqs work = { 0 };
	int r = irq_list(plan->host, &there);

	if (r < 0)
		return r;
	forget_gone(record, there);
	cpuset_each (irq, there)
		if (r == 0)
			r = prepare_one(plan, record, (unsigned)irq, &work);
	if (r == 0)
		r = prepare_default(plan, record, &work);
	if (r < 0)
		return r;
	cpuset_free(record->seen);
	record->seen = TAKE_PTR(there);
	quiet_record_tidy(record);
	*ret = work;
	work = (struct quiet_irqs){ 0 };
	return 0;
}

static int add_stuck(struct quiet_irqs *work, struct quiet_stuck *stuck)
{
	struct quiet_stuck *grown =
		reallocarray(work->stuck, work->stuck_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	work->stuck = grown;
	grown[work->stuck_count++] = *stuck;
	*stuck = (struct quiet_stuck){ 0 };
	return 0;
}

/* Served on a CPU that is to be free of it; what nobody uses cannot fire. */
static int look_at(const struct quiet_plan *plan, const struct quiet_irq_change *change,
		   struct quiet_irqs *work)
{
	_cleanup_(stuck_done) struct quiet_stuck stuck = { .irq = change->irq };
	int r = irq_read_effective(plan->host, change->irq, &stuck.cpus);

	if (r == 0)
		r = cpuset_intersect(stuck.cpus, plan->away);
	if (r == 0)
		r = cpuset_copy(&stuck.affinity, change->now);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* gone, or unreadable as before */
	if (cpuset_empty(stuck.cpus) || !irq_in_use(plan->host, change->irq))
		return 0;
	return add_stuck(work, &stuck);
}

static int apply_one(const struct quiet_plan *plan, struct quiet_record *record,
		     const struct quiet_irq_change *change, struct quiet_irqs *work)
{
	struct quiet_irq *known = quiet_record_irq(record, change->irq);
	bool touched;
	int r = 0;

	if (change->write && known && known->kept.written)
		r = irq_write(plan->host, change->irq, known->kept.written);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && change->write)
		work->moved++;
	if (r < 0 && r != -ENOENT)
		work->refusal = r;
	/* A write that worked is out of the way; the kernel may serve it there once more, until it
	 * fires (IRQD_SETAFFINITY_PENDING). Where no CPU is left the original stands. */
	touched = cpuset_intersects(r < 0 || !known || !known->kept.written ? change->now
									    : known->kept.written,
				    plan->away);
	if (known && change->write)
		quiet_kept_end(&known->kept, change->now, r);
	return touched && !own_of(plan, change->irq) ? look_at(plan, change, work) : 0;
}

int quiet_irqs_apply(const struct quiet_plan *plan, struct quiet_record *record,
		     struct quiet_irqs *work)
{
	int r = 0;

	/* The default first: what appears from here on is not in the way. */
	if (work->default_now) {
		work->default_error = irq_write_default(plan->host, record->irq_default.written);
		quiet_kept_end(&record->irq_default, work->default_now, work->default_error);
	}
	for (size_t i = 0; r == 0 && i < work->changes_count; i++)
		r = apply_one(plan, record, &work->changes[i], work);
	quiet_record_tidy(record);
	return r;
}
