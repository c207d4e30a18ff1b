/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcement; see enforce.h. What a slice holds is the table of hold.h; here is what they have in
 * common: which CPUs, whether it is enough, and when it is to be done again. What the API shows is
 * what was read back, never what was asked. */
#include "enforce.h"

#include "admission.h"
#include "backend.h"
#include "hold.h"
#include "manager.h"
#include "parts.h"
#include "slice_limits.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* Whether the pool is among its CPUs. Where it has parts it is: reeve-init must be somewhere, and
 * what the partition takes is not for it. */
static bool has_pool(const struct slice *s, const struct allocation *a)
{
	return a->shared_millicpus > 0 || cpuset_empty(a->cpus) || parts_exist(s);
}

int enforce_cpus(const struct slice *s, const struct cpuset **ret, struct cpuset **ret_pool)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	struct view v = manager_view(s->manager);
	int r = 0;

	*ret = a->cpus;
	if (!has_pool(s, a))
		return 0;
	r = view_shared_pool(&v, ret_pool);
	if (r == 0)
		r = cpuset_union(*ret_pool, a->cpus); /* a mixed slice has both */
	*ret = *ret_pool;
	return r;
}

int enforce_pin(const struct slice *s, struct pin *ret, struct cpuset **ret_pool)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	*ret = (struct pin){ .nodes = a->nodes, .nodes_only = a->memory_count > 0 };
	return enforce_cpus(s, &ret->cpus, ret_pool);
}

uint64_t enforce_weight(const struct allocation *a)
{
	uint64_t weight = a->shared_millicpus / 10;

	return weight < 1 ? 1 : weight > 10000 ? 10000 : weight;
}

static bool isolating(const struct enforcement *row)
{
	return row->mechanism == MECHANISM_PARTITION || row->mechanism == MECHANISM_CGROUP ||
	       row->mechanism == MECHANISM_CPUSET;
}

static bool partitioned(const struct enforcements *rows)
{
	const struct enforcement *row = enforcements_find(rows, "partition");

	return row && row->mechanism == MECHANISM_PARTITION;
}

/* No partition was tried where the CPUs are not by themselves. */
static const char *why_none(const struct enforcements *rows)
{
	const struct enforcement *row = enforcements_find(rows, "partition");

	if (!row)
		row = enforcements_find(rows, "exclusive_cpus");
	return row && row->reason ? row->reason : "no cpuset controller holds them";
}

/* isolation: required. Exclusive CPUs need a partition (cpuset alone keeps in, not out); everything
 * else a row that the kernel holds. What noise of the host remains is told, and refuses nothing:
 * some interrupts cannot be moved, and some the administrator wants where they are. */
static int check_isolation(const struct slice *s, const struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	if (s->request.isolation != ISOLATION_REQUIRED)
		return 0;
	if (!cpuset_empty(a->cpus) && !partitioned(rows))
		return fail_code(f, -EOPNOTSUPP, "isolation-unavailable",
				 "isolation is required, and this kernel made no partition "
				 "of these CPUs: %s",
				 why_none(rows));
	for (size_t i = 0; i < rows->count; i++) {
		const struct enforcement *row = &rows->items[i];

		if (row->mechanism == MECHANISM_NONE && strcmp(row->limit, "cpus") != 0 &&
		    strcmp(row->limit, "partition") != 0 && strcmp(row->resource, "noise") != 0)
			return fail_code(f, -EOPNOTSUPP, "isolation-unavailable",
					 "isolation is required, and nothing holds %s: %s",
					 row->limit, row->reason ? row->reason : "not enforced");
		if (strcmp(row->limit, "cpus") == 0 && !isolating(row))
			return fail_code(f, -EOPNOTSUPP, "isolation-unavailable",
					 "isolation is required, and CPUs are held by %s only",
					 mechanism_to_string(row->mechanism));
	}
	return 0;
}

/* They are the slice's now, if all were taken. */
static int put_rows(struct slice *s, struct enforcements *rows, int r)
{
	if (r < 0) {
		enforcements_done(rows);
		return r;
	}
	enforcements_done(&s->enforced);
	s->enforced = *rows;
	return 0;
}

static int take_all(struct slice *s, struct fail *f)
{
	struct enforcements rows = { 0 };
	int r = hold_take_all(s, &rows, f);

	return put_rows(s, &rows, r);
}

int enforce_apply(struct slice *s, struct fail *f)
{
	int r = take_all(s, f);

	return r < 0 ? r : check_isolation(s, &s->enforced, f);
}

void enforce_task_ended(struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	struct fail why = { 0 };

	if (s->state != SLICE_ACTIVE || s->resize || !a || slice_tasks_alive(s) > 0 ||
	    !(backend_controllers(s) & CG_BIT(CG_CPUSET)) || parts_exist(s) == parts_wanted(a))
		return;
	if (enforce_apply(s, &why) < 0)
		log_warning(&(struct log_about){ .slice = s->id }, "%s", why.text);
}

int enforce_again(struct slice *s, const struct hold *hold, const char *resource)
{
	struct enforcements rows = { 0 };
	struct fail why = { 0 };
	bool taken = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->enforced.count; i++) {
		const bool other = strcmp(s->enforced.items[i].resource, resource) != 0;

		if (other)
			r = enforcements_add(&rows, &s->enforced.items[i]);
		else if (!taken)
			r = hold->take(s, &rows, &why);
		taken = taken || !other;
	}
	if (r == 0 && !taken)
		r = hold->take(s, &rows, &why);
	return put_rows(s, &rows, r);
}

void enforce_undo(struct slice *s)
{
	if (ledger_find(s->manager->ledger, s->id)) /* else nothing was promised to it */
		hold_give_all(s);
}

int enforce_possible(const struct manager *m, const struct request *r, struct fail *f)
{
	static const struct {
		enum cg_controller controller;
		const char *what;
	} needs[] = {
		{ CG_CPUSET, "CPUs" },	  { CG_CPU, "time on CPUs" },	{ CG_MEMORY, "memory" },
		{ CG_PIDS, "processes" }, { CG_IO, "disks" },		{ CG_RDMA, "RDMA" },
		{ CG_MISC, "misc" },	  { CG_DMEM, "device memory" },
	};
	uint32_t wanted = limits_controllers(&r->limits);

	wanted |= r->cores > 0 || r->shared_millicpus > 0 ? CG_BIT(CG_CPUSET) : 0;
	wanted |= r->memory_bytes > 0 ? CG_BIT(CG_MEMORY) : 0;
	wanted |= r->processes_max > 0 ? CG_BIT(CG_PIDS) : 0;
	if (r->isolation != ISOLATION_REQUIRED)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (wanted & ~m->controllers & CG_BIT(needs[i].controller))
			return fail_code(
				f, -EOPNOTSUPP, "isolation-unavailable",
				"isolation is required, but this host has no %s controller "
				"on cgroup v2 (its cgroup layout is %s), so %s cannot be "
				"isolated; ask for isolation \"best-effort\"",
				cg_controller_to_string(needs[i].controller),
				cg_layout_to_string(m->layout), needs[i].what);
	return 0;
}

/* Every process of a task's cgroup. */
static void repin_cgroup(struct slice *s, int cgroup, const struct cpuset *cpus)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;

	if (cg_pids(cgroup, &pids, &count) < 0)
		return; /* it has just gone */
	for (size_t i = 0; i < count; i++)
		if (pin_process(s->manager->host, pids[i], cpus) < 0)
			log_debug(&(struct log_about){ .slice = s->id },
				  "process %d keeps its CPUs", (int)pids[i]);
}

static void repin_tasks(struct slice *s, const struct cpuset *cpus)
{
	size_t cursor = 0;

	(void)pin_process(s->manager->host, s->init_pid, cpus); /* read back by enforce_apply */
	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));) {
		_cleanup_close_ int leaf = -1;

		if (parts_open_leaf(s, t, &leaf) == 0)
			repin_cgroup(s, leaf, cpus);
		else if (t->pid > 0)
			(void)pin_process(s->manager->host, t->pid, cpus); /* likewise */
	}
}

int enforce_resized(struct slice *s, bool passing, struct fail *f)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	const struct cpuset *cpus = NULL;
	int r = enforce_cpus(s, &cpus, &pool);

	if (r < 0)
		return fail_set(f, r, "out of memory");
	if (!(backend_controllers(s) & CG_BIT(CG_CPUSET)))
		repin_tasks(s, cpus);
	r = hold_reset_limits(s, f);
	if (r < 0)
		return r;
	return passing ? take_all(s, f) : enforce_apply(s, f);
}

/* Whether they are what holds the slice already. */
static bool has_cpus(const struct slice *s, const char *cpus)
{
	const struct enforcement *row = enforcements_find(&s->enforced, "cpus");

	return row && row->mechanism != MECHANISM_NONE && strcmp(row->wanted, cpus) == 0;
}

static int follow_pool(struct slice *s)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	_cleanup_free_ char *text = NULL;
	const struct cpuset *cpus = NULL;
	struct fail why = { 0 };
	int r = enforce_cpus(s, &cpus, &pool);

	if (r < 0 || !(text = cpuset_format(cpus)))
		return -ENOMEM;
	if (has_cpus(s, text))
		return 0;
	if (!(backend_controllers(s) & CG_BIT(CG_CPUSET)))
		repin_tasks(s, cpus);
	else if (s->backend->repin)
		s->backend->repin(s, cpus);
	r = enforce_apply(s, &why);
	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id }, "%s", why.text);
	return r;
}

int enforce_follow_pool(struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	if (s->state != SLICE_ACTIVE || s->unreached || !a || !has_pool(s, a))
		return 0;
	return follow_pool(s);
}

void enforce_pool_changed(struct manager *m, const struct slice *but)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct view v = manager_view(m);
	size_t cursor = 0;
	int r = view_shared_pool(&v, &pool);

	admission_wake(m->admission);
	if (r == 0 && m->pool && cpuset_equal(m->pool, pool))
		return; /* a thousand slices need not be asked whether they follow it */
	for (struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		int k = s == but ? 0 : enforce_follow_pool(s);

		r = r < 0 ? r : k;
	}
	cpuset_free(m->pool);
	m->pool = r < 0 ? NULL : TAKE_PTR(pool);
}
