/* SPDX-License-Identifier: Apache-2.0 */
/* What irqbalance is told, for quiet.c. It reads what it was told in its next round, some seconds
 * later, and until then answers with what held before: so its own settings are asked for once, when
 * it is met, and known until it must have read them again. One that is met while it has not yet
 * read would give our settings for its own, and keep them for ever. */
#include "irqbalance.h"
#include "quiet_internal.h"
#include "util/cleanup.h"

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

/* One that was not talked to before. */
static int meet(struct quiet *q)
{
	struct irqbalance_setup setup = { 0 };
	int r = irqbalance_ask(q->manager->host, q->balance, &setup);

	if (r < 0)
		return r;
	forget(q);
	cpuset_free(q->record.balance_cpus);
	cpuset_free(q->record.balance_irqs);
	q->record.balance_cpus = setup.cpus;
	q->record.balance_irqs = setup.irqs;
	cpuset_free(TAKE_PTR(q->record.balance_asked));
	q->record.irqbalance = q->balance;
	return cpuset_new(&q->record.balance_asked);
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
	if (irqbalance_find(q->manager->host, &pid) == 0 && pid == q->balance &&
	    now(q) < q->balance_after_usec)
		return 0;
	q->balance = pid;
	q->balance_error = 0;
	q->balance_after_usec = 0;
	if (pid == 0 || (cpuset_empty(cpus) && pid != q->record.irqbalance)) {
		forget(q); /* what it was told went with it */
		return 0;
	}
	if (pid != q->record.irqbalance)
		r = meet(q);
	if (r == 0)
		r = cpuset_union(q->record.balance_asked, irqs);
	return r < 0 ? failed(q, r) : 0;
}

/* Nothing where it has been told just that before. */
static int tell(struct quiet *q, const struct cpuset *before, struct cpuset *wish,
		struct cpuset **told,
		int (*say)(const struct host *host, pid_t pid, const struct cpuset *set))
{
	_cleanup_(cpuset_freep) struct cpuset *all = NULL;
	int r = cpuset_copy(&all, before);

	if (r == 0)
		r = cpuset_union(all, wish);
	if (r == 0 && (!*told || !cpuset_equal(*told, all)))
		r = say(q->manager->host, q->balance, all);
	if (r < 0)
		return r;
	cpuset_free(*told);
	*told = TAKE_PTR(all);
	return 0;
}

/* It was told its own settings: they are known until it has read them. */
static int part(struct quiet *q)
{
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	int r;

	if (q->balance_parted_usec > 0) {
		if (now(q) >= q->balance_parted_usec)
			forget(q);
		return 0;
	}
	r = irqbalance_ask(q->manager->host, q->balance, &setup);
	if (r == 0)
		q->balance_parted_usec = now(q) + ROUNDS * setup.round_usec;
	return r;
}

int quiet_balance_apply(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	struct quiet_record *k = &q->record;
	int r;

	if (q->balance == 0 || q->balance_error < 0 || k->irqbalance != q->balance)
		return 0;
	r = make_wish(q, &cpus, &irqs);
	if (r == 0)
		r = tell(q, k->balance_cpus, cpus, &q->balance_told, irqbalance_tell_cpus);
	if (r == 0 && !cpuset_empty(k->balance_asked))
		r = tell(q, k->balance_irqs, irqs, &q->balance_told_irqs, irqbalance_tell_irqs);
	if (r < 0)
		return failed(q, r);
	cpuset_free(k->balance_asked);
	k->balance_asked = TAKE_PTR(irqs);
	if (!cpuset_empty(cpus)) {
		q->balance_parted_usec = 0;
		return 0;
	}
	r = part(q);
	return r < 0 ? failed(q, r) : 0;
}
