/* SPDX-License-Identifier: Apache-2.0 */
/* The partition of a slice's exclusive CPUs: it keeps others out, where cpuset.cpus alone
 * keeps the slice in. See hold.h. */
#include "hold.h"

#include "backend.h"
#include "cgroups/partition.h"
#include "manager.h"
#include "parts.h"
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
	       (a->shared_millicpus == 0 || parts_exist(s));
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cg_partition_done) struct cg_partition p = { 0 };
	_cleanup_free_ char *path = NULL, *file = NULL;
	const struct cg_partition_wish wish = {
		.type = partition_to_string(s->request.partition),
		.cpus = a->cpus,
		.granted = ledger_cpus(s->manager->ledger),
		.top = s->top,
	};
	struct enforcement row = { .resource = "cpu", .limit = "partition", .wanted = wish.type };
	int r;

	(void)f; /* the table's own sentence is enough */
	if (!can_have(s, a, rows))
		return 0;
	if (!s->manager->config->partitions) {
		row.reason = "partitions is off in the configuration";
		return enforcements_add(rows, &row);
	}
	r = parts_partition(s, &path);
	if (r == 0)
		r = cg_partition_make(s->manager->host->cgroup_fd, path, &wish, &p);
	if (r == 0 &&
	    asprintf(&file, "%s%s", parts_exist(s) ? FRAME_PART_EXCLUSIVE "/" : "", p.file) < 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	row.mechanism = p.holds ? MECHANISM_PARTITION : MECHANISM_NONE;
	row.file = file;
	row.actual = p.actual;
	row.reason = p.reason;
	return enforcements_add(rows, &row);
}

/* What other slices hold. */
static int others(const struct slice *s, const struct allocation *a, struct cpuset **ret)
{
	int r = cpuset_copy(ret, ledger_cpus(s->manager->ledger));

	return r < 0 ? r : cpuset_subtract(*ret, a->cpus);
}

static void give(struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *granted = NULL;
	_cleanup_free_ char *path = NULL;

	if (!a || !s->top || cpuset_empty(a->cpus) ||
	    !(backend_controllers(s) & CG_BIT(CG_CPUSET)) || others(s, a, &granted) < 0 ||
	    parts_partition(s, &path) < 0)
		return;
	if (cg_partition_undo(s->manager->host->cgroup_fd, path, s->top, granted) < 0)
		log_debug(&(struct log_about){ .slice = s->id }, "it was no partition");
}

static int add(struct leaks *ret, struct cpuset *among, const struct cpuset *own, const char *where)
{
	_cleanup_free_ char *cpus = NULL;
	char why[256];
	int r = cpuset_intersect(among, own);

	if (r < 0 || cpuset_empty(among))
		return r;
	cpus = cpuset_format(among);
	if (!cpus)
		return -ENOMEM;
	(void)snprintf(why, sizeof(why), "CPUs %s are still %s", cpus,
		       where); /* a long list may be cut */
	return leaks_add_cpus(ret, among, why);
}

/* Kernels since 6.7 list at the root which CPUs are in isolated partitions; where they do not, the
 * end of the cgroup was the end of its partition. */
static int left_isolated(const struct slice *s, const struct allocation *a, struct leaks *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *isolated = NULL;
	_cleanup_free_ char *text = NULL;

	if (fs_read_line_new(s->manager->host->cgroup_fd, "cpuset.cpus.isolated", &text) < 0 ||
	    cpuset_parse(text, &isolated) < 0)
		return 0;
	return add(ret, isolated, a->cpus, "in an isolated partition");
}

/* What give() could not take back from the cgroups above is tried again at each look. */
static int left_granted(const struct slice *s, const struct allocation *a, struct leaks *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *granted = NULL, *now = NULL;
	int root = s->manager->host->cgroup_fd;
	int r = s->top ? cg_partition_granted(root, s->top, &now) : 0;

	if (r < 0 || !now || !cpuset_intersects(now, a->cpus))
		return r;
	cpuset_free(TAKE_PTR(now));
	r = others(s, a, &granted);
	if (r == 0)
		(void)cg_partition_grant(root, s->top, granted); /* read back below */
	if (r == 0)
		r = cg_partition_granted(root, s->top, &now);
	return r < 0 ? r : add(ret, now, a->cpus, "granted to the partitions of slices");
}

static int left(struct slice *s, struct leaks *ret)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	int r;

	if (!a || s->manager->host->cgroup_fd < 0 || cpuset_empty(a->cpus))
		return 0;
	r = left_isolated(s, a, ret);
	return r < 0 ? r : left_granted(s, a, ret);
}

const struct hold hold_partition = {
	.name = "partition", .take = take, .give = give, .left = left
};
