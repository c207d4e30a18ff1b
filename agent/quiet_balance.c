/* SPDX-License-Identifier: Apache-2.0 */
/* What irqbalance is told, for quiet.c. It reads what it was told in its next round, some seconds
 * later, and until then answers with what held before: so its own settings are asked for once, when
 * it is met, and known until it must have read them again. One that is met while it has not yet
 * read would give our settings for its own, and keep them for ever.
 *
 * It may stand still, so a child talks to it (irqbalance_errand.h), one at a time, and nobody waits
 * for that: what comes of it leads to the next word, until irqbalance knows what is wished by then,
 * and to the rows of the slices. */
#include "enforce.h"
#include "hold.h"
#include "quiet_internal.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>

enum {
	PAUSE_USEC = 50 * 1000000, /* after it did not answer in time; shorter than between looks */
	ROUNDS = 2,		   /* one may just have begun */
};

static uint64_t now(const struct quiet *q)
{
	const struct host *h = q->manager->host;

	return h->monotonic_usec(h);
}

/* What it is to leave alone beside what it did before. */
static int make_wish(const struct quiet *q, struct cpuset **ret_cpus, struct cpuset **ret_irqs)
{
	bool off = !q->manager->config->irqbalance;
	int r = cpuset_new(ret_cpus);

	if (r == 0)
		r = cpuset_new(ret_irqs);
	if (r == 0 && !off)
		r = cpuset_union(*ret_cpus, q->plan.away);
	for (size_t i = 0; r == 0 && !off && i < q->plan.own_count; i++)
		r = cpuset_add(*ret_irqs, q->plan.own[i].irq);
	return r;
}

static void forget(struct quiet *q)
{
	cpuset_free(TAKE_PTR(q->balance_told));
	cpuset_free(TAKE_PTR(q->balance_told_irqs));
	q->balance_parted_usec = 0;
	q->record.irqbalance = 0;
}

bool quiet_balance_told(const struct quiet *q, const struct cpuset *cpus)
{
	return q->balance_error == 0 && q->balance_told && cpuset_subset(cpus, q->balance_told);
}

static int failed(struct quiet *q, int error)
{
	q->balance_error = error;
	if (error == -ECONNREFUSED || error == -ENOENT) /* it ended and left its socket */
		q->balance = 0;
	if (error == -ETIMEDOUT)
		q->balance_after_usec = now(q) + PAUSE_USEC;
	return error == -ENOMEM ? error : 0;
}

int quiet_balance_prepare(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	pid_t pid = 0;
	int r = make_wish(q, &cpus, &irqs);

	if (r < 0 || (cpuset_empty(cpus) && q->record.irqbalance == 0))
		return r;
	(void)irqbalance_find(q->manager->host, &pid); /* 0: there is none */
	if (pid != q->balance) {
		q->balance_error = 0;
		q->balance_after_usec = 0;
	}
	if (q->balance_errand && pid != q->balance_work.pid)
		q->balance_errand = errand_free(q->balance_errand);
	q->balance = pid;
	if (pid == 0 || (cpuset_empty(cpus) && pid != q->record.irqbalance)) {
		forget(q); /* what it was told went with it */
		return 0;
	}
	return pid == q->record.irqbalance ? cpuset_union(q->record.balance_asked, irqs) : 0;
}

/* One that was not talked to before, and nobody may need any more. */
static int meet(struct quiet *q, struct irqbalance_setup *setup)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	int r = make_wish(q, &cpus, &irqs);

	if (r < 0 || cpuset_empty(cpus))
		return r;
	forget(q);
	cpuset_free(q->record.balance_cpus);
	cpuset_free(q->record.balance_irqs);
	cpuset_free(q->record.balance_asked);
	q->record.balance_cpus = TAKE_PTR(setup->cpus);
	q->record.balance_irqs = TAKE_PTR(setup->irqs);
	q->record.balance_asked = TAKE_PTR(irqs);
	q->record.irqbalance = q->balance;
	return quiet_save(q); /* what is not written down is not changed */
}

static void keep_told(struct cpuset **told, struct cpuset **now)
{
	if (!*now)
		return;
	cpuset_free(*told);
	*told = TAKE_PTR(*now);
}

/* What it was asked or told is so. */
static int heard(struct quiet *q, struct irqbalance_setup *setup)
{
	q->balance_error = 0;
	q->balance_after_usec = 0;
	if (!q->balance_work.asks) {
		keep_told(&q->balance_told, &q->balance_work.cpus);
		keep_told(&q->balance_told_irqs, &q->balance_work.irqs);
	} else if (q->record.irqbalance == q->balance) {
		q->balance_parted_usec = now(q) + ROUNDS * setup->round_usec;
	} else {
		return meet(q, setup);
	}
	return 0;
}

/* Slices show what has come of it. */
static void show(struct quiet *q)
{
	size_t cursor = 0;
	int r = 0;

	for (struct slice *s; r == 0 && (s = map_next(q->manager->slices, &cursor, NULL));) {
		const struct enforcement *row = enforcements_find(&s->enforced, "irqbalance");
		const struct allocation *a = ledger_find(q->manager->ledger, s->id);

		if (s->state != SLICE_ACTIVE || s->quiet == QUIET_NO || !a ||
		    (row && row->mechanism == MECHANISM_HOST && quiet_balance_told(q, a->cpus)))
			continue;
		r = enforce_again(s, &hold_quiet, "noise");
	}
	if (r < 0)
		log_warning(NULL, "out of memory: what irqbalance was told is shown later");
}

static int go_on(struct quiet *q);

static void on_answer(const char *answer, size_t size, const struct fail *why, void *userdata)
{
	struct quiet *q = userdata;
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	int r = why ? why->error : irqbalance_answer(answer, size, &setup);

	q->balance_errand = errand_free(q->balance_errand);
	if (r == 0)
		r = heard(q, &setup);
	irqbalance_work_done(&q->balance_work);
	if (r == 0)
		r = go_on(q);
	if (r < 0)
		(void)failed(q, r); /* the next look tries again */
	if (quiet_save(q) < 0)
		log_debug(NULL, "the record of what was before names more than is changed");
	show(q);
}

static int send_child(struct quiet *q, bool asks)
{
	const struct host *host = q->manager->host;

	q->balance_work.host = host;
	q->balance_work.pid = q->balance;
	q->balance_work.asks = asks;
	return errand_start(&q->balance_errand, q->manager->loop,
			    &(struct errand_order){ .run = irqbalance_errand,
						    .argument = &q->balance_work,
						    .kept = { host->root_fd },
						    .kept_count = 1,
						    .limit_bytes = IRQBALANCE_ANSWER_LIMIT_BYTES,
						    .limit_usec = IRQBALANCE_LIMIT_USEC,
						    .done = on_answer,
						    .userdata = q },
			    NULL);
}

/* NULL where it has been told just that before. */
static int compose(const struct cpuset *before, const struct cpuset *wish,
		   const struct cpuset *told, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *all = NULL;
	int r = cpuset_copy(&all, before);

	if (r == 0)
		r = cpuset_union(all, wish);
	if (r == 0 && (!told || !cpuset_equal(told, all)))
		*ret = TAKE_PTR(all);
	return r;
}

/* It was told its own settings: they are known until it has read them. */
static int part(struct quiet *q)
{
	if (q->balance_parted_usec == 0)
		return send_child(q, true);
	if (now(q) >= q->balance_parted_usec)
		forget(q);
	return 0;
}

/* The next word to it, if there is one to be said. */
static int go_on(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	struct quiet_record *k = &q->record;
	struct irqbalance_work *w = &q->balance_work;
	int r = make_wish(q, &cpus, &irqs);

	if (r < 0)
		return r;
	irqbalance_work_done(w);
	if (k->irqbalance != q->balance)
		return cpuset_empty(cpus) ? 0 : send_child(q, true);
	r = compose(k->balance_cpus, cpus, q->balance_told, &w->cpus);
	if (r == 0 && !cpuset_empty(k->balance_asked))
		r = compose(k->balance_irqs, irqs, q->balance_told_irqs, &w->irqs);
	if (r < 0)
		return r;
	if (!cpuset_empty(cpus) || w->cpus || w->irqs)
		q->balance_parted_usec = 0;
	if (w->cpus || w->irqs)
		return send_child(q, false);
	cpuset_free(k->balance_asked);
	k->balance_asked = TAKE_PTR(irqs);
	return cpuset_empty(cpus) ? part(q) : 0;
}

int quiet_balance_apply(struct quiet *q)
{
	int r;

	if (q->balance == 0 || q->balance_errand || now(q) < q->balance_after_usec)
		return 0;
	r = go_on(q);
	return r < 0 ? failed(q, r) : 0;
}
