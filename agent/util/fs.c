/* SPDX-License-Identifier: Apache-2.0 */
/* Files relative to a directory fd; see fs.h. It follows the kernel's habit of one read and one
 * write an attribute, and never blocks on a FIFO that stands where a file should. */
#include "util/fs.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_LIMIT_BYTES = 64 << 10, NAMES_LIMIT = 65536, TREE_DEPTH_LIMIT = 64 };

static int open_file(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static ssize_t read_some(int fd, void *room, size_t size)
{
	ssize_t n;

	do
		n = read(fd, room, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int fs_read(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_close_ int fd = open_file(dirfd, path);
	char chunk[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	buf_init(&b, limit);
	while ((n = read_some(fd, chunk, sizeof(chunk))) > 0) {
		int r = buf_append(&b, chunk, (size_t)n);

		if (r < 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	if (ret_size)
		*ret_size = b.size;
	*ret = buf_steal(&b);
	return *ret ? 0 : -ENOMEM;
}

static void cut_line(char *text)
{
	size_t n = strcspn(text, "\n");

	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
		n--;
	text[n] = 0;
}

int fs_read_line(int dirfd, const char *path, char *room, size_t size)
{
	_cleanup_close_ int fd = open_file(dirfd, path);
	char chunk[4097];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read_some(fd, chunk, sizeof(chunk) - 1);
	if (n < 0)
		return (int)n;
	chunk[n] = 0;
	if ((size_t)n == sizeof(chunk) - 1 && !strchr(chunk, '\n'))
		return -E2BIG; /* the line goes on behind what was read */
	cut_line(chunk);
	if (strlen(chunk) >= size)
		return -E2BIG;
	memcpy(room, chunk, strlen(chunk) + 1);
	return 0;
}

int fs_read_line_new(int dirfd, const char *path, char **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read(dirfd, path, LINE_LIMIT_BYTES, &text, NULL);

	if (r < 0)
		return r;
	cut_line(text);
	*ret = TAKE_PTR(text);
	return 0;
}

int fs_read_u64(int dirfd, const char *path, uint64_t *ret)
{
	char line[64];
	int r = fs_read_line(dirfd, path, line, sizeof(line));

	return r < 0 ? r : parse_u64(line, ret);
}

int fs_read_i32(int dirfd, const char *path, int32_t *ret)
{
	char line[64];
	int r = fs_read_line(dirfd, path, line, sizeof(line));

	return r < 0 ? r : parse_i32(line, ret);
}

int fs_read_hex(int dirfd, const char *path, uint64_t *ret)
{
	char line[64];
	int r = fs_read_line(dirfd, path, line, sizeof(line));

	return r < 0 ? r : parse_hex(line, ret);
}

int fs_write(int dirfd, const char *path, const char *text)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

int fs_write_format(int dirfd, const char *path, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -E2BIG;
	return fs_write(dirfd, path, text);
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int fs_replace(int dirfd, const char *path, const void *data, size_t size, mode_t mode)
{
	char temporary[PATH_MAX];
	_cleanup_close_ int fd = -1;
	int r;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.new", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dirfd, temporary, 0); /* the first error is the one to report */
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(char ***names, size_t *count, size_t *capacity, const char *name)
{
	if (*count + 1 >= *capacity) {
		size_t more = *capacity ? *capacity * 2 : 16;
		char **grown = reallocarray(*names, more, sizeof(char *));

		if (!grown)
			return -ENOMEM;
		*names = grown;
		*capacity = more;
	}
	(*names)[*count] = strdup(name);
	if (!(*names)[*count])
		return -ENOMEM;
	(*names)[++*count] = NULL;
	return 0;
}

/* NULL at the end with errno 0, or on failure with what it was. */
static struct dirent *next_entry(DIR *dir)
{
	struct dirent *e;

	do {
		errno = 0;
		e = readdir(dir);
	} while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	return e;
}

int fs_list(int dirfd, const char *path, char ***ret, size_t *ret_count)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int fd = fs_open_dir(dirfd, path);
	size_t count = 0, capacity = 0;

	if (fd < 0)
		return fd;
	names = calloc(1, sizeof(char *));
	if (!names)
		return -ENOMEM;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	for (struct dirent *e; (e = next_entry(dir));) {
		int r = count < NAMES_LIMIT ? add_name(&names, &count, &capacity, e->d_name)
					    : -E2BIG;

		if (r < 0)
			return r;
	}
	if (errno)
		return -errno; /* half a directory is not a directory */
	if (count > 1)
		qsort(names, count, sizeof(char *), compare_names);
	*ret = TAKE_PTR(names);
	if (ret_count)
		*ret_count = count;
	return 0;
}

char **fs_names_free(char **names)
{
	for (char **n = names; n && *n; n++)
		free(*n);
	free(names);
	return NULL;
}

bool fs_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int fs_readlink(int dirfd, const char *path, char **ret)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, path, target, sizeof(target));
	char *copy;

	if (n < 0)
		return -errno;
	if ((size_t)n >= sizeof(target))
		return -ENAMETOOLONG;
	copy = strndup(target, (size_t)n);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int fs_link_name(int dirfd, const char *path, char **ret)
{
	_cleanup_free_ char *target = NULL;
	const char *slash;
	char *copy;
	int r = fs_readlink(dirfd, path, &target);

	if (r < 0)
		return r;
	slash = strrchr(target, '/');
	copy = strdup(slash ? slash + 1 : target);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int fs_open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

int fs_make_dirs(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = NULL;
	struct stat st;

	/* All but the last one are nearly always there; an empty path is ENOENT, as of mkdir(2). */
	if (mkdir(path, mode) == 0)
		return 0;
	if (!*path || (errno != ENOENT && errno != EEXIST))
		return -errno;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return -errno;
	if (stat(copy, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int remove_below(int dirfd, const char *path, unsigned depth)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (unlinkat(dirfd, path, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth > TREE_DEPTH_LIMIT)
		return -ELOOP;
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = fs_list(fd, ".", &names, NULL);
	for (size_t i = 0; r == 0 && names[i]; i++)
		r = remove_below(fd, names[i], depth + 1);
	if (r == 0 && unlinkat(dirfd, path, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

int fs_remove_tree(int dirfd, const char *path)
{
	return remove_below(dirfd, path, 0);
}
