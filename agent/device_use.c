/* SPDX-License-Identifier: Apache-2.0 */
/* Open device nodes; see device_use.h. By number, not by name: a node may have any. Bounded: the
 * loop stands still meanwhile. */
#include "device_use.h"

#include "drivers/driver.h"
#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { FDS_MAX = 65536, DEPTH_MAX = 8 };

struct search {
	const struct slice *slice;
	const char *device;
	struct device_rules nodes;
	size_t looked; /* descriptors */
	struct fail *fail;
};

static bool matches(const struct search *s, const struct stat *status)
{
	bool block = S_ISBLK(status->st_mode);

	if (!block && !S_ISCHR(status->st_mode))
		return false;
	for (size_t i = 0; i < s->nodes.count; i++) {
		const struct device_rule *n = &s->nodes.items[i];

		if (n->block == block && n->major == major(status->st_rdev) &&
		    (n->minor == DEVICE_RULE_ANY || n->minor == minor(status->st_rdev)))
			return true;
	}
	return false;
}

static int in_use(const struct search *s, pid_t pid)
{
	char name[64] = "?", path[32];

	(void)snprintf(path, sizeof(path), "%d/comm", (int)pid); /* fits */
	(void)fs_read_line(s->slice->manager->host->proc_fd, path, name,
			   sizeof(name)); /* it is named by its number then */
	return fail_code(s->fail, -EBUSY, "device-in-use",
			 "device %.64s is in use: process %d (%s) of slice %s has it open",
			 s->device, (int)pid, name, s->slice->id);
}

/* A process or descriptor that has gone meanwhile holds nothing. */
static int look_at(struct search *s, pid_t pid)
{
	_cleanup_(fs_names_freep) char **fds = NULL;
	int proc = s->slice->manager->host->proc_fd;
	struct stat status;
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/fd", (int)pid); /* fits */
	if (fs_list(proc, path, &fds, NULL) < 0)
		return 0;
	for (char **fd = fds; *fd; fd++) {
		if (++s->looked > FDS_MAX)
			return fail_code(s->fail, -EBUSY, "device-in-use",
					 "the processes of slice %s have more than %d files open: "
					 "whether device %.64s is in use cannot be told",
					 s->slice->id, FDS_MAX, s->device);
		(void)snprintf(path, sizeof(path), "%d/fd/%.20s", (int)pid, *fd); /* fits */
		if (fstatat(proc, path, &status, 0) == 0 && matches(s, &status))
			return in_use(s, pid);
	}
	return 0;
}

static int look_below(struct search *s, int cgroup, unsigned depth)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0;
	int r = 0;

	if (cg_pids(cgroup, &pids, &count) < 0)
		count = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = look_at(s, pids[i]);
	if (r < 0 || depth == 0 || cg_children(cgroup, &names, NULL) < 0)
		return r;
	for (char **name = names; r == 0 && *name; name++) {
		_cleanup_close_ int child = -1;

		if (cg_open(cgroup, *name, &child) == 0)
			r = look_below(s, child, depth - 1);
	}
	return r;
}

static int look_at_tasks(struct search *s)
{
	size_t cursor = 0;
	int r = 0;

	for (const struct slice_task *t; r == 0 && (t = map_next(s->slice->tasks, &cursor, NULL));)
		if (t->pid > 0)
			r = look_at(s, t->pid);
	return r;
}

int device_use_check(const struct slice *s, const char *device, struct fail *f)
{
	const struct device *d = inventory_find(s->manager->inventory, device);
	struct search search = { .slice = s, .device = device, .fail = f };
	int r = d ? driver_nodes(manager_machine(s->manager), d, &search.nodes) : 0;

	if (r == 0 && search.nodes.count > 0)
		r = s->cgroup_fd >= 0 ? look_below(&search, s->cgroup_fd, DEPTH_MAX)
				      : look_at_tasks(&search);
	device_rules_done(&search.nodes);
	return r;
}
