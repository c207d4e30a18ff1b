/* SPDX-License-Identifier: Apache-2.0 */
/* Leftover files; see leftover_files.h. */
#include "leftover_files.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64, SECOND_USEC = 1000000, BLOCK_BYTES = 512 };

static const struct {
	const char *path;
	enum leftover_kind kind;
} places[LEFTOVER_PLACES] = {
	{ "dev/shm", LEFTOVER_FILE },
	{ "dev/mqueue", LEFTOVER_QUEUE },
};

struct walk {
	const struct leftover_walk *to;
	enum leftover_kind kind;
	struct leftover_node device;
	size_t *left; /* entries that may still be looked at */
	bool cut;     /* something lies too deep */
	char path[PATH_MAX];
};

static const char *place_of(enum leftover_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].kind == kind)
			return places[i].path;
	return NULL;
}

static int look(int dirfd, const char *name, struct statx *ret)
{
	return statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		     STATX_BASIC_STATS | STATX_BTIME, ret) < 0
		       ? -errno
		       : 0;
}

static struct leftover_node node_of(const struct statx *st)
{
	return (struct leftover_node){ st->stx_dev_major, st->stx_dev_minor, st->stx_ino };
}

void leftover_places_find(int root_fd, struct leftover_places *ret)
{
	*ret = (struct leftover_places){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct statx st;

		if (statx(root_fd, places[i].path, AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0 &&
		    S_ISDIR(st.stx_mode))
			ret->devices[ret->count++] = node_of(&st);
	}
}

bool leftover_places_have(const struct leftover_places *p, uint32_t major, uint32_t minor)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->devices[i].major == major && p->devices[i].minor == minor)
			return true;
	return false;
}

/* tmpfs tells when a file was made since Linux 6.0; a queue never, and its last change is when it
 * was last used. */
static uint64_t born_usec(const struct statx *st)
{
	const struct statx_timestamp *t =
		st->stx_mask & STATX_BTIME ? &st->stx_btime : &st->stx_ctime;

	return t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * SECOND_USEC + t->tv_nsec / 1000;
}

/* "QSIZE:129 NOTIFY:0 ...", which a queue says when its file is read. */
static uint64_t queue_bytes(int dirfd, const char *name)
{
	char line[128], *end;
	uint64_t bytes = 0;

	if (fs_read_line(dirfd, name, line, sizeof(line)) < 0 || strncmp(line, "QSIZE:", 6) != 0)
		return 0;
	end = strchrnul(line + 6, ' ');
	*end = 0;
	return parse_u64(line + 6, &bytes) == 0 ? bytes : 0;
}

static int tell(struct walk *w, int dirfd, const char *name, const struct statx *st)
{
	struct leftover l = { .kind = w->kind,
			      .name = w->path,
			      .creator = st->stx_uid,
			      .owner = st->stx_uid,
			      .bytes = st->stx_blocks * BLOCK_BYTES,
			      .born_usec = born_usec(st),
			      .directory = S_ISDIR(st->stx_mode),
			      .node = node_of(st) };

	if (w->kind == LEFTOVER_QUEUE && S_ISREG(st->stx_mode))
		l.bytes = queue_bytes(dirfd, name);
	return w->to->visit(&l, w->to->userdata);
}

static int walk_dir(struct walk *w, int dirfd, unsigned depth);

static int enter(struct walk *w, int dirfd, const char *name, unsigned depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	if (depth > 0)
		return walk_dir(w, fd, depth - 1);
	close_fd(fd);
	w->cut = true;
	return 0;
}

static int look_at(struct walk *w, int dirfd, const char *name, unsigned depth)
{
	size_t length = strlen(w->path);
	struct statx st;
	int r;

	if (*w->left == 0)
		return -E2BIG;
	--*w->left;
	if (look(dirfd, name, &st) < 0 || st.stx_dev_major != w->device.major ||
	    st.stx_dev_minor != w->device.minor)
		return 0; /* it has just gone, or something is mounted there */
	if ((size_t)snprintf(w->path + length, sizeof(w->path) - length, "%s%s", length ? "/" : "",
			     name) >= sizeof(w->path) - length) {
		w->path[length] = 0;
		w->cut = true;
		return 0;
	}
	r = S_ISDIR(st.stx_mode) ? enter(w, dirfd, name, depth) : 0;
	if (r == 0)
		r = tell(w, dirfd, name, &st);
	w->path[length] = 0;
	return r;
}

/* Takes the descriptor. */
static int walk_dir(struct walk *w, int dirfd, unsigned depth)
{
	_cleanup_closedir_ DIR *dir = fdopendir(dirfd);
	int r = 0;

	if (!dir) {
		close_fd(dirfd);
		return -ENOMEM;
	}
	for (const struct dirent *d; r == 0 && (d = readdir(dir));)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			r = look_at(w, dirfd, d->d_name, depth);
	return r;
}

int leftover_files_each(int root_fd, size_t limit, const struct leftover_walk *walk)
{
	bool cut = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		struct walk w = { .to = walk, .kind = places[i].kind, .left = &limit };
		struct statx st;
		int fd = fs_open_dir(root_fd, places[i].path);

		if (fd < 0)
			continue;
		r = look(fd, ".", &st);
		w.device = node_of(&st);
		r = r < 0 ? (close_fd(fd), r) : walk_dir(&w, fd, DEPTH_MAX);
		cut |= w.cut;
	}
	return r == 0 && cut ? -E2BIG : r;
}

/* The directory that has it; no component may be a link. *ret_name is within the path. */
static int open_parent(int place, char *path, char **ret_name)
{
	int fd = fcntl(place, F_DUPFD_CLOEXEC, 3);
	char *slash;

	while (fd >= 0 && (slash = strchr(path, '/'))) {
		int next;

		*slash = 0;
		next = openat(fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			next = -errno;
		close_fd(fd);
		fd = next;
		path = slash + 1;
	}
	*ret_name = path;
	return fd;
}

int leftover_files_remove(int root_fd, const struct leftover *l)
{
	const char *where = place_of(l->kind);
	_cleanup_free_ char *path = l->name ? strdup(l->name) : NULL;
	_cleanup_close_ int place = where ? fs_open_dir(root_fd, where) : -EINVAL, parent = -1;
	struct leftover_node now;
	struct statx st;
	char *name;
	int r;

	if (!path)
		return l->name ? -ENOMEM : -EINVAL;
	if (place < 0)
		return place;
	parent = open_parent(place, path, &name);
	if (parent < 0)
		return parent;
	r = look(parent, name, &st);
	if (r < 0)
		return r;
	now = node_of(&st);
	if (leftover_node_compare(&now, &l->node) != 0 || st.stx_uid != l->owner)
		return -ESTALE;
	return unlinkat(parent, name, l->directory ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
}
