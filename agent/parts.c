/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a mixed slice; see parts.h. What they hold is hold_parts.c's. */
#include "parts.h"

#include "cgroups/partition.h"
#include "channel.h"
#include "enforce.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL_CONTROLLERS ((1u << CG_CONTROLLERS) - 1)

bool parts_wanted(const struct allocation *a)
{
	return a->shared_millicpus > 0 && !cpuset_empty(a->cpus);
}

bool parts_exist(const struct slice *s)
{
	return s->cgroup_fd >= 0 && fs_exists(s->cgroup_fd, FRAME_PART_EXCLUSIVE) &&
	       fs_exists(s->cgroup_fd, FRAME_PART_SHARED);
}

int parts_open(const struct slice *s, const char *part, int *ret)
{
	return cg_open(s->cgroup_fd, part, ret);
}

static int drop(const struct slice *s, const char *part)
{
	return unlinkat(s->cgroup_fd, part, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int make(const struct slice *s, const char *part)
{
	_cleanup_close_ int fd = -1;
	uint32_t mask = 0;
	int r = cg_make(s->cgroup_fd, part, &fd);

	if (r == -EEXIST) /* of an agent that was killed in between */
		r = parts_open(s, part, &fd);
	if (r == 0)
		(void)cg_enable(fd, ALL_CONTROLLERS, &mask); /* for tasks' own use */
	return r;
}

int parts_make(const struct slice *s)
{
	int r = make(s, FRAME_PART_EXCLUSIVE);

	if (r == 0)
		r = make(s, FRAME_PART_SHARED);
	if (r < 0)
		(void)drop(s, FRAME_PART_EXCLUSIVE); /* it is empty */
	return r;
}

int parts_remove(const struct slice *s, const struct cpuset *granted)
{
	_cleanup_free_ char *path = NULL;
	int r = parts_partition(s, &path);

	if (r < 0)
		return r;
	/* A part that goes is no partition either: what is refused here is not missed. */
	(void)cg_partition_undo(s->manager->host->cgroup_fd, path, s->top, granted);
	r = drop(s, FRAME_PART_SHARED);
	if (r < 0)
		return r;
	r = drop(s, FRAME_PART_EXCLUSIVE);
	if (r < 0)
		(void)make(s, FRAME_PART_SHARED); /* else it is made with the next look */
	return r;
}

int parts_yield(const struct slice *s, const struct cpuset *cpus)
{
	_cleanup_(cpuset_freep) struct cpuset *left = NULL;
	_cleanup_free_ char *now = NULL, *text = NULL;
	int r;

	if (!parts_exist(s))
		return 0;
	r = fs_read_line_new(s->cgroup_fd, FRAME_PART_SHARED "/cpuset.cpus", &now);
	if (r == 0)
		r = cpuset_parse(now, &left);
	if (r < 0 || !cpuset_intersects(left, cpus))
		return r;
	r = cpuset_subtract(left, cpus);
	if (r == 0 && !(text = cpuset_format(left)))
		r = -ENOMEM;
	/* The empty set is all that is left to the slice, and a newline. */
	return r < 0 ? r
		     : fs_write(s->cgroup_fd, FRAME_PART_SHARED "/cpuset.cpus",
				*text ? text : "\n");
}

int parts_partition(const struct slice *s, char **ret)
{
	char *path = NULL;

	if (parts_exist(s)) {
		if (asprintf(&path, "%s/" FRAME_PART_EXCLUSIVE, s->cgroup) < 0)
			return -ENOMEM;
	} else {
		path = strdup(s->top);
	}
	*ret = path;
	return path ? 0 : -ENOMEM;
}

enum frame_cpus parts_of(const struct slice *s, const struct slice_task *t)
{
	const char *cpus = json_string_value(json_object_get(t->request, "cpus"));

	if (!parts_exist(s))
		return FRAME_CPUS_ALL;
	return cpus && strcmp(cpus, "shared") == 0 ? FRAME_CPUS_SHARED : FRAME_CPUS_EXCLUSIVE;
}

char *parts_leaf(const struct slice *s, const struct slice_task *t)
{
	static const char *const parts[FRAME_CPUS_COUNT] = {
		[FRAME_CPUS_ALL] = "",
		[FRAME_CPUS_EXCLUSIVE] = FRAME_PART_EXCLUSIVE "/",
		[FRAME_CPUS_SHARED] = FRAME_PART_SHARED "/",
	};
	char *path = NULL;

	return asprintf(&path, "%s%s", parts[parts_of(s, t)], t->name) < 0 ? NULL : path;
}

int parts_open_leaf(const struct slice *s, const struct slice_task *t, int *ret)
{
	_cleanup_free_ char *path = parts_leaf(s, t);

	if (s->cgroup_fd < 0)
		return -ENOENT;
	return path ? cg_open(s->cgroup_fd, path, ret) : -ENOMEM;
}

int parts_choose(const struct slice *s, enum task_cpus asked, enum frame_cpus *ret, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	bool own = !cpuset_empty(a->cpus), shares = a->shared_millicpus > 0;

	if (asked == TASK_CPUS_EXCLUSIVE && !own)
		return fail_code(f, -EINVAL, "cpus-not-held",
				 "cpus: slice %s has no cores of its own", s->id);
	if (asked == TASK_CPUS_SHARED && !shares)
		return fail_code(f, -EINVAL, "cpus-not-held",
				 "cpus: slice %s has no share of the pool", s->id);
	*ret = FRAME_CPUS_ALL;
	if (parts_exist(s))
		*ret = asked == TASK_CPUS_SHARED || !own ? FRAME_CPUS_SHARED : FRAME_CPUS_EXCLUSIVE;
	if (asked == TASK_CPUS_DEFAULT || !own || !shares ||
	    (s->channel && channel_can(s->channel, FRAME_ABILITY_CPUS)))
		return 0;
	return fail_code(
		f, -EOPNOTSUPP, "old-init",
		"the reeve-init of slice %s is of a version that keeps no tasks apart: make "
		"the slice anew",
		s->id);
}

int parts_cpus(const struct slice *s, enum frame_cpus part, const struct cpuset **ret,
	       struct cpuset **ret_pool)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	struct view v = manager_view(s->manager);
	int r = 0;

	if (part == FRAME_CPUS_ALL)
		return enforce_cpus(s, ret, ret_pool);
	*ret = a->cpus;
	if (part == FRAME_CPUS_SHARED || cpuset_empty(a->cpus)) {
		r = view_shared_pool(&v, ret_pool);
		*ret = *ret_pool;
	}
	return r;
}
