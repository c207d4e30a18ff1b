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

static int apply(struct slice *s, const struct allocation *a, const struct cpuset *cpus,
		 struct enforcements *rows)
{
	struct cg_limits limits = CG_LIMITS_UNSET;
	struct cg_hugepages pages[REQUEST_HUGEPAGES_MAX];
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	_cleanup_(limits_values_done) struct limits_values values = { 0 };
	uint32_t controllers = backend_controllers(s);
	int r = limits_values(s, &values, &limits);

	if (r < 0)
		return r;
	/* Without the controller affinity and policy hold these two: no row says "none" then. */
	if (controllers & CG_BIT(CG_CPUSET)) {
		limits.cpus = cpus;
		limits.nodes = a->memory_count > 0 ? a->nodes : NULL;
	}
	if (a->shared_millicpus > 0)
		limits.cpu_weight = enforce_weight(a);
	if (a->memory_count > 0)
		limits.memory_max_bytes = allocation_memory_total(a);
	if (s->request.processes_max > 0)
		limits.pids_max = s->request.processes_max;
	limits.hugepages = pages;
	limits.hugepages_count = sum_hugepages(a, pages, ARRAY_SIZE(pages));
	r = cg_apply(s->top_fd, controllers, &limits, &back);
	for (size_t i = 0; r >= 0 && i < back.count; i++)
		r = add_readback(s, controllers, rows, &back.items[i]);
	return r < 0 ? r : limits_report_absent(&values, rows);
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	const struct cpuset *cpus;
	int r;

	(void)f; /* the table's own sentence is enough */
	r = enforce_cpus(s, &cpus, &pool);
	return r < 0 ? r : apply(s, a, cpus, rows);
}

const struct hold hold_limits = { .name = "limits", .take = take };
