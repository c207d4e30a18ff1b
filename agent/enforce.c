/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcement; see enforce.h. One step a resource: ask the cgroup where its controller is there,
 * else the system call that every kernel has, else say that nothing holds it. What the API shows is
 * what was read back, never what was asked. */
#include "enforce.h"

#include "backend.h"
#include "cgroups/control.h"
#include "cgroups/partition.h"
#include "devices.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The set that the slice's tasks run on. */
static int cpus_of(const struct slice *s, const struct allocation *a, const struct cpuset **ret,
		   struct cpuset **ret_pool)
{
	struct view v = manager_view(s->manager);
	int r = 0;

	*ret = a->cpus;
	if (a->shared_millicpus == 0 && !cpuset_empty(a->cpus))
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
	return cpus_of(s, a, &ret->cpus, ret_pool);
}

/* The rows of cg_apply's answer: limit -> resource and mechanism. */
static const struct {
	const char *limit, *resource;
	enum mechanism mechanism;
} limit_rows[] = {
	{ "cpus", "cpu", MECHANISM_CPUSET },
	{ "nodes", "memory-nodes", MECHANISM_CPUSET },
	{ "partition", "cpu", MECHANISM_PARTITION },
	{ "cpu_weight", "cpu", MECHANISM_CGROUP },
	{ "memory_max", "memory", MECHANISM_CGROUP },
	{ "pids_max", "processes", MECHANISM_CGROUP },
	{ "hugepages", "hugepages", MECHANISM_CGROUP },
};

struct work {
	struct slice *slice;
	const struct allocation *allocation;
	const struct cpuset *cpus; /* that its tasks run on */
	struct enforcements rows;
	bool cpu_held, nodes_held; /* by the cpuset controller */
	bool partitioned;
};

static const char *resource_of(const char *limit, enum mechanism *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
		size_t n = strlen(limit_rows[i].limit);

		if (strncmp(limit_rows[i].limit, limit, n) == 0) {
			*ret = limit_rows[i].mechanism;
			return limit_rows[i].resource;
		}
	}
	*ret = MECHANISM_CGROUP;
	return "cgroup";
}

static int add_readback(struct work *w, const struct cg_readback *b)
{
	struct enforcement row = {
		.limit = b->limit, .file = b->file, .wanted = b->wanted, .actual = b->actual
	};
	char reason[256] = "";

	row.resource = resource_of(b->limit, &row.mechanism);
	if (!b->holds) {
		row.mechanism = MECHANISM_NONE;
		(void)snprintf(reason, sizeof(reason), "%s",
			       b->error == -EOPNOTSUPP
				       ? "this host has no such controller on cgroup v2"
			       : b->error ? strerror(-b->error)
					  : "the kernel holds another value"); /* may be cut */
		row.reason = reason;
	}
	w->cpu_held |= b->holds && strcmp(b->limit, "cpus") == 0;
	w->nodes_held |= b->holds && strcmp(b->limit, "nodes") == 0;
	return enforcements_add(&w->rows, &row);
}

uint64_t enforce_weight(const struct allocation *a)
{
	uint64_t weight = a->shared_millicpus / 10;

	return weight < 1 ? 1 : weight > 10000 ? 10000 : weight;
}

static size_t sum_hugepages(const struct allocation *a, struct cg_hugepages *ret, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < a->hugepages_count; i++) {
		size_t k = 0;

		while (k < n && ret[k].page_bytes != a->hugepages[i].size_bytes)
			k++;
		if (k == room)
			continue;
		if (k == n)
			ret[n++] =
				(struct cg_hugepages){ .page_bytes = a->hugepages[i].size_bytes };
		ret[k].limit_bytes += a->hugepages[i].size_bytes * a->hugepages[i].count;
	}
	return n;
}

static int apply_cgroup(struct work *w)
{
	const struct allocation *a = w->allocation;
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_hugepages pages[REQUEST_HUGEPAGES_MAX];
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	uint32_t controllers = backend_controllers(w->slice);
	int r;

	/* Without the controller affinity and policy hold these two: no row says "none" then. */
	if (controllers & CG_BIT(CG_CPUSET)) {
		limits.cpus = w->cpus;
		limits.nodes = a->memory_count > 0 ? a->nodes : NULL;
	}
	if (a->shared_millicpus > 0)
		limits.cpu_weight = enforce_weight(a);
	if (a->memory_count > 0)
		limits.memory_max_bytes = allocation_memory_total(a);
	if (w->slice->request.processes_max > 0)
		limits.pids_max = w->slice->request.processes_max;
	limits.hugepages = pages;
	limits.hugepages_count = sum_hugepages(a, pages, ARRAY_SIZE(pages));
	r = cg_apply(w->slice->top_fd, controllers, &limits, &back);
	for (size_t i = 0; r >= 0 && i < back.count; i++)
		r = add_readback(w, &back.items[i]);
	return r;
}

static int apply_partition(struct work *w)
{
	_cleanup_(cg_partition_done) struct cg_partition p = { 0 };
	struct enforcement row = { .resource = "cpu", .limit = "partition", .wanted = "isolated" };
	int r;

	if (!w->cpu_held || cpuset_empty(w->allocation->cpus) ||
	    w->allocation->shared_millicpus > 0)
		return 0;
	r = cg_partition_make(w->slice->manager->host->cgroup_fd, w->slice->top,
			      ledger_cpus(w->slice->manager->ledger), w->allocation->cpus, &p);
	if (r < 0)
		return r;
	w->partitioned = p.holds;
	row.mechanism = p.holds ? MECHANISM_PARTITION : MECHANISM_NONE;
	row.file = p.file;
	row.actual = p.actual;
	row.reason = p.reason;
	return enforcements_add(&w->rows, &row);
}

static int read_affinity(struct work *w)
{
	_cleanup_(cpuset_freep) struct cpuset *actual = NULL;
	_cleanup_free_ char *wanted_text = NULL, *actual_text = NULL;
	struct enforcement row = { .resource = "cpu",
				   .limit = "cpus",
				   .file = "sched_setaffinity" };
	int r = pin_read_cpus(w->slice->init_pid, &actual);

	wanted_text = cpuset_format(w->cpus);
	actual_text = r == 0 ? cpuset_format(actual) : NULL;
	row.wanted = wanted_text;
	row.actual = actual_text;
	row.mechanism =
		r == 0 && cpuset_equal(actual, w->cpus) ? MECHANISM_AFFINITY : MECHANISM_NONE;
	if (row.mechanism == MECHANISM_NONE)
		row.reason = r < 0 ? strerror(-r) : "the kernel holds another set";
	else if (!w->cpu_held)
		row.reason = "no cpuset controller on cgroup v2 here: a task could undo it";
	return enforcements_add(&w->rows, &row);
}

static int read_policy(struct work *w)
{
	_cleanup_free_ char *wanted = cpuset_format(w->allocation->nodes), *actual = NULL;
	struct enforcement row = { .resource = "memory-nodes",
				   .limit = "nodes",
				   .file = "set_mempolicy" };
	int r = pin_read_policy(w->slice->manager->host, w->slice->init_pid, &actual);
	bool only = w->allocation->memory_count > 0, bound;

	row.wanted = wanted;
	row.actual = actual;
	bound = r == 0 && strncmp(actual, only ? "bind:" : "prefer", only ? 5 : 6) == 0;
	row.mechanism = bound ? MECHANISM_POLICY : MECHANISM_NONE;
	if (!bound)
		row.reason = r < 0 ? "this kernel does not tell memory policies"
				   : "the kernel holds another policy";
	else if (!only)
		row.reason = "preferred only: the request set no memory aside";
	return enforcements_add(&w->rows, &row);
}

/* What a slice without any cgroup cannot hold still gets its row. */
static int report_missing(struct work *w, const char *resource, const char *limit, uint64_t wanted)
{
	char text[32];
	struct enforcement row = { .resource = resource,
				   .limit = limit,
				   .mechanism = MECHANISM_NONE,
				   .wanted = text,
				   .reason = "this host has no cgroup v2 that can be written" };

	if (wanted == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)wanted); /* 20 digits fit */
	return enforcements_add(&w->rows, &row);
}

static int without_cgroup(struct work *w)
{
	const struct allocation *a = w->allocation;
	int r = report_missing(w, "memory", "memory_max", allocation_memory_total(a));

	if (r == 0)
		r = report_missing(w, "processes", "pids_max", w->slice->request.processes_max);
	for (size_t i = 0; r == 0 && i < a->hugepages_count; i++)
		r = report_missing(w, "hugepages", "hugepages",
				   a->hugepages[i].size_bytes * a->hugepages[i].count);
	return r;
}

static bool isolating(const struct enforcement *row)
{
	return row->mechanism == MECHANISM_PARTITION || row->mechanism == MECHANISM_CGROUP ||
	       row->mechanism == MECHANISM_CPUSET;
}

static const char *reason_of(const struct work *w, const char *limit)
{
	for (size_t i = 0; i < w->rows.count; i++)
		if (strcmp(w->rows.items[i].limit, limit) == 0 && w->rows.items[i].reason)
			return w->rows.items[i].reason;
	return "no cpuset controller holds them";
}

/* isolation: required. Exclusive CPUs need a partition (cpuset alone keeps in, not out); everything
 * else a row that the kernel holds. */
static int check_isolation(const struct work *w, struct fail *f)
{
	if (w->slice->request.isolation != ISOLATION_REQUIRED)
		return 0;
	if (!cpuset_empty(w->allocation->cpus) && !w->partitioned)
		return fail_code(
			f, -EOPNOTSUPP, "isolation-unavailable",
			"isolation is required, and this kernel made no isolated partition "
			"of these CPUs: %s",
			reason_of(w, "partition"));
	for (size_t i = 0; i < w->rows.count; i++) {
		const struct enforcement *row = &w->rows.items[i];

		if (row->mechanism == MECHANISM_NONE && strcmp(row->resource, "cpu") != 0)
			return fail_code(f, -EOPNOTSUPP, "isolation-unavailable",
					 "isolation is required, and nothing holds %s: %s",
					 row->limit, row->reason ? row->reason : "not enforced");
		if (strcmp(row->limit, "cpus") == 0 && !isolating(row) && !w->cpu_held)
			return fail_code(f, -EOPNOTSUPP, "isolation-unavailable",
					 "isolation is required, and CPUs are held by %s only",
					 mechanism_to_string(row->mechanism));
	}
	return 0;
}

int enforce_apply(struct slice *s, struct fail *f)
{
	struct work w = { .slice = s, .allocation = ledger_find(s->manager->ledger, s->id) };
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	int r = cpus_of(s, w.allocation, &w.cpus, &pool);

	if (r == 0)
		r = s->top_fd >= 0 ? apply_cgroup(&w) : without_cgroup(&w);
	if (r == 0)
		r = apply_partition(&w);
	if (r == 0 && w.cpu_held) /* a pin would keep tasks from a shared pool that has grown */
		(void)pin_release(s->manager->host, s->init_pid); /* refused: within the pin */
	if (r == 0 && !w.cpu_held)
		r = read_affinity(&w);
	if (r == 0 && !w.nodes_held && !cpuset_empty(w.allocation->nodes))
		r = read_policy(&w);
	if (r == 0)
		r = devices_enforce(s, &w.rows);
	if (r < 0) {
		enforcements_done(&w.rows);
		return fail_set(f, r, "the limits cannot be set: %s", strerror(-r));
	}
	enforcements_done(&s->enforced);
	s->enforced = w.rows;
	return check_isolation(&w, f);
}

void enforce_undo(struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *left = NULL;

	if (!a || !s->top || cpuset_empty(a->cpus) ||
	    !(backend_controllers(s) & CG_BIT(CG_CPUSET)) ||
	    cpuset_copy(&left, ledger_cpus(s->manager->ledger)) < 0 ||
	    cpuset_subtract(left, a->cpus) < 0)
		return;
	if (cg_partition_undo(s->manager->host->cgroup_fd, s->top, left) < 0)
		log_debug(&(struct log_about){ .slice = s->id }, "it was no partition");
}

int enforce_possible(const struct manager *m, const struct request *r, struct fail *f)
{
	static const struct {
		enum cg_controller controller;
		const char *what;
	} needs[] = {
		{ CG_CPUSET, "CPUs" },
		{ CG_MEMORY, "memory" },
		{ CG_PIDS, "processes" },
	};
	const bool wanted[] = { r->cores > 0 || r->shared_millicpus > 0, r->memory_bytes > 0,
				r->processes_max > 0 };

	if (r->isolation != ISOLATION_REQUIRED)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (wanted[i] && !(m->controllers & CG_BIT(needs[i].controller)))
			return fail_code(
				f, -EOPNOTSUPP, "isolation-unavailable",
				"isolation is required, but this host has no %s controller "
				"on cgroup v2 (its cgroup layout is %s), so %s cannot be "
				"isolated; ask for isolation \"best-effort\"",
				cg_controller_to_string(needs[i].controller),
				cg_layout_to_string(m->layout), needs[i].what);
	return 0;
}

/* Every process of a cgroup directory and of its children; the tree is two levels deep. */
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

		if (s->cgroup_fd >= 0 && cg_open(s->cgroup_fd, t->name, &leaf) == 0)
			repin_cgroup(s, leaf, cpus);
		else if (t->pid > 0)
			(void)pin_process(s->manager->host, t->pid, cpus); /* likewise */
	}
}

/* Whether they are what was written last. */
static bool has_cpus(const struct slice *s, const struct cpuset *cpus)
{
	_cleanup_free_ char *wanted = cpuset_format(cpus);

	for (size_t i = 0; wanted && i < s->enforced.count; i++)
		if (strcmp(s->enforced.items[i].limit, "cpus") == 0)
			return strcmp(s->enforced.items[i].wanted, wanted) == 0;
	return false;
}

void enforce_pool_changed(struct manager *m)
{
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *a = ledger_find(m->ledger, s->id);
		_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
		const struct cpuset *cpus = NULL;
		struct fail why = { 0 };

		if (s->state != SLICE_ACTIVE || !a ||
		    (a->shared_millicpus == 0 && !cpuset_empty(a->cpus)))
			continue;
		if (cpus_of(s, a, &cpus, &pool) < 0)
			continue;
		if (!(backend_controllers(s) & CG_BIT(CG_CPUSET)))
			repin_tasks(s, cpus);
		else if (s->backend->repin && !has_cpus(s, cpus))
			s->backend->repin(s, cpus);
		if (enforce_apply(s, &why) < 0)
			log_warning(&(struct log_about){ .slice = s->id }, "%s", why.text);
	}
}
