/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of one task; see leaf.h. It knows no task and no limit: which controllers a leaf has
 * is the agent's business. */
#include "init/leaf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

enum {
	DEPTH_MAX = 16,	  /* of cgroups a task made itself; deeper ones are left to cgroup.kill */
	PATH_BYTES = 128, /* a part, a task's name and the longest file name asked for here */
	TEXT_BYTES = 4096,
};

static int open_file(int slice, const char *name, const char *file, int flags)
{
	char path[PATH_BYTES];
	int fd;

	stpcpy(stpcpy(stpcpy(path, name), "/"), file);
	fd = openat(slice, path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* The file as text, "" when it is absent. */
static void read_file(int slice, const char *name, const char *file, char *room)
{
	_cleanup_close_ int fd = open_file(slice, name, file, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, room, TEXT_BYTES - 1);

	room[n < 0 ? 0 : n] = 0;
}

static int write_file(int slice, const char *name, const char *file, const char *text)
{
	_cleanup_close_ int fd = open_file(slice, name, file, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

bool leaf_is_directory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int leaf_make(int slice, const char *name)
{
	if (mkdirat(slice, name, 0755) == 0)
		return 0;
	if (errno == EEXIST && unlinkat(slice, name, AT_REMOVEDIR) == 0 &&
	    mkdirat(slice, name, 0755) == 0)
		return 0;
	return -errno;
}

int leaf_kill_together(int slice, const char *name, bool together)
{
	int r = write_file(slice, name, "memory.oom.group", together ? "1" : "0");

	return r == -ENOENT ? 0 : r;
}

int leaf_open(int slice, const char *name)
{
	int fd = openat(slice, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int leaf_join(int slice, const char *name)
{
	return write_file(slice, name, "cgroup.procs", "0");
}

/* Pid 0 stands for a process outside our pid namespace, and to kill(2) for our own group. */
static int signal_listed(const char *text, int signal)
{
	int count = 0;
	char *end;

	for (long pid = strtol(text, &end, 10); end != text; pid = strtol(text, &end, 10)) {
		text = end;
		if (pid > 1)
			count += kill((pid_t)pid, signal) == 0;
	}
	return count;
}

/* A read may end within a number: what follows the last separator waits for the next one. */
int signal_pids(int fd, int signal)
{
	char text[TEXT_BYTES], *end;
	size_t kept = 0;
	int count = 0;
	ssize_t n;

	while ((n = read(fd, text + kept, sizeof(text) - 1 - kept)) > 0) {
		text[kept + (size_t)n] = 0;
		end = text + strlen(text);
		while (end > text && end[-1] != '\n' && end[-1] != ' ')
			end--;
		kept = strlen(end);
		if (end > text)
			end[-1] = 0;
		count += signal_listed(end > text ? text : "", signal);
		memmove(text, end, kept);
	}
	text[kept] = 0;
	return count + signal_listed(text, signal);
}

/* Visits what is below before the directory itself: with a signal it is sent, without one (0) the
 * directories below are removed. */
static int walk(int dir, unsigned depth, int signal)
{
	_cleanup_closedir_ DIR *stream = NULL;
	_cleanup_close_ int list = -1;
	struct dirent *entry;
	int count = 0, fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		close_fd(fd);
		return 0;
	}
	while (depth > 0 && (entry = readdir(stream))) {
		_cleanup_close_ int below = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below >= 0)
			count += walk(below, depth - 1, signal);
		if (signal == 0)
			(void)unlinkat(dir, entry->d_name, AT_REMOVEDIR); /* the caller's tells */
	}
	if (signal == 0)
		return 0;
	list = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	return count + (list < 0 ? 0 : signal_pids(list, signal));
}

int leaf_signal(int slice, const char *name, int signal)
{
	_cleanup_close_ int dir = openat(slice, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -ESRCH;
	return walk(dir, DEPTH_MAX, signal) > 0 ? 0 : -ESRCH;
}

void leaf_kill(int slice, const char *name)
{
	if (write_file(slice, name, "cgroup.kill", "1") < 0)
		(void)leaf_signal(slice, name, SIGKILL); /* none left: as wanted */
}

int leaf_watch(int slice, const char *name)
{
	int fd = open_file(slice, name, "cgroup.events", O_RDONLY);

	if (fd >= 0)
		leaf_watch_read(fd);
	return fd;
}

void leaf_watch_read(int fd)
{
	char text[128];

	/* The text is not needed: whether the directory can be removed is the answer. */
	(void)!pread(fd, text, sizeof(text), 0);
}

void leaf_read_facts(int slice, const char *name, struct leaf_facts *facts)
{
	char text[TEXT_BYTES];
	const char *line;
	uint64_t peak;

	read_file(slice, name, "memory.events", text);
	line = strstr(text, "\noom_kill ");
	if (!line)
		return; /* no memory controller here */
	facts->has_oom = true;
	facts->oom_killed += (uint32_t)strtoul(line + strlen("\noom_kill "), NULL, 10);
	read_file(slice, name, "memory.peak", text);
	peak = strtoull(text, NULL, 10);
	facts->has_peak |= peak > 0;
	if (peak > facts->peak_bytes)
		facts->peak_bytes = peak;
}

int leaf_remove(int slice, const char *name, struct leaf_facts *facts)
{
	struct leaf_facts seen = *facts;
	int dir;

	leaf_read_facts(slice, name, &seen);
	if (unlinkat(slice, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
		*facts = seen;
		return 0;
	}
	dir = openat(slice, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		(void)walk(dir, DEPTH_MAX, 0);
	close_fd(dir);
	if (unlinkat(slice, name, AT_REMOVEDIR) < 0)
		return -EBUSY;
	*facts = seen;
	return 0;
}
