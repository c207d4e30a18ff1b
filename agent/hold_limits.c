/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the slice's own cgroup: sets of CPUs and nodes, weights, bytes, counts. Without a
 * cgroup each still gets its row, which says that nothing holds it. See hold.h. */
#include "hold.h"

#include "backend.h"
#include "cgroups/control.h"
#include "enforce.h"
#include "manager.h"
#include "slice_limits.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static int add_readback(const struct slice *s, uint32_t controllers, struct enforcements *rows,
			const struct cg_readback *b)
{
	struct enforcement row = { .resource = b->resource,
				   .limit = b->limit,
				   .mechanism = b->controller == CG_CPUSET ? MECHANISM_CPUSET
									   : MECHANISM_CGROUP,
				   .file = b->file,
				   .wanted = b->wanted,
				   .actual = b->actual };

	if (!limits_hold(s, b)) {
		row.mechanism = MECHANISM_NONE;
		row.reason = s->top_fd < 0 ? "this host has no cgroup v2 that can be written"
					   : limits_reason(b, controllers);
	}
	return enforcements_add(rows, &row);
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

struct wanted {
	struct cg_limits limits;
	struct cg_hugepages pages[REQUEST_HUGEPAGES_MAX];
	struct limits_values values;
	struct cpuset *pool;
};

static void wanted_done(struct wanted *w)
{
	limits_values_done(&w->values);
	cpuset_free(w->pool);
}

static int wanted_of(const struct slice *s, struct wanted *w)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	const struct cpuset *cpus;
	int r = enforce_cpus(s, &cpus, &w->pool);

	w->limits = CG_LIMITS_UNSET;
	if (r == 0)
		r = limits_values(s, &w->values, &w->limits);
	if (r < 0)
		return r;
	/* Without the controller affinity and policy hold these two: no row says "none" then. */
	if (backend_controllers(s) & CG_BIT(CG_CPUSET)) {
		w->limits.cpus = cpus;
		w->limits.nodes = a->memory_count > 0 ? a->nodes : NULL;
	}
	if (a->shared_millicpus > 0)
		w->limits.cpu_weight = enforce_weight(a);
	if (a->memory_count > 0)
		w->limits.memory_max_bytes = allocation_memory_total(a);
	if (s->request.processes_max > 0)
		w->limits.pids_max = s->request.processes_max;
	w->limits.hugepages = w->pages;
	w->limits.hugepages_count = sum_hugepages(a, w->pages, ARRAY_SIZE(w->pages));
	return 0;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	_cleanup_(wanted_done) struct wanted w = { 0 };
	uint32_t controllers = backend_controllers(s);
	int r = wanted_of(s, &w);

	(void)f; /* the table's own sentence is enough */
	if (r == 0)
		r = cg_apply(s->top_fd, controllers, &w.limits, &back);
	for (size_t i = 0; r >= 0 && i < back.count; i++)
		r = add_readback(s, controllers, rows, &back.items[i]);
	return r < 0 ? r : limits_report_absent(&w.values, rows);
}

int hold_reset_limits(struct slice *s, struct fail *f)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	const char *file = "cgroup.controllers";
	uint32_t controllers;
	int r;

	if (s->top_fd < 0)
		return 0;
	r = wanted_of(s, &w);
	if (r < 0)
		return fail_set(f, r, "out of memory");
	r = cg_available(s->top_fd, &controllers); /* not known is not none */
	if (r == 0)
		r = cg_reset(s->top_fd, controllers, &w.limits, &file);
	return r < 0 ? fail_code(f, -EBUSY, "resize-refused",
				 "the kernel does not take the limit in %s away from slice %s: %s",
				 file, s->id, strerror(-r))
		     : 0;
}

const struct hold hold_limits = { .name = "limits", .take = take };
