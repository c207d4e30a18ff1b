/* SPDX-License-Identifier: Apache-2.0 */
/* The partition of a slice's exclusive CPUs: it keeps others out, where cpuset.cpus alone
 * keeps the slice in. See hold.h. */
#include "hold.h"

#include "backend.h"
#include "cgroups/partition.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>

static bool can_have(const struct slice *s, const struct allocation *a,
		     const struct enforcements *rows)
{
	const struct enforcement *cpus = enforcements_find(rows, "cpus");

	return cpus && cpus->mechanism == MECHANISM_CPUSET && s->top && !cpuset_empty(a->cpus) &&
	       a->shared_millicpus == 0;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cg_partition_done) struct cg_partition p = { 0 };
	const struct cg_partition_wish wish = {
		.type = partition_to_string(s->request.partition),
		.cpus = a->cpus,
		.granted = ledger_cpus(s->manager->ledger),
	};
	struct enforcement row = { .resource = "cpu", .limit = "partition", .wanted = wish.type };
	int r;

	(void)f; /* the table's own sentence is enough */
	if (!can_have(s, a, rows))
		return 0;
	r = cg_partition_make(s->manager->host->cgroup_fd, s->top, &wish, &p);
	if (r < 0)
		return r;
	row.mechanism = p.holds ? MECHANISM_PARTITION : MECHANISM_NONE;
	row.file = p.file;
	row.actual = p.actual;
	row.reason = p.reason;
	return enforcements_add(rows, &row);
}

static void give(struct slice *s)
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

/* Kernels since 6.7 list at the root which CPUs are in isolated partitions; where they do not, the
 * end of the cgroup was the end of its partition. */
static int left(struct slice *s, struct leaks *ret)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *isolated = NULL;
	_cleanup_free_ char *text = NULL, *cpus = NULL;
	char why[256];
	int r;

	if (!a || s->manager->host->cgroup_fd < 0 ||
	    fs_read_line_new(s->manager->host->cgroup_fd, "cpuset.cpus.isolated", &text) < 0 ||
	    cpuset_parse(text, &isolated) < 0 || !cpuset_intersects(isolated, a->cpus))
		return 0;
	r = cpuset_intersect(isolated, a->cpus);
	cpus = r < 0 ? NULL : cpuset_format(isolated);
	if (!cpus)
		return -ENOMEM;
	(void)snprintf(why, sizeof(why), "CPUs %s are still in an isolated partition",
		       cpus); /* a long list may be cut */
	return leaks_add_cpus(ret, isolated, why);
}

const struct hold hold_partition = {
	.name = "partition", .take = take, .give = give, .left = left
};
