/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown of quiet CPUs: a row a means, as it was found when all was settled last. */
#include "irq.h"
#include "quiet_internal.h"
#include "systemd/housekeeping.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IRQ_FILE "/proc/irq/*/smp_affinity_list"
#define WORKERS "/sys/devices/virtual/workqueue/"

enum { REASON_SIZE = 320 };

struct report {
	const struct slice *slice;
	const struct quiet *quiet;
	const struct cpuset *cpus; /* that the slice holds alone */
	struct enforcements *rows;
};

static int add(const struct report *p, struct enforcement row, const struct cpuset *wanted,
	       const struct cpuset *actual)
{
	_cleanup_free_ char *wanted_text = wanted ? cpuset_format(wanted) : NULL,
			    *actual_text = actual ? cpuset_format(actual) : NULL;

	if ((wanted && !wanted_text) || (actual && !actual_text))
		return -ENOMEM;
	row.resource = "noise";
	row.wanted = wanted_text;
	row.actual = actual_text;
	return enforcements_add(p->rows, &row);
}

int quiet_refuse(const struct slice *s, const char *limit, const char *reason,
		 struct enforcements *rows)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	const struct report p = { .slice = s, .rows = rows };

	return add(&p, (struct enforcement){ .limit = limit, .reason = reason }, a->cpus, NULL);
}

/* Why nothing was done at all; NULL: it was. */
static const char *interrupts_failed(const struct quiet *q, char *room)
{
	if (q->irqs_error < 0)
		(void)snprintf(room, REASON_SIZE, "/proc/irq cannot be listed: %s",
			       strerror(-q->irqs_error)); /* fits */
	else if (q->save_error < 0)
		(void)snprintf(room, REASON_SIZE, "what was before cannot be written down: %s",
			       strerror(-q->save_error)); /* fits */
	else if (q->irqs.refusal == -EROFS || q->irqs.refusal == -EACCES)
		(void)snprintf(room, REASON_SIZE, "/proc/irq cannot be written: %s",
			       strerror(-q->irqs.refusal)); /* fits */
	else
		return NULL;
	return room;
}

struct left {			     /* interrupts in use on CPUs of the slice */
	unsigned bound, first_bound; /* that nothing but the slice's own doings can raise */
	unsigned others, first_other;
	struct cpuset *clear; /* the slice's CPUs without the others */
};

static void left_done(struct left *l)
{
	cpuset_free(l->clear);
}

/* A queue of a device that the kernel has bound to these CPUs alone serves what starts there: no
 * process of others does (blk_mq_map_queues()). One that it shares with other CPUs is theirs too.
 */
static int count_left(const struct report *p, struct left *ret)
{
	const struct quiet_irqs *work = &p->quiet->irqs;
	int r = cpuset_copy(&ret->clear, p->cpus);

	for (size_t i = 0; r == 0 && i < work->stuck_count; i++) {
		const struct quiet_stuck *stuck = &work->stuck[i];

		if (!cpuset_intersects(stuck->cpus, p->cpus))
			continue;
		if (cpuset_subset(stuck->affinity, p->cpus) && work->refusal) {
			ret->first_bound = ret->bound++ ? ret->first_bound : stuck->irq;
			continue;
		}
		ret->first_other = ret->others++ ? ret->first_other : stuck->irq;
		r = cpuset_subtract(ret->clear, stuck->cpus);
	}
	return r;
}

static void explain_left(const struct report *p, const struct left *l, char *room)
{
	const int refusal = p->quiet->irqs.refusal;

	if (l->others > 0)
		(void)snprintf(room, REASON_SIZE,
			       "%u interrupts in use cannot be moved, the first is %u: %s",
			       l->others, l->first_other,
			       refusal ? strerror(-refusal) : "no other CPU is left"); /* fits */
	else if (l->bound > 0)
		(void)snprintf(room, REASON_SIZE,
			       "%u interrupts stay, the first is %u: the kernel has bound them to "
			       "these CPUs alone, and they serve what is started there",
			       l->bound, l->first_bound); /* fits */
}

static int interrupts_row(const struct report *p)
{
	_cleanup_(left_done) struct left left = { 0 };
	char room[REASON_SIZE] = "";
	struct enforcement row = { .limit = "interrupts", .file = IRQ_FILE };
	int r;

	if (!p->slice->manager->config->interrupts)
		return quiet_refuse(p->slice, "interrupts",
				    "interrupts is off in the configuration", p->rows);
	row.reason = interrupts_failed(p->quiet, room);
	if (row.reason)
		return add(p, row, p->cpus, NULL);
	r = count_left(p, &left);
	if (r < 0)
		return r;
	explain_left(p, &left, room);
	row.mechanism = cpuset_empty(left.clear) ? MECHANISM_NONE : MECHANISM_HOST;
	row.reason = *room ? room : NULL;
	return add(p, row, p->cpus, left.clear);
}

/* Those of its own devices: on which CPUs they are to be, and are. */
static int own_row(const struct report *p)
{
	_cleanup_(cpuset_freep) struct cpuset *wanted = NULL, *actual = NULL;
	struct enforcement row = { .limit = "device_interrupts", .file = IRQ_FILE };
	const struct quiet_plan *plan = &p->quiet->plan;
	int r = cpuset_new(&wanted);

	if (r == 0)
		r = cpuset_new(&actual);
	for (size_t i = 0; r == 0 && i < plan->own_count; i++) {
		_cleanup_(cpuset_freep) struct cpuset *now = NULL;

		if (!cpuset_has(p->cpus, plan->own[i].cpu))
			continue;
		r = cpuset_add(wanted, plan->own[i].cpu);
		if (r == 0 && irq_read(p->slice->manager->host, plan->own[i].irq, &now) == 0)
			r = cpuset_union(actual, now);
	}
	if (r < 0)
		return r;
	row.mechanism = cpuset_equal(wanted, actual) ? MECHANISM_HOST : MECHANISM_NONE;
	if (cpuset_empty(wanted)) {
		row.mechanism = MECHANISM_NONE;
		row.reason = "it owns no device that has message interrupts";
	} else if (row.mechanism == MECHANISM_NONE) {
		row.reason = "the kernel holds some of them elsewhere";
	}
	return add(p, row, cpuset_empty(wanted) ? p->cpus : wanted, actual);
}

static int workers_row(const struct report *p)
{
	const struct quiet *q = p->quiet;
	_cleanup_(cpuset_freep) struct cpuset *clear = NULL;
	char room[REASON_SIZE];
	struct enforcement row = { .limit = "workqueues", .file = WORKERS "cpumask" };
	int r;

	if (!p->slice->manager->config->workqueues)
		return quiet_refuse(p->slice, "workqueues",
				    "workqueues is off in the configuration", p->rows);
	if (q->save_error < 0 || !q->workers) {
		(void)snprintf(room, sizeof(room), "the mask of unbound work cannot be %s: %s",
			       q->workers ? "written down" : "read",
			       strerror(-(q->workers ? q->save_error : q->workers_error)));
		row.reason = room;
		return add(p, row, p->cpus, NULL);
	}
	r = cpuset_copy(&clear, p->cpus);
	if (r == 0)
		r = cpuset_subtract(clear, q->workers);
	if (r < 0)
		return r;
	if (cpuset_equal(clear, p->cpus)) {
		bool kernel = cpuset_subset(p->cpus, q->isolated);

		row.mechanism = kernel ? MECHANISM_PARTITION : MECHANISM_HOST;
		row.file = kernel ? WORKERS "cpumask_isolated" : row.file;
	} else {
		row.reason = q->workers_error < 0 ? strerror(-q->workers_error)
						  : "no other CPU is left for it";
	}
	return add(p, row, p->cpus, clear);
}

static int balance_row(const struct report *p)
{
	const struct quiet *q = p->quiet;
	char file[64], room[REASON_SIZE];
	struct enforcement row = { .limit = "irqbalance", .file = file };
	bool told;

	if (q->balance == 0 || !p->slice->manager->config->irqbalance ||
	    !p->slice->manager->config->interrupts)
		return 0; /* nobody there who would move them back */
	(void)snprintf(file, sizeof(file), "/run/irqbalance/irqbalance%d.sock",
		       (int)q->balance); /* fits */
	told = quiet_balance_told(q, p->cpus);
	if (q->balance_error < 0) {
		(void)snprintf(room, sizeof(room), "irqbalance cannot be told: %s",
			       strerror(-q->balance_error)); /* fits */
		row.reason = room;
	} else if (!told) {
		row.reason = "irqbalance has not answered yet";
	}
	row.mechanism = told ? MECHANISM_HOST : MECHANISM_NONE;
	return add(p, row, p->cpus, told ? p->cpus : NULL);
}

/* What the cgroups of the units say now. */
static int read_units(const struct quiet *q, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *all = NULL;
	int r = cpuset_new(&all);

	for (size_t i = 0; r == 0 && i < q->record.units_count; i++) {
		_cleanup_(cpuset_freep) struct cpuset *now = NULL;
		_cleanup_free_ char *text = NULL;
		char path[128];

		if ((size_t)snprintf(path, sizeof(path), "%s/cpuset.cpus.effective",
				     q->record.units[i].name) >= sizeof(path))
			return -EBADMSG;
		r = fs_read_line_new(q->manager->host->cgroup_fd, path, &text);
		if (r == -ENOENT) { /* nothing runs there */
			r = 0;
			continue;
		}
		if (r == 0)
			r = cpuset_parse(text, &now);
		if (r == 0)
			r = cpuset_union(all, now);
	}
	if (r == 0)
		*ret = TAKE_PTR(all);
	return r;
}

static int units_row(const struct report *p)
{
	const struct quiet *q = p->quiet;
	_cleanup_(cpuset_freep) struct cpuset *used = NULL, *clear = NULL;
	struct enforcement row = { .limit = "housekeeping", .file = "AllowedCPUs" };
	int r;

	if (p->slice->quiet == QUIET_PARTITION)
		return 0; /* the kernel keeps everybody else away */
	if (!p->slice->manager->config->housekeeping)
		return quiet_refuse(p->slice, "housekeeping",
				    "housekeeping is off in the configuration", p->rows);
	if (q->units_why.error || !q->units_told)
		return quiet_refuse(p->slice, "housekeeping",
				    q->units_why.error ? q->units_why.text
						       : "the units were not restricted",
				    p->rows);
	r = read_units(q, &used);
	if (r == 0)
		r = cpuset_copy(&clear, p->cpus);
	if (r == 0)
		r = cpuset_subtract(clear, used);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && cpuset_equal(clear, p->cpus))
		row.mechanism = MECHANISM_HOST;
	else
		row.reason = "control groups of the host may still use some of them";
	return add(p, row, p->cpus, clear);
}

int quiet_rows(const struct slice *s, struct enforcements *rows)
{
	const struct report p = { .slice = s,
				  .quiet = s->manager->quiet,
				  .cpus = ledger_find(s->manager->ledger, s->id)->cpus,
				  .rows = rows };
	int r = interrupts_row(&p);

	if (r == 0 && s->request.interrupts == INTERRUPTS_SLICE && s->manager->config->interrupts)
		r = own_row(&p);
	if (r == 0)
		r = workers_row(&p);
	if (r == 0)
		r = balance_row(&p);
	return r == 0 ? units_row(&p) : r;
}
