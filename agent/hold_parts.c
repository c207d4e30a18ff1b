/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a mixed slice, made and removed when no task can be in the wrong place, and the CPUs
 * of each. See hold.h and parts.h. */
#include "hold.h"

#include "backend.h"
#include "cgroups/control.h"
#include "cgroups/partition.h"
#include "channel.h"
#include "manager.h"
#include "parts.h"
#include "resize.h"
#include "slice_limits.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int others(const struct slice *s, struct cpuset **ret)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	int r = cpuset_copy(ret, ledger_cpus(s->manager->ledger));

	return r < 0 ? r : cpuset_subtract(*ret, a->cpus);
}

/* The slice itself may be a partition from the time when it had no share of the pool. */
static int undo_own(const struct slice *s, const struct cpuset *granted)
{
	int root = s->manager->host->cgroup_fd;
	const char *kind = NULL;

	if (cg_partition_kind(root, s->top, &kind) < 0 || !kind)
		return 0;
	return cg_partition_undo(root, s->top, s->top, granted);
}

/* NULL: they are made. */
static const char *make(const struct slice *s, const struct cpuset *granted)
{
	int r;

	if (!(backend_controllers(s) & CG_BIT(CG_CPUSET)))
		return "no cpuset controller on cgroup v2 here: its tasks run on all CPUs of the "
		       "slice";
	if (!s->channel || !channel_can(s->channel, FRAME_ABILITY_CPUS))
		return "its reeve-init is of a version that keeps no tasks apart";
	if (slice_tasks_alive(s) > 0)
		return "tasks of it were started before it had both kinds of CPUs, and until they "
		       "have ended all run on both";
	r = undo_own(s, granted);
	if (r == 0)
		r = parts_make(s);
	return r < 0 ? strerror(-r) : NULL;
}

static int refuse(const struct allocation *a, const char *reason, struct enforcements *rows)
{
	_cleanup_free_ char *wanted = cpuset_format(a->cpus);
	const struct enforcement row = { .resource = "cpu",
					 .limit = "exclusive_cpus",
					 .mechanism = MECHANISM_NONE,
					 .wanted = wanted,
					 .reason = reason };

	return wanted ? enforcements_add(rows, &row) : -ENOMEM;
}

static int take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(cpuset_freep) struct cpuset *granted = NULL;
	bool exist = parts_exist(s);
	const char *reason;

	(void)f; /* the table's own sentence is enough */
	if (exist == parts_wanted(a))
		return 0;
	if (others(s, &granted) < 0)
		return -ENOMEM;
	if (exist) {
		if (slice_tasks_alive(s) == 0)
			(void)parts_remove(s, granted); /* busy: they stay as they are */
		return 0;
	}
	if (resize_is_passing(s))
		return 0;
	reason = make(s, granted);
	return reason ? refuse(a, reason, rows) : 0;
}

static int add_row(const char *part, const char *limit, uint32_t controllers,
		   const struct cg_readback *b, struct enforcements *rows)
{
	char file[64];
	struct enforcement row = { .resource = b->resource,
				   .limit = limit,
				   .mechanism = b->holds ? MECHANISM_CPUSET : MECHANISM_NONE,
				   .file = file,
				   .wanted = b->wanted,
				   .actual = b->actual,
				   .reason = b->holds ? NULL : limits_reason(b, controllers) };

	(void)snprintf(file, sizeof(file), "%s/%s", part, b->file); /* fits */
	return enforcements_add(rows, &row);
}

/* limit NULL: nothing is promised of it, so that no row is due. */
static int put_cpus(const struct slice *s, enum frame_cpus which, const char *part,
		    const char *limit, struct enforcements *rows)
{
	_cleanup_(cg_readbacks_done) struct cg_readbacks back = { 0 };
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct cg_limits limits = CG_LIMITS_UNSET;
	_cleanup_close_ int fd = -1;
	uint32_t controllers = 0;
	int r = parts_cpus(s, which, &limits.cpus, &pool);

	if (r == 0)
		r = parts_open(s, part, &fd);
	if (r == 0)
		r = cg_available(fd, &controllers);
	if (r == 0)
		r = cg_apply(fd, controllers, &limits, &back);
	for (size_t i = 0; r >= 0 && limit && i < back.count; i++)
		r = add_row(part, limit, controllers, &back.items[i], rows);
	return r;
}

static int take_cpus(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	int r;

	(void)f; /* the table's own sentence is enough */
	if (!parts_exist(s))
		return 0;
	r = put_cpus(s, FRAME_CPUS_SHARED, FRAME_PART_SHARED,
		     a->shared_millicpus > 0 ? "shared_cpus" : NULL, rows);
	return r < 0 ? r
		     : put_cpus(s, FRAME_CPUS_EXCLUSIVE, FRAME_PART_EXCLUSIVE,
				cpuset_empty(a->cpus) ? NULL : "exclusive_cpus", rows);
}

const struct hold hold_parts = { .name = "parts", .take = take };
const struct hold hold_part_cpus = { .name = "CPUs of the parts", .take = take_cpus };
