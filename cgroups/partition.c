/* SPDX-License-Identifier: Apache-2.0 */
/* cpuset partitions; see partition.h. */
#include "cgroups/partition.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cg_partition_done(struct cg_partition *p)
{
	free(p->file);
	free(p->actual);
	free(p->reason);
	*p = (struct cg_partition){ 0 };
}

static int write_below(int root, const char *path, const char *file, const char *text)
{
	char name[PATH_MAX];

	while (*path == '/')
		path++;
	if ((size_t)snprintf(name, sizeof(name), "%s/%s", path, file) >= sizeof(name))
		return -ENAMETOOLONG;
	return fs_write(root, name, text);
}

/* What the cgroups above a partition are granted. */
struct grant {
	const char *all; /* those that slices have in common */
	const char *own; /* those of the slice itself, from `top` on: no two may have the same CPUs
			    (cpuset_cpus_excl_conflict()) */
	size_t top;	 /* length of its path, without the first slash */
};

static size_t path_length(const char *path)
{
	return strlen(path + strspn(path, "/"));
}

/* Writes cpuset.cpus.exclusive to every cgroup above the path's last one, from the top. */
static int grant_above(int root, const char *path, const struct grant *g)
{
	char above[PATH_MAX];
	int result = 0;

	while (*path == '/')
		path++;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *cpus = (size_t)(slash - path) < g->top ? g->all : g->own;
		int r;

		if ((size_t)snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path) >=
		    sizeof(above))
			return -ENAMETOOLONG;
		r = write_below(root, above, "cpuset.cpus.exclusive", cpus);
		result = r < 0 && result == 0 ? r : result;
	}
	return result;
}

static int read_partition(int root, const char *path, char **ret)
{
	char name[PATH_MAX];

	while (*path == '/')
		path++;
	if ((size_t)snprintf(name, sizeof(name), "%s/cpuset.cpus.partition", path) >= sizeof(name))
		return -ENAMETOOLONG;
	return fs_read_line_new(root, name, ret);
}

static int say(struct cg_partition *ret, const char *step, int error)
{
	if (asprintf(&ret->reason, "%s: %s", step,
		     error ? strerror(-error)
			   : (ret->actual ? ret->actual : "the kernel says nothing")) < 0) {
		ret->reason = NULL;
		return -ENOMEM;
	}
	return 0;
}

int cg_partition_make(int root, const char *path, const struct cg_partition_wish *wish,
		      struct cg_partition *ret)
{
	_cleanup_free_ char *all = cpuset_format(wish->granted), *own = cpuset_format(wish->cpus);
	struct grant grant = { all, own, path_length(wish->top ? wish->top : path) };
	const char *step = "cpuset.cpus.exclusive of the cgroups above";
	int r;

	*ret = (struct cg_partition){ .file = strdup("cpuset.cpus.partition") };
	if (!all || !own || !ret->file)
		return -ENOMEM;
	r = grant_above(root, path, &grant);
	if (r == 0) {
		step = "cpuset.cpus.exclusive";
		r = write_below(root, path, step, own);
	}
	if (r == 0) {
		step = "cpuset.cpus.partition";
		r = write_below(root, path, step, wish->type);
	}
	if (read_partition(root, path, &ret->actual) == -ENOMEM)
		return -ENOMEM;
	ret->holds = r == 0 && ret->actual && strcmp(ret->actual, wish->type) == 0;
	if (ret->holds)
		return 0;
	if (say(ret, step, r) < 0)
		return -ENOMEM;
	/* Back to a plain cpuset: an invalid partition would come alive on a later hotplug. */
	(void)write_below(root, path, "cpuset.cpus.partition", "member");
	(void)write_below(root, path, "cpuset.cpus.exclusive", "\n");
	grant.own = "\n";
	(void)grant_above(root, path, &grant);
	return 0;
}

/* An empty set is a newline: a write of no bytes never reaches the kernel's handler. */
static int grant_rest(int root, const char *path, const char *top, const struct cpuset *granted)
{
	_cleanup_free_ char *all = cpuset_format(granted);
	const struct grant grant = { all && *all ? all : "\n", "\n", path_length(top) };

	return all ? grant_above(root, path, &grant) : -ENOMEM;
}

/* All are tried, one after the other: each gives something back. */
int cg_partition_undo(int root, const char *path, const char *top, const struct cpuset *granted)
{
	int result = write_below(root, path, "cpuset.cpus.partition", "member");
	int r = write_below(root, path, "cpuset.cpus.exclusive", "\n");

	result = result < 0 ? result : r;
	r = grant_rest(root, path, top, granted);
	return result < 0 ? result : r;
}

int cg_partition_grant(int root, const char *path, const struct cpuset *granted)
{
	return grant_rest(root, path, path, granted);
}

int cg_partition_granted(int root, const char *path, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *sum = NULL;
	char file[PATH_MAX];

	if (cpuset_new(&sum) < 0)
		return -ENOMEM;
	path += strspn(path, "/");
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_(cpuset_freep) struct cpuset *own = NULL;
		_cleanup_free_ char *text = NULL;

		if ((size_t)snprintf(file, sizeof(file), "%.*s/cpuset.cpus.exclusive",
				     (int)(slash - path), path) >= sizeof(file))
			return -ENAMETOOLONG;
		/* Linux before 6.7 has no such file, and what cannot be read grants nothing. */
		if (fs_read_line_new(root, file, &text) == 0 && cpuset_parse(text, &own) == 0 &&
		    cpuset_union(sum, own) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(sum);
	return 0;
}

int cg_partition_kind(int root, const char *path, const char **ret)
{
	static const char *const kinds[] = { "isolated", "root" };
	_cleanup_free_ char *actual = NULL;
	int r = read_partition(root, path, &actual);

	if (r < 0)
		return r;
	*ret = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(actual, kinds[i]) == 0)
			*ret = kinds[i];
	return 0;
}

/* The exclusive set is what a valid partition runs on, so that cpuset.cpus may follow it. */
static int write_sets(int root, const char *path, const char *cpus, const char **step)
{
	int r;

	*step = "cpuset.cpus.exclusive";
	r = write_below(root, path, *step, cpus);
	if (r == 0) {
		*step = "cpuset.cpus";
		r = write_below(root, path, *step, cpus);
	}
	return r;
}

static int move_stopped(int root, const char *path, const char *cpus, const char *kind,
			const char **step)
{
	int r;

	*step = "cpuset.cpus.partition";
	r = write_below(root, path, *step, "member");
	if (r == 0)
		r = write_sets(root, path, cpus, step);
	if (r == 0) {
		*step = "cpuset.cpus.partition";
		r = write_below(root, path, *step, kind);
	}
	return r;
}

static bool is_kind(int root, const char *path, const char *kind)
{
	const char *now = NULL;

	return cg_partition_kind(root, path, &now) == 0 && now && strcmp(now, kind) == 0;
}

static int join_text(const struct cpuset *a, const struct cpuset *b, char **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *both = NULL;

	if (cpuset_copy(&both, a) < 0 || cpuset_union(both, b) < 0 || !(*ret = cpuset_format(both)))
		return -ENOMEM;
	return 0;
}

int cg_partition_move(int root, const char *path, const struct cg_partition_change *change,
		      struct cg_partition *ret)
{
	_cleanup_free_ char *wide = NULL, *own_wide = NULL, *all = cpuset_format(change->granted),
			    *own = cpuset_format(change->cpus);
	const size_t top = path_length(change->top ? change->top : path);
	const char *step = "cpuset.cpus.exclusive of the cgroups above", *kind = NULL;
	int r = cg_partition_kind(root, path, &kind);

	if (r < 0 || !kind)
		return r < 0 ? r : -EINVAL;
	*ret = (struct cg_partition){ .file = strdup("cpuset.cpus.partition") };
	if (join_text(change->granted, change->granted_before, &wide) < 0 ||
	    join_text(change->cpus, change->cpus_before, &own_wide) < 0 || !all || !own ||
	    !ret->file)
		return -ENOMEM;
	r = grant_above(root, path, &(struct grant){ wide, own_wide, top });
	if (r == 0)
		r = write_sets(root, path, own, &step);
	if (r < 0 || !is_kind(root, path, kind)) {
		ret->stopped = true;
		r = move_stopped(root, path, own, kind, &step);
	}
	if (r == 0) {
		step = "cpuset.cpus.exclusive of the cgroups above";
		r = grant_above(root, path, &(struct grant){ all, own, top });
	}
	if (read_partition(root, path, &ret->actual) == -ENOMEM)
		return -ENOMEM;
	ret->holds = r == 0 && ret->actual && strcmp(ret->actual, kind) == 0;
	return ret->holds ? 0 : say(ret, step, r);
}
