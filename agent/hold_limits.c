/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the slice's own cgroup: sets of CPUs and nodes, weights, bytes, counts. Without a
 * cgroup each still gets its row, which says that nothing holds it. See hold.h. */
#include "hold.h"

#include "backend.h"
#include "cgroups/control.h"
#include "enforce.h"
#include "manager.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static int add_readback(struct enforcements *rows, const struct cg_readback *b)
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
	uint32_t controllers = backend_controllers(s);
	int r;

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
		r = add_readback(rows, &back.items[i]);
	return r;
}

static int report_missing(struct enforcements *rows, const char *resource, const char *limit,
			  uint64_t wanted)
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
	return enforcements_add(rows, &row);
}

static int without_cgroup(const struct slice *s, const struct allocation *a,
			  struct enforcements *rows)
{
	int r = report_missing(rows, "memory", "memory_max", allocation_memory_total(a));

	if (r == 0)
		r = report_missing(rows, "processes", "pids_max", s->request.processes_max);
	for (size_t i = 0; r == 0 && i < a->hugepages_count; i++)
		r = report_missing(rows, "hugepages", "hugepages",
				   a->hugepages[i].size_bytes * a->hugepages[i].count);
	return r;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	const struct cpuset *cpus;
	int r;

	(void)f; /* the table's own sentence is enough */
	if (s->top_fd < 0)
		return without_cgroup(s, a, rows);
	r = enforce_cpus(s, &cpus, &pool);
	return r < 0 ? r : apply(s, a, cpus, rows);
}

const struct hold hold_limits = { .name = "limits", .take = take };
