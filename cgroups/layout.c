/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroups are: how they are mounted on a host, and which one a process is in. From /proc, and
 * for a captured machine without a mount table from what stands below /sys/fs/cgroup. */
#include "cgroups/tree.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CGROUP_FILE_LIMIT_BYTES = 64 << 10, MOUNTS_LIMIT_BYTES = 8 << 20 };

STRTAB_DEFINE(cg_layout,
	      enum cg_layout, [CG_LAYOUT_UNIFIED] = "unified", [CG_LAYOUT_HYBRID] = "hybrid",
	      [CG_LAYOUT_LEGACY] = "legacy", [CG_LAYOUT_NONE] = "none");

/* cgroups(7): "0::/user.slice", and " (deleted)" behind it once the cgroup is gone. */
static int take_v2_line(char *text, char **ret)
{
	static const char deleted[] = " (deleted)";
	char *line, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t n = strlen(line);

		if (strncmp(line, "0::/", 4) != 0)
			continue;
		if (n >= sizeof(deleted) && strcmp(line + n - strlen(deleted), deleted) == 0)
			return -ESTALE;
		*ret = strdup(line + 3);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

int cg_path_of(const struct host *host, pid_t pid, char **ret)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	char file[64];
	int r;

	if (pid < 0)
		return -EINVAL;
	if (host->proc_fd < 0)
		return -ENOENT;
	if (pid == 0)
		(void)snprintf(file, sizeof(file), "self/cgroup");
	else
		(void)snprintf(file, sizeof(file), "%d/cgroup", (int)pid);
	r = fs_read(host->proc_fd, file, CGROUP_FILE_LIMIT_BYTES, &text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	r = take_v2_line(text, &path);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

static enum cg_layout layout(bool v1, bool v2)
{
	if (v2)
		return v1 ? CG_LAYOUT_HYBRID : CG_LAYOUT_UNIFIED;
	return v1 ? CG_LAYOUT_LEGACY : CG_LAYOUT_NONE;
}

static enum cg_layout layout_of_mounts(const struct host *host)
{
	_cleanup_free_ char *table = NULL;
	bool v1 = false, v2 = false;
	char *line, *rest;

	if (fs_read(host->proc_fd, "self/mountinfo", MOUNTS_LIMIT_BYTES, &table, NULL) < 0)
		return CG_LAYOUT_NONE;
	for (line = strtok_r(table, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *type = strstr(line, " - ");

		if (type && strncmp(type, " - cgroup ", 10) == 0)
			v1 = true;
		else if (type && strncmp(type, " - cgroup2 ", 11) == 0)
			v2 = true;
	}
	return layout(v1, v2);
}

/* The usual mount points; cgroup.clone_children is a file of version 1 alone. */
static enum cg_layout layout_of_trees(const struct host *host)
{
	static const char *const legacy[] = { "cpu", "cpu,cpuacct", "cpuset", "memory", "systemd" };
	bool v1 = false;

	if (fs_exists(host->sys_fd, "fs/cgroup/cgroup.controllers"))
		return CG_LAYOUT_UNIFIED;
	for (size_t i = 0; i < ARRAY_SIZE(legacy); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "fs/cgroup/%s/cgroup.clone_children", legacy[i]);
		v1 = v1 || fs_exists(host->sys_fd, path);
	}
	return layout(v1, fs_exists(host->sys_fd, "fs/cgroup/unified/cgroup.controllers"));
}

enum cg_layout cg_layout_of(const struct host *host)
{
	enum cg_layout found = layout_of_mounts(host);

	return found != CG_LAYOUT_NONE || host->live ? found : layout_of_trees(host);
}
