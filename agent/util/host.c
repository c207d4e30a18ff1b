/* SPDX-License-Identifier: Apache-2.0 */
/* The seam between this program and a machine; see host.h. It opens directories and reads the mount
 * table; it interprets nothing else. */
#include "util/host.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t clock_usec(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t); /* cannot fail for these two clocks */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t live_monotonic(const struct host *h)
{
	(void)h;
	return clock_usec(CLOCK_BOOTTIME);
}

static uint64_t live_realtime(const struct host *h)
{
	(void)h;
	return clock_usec(CLOCK_REALTIME);
}

static bool has_trees(int fd)
{
	return fs_exists(fd, "sys") || fs_exists(fd, "proc");
}

/* An archive of a captured machine often holds one folder with everything in it: step into it. */
static int step_into_only_folder(struct host *h)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	size_t count;
	int r = fs_list(h->root_fd, ".", &names, &count);

	if (r < 0 || count != 1)
		return -ENOENT;
	fd = fs_open_dir(h->root_fd, names[0]);
	if (fd < 0 || !has_trees(fd))
		return -ENOENT;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", h->root, names[0]) >= sizeof(path))
		return -ENAMETOOLONG;
	free(h->root);
	h->root = strdup(path);
	close_fd(h->root_fd);
	h->root_fd = TAKE_FD(fd);
	return h->root ? 0 : -ENOMEM;
}

/* proc(5), /proc/PID/mountinfo: "... mount-point options - type source ...". Blanks in the mount
 * point are octal escapes; a cgroup mount with such a name is left alone. */
static char *find_cgroup2(const struct host *h)
{
	_cleanup_free_ char *table = NULL;
	char *best = NULL, *line, *rest;

	if (fs_read(h->proc_fd, "self/mountinfo", 8 << 20, &table, NULL) < 0)
		return NULL;
	for (line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char point[PATH_MAX];
		const char *type = strstr(line, " - ");

		if (!type || strncmp(type, " - cgroup2 ", 11) != 0 ||
		    sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 || strchr(point, '\\'))
			continue;
		if (best && strlen(best) <= strlen(point))
			continue; /* the shortest one is the host's own, others are bind mounts */
		free(best);
		best = strdup(point);
	}
	return best;
}

static void open_cgroup_root(struct host *h)
{
	_cleanup_free_ char *path = NULL;

	if (h->live)
		path = find_cgroup2(h);
	else if (fs_exists(h->sys_fd, "fs/cgroup/cgroup.controllers"))
		path = strdup("/sys/fs/cgroup");
	if (!path)
		return;
	h->cgroup_fd = fs_open_dir(h->root_fd, path + 1);
	if (h->cgroup_fd >= 0)
		h->cgroup_path = TAKE_PTR(path);
	else
		h->cgroup_fd = -1;
}

static int open_root(struct host *h, const char *root, struct fail *f)
{
	h->root = realpath(root, NULL);
	if (!h->root)
		return fail_set(f, -errno, "cannot find the root %s: %s", root, strerror(errno));
	h->root_fd = fs_open_dir(AT_FDCWD, h->root);
	if (h->root_fd < 0)
		return fail_set(f, h->root_fd, "cannot open the root %s: %s", root,
				strerror(-h->root_fd));
	if (!has_trees(h->root_fd) && step_into_only_folder(h) < 0)
		return fail_set(f, -ENOENT, "%s has neither sys nor proc in it", root);
	return 0;
}

static int open_tree(const struct host *h, const char *name)
{
	int fd = fs_open_dir(h->root_fd, name);

	return fd < 0 ? -1 : fd;
}

int host_none(struct host **ret)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->root_fd = h->sys_fd = h->proc_fd = h->cgroup_fd = -1;
	h->monotonic_usec = live_monotonic;
	h->realtime_usec = live_realtime;
	*ret = h;
	return 0;
}

int host_open(struct host **ret, const char *root, struct fail *f)
{
	_cleanup_(host_freep) struct host *h = NULL;
	int r = host_none(&h);

	if (r < 0)
		return fail_set(f, r, "out of memory");
	h->live = !root || strcmp(root, "/") == 0;
	r = open_root(h, h->live ? "/" : root, f);
	if (r < 0)
		return r;
	h->sys_fd = open_tree(h, "sys");
	h->proc_fd = open_tree(h, "proc");
	open_cgroup_root(h);
	*ret = TAKE_PTR(h);
	return 0;
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	close_fd(h->root_fd);
	close_fd(h->sys_fd);
	close_fd(h->proc_fd);
	close_fd(h->cgroup_fd);
	free(h->cgroup_path);
	free(h->root);
	free(h);
	return NULL;
}
