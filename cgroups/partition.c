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

/* Writes cpuset.cpus.exclusive to every cgroup above the path's last one, from the top. */
static int grant_above(int root, const char *path, const char *cpus)
{
	char above[PATH_MAX];
	int result = 0;

	while (*path == '/')
		path++;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
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
	const char *step = "cpuset.cpus.exclusive of the cgroups above";
	int r;

	*ret = (struct cg_partition){ .file = strdup("cpuset.cpus.partition") };
	if (!all || !own || !ret->file)
		return -ENOMEM;
	r = grant_above(root, path, all);
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
	return 0;
}

int cg_partition_undo(int root, const char *path, const struct cpuset *granted)
{
	_cleanup_free_ char *all = cpuset_format(granted);
	int r;

	if (!all)
		return -ENOMEM;
	r = write_below(root, path, "cpuset.cpus.partition", "member");
	if (r == 0)
		r = write_below(root, path, "cpuset.cpus.exclusive", "\n");
	if (r == 0)
		r = grant_above(root, path, *all ? all : "\n");
	return r;
}
