/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup v2 directories; see tree.h. The kernel is asked each time and nothing is remembered, so
 * that a restart needs no replay. It does not decide what may be removed. */
#include "cgroups/tree.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tenant may nest cgroups in what was delegated to it: a deeper or larger tree than this is left
 * to a person. The kernel's own default (cgroup.max.depth) is no limit at all. */
enum { DEPTH_LIMIT = 32, CGROUPS_LIMIT = 16384 };
/* cgroup.procs: seven digits and a newline for each of some half a million processes. */
enum { PIDS_LIMIT_BYTES = 4 << 20, MASK_LIMIT_BYTES = 4096 };

STRTAB_DEFINE(cg_controller, enum cg_controller, [CG_CPUSET] = "cpuset", [CG_CPU] = "cpu",
	      [CG_IO] = "io", [CG_MEMORY] = "memory", [CG_HUGETLB] = "hugetlb", [CG_PIDS] = "pids",
	      [CG_RDMA] = "rdma", [CG_MISC] = "misc", [CG_DMEM] = "dmem");

static int read_mask(int cgroup, const char *file, uint32_t *ret)
{
	_cleanup_free_ char *text = NULL;
	uint32_t mask = 0;
	char *word, *rest;
	int r = fs_read(cgroup, file, MASK_LIMIT_BYTES, &text, NULL);

	if (r < 0)
		return r;
	for (word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		int controller = cg_controller_from_string(word);

		if (controller >= 0)
			mask |= CG_BIT(controller);
	}
	*ret = mask;
	return 0;
}

int cg_available(int cgroup, uint32_t *ret_mask)
{
	return read_mask(cgroup, "cgroup.controllers", ret_mask);
}

int cg_enabled(int cgroup, uint32_t *ret_mask)
{
	return read_mask(cgroup, "cgroup.subtree_control", ret_mask);
}

int cg_enable(int cgroup, uint32_t mask, uint32_t *ret_mask)
{
	uint32_t enabled;
	int r = cg_enabled(cgroup, &enabled);

	if (r < 0)
		return r;
	mask &= ~enabled;
	if (mask == 0) {
		*ret_mask = enabled;
		return 0;
	}
	for (int i = 0; i < CG_CONTROLLERS; i++)
		if (mask & CG_BIT(i)) /* a refusal shows in what is read back */
			(void)fs_write_format(cgroup, "cgroup.subtree_control", "+%s",
					      cg_controller_to_string((enum cg_controller)i));
	return cg_enabled(cgroup, ret_mask);
}

static bool name_valid(const char *name)
{
	return name && *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

int cg_make(int parent, const char *name, int *ret_cgroup)
{
	int fd;

	if (!name_valid(name))
		return -EINVAL;
	if (mkdirat(parent, name, 0755) < 0)
		return -errno;
	fd = fs_open_dir(parent, name);
	if (fd < 0) {
		(void)unlinkat(parent, name, AT_REMOVEDIR); /* what was made is not left behind */
		return fd;
	}
	*ret_cgroup = fd;
	return 0;
}

/* Whether one of the components is "..": the path came from a file and must stay below. */
static bool climbs(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
		p += strspn(p, "/");
	}
	return false;
}

int cg_open(int parent, const char *path, int *ret_cgroup)
{
	int fd;

	path += strspn(path, "/"); /* openat(2) would ignore the parent for an absolute path */
	if (climbs(path))
		return -EINVAL;
	fd = fs_open_dir(parent, *path ? path : ".");
	if (fd < 0)
		return fd;
	*ret_cgroup = fd;
	return 0;
}

static bool is_directory(int dirfd, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int add_name(char ***names, size_t count, const char *name)
{
	char **grown;

	if (count >= CGROUPS_LIMIT)
		return -E2BIG;
	grown = reallocarray(*names, count + 2, sizeof(char *));
	if (!grown)
		return -ENOMEM;
	*names = grown;
	grown[count + 1] = NULL;
	grown[count] = strdup(name);
	return grown[count] ? 0 : -ENOMEM;
}

/* A second open of the directory, so that the offset of the caller's fd stays where it is. */
static int open_listing(int cgroup, DIR **ret)
{
	_cleanup_close_ int fd = fs_open_dir(cgroup, ".");
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	*ret = dir;
	return 0;
}

int cg_children(int cgroup, char ***ret, size_t *ret_count)
{
	_cleanup_(fs_names_freep) char **names = calloc(1, sizeof(char *));
	_cleanup_closedir_ DIR *dir = NULL;
	size_t count = 0;
	int r;

	if (!names)
		return -ENOMEM;
	r = open_listing(cgroup, &dir);
	if (r < 0)
		return r;
	for (struct dirent *e; (e = readdir(dir));) {
		if (!name_valid(e->d_name) || !is_directory(dirfd(dir), e))
			continue;
		r = add_name(&names, count, e->d_name);
		if (r < 0)
			return r;
		count++;
	}
	*ret = TAKE_PTR(names);
	if (ret_count)
		*ret_count = count;
	return 0;
}

static int remove_below(int parent, const char *name, unsigned depth, unsigned *left)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (depth > DEPTH_LIMIT || *left == 0)
		return -E2BIG;
	(*left)--;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	/* cgroup_destroy_locked() says EBUSY for children as well as for processes. */
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = cg_children(fd, &names, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; names[i]; i++) {
		r = remove_below(fd, names[i], depth + 1, left);
		if (r < 0)
			return r;
	}
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

int cg_remove(int parent, const char *name)
{
	unsigned left = CGROUPS_LIMIT;

	return name_valid(name) ? remove_below(parent, name, 0, &left) : -EINVAL;
}

int cg_attach(int cgroup, pid_t pid)
{
	return pid > 0 ? fs_write_format(cgroup, "cgroup.procs", "%d", (int)pid) : -EINVAL;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int parse_pids(char *text, pid_t *pids, size_t *ret_count)
{
	size_t count = 0;
	char *line, *rest;

	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		int32_t pid;

		if (parse_i32(line, &pid) < 0 || pid < 0)
			return -EBADMSG;
		/* 0 stands for a process outside of our PID namespace (cgroup_procs_show), which
		 * kill(2) would read as "my own process group". */
		if (pid > 0)
			pids[count++] = pid;
	}
	*ret_count = count;
	return 0;
}

int cg_pids(int cgroup, pid_t **ret, size_t *ret_count)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	int r = fs_read(cgroup, "cgroup.procs", PIDS_LIMIT_BYTES, &text, NULL);

	if (r < 0)
		return r;
	pids = calloc(count_lines(text), sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	r = parse_pids(text, pids, ret_count);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pids);
	return 0;
}

int cg_identity(int cgroup, uint64_t *ret)
{
	struct stat st;

	if (fstat(cgroup, &st) < 0)
		return -errno;
	*ret = st.st_ino;
	return 0;
}
