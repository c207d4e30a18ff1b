/* SPDX-License-Identifier: Apache-2.0 */
/* Unbound kernel work and the host's units, for quiet.c. */
#include "quiet_internal.h"
#include "systemd/housekeeping.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS "devices/virtual/workqueue/"

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

/* PID 1 writes the empty set for a unit without the setting, which the kernel does not take again
 * while processes are below (ENOSPC, validate_change()): PID 1 warns of that in its journal
 * (systemd 257), which it can only be spared by leaving it a setting that it did not have, and the
 * cgroup keeps what was written there last. All CPUs that there may be do the same as the empty
 * set. */
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
