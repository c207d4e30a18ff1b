/* SPDX-License-Identifier: Apache-2.0 */
/* Slices as directories of a subtree of our own, for hosts whose PID 1 is not systemd:
 *   <cgroup2>/<our own cgroup or root>/reeve/<slice>/{init,<task>...}
 * Processes live in leaves only (cgroup-v2.rst, "No Internal Process Constraint"). */
#include "backend.h"

#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL_CONTROLLERS ((1u << CG_CONTROLLERS) - 1)

/* The subtree's name; an agent with a runtime directory of its own gets a tree of its own, so that
 * two agents (a test's and the host's) do not touch each other's slices. */
static int tree_name(const struct manager *m, char **ret)
{
	char instance[CONFIG_INSTANCE_BYTES];

	config_instance(m->config, instance);
	return asprintf(ret, "reeve%s", instance) < 0 ? -ENOMEM : 0;
}

static int make_or_open(int parent, const char *name, int *ret)
{
	int r = cg_make(parent, name, ret);

	return r == -EEXIST ? cg_open(parent, name, ret) : r;
}

static int cgroupfs_open(struct manager *m, struct fail *f)
{
	_cleanup_free_ char *name = NULL;
	uint32_t root_mask = 0;
	int r;

	if (!manager_is_at_home(m))
		return fail_set(f, -EOPNOTSUPP, "the inventory is that of another machine");
	if (m->host->cgroup_fd < 0)
		return fail_set(f, -EOPNOTSUPP, "no cgroup v2 hierarchy is mounted");
	if (tree_name(m, &name) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	r = make_or_open(m->host->cgroup_fd, name, &m->tree_fd);
	if (r < 0)
		return fail_set(f, r, "cannot make a cgroup below %s: %s", m->host->cgroup_path,
				strerror(-r));
	(void)cg_enable(m->host->cgroup_fd, ALL_CONTROLLERS, &root_mask); /* what it says counts */
	r = cg_enable(m->tree_fd, ALL_CONTROLLERS, &m->controllers);
	if (r < 0)
		m->controllers = 0;
	if (asprintf(&m->tree_path, "/%s", name) < 0) {
		m->tree_path = NULL;
		return fail_set(f, -ENOMEM, "out of memory");
	}
	return 0;
}

static void cgroupfs_close(struct manager *m)
{
	/* Slices that run on keep the tree; an empty one goes. */
	if (m->tree_path && map_count(m->slices) == 0)
		(void)cg_remove(m->host->cgroup_fd, m->tree_path + 1);
	m->tree_fd = close_fd(m->tree_fd);
	free(m->tree_path);
	m->tree_path = NULL;
}

/* The limits are set on the same cgroup that is divided among tasks. */
static int name_paths(struct slice *s)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", s->manager->tree_path, s->id) < 0)
		return -ENOMEM;
	free(s->cgroup);
	free(s->top);
	s->cgroup = path;
	s->top = strdup(path);
	return s->top ? 0 : -ENOMEM;
}

/* The names first: what was granted to it can be taken back also where it cannot be opened. */
static int open_slice(struct slice *s, int (*make)(int parent, const char *name, int *ret),
		      struct fail *f)
{
	struct manager *m = s->manager;
	uint32_t mask = 0;
	int r = name_paths(s);

	if (r == 0)
		r = make(m->tree_fd, s->id, &s->cgroup_fd);
	if (r == 0)
		s->top_fd = fcntl(s->cgroup_fd, F_DUPFD_CLOEXEC, 3);
	if (r == 0 && s->top_fd < 0)
		r = -errno;
	if (r == 0)
		r = make(s->cgroup_fd, "init", &s->leaf_fd);
	if (r < 0)
		return fail_set(f, r, "cannot make the cgroup of slice %s: %s", s->id,
				strerror(-r));
	(void)cg_enable(s->cgroup_fd, m->controllers,
			&mask); /* for tasks' own use; none is needed */
	return 0;
}

static int cgroupfs_prepare(struct slice *s, struct fail *f)
{
	return open_slice(s, cg_make, f);
}

static int cgroupfs_admit(struct slice *s, backend_done done, struct fail *f)
{
	(void)f; /* clone3 has put reeve-init into its leaf already */
	done(s, 0, NULL);
	return 0;
}

static int cgroupfs_remove(struct slice *s, backend_done done, struct fail *f)
{
	int r;

	/* It may be there also where it could not be opened before: its name is the slice's own. */
	if (s->cgroup_fd < 0 && cg_open(s->manager->tree_fd, s->id, &s->cgroup_fd) < 0)
		s->cgroup_fd = -1;
	if (s->cgroup_fd >= 0)
		(void)cg_kill(
			s->cgroup_fd); /* reeve-init did it; whoever is left is told by rmdir */
	r = cg_remove(s->manager->tree_fd, s->id);
	if (r < 0) {
		fail_set(f, r, "the cgroup of slice %s cannot be removed: %s", s->id, strerror(-r));
		return r;
	}
	s->cgroup_fd = close_fd(s->cgroup_fd);
	s->leaf_fd = close_fd(s->leaf_fd);
	s->top_fd = close_fd(s->top_fd);
	if (done)
		done(s, 0, NULL);
	return 0;
}

static int cgroupfs_adopt(struct slice *s, struct fail *f)
{
	return open_slice(s, cg_open, f);
}

static int cgroupfs_list(struct manager *m, char ***ret)
{
	return cg_children(m->tree_fd, ret, NULL);
}

const struct backend backend_cgroupfs = {
	.name = "cgroupfs",
	.choice = BACKEND_CGROUPFS,
	.open = cgroupfs_open,
	.close = cgroupfs_close,
	.prepare = cgroupfs_prepare,
	.admit = cgroupfs_admit,
	.remove = cgroupfs_remove,
	.adopt = cgroupfs_adopt,
	.list = cgroupfs_list,
};
