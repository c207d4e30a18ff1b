/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes that a slice uses; see device_use.h. Bounded: the loop stands still meanwhile. */
#include "device_use.h"

#include "device_users.h"
#include "drivers/driver.h"
#include "manager.h"
#include "network.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>

enum { PROCESSES_MAX = 4096, DEPTH_MAX = 8 };

struct search {
	const struct slice *slice;
	const char *device;
	struct device_rules nodes;
	size_t looked; /* processes */
	struct fail *fail;
};

static int look_at(struct search *s, pid_t pid)
{
	struct device_user user;
	int r;

	if (++s->looked > PROCESSES_MAX)
		return fail_code(s->fail, -EBUSY, "device-in-use",
				 "slice %s has more than %d processes: whether device %.64s is in "
				 "use cannot be told",
				 s->slice->id, PROCESSES_MAX, s->device);
	r = device_users_look(s->slice->manager->host->proc_fd, pid, &s->nodes, &user);
	if (r != DEVICE_USERS_FOUND)
		return r;
	return fail_code(s->fail, -EBUSY, "device-in-use",
			 "device %.64s is in use: process %d (%s) of slice %s has it open",
			 s->device, (int)pid, user.command, s->slice->id);
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
	const char *task = networks_task_with(s->manager->networks, device);
	struct search search = { .slice = s, .device = device, .fail = f };
	int r;

	if (task)
		return fail_code(f, -EBUSY, "device-in-use",
				 "device %.64s is in use: task %s of slice %s has it in its "
				 "network namespace",
				 device, task, s->id);
	r = d ? driver_nodes(manager_machine(s->manager), d, &search.nodes) : 0;

	if (r == 0 && search.nodes.count > 0)
		r = s->cgroup_fd >= 0 ? look_below(&search, s->cgroup_fd, DEPTH_MAX)
				      : look_at_tasks(&search);
	device_rules_done(&search.nodes);
	return r;
}
