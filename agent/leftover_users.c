/* SPDX-License-Identifier: Apache-2.0 */
/* Users of leftovers; see leftover_users.h. Names that the kernel shows of files are their owners'
 * to choose: only numbers count. */
#include "leftover_users.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	STATUS_BYTES = 1024, /* the users stand before the groups, of which there may be many */
	STAT_STARTED = 22,   /* its number in proc_pid_stat(5) */
	SECOND_USEC = 1000000,
};

static int gone_or(int error)
{
	return error == -ENOENT || error == -ESRCH ? LEFTOVER_PROCESS_GONE : error;
}

static int read_head(int proc_fd, int32_t pid, const char *file, char room[STATUS_BYTES])
{
	_cleanup_close_ int fd = -1;
	char path[32];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%" PRId32 "/%s", pid, file); /* fits */
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, room, STATUS_BYTES - 1);
	if (n < 0)
		return -errno;
	room[n] = 0;
	return 0;
}

/* Another than the first. */
static int other_thread(int proc_fd, int32_t pid, int32_t *ret)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "%" PRId32 "/task", pid); /* fits */
	r = fs_list(proc_fd, path, &names, NULL);
	if (r < 0)
		return gone_or(r);
	for (char **name = names; *name; name++)
		if (parse_i32(*name, ret) == 0 && *ret != pid)
			return LEFTOVER_PROCESS_THERE;
	return LEFTOVER_PROCESS_GONE;
}

/* The status of the process, by a thread of it that lives: the first may have ended, and what it
 * had is told of the others then, that are found by their numbers as processes are. */
static int read_status(int proc_fd, int32_t pid, char room[STATUS_BYTES], int32_t *ret_thread)
{
	const char *state;
	int r = read_head(proc_fd, pid, "status", room);

	/* Within the name before it a newline is written as "\n" (proc_task_name()). */
	state = r == 0 ? strstr(room, "\nState:\t") : NULL;
	if (!state)
		return r < 0 ? gone_or(r) : -EBADMSG;
	*ret_thread = pid;
	if (state[8] != 'Z' && state[8] != 'X')
		return LEFTOVER_PROCESS_THERE;
	r = other_thread(proc_fd, pid, ret_thread);
	return r == LEFTOVER_PROCESS_THERE
		       ? gone_or(read_head(proc_fd, *ret_thread, "status", room))
		       : r;
}

int leftover_process_users(int proc_fd, int32_t pid, uint32_t ret[4])
{
	char room[STATUS_BYTES], *users, *rest = NULL;
	uint32_t found[4];
	int32_t thread;
	int r = read_status(proc_fd, pid, room, &thread);

	if (r != LEFTOVER_PROCESS_THERE)
		return r;
	users = strstr(room, "\nUid:\t");
	if (!users)
		return -EBADMSG;
	users += strlen("\nUid:\t");
	*strchrnul(users, '\n') = 0;
	for (size_t i = 0; i < ARRAY_SIZE(found); i++) {
		const char *word = strtok_r(i == 0 ? users : NULL, "\t", &rest);

		if (!word || parse_u32(word, &found[i]) < 0)
			return -EBADMSG;
	}
	memcpy(ret, found, sizeof(found));
	return LEFTOVER_PROCESS_THERE;
}

static uint64_t clock_usec(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t); /* cannot fail for these */
	return (uint64_t)t.tv_sec * SECOND_USEC + (uint64_t)t.tv_nsec / 1000;
}

int leftover_process_started(int proc_fd, int32_t pid, uint64_t *ret_usec)
{
	char room[STATUS_BYTES], *word, *rest = NULL;
	uint64_t now = clock_usec(CLOCK_BOOTTIME), ticks, since;
	int r = read_head(proc_fd, pid, "stat", room);

	if (r < 0)
		return gone_or(r);
	word = strrchr(room, ')'); /* the name may have any of the others */
	word = word ? strtok_r(word + 1, " ", &rest) : NULL;
	for (int field = 3; word && field < STAT_STARTED; field++)
		word = strtok_r(NULL, " ", &rest);
	if (!word || parse_u64(word, &ticks) < 0 || ticks > UINT64_MAX / SECOND_USEC)
		return -EBADMSG;
	since = ticks * SECOND_USEC / (uint64_t)sysconf(_SC_CLK_TCK);
	*ret_usec = clock_usec(CLOCK_REALTIME) - (now > since ? now - since : 0);
	return LEFTOVER_PROCESS_THERE;
}

static int visit_fd(int fds, const char *name, const struct leftover_uses *uses)
{
	struct statx st;
	struct stat link;

	/* Who asks for nothing is told of which file system it is, also by FUSE of other users
	 * (fuse_update_get_attr()), and without a look at a server, that may be gone for ever. */
	if (statx(fds, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st) < 0)
		return errno == EACCES || errno == EPERM ? -errno : 0;
	if (!leftover_places_have(uses->places, st.stx_dev_major, st.stx_dev_minor) ||
	    statx(fds, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0)
		return 0;
	/* The rights of the link are those that it was opened with. */
	if (fstatat(fds, name, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return uses->visit(
		&(struct leftover_node){ st.stx_dev_major, st.stx_dev_minor, st.stx_ino },
		link.st_mode & S_IWUSR, uses->userdata);
}

static int look_at_fds(int proc_fd, int32_t pid, const struct leftover_uses *uses)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[32];
	int fd, r = 0;

	(void)snprintf(path, sizeof(path), "%" PRId32 "/fd", pid); /* fits */
	fd = fs_open_dir(proc_fd, path);
	if (fd < 0)
		return gone_or(fd);
	dir = fdopendir(fd);
	if (!dir) {
		close_fd(fd);
		return -ENOMEM;
	}
	for (const struct dirent *d; r == 0 && (errno = 0, d = readdir(dir));)
		if (d->d_name[0] != '.')
			r = visit_fd(fd, d->d_name, uses);
	return r == 0 && errno ? gone_or(-errno) : r;
}

/* "7f00-7f10 rw-s 00000000 00:1b 4711    /dev/shm/x" */
int leftover_maps_line(char *line, struct leftover_node *ret, bool *ret_writable)
{
	char *rest = NULL, *words[5], *colon;
	uint64_t major, minor, inode;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = strtok_r(i == 0 ? line : NULL, " \n", &rest);
		if (!words[i])
			return -EBADMSG;
	}
	colon = strchr(words[3], ':');
	if (!colon || strlen(words[1]) != 4)
		return -EBADMSG;
	*colon = 0;
	if (parse_hex(words[3], &major) < 0 || parse_hex(colon + 1, &minor) < 0 ||
	    major > UINT32_MAX || minor > UINT32_MAX || parse_u64(words[4], &inode) < 0)
		return -EBADMSG;
	if (inode == 0)
		return 1;
	*ret = (struct leftover_node){ (uint32_t)major, (uint32_t)minor, inode };
	*ret_writable = words[1][1] == 'w' && words[1][3] == 's';
	return 0;
}

static int look_at_maps(int proc_fd, int32_t pid, const struct leftover_uses *uses)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	char path[32];
	int fd, r = 0;

	(void)snprintf(path, sizeof(path), "%" PRId32 "/maps", pid); /* fits */
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return gone_or(-errno);
	file = fdopen(fd, "r");
	if (!file) {
		close_fd(fd);
		return -ENOMEM;
	}
	while (r == 0 && (errno = 0, getline(&line, &size, file) > 0)) {
		struct leftover_node node;
		bool writable;

		r = leftover_maps_line(line, &node, &writable);
		if (r > 0)
			r = 0;
		else if (r == 0 && leftover_places_have(uses->places, node.major, node.minor))
			r = uses->visit(&node, writable, uses->userdata);
	}
	return r == 0 && errno ? gone_or(-errno) : r;
}

int leftover_process_files(int proc_fd, int32_t pid, const struct leftover_uses *uses)
{
	char room[STATUS_BYTES];
	int32_t thread;
	int r = uses->places->count > 0 ? read_status(proc_fd, pid, room, &thread) : 0;

	if (r != LEFTOVER_PROCESS_THERE || uses->places->count == 0)
		return r;
	r = look_at_fds(proc_fd, thread, uses);
	return r == 0 ? look_at_maps(proc_fd, thread, uses) : r;
}
