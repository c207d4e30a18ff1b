/* SPDX-License-Identifier: Apache-2.0 */
/* Unbound kernel work, irqbalance and the host's units, for quiet.c. */
#include "irqbalance.h"
#include "quiet_internal.h"
#include "systemd/housekeeping.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS "devices/virtual/workqueue/"

enum { BALANCE_PAUSE_USEC = 60 * 1000000 }; /* after one that did not answer in time */

static int read_mask(const struct quiet *q, const char *file, struct cpuset **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read_line_new(q->manager->host->sys_fd, file, &text);

	if (r < 0)
		return r;
	r = cpuset_parse_mask(text, ret);
	return r == -EINVAL || r == -ERANGE ? -EBADMSG : r;
}

/* Since Linux 6.7 the kernel itself keeps unbound work off isolated partitions, and shows so in
 * cpumask_isolated; what is asked for is then apart, in cpumask_requested. */
static int read_workers(struct quiet *q, struct cpuset **ret_requested)
{
	int r;

	cpuset_free(TAKE_PTR(q->workers));
	cpuset_free(TAKE_PTR(q->isolated));
	r = read_mask(q, WORKERS "cpumask", &q->workers);
	if (r < 0)
		return r;
	if (read_mask(q, WORKERS "cpumask_isolated", &q->isolated) < 0 &&
	    cpuset_new(&q->isolated) < 0)
		return -ENOMEM;
	r = read_mask(q, WORKERS "cpumask_requested", ret_requested);
	return r == -ENOENT ? cpuset_copy(ret_requested, q->workers) : r;
}

int quiet_workers_prepare(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *now = NULL, *want = NULL;
	_cleanup_(quiet_plan_done) struct quiet_plan plan = { .online = q->plan.online };
	struct quiet_kept *k = &q->record.workqueues;
	int r;

	q->workers_write = false;
	if (!q->manager->config->workqueues && !k->original)
		return 0;
	q->workers_error = r = read_workers(q, &now);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = q->manager->config->workqueues ? cpuset_copy(&plan.away, q->cpus)
					   : cpuset_new(&plan.away);
	if (r == 0)
		r = cpuset_subtract(plan.away, q->isolated);
	if (r == 0)
		r = quiet_kept_begin(k, now);
	if (r == 0)
		r = quiet_rest(&plan, k->original, NULL, &want);
	if (r == 0)
		r = quiet_kept_aim(k, now, &want);
	if (r < 0)
		return r;
	q->workers_write = r > 0;
	cpuset_free(q->workers_now);
	q->workers_now = TAKE_PTR(now);
	return 0;
}

void quiet_workers_apply(struct quiet *q)
{
	struct quiet_kept *k = &q->record.workqueues;
	_cleanup_(cpuset_freep) struct cpuset *asked = NULL;
	_cleanup_free_ char *text = NULL;

	if (!q->workers_write)
		return;
	text = cpuset_format_mask(k->written);
	q->workers_error =
		text ? fs_write(q->manager->host->sys_fd, WORKERS "cpumask", text) : -ENOMEM;
	quiet_kept_end(k, q->workers_now, q->workers_error);
	q->workers_write = false;
	if (q->workers_error == 0)
		q->workers_error = read_workers(q, &asked);
}

/* What it is to leave alone beside what it did before. */
static int balance_wish(const struct quiet *q, struct cpuset **ret_cpus, struct cpuset **ret_irqs)
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

static void forget_balance(struct quiet *q)
{
	cpuset_free(TAKE_PTR(q->balance_told));
	cpuset_free(TAKE_PTR(q->balance_told_irqs));
	q->record.irqbalance = 0;
}

/* One that was not talked to before. */
static int meet(struct quiet *q)
{
	struct irqbalance_setup setup = { 0 };
	int r = irqbalance_ask(q->manager->host, q->balance, &setup);

	if (r < 0)
		return r;
	forget_balance(q);
	cpuset_free(q->record.balance_cpus);
	cpuset_free(q->record.balance_irqs);
	q->record.balance_cpus = setup.cpus;
	q->record.balance_irqs = setup.irqs;
	cpuset_free(TAKE_PTR(q->record.balance_asked));
	q->record.irqbalance = q->balance;
	return cpuset_new(&q->record.balance_asked);
}

static int balance_failed(struct quiet *q, int error)
{
	const struct host *h = q->manager->host;

	q->balance_error = error;
	if (error == -ECONNREFUSED || error == -ENOENT) /* it ended and left its socket */
		q->balance = 0;
	if (error == -ETIMEDOUT)
		q->balance_after_usec = h->monotonic_usec(h) + BALANCE_PAUSE_USEC;
	return error == -ENOMEM ? error : 0;
}

int quiet_balance_prepare(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	const struct host *h = q->manager->host;
	int r = balance_wish(q, &cpus, &irqs);

	if (r < 0)
		return r;
	if ((cpuset_empty(cpus) && q->record.irqbalance == 0) ||
	    h->monotonic_usec(h) < q->balance_after_usec)
		return 0;
	q->balance_error = 0;
	q->balance = 0;
	if (irqbalance_find(h, &q->balance) < 0) {
		forget_balance(q); /* what it was told went with it */
		return 0;
	}
	if (q->balance != q->record.irqbalance)
		r = cpuset_empty(cpus) ? 0 : meet(q);
	if (r == 0)
		r = cpuset_union(q->record.balance_asked, irqs);
	return r < 0 ? balance_failed(q, r) : 0;
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

int quiet_balance_apply(struct quiet *q)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *irqs = NULL;
	struct quiet_record *k = &q->record;
	int r;

	if (q->balance == 0 || q->balance_error < 0 || k->irqbalance != q->balance)
		return 0;
	r = balance_wish(q, &cpus, &irqs);
	if (r == 0)
		r = tell(q, k->balance_cpus, cpus, &q->balance_told, irqbalance_tell_cpus);
	if (r == 0 && !cpuset_empty(k->balance_asked))
		r = tell(q, k->balance_irqs, irqs, &q->balance_told_irqs, irqbalance_tell_irqs);
	if (r < 0)
		return balance_failed(q, r);
	cpuset_free(k->balance_asked);
	k->balance_asked = TAKE_PTR(irqs);
	if (cpuset_empty(cpus))
		forget_balance(q);
	return 0;
}

static void drop_units(struct quiet_record *k)
{
	for (size_t i = 0; i < k->units_count; i++) {
		free(k->units[i].name);
		cpuset_free(k->units[i].allowed);
	}
	k->units_count = 0;
}

static int remember_unit(struct quiet *q, const char *unit)
{
	struct quiet_record *k = &q->record;
	struct cpuset *allowed = NULL;
	int r = housekeeping_read(q->manager->systemd, unit, &allowed, &q->units_why);

	if (r < 0)
		return r;
	k->units[k->units_count].allowed = allowed;
	k->units[k->units_count].name = strdup(unit);
	return k->units[k->units_count++].name ? 0 : -ENOMEM;
}

int quiet_units_prepare(struct quiet *q)
{
	const struct config *c = q->manager->config;
	int r = 0;

	q->units_why = (struct fail){ 0 };
	if (cpuset_empty(q->inside) || q->record.units_count > 0 || !c->housekeeping)
		return 0;
	if (!q->manager->systemd) {
		fail_set(&q->units_why, -EOPNOTSUPP,
			 "no partition holds these CPUs and PID 1 is not systemd: the rest of the "
			 "host is not kept away");
		return 0;
	}
	for (size_t i = 0; r == 0 && housekeeping_units[i]; i++)
		r = remember_unit(q, housekeeping_units[i]);
	if (r < 0)
		drop_units(&q->record);
	return r == -ENOMEM ? r : 0;
}

/* Of a unit without the setting PID 1 leaves the cgroup's file as it is (systemd 257): so it would
 * keep what was written there last. Empty, as it was, the kernel does not take it again while
 * processes are below (validate_change()): all CPUs that there may be do the same. */
static int widen_unit(const struct quiet *q, const char *unit)
{
	const struct host *h = q->manager->host;
	_cleanup_free_ char *all = NULL;
	char path[128];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/cpuset.cpus", unit) >= sizeof(path))
		return -EBADMSG;
	r = fs_read_line_new(h->sys_fd, "devices/system/cpu/possible", &all);
	if (r == 0)
		r = fs_write(h->cgroup_fd, path, all);
	return r == -ENOENT ? 0 : r; /* its controller went with the setting */
}

/* A unit that is restricted by its owner stays within that. */
static int allow_unit(struct quiet *q, size_t i, const struct quiet_plan *plan)
{
	const struct cpuset *before = q->record.units[i].allowed;
	_cleanup_(cpuset_freep) struct cpuset *want = NULL;
	int r = cpuset_empty(plan->away)
			? cpuset_copy(&want, before)
			: quiet_rest(plan, cpuset_empty(before) ? plan->online : before, NULL,
				     &want);

	if (r == 0)
		r = housekeeping_write(q->manager->systemd, q->record.units[i].name, want,
				       &q->units_why);
	return r == 0 && cpuset_empty(want) ? widen_unit(q, q->record.units[i].name) : r;
}

int quiet_units_apply(struct quiet *q)
{
	_cleanup_(quiet_plan_done) struct quiet_plan plan = { .online = q->plan.online };
	struct quiet_record *k = &q->record;
	int r = q->manager->config->housekeeping ? cpuset_copy(&plan.away, q->inside)
						 : cpuset_new(&plan.away);

	if (r < 0 || k->units_count == 0 || !q->manager->systemd ||
	    (q->units_told && cpuset_equal(q->units_told, plan.away)))
		return r;
	for (size_t i = 0; r == 0 && i < k->units_count; i++)
		r = allow_unit(q, i, &plan);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* said in units_why; the next look tries again */
	cpuset_free(TAKE_PTR(q->units_told));
	if (cpuset_empty(plan.away))
		drop_units(k);
	else
		r = cpuset_copy(&q->units_told, plan.away);
	return r;
}
