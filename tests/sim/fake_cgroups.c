/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup hierarchy of plain files, and failing system calls; see fake_cgroups.h. Of the kernel it
 * knows as much as the agent uses: a directory is born with its files and goes with them, unless a
 * process is in it; what is enabled above is available below; a partition is listed at the root; a
 * line of a keyed file is written alone; all pages of a pool are free.
 *
 * The functions bear libc's names in the object file only, so that the headers' own declarations of
 * them are in nobody's way. */
#include "tests/sim/fake_cgroups.h"

#include "tests/sim/fake_bpf.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define FAKE_CHARGE "8388608" /* bytes of a cgroup that is born */
#define CONTROLLERS "cpuset cpu io memory hugetlb pids rdma misc dmem"

enum { FAKE_FOLDERS = 2 };

static const struct born {
	const char *name, *text;
} born_with[] = {
	{ "cgroup.controllers", "" },
	{ "cgroup.subtree_control", "" },
	{ "cgroup.procs", "" },
	{ "cgroup.threads", "" },
	{ "cgroup.events", "populated 0\nfrozen 0\n" },
	{ "cgroup.kill", "" },
	{ "cgroup.freeze", "0\n" },
	{ "cpuset.cpus", "\n" },
	{ "cpuset.cpus.effective", "\n" },
	{ "cpuset.cpus.exclusive", "\n" },
	{ "cpuset.cpus.exclusive.effective", "\n" },
	{ "cpuset.cpus.partition", "member\n" },
	{ "cpuset.mems", "\n" },
	{ "cpuset.mems.effective", "\n" },
	{ "cpu.weight", "100\n" },
	{ "cpu.max", "max 100000\n" },
	{ "cpu.max.burst", "0\n" },
	{ "memory.min", "0\n" },
	{ "memory.low", "0\n" },
	{ "memory.high", "max\n" },
	{ "memory.max", "max\n" },
	{ "memory.swap.max", "max\n" },
	{ "memory.oom.group", "0\n" },
	{ "memory.current", FAKE_CHARGE "\n" },
	{ "memory.reclaim", "" },
	{ "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n" },
	{ "pids.current", "0\n" },
	{ "pids.max", "max\n" },
	{ "hugetlb.2MB.current", "0\n" },
	{ "hugetlb.2MB.rsvd.current", "0\n" },
	{ "hugetlb.2MB.max", "max\n" },
	{ "hugetlb.2MB.rsvd.max", "max\n" },
	{ "io.max", "" },
	{ "misc.max", "" },
	{ "memory.pressure", "" },
	{ "io.pressure", "" },
	{ FAKE_BPF_FILE, "" },
}, class_born_with[] = {
	{ "schemata", "L3:0=fff\n" },
	{ "tasks", "" },
};

/* A line a thing, each written alone (cgroup-v2.rst, "Nested keyed"). */
static const char *const keyed[] = { "io.max", "misc.max" };

/* In memory that is shared with the agent's children: what they do counts as well. */
static struct {
	char root[PATH_MAX]; /* "": there is no hierarchy */
	char attributes[FAKE_FOLDERS][PATH_MAX];
	char programs[PATH_MAX];
	char classes[PATH_MAX]; /* where resctrl would be */
	char beside[PATH_MAX];
	bool counting;
	unsigned operations, fails_at;
	int error;
	char failed[PATH_MAX + 32];
	char held[64], fifo[PATH_MAX];
	long (*system_call)(long number, ...);
} * fake;

#define CALL(...) fake->system_call(__VA_ARGS__)

__attribute__((constructor)) static void find_real(void)
{
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake == MAP_FAILED)
		abort();
	fake->system_call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return n > 0 && strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Of an open file; false: it has none. */
static bool path_of(int fd, char room[PATH_MAX])
{
	char link[64];
	long n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = CALL(SYS_readlinkat, AT_FDCWD, link, room, PATH_MAX - 1);
	room[n > 0 ? n : 0] = 0;
	return n > 0;
}

static void path_at(int dirfd, const char *path, char room[PATH_MAX])
{
	char base[PATH_MAX];

	if (*path == '/' || dirfd == AT_FDCWD || !path_of(dirfd, base))
		(void)snprintf(room, PATH_MAX, "%s", path);
	else if (snprintf(room, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
		room[0] = 0;
}

/* Counts an operation; true: it is the one that fails, and errno is set. */
static bool fails(const char *what, const char *path)
{
	if (!fake->counting ||
	    (path && *path == '/' && !is_below(path, fake->root) && !is_below(path, fake->beside)))
		return false;
	if (__atomic_add_fetch(&fake->operations, 1, __ATOMIC_SEQ_CST) != fake->fails_at)
		return false;
	(void)snprintf(fake->failed, sizeof(fake->failed), "%s %s", what, path ? path : "");
	errno = fake->error;
	return true;
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	long fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return;
	fd = CALL(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	(void)CALL(SYS_write, fd, text, strlen(text));
	(void)CALL(SYS_close, fd);
}

static void get(const char *folder, const char *name, char *room, size_t size)
{
	char path[PATH_MAX];
	long fd, n = -1;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path)) {
		fd = CALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
		n = CALL(SYS_read, fd, room, size - 1);
		(void)CALL(SYS_close, fd);
	}
	room[n > 0 ? n : 0] = 0;
}

static void populate(const char *folder)
{
	char above[PATH_MAX], available[256];

	for (size_t i = 0; i < ARRAY_SIZE(born_with); i++)
		put(folder, born_with[i].name, born_with[i].text);
	(void)snprintf(above, sizeof(above), "%s", folder);
	*strrchr(above, '/') = 0;
	get(above, "cgroup.subtree_control", available, sizeof(available));
	put(folder, "cgroup.controllers", available);
}

void fake_cgroups_open(const char *root)
{
	static const char *const files[] = { "cgroup.controllers", "cgroup.subtree_control" };

	assert_non_null(fake->system_call);
	populate(root);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(root, files[i], CONTROLLERS "\n");
	put(root, "cpuset.cpus.isolated", "\n");
	memset(fake->attributes, 0, sizeof(fake->attributes)); /* those of the host before */
	(void)snprintf(fake->root, sizeof(fake->root), "%s", root);
}

void fake_attributes(const char *folder)
{
	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		if (*fake->attributes[i])
			continue;
		(void)snprintf(fake->attributes[i], PATH_MAX, "%s", folder);
		return;
	}
	fail_msg("too many folders");
}

void fake_programs(const char *folder)
{
	(void)snprintf(fake->programs, sizeof(fake->programs), "%s", folder);
}

void fake_classes(const char *folder)
{
	(void)snprintf(fake->classes, sizeof(fake->classes), "%s", folder);
}

/* A file that is the kernel's, whatever is written to it. */
static bool is_attribute(const char *path)
{
	bool is = is_below(path, fake->root);

	for (size_t i = 0; i < FAKE_FOLDERS; i++)
		is = is || is_below(path, fake->attributes[i]);
	return is;
}

void fake_fail(unsigned n, int error, const char *beside)
{
	fake->operations = 0;
	fake->fails_at = n;
	fake->error = error;
	fake->failed[0] = 0;
	(void)snprintf(fake->beside, sizeof(fake->beside), "%s", beside);
	fake->counting = true;
}

unsigned fake_fail_end(void)
{
	fake->counting = false;
	return fake->operations;
}

const char *fake_failed(void)
{
	return *fake->failed ? fake->failed : NULL;
}

/* Processes of a cgroup that are alive, up to the limit. */
static size_t processes(const char *folder, pid_t *pids, size_t limit)
{
	char text[4096], *rest, *line;
	size_t count = 0;

	get(folder, "cgroup.procs", text, sizeof(text));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 0 && kill(pid, 0) == 0 && count < limit)
			pids[count++] = pid;
	}
	return count;
}

static void kill_below(const char *folder)
{
	char path[PATH_MAX];
	pid_t pids[64];
	DIR *dir = opendir(folder);

	for (size_t n = processes(folder, pids, ARRAY_SIZE(pids)); n > 0; n--)
		(void)kill(pids[n - 1], SIGKILL);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) < (int)sizeof(path))
			kill_below(path);
	if (dir)
		(void)closedir(dir);
}

/* One "+controller" a write; the agent asks for none twice. */
static void enable(const char *folder, const char *word)
{
	char now[256];
	size_t n;

	get(folder, "cgroup.subtree_control", now, sizeof(now));
	n = strcspn(now, "\n");
	(void)snprintf(now + n, sizeof(now) - n, "%s%s", n ? " " : "", word + 1); /* nine words */
	put(folder, "cgroup.subtree_control", now);
}

static void list_partition(const char *folder, const char *state)
{
	char cpus[256] = "\n";

	if (strncmp(state, "isolated", 8) == 0)
		get(folder, "cpuset.cpus.exclusive", cpus, sizeof(cpus));
	put(fake->root, "cpuset.cpus.isolated", cpus);
}

/* The line of the same first word is replaced; one that limits nothing is not listed. */
static void put_line(const char *folder, const char *name, const char *text)
{
	const size_t word = strcspn(text, " ") + 1;
	char now[4096], after[8192] = "", *rest = NULL;

	get(folder, name, now, sizeof(now));
	for (char *line = strtok_r(now, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, text, word) != 0)
			(void)snprintf(after + strlen(after), sizeof(after) - strlen(after), "%s\n",
				       line);
	if (strpbrk(text + word, "123456789"))
		(void)snprintf(after + strlen(after), sizeof(after) - strlen(after), "%s", text);
	put(folder, name, after);
}

/* Once, however often it is moved there. */
static void add_process(const char *folder, const char *name, const char *text)
{
	char pids[4096], *rest = NULL, copy[4096];
	size_t n;

	get(folder, name, pids, sizeof(pids));
	(void)snprintf(copy, sizeof(copy), "%s", pids);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strtol(line, NULL, 10) == strtol(text, NULL, 10))
			return;
	n = strlen(pids);
	(void)snprintf(pids + n, sizeof(pids) - n, "%s", text); /* a few processes */
	put(folder, name, pids);
}

static bool is_keyed(const char *name)
{
	bool is = false;

	for (size_t i = 0; i < ARRAY_SIZE(keyed); i++)
		is = is || strcmp(name, keyed[i]) == 0;
	return is;
}

/* What a write does besides being read back. */
static void act(const char *folder, const char *name, const char *text)
{
	char effective[64];

	if (strcmp(name, "cgroup.subtree_control") == 0) {
		enable(folder, text);
		return;
	}
	if (strcmp(name, "cgroup.kill") == 0) {
		kill_below(folder);
		return;
	}
	if (strcmp(name, "cgroup.procs") == 0 || strcmp(name, "tasks") == 0) {
		add_process(folder, name, text);
		return;
	}
	if (is_keyed(name)) {
		put_line(folder, name, text);
		return;
	}
	if (strcmp(name, "memory.reclaim") == 0) {
		put(folder, "memory.current", "0\n");
		return;
	}
	if (strcmp(name, "nr_hugepages") == 0)
		put(folder, "free_hugepages", text);
	if (strcmp(name, "cgroup.freeze") == 0)
		put(folder, "cgroup.events",
		    *text == '1' ? "populated 0\nfrozen 1\n" : "populated 0\nfrozen 0\n");
	put(folder, name, text);
	if (strcmp(name, "cpuset.cpus.partition") == 0)
		list_partition(folder, text);
	if (strcmp(name, "cpuset.cpus") == 0 || strcmp(name, "cpuset.mems") == 0) {
		(void)snprintf(effective, sizeof(effective), "%s.effective", name);
		put(folder, effective, text);
	}
}

void fake_hold(const char *file, const char *fifo)
{
	(void)snprintf(fake->fifo, sizeof(fake->fifo), "%s", fifo ? fifo : "");
	(void)snprintf(fake->held, sizeof(fake->held), "%s", file ? file : "");
}

/* Opening a FIFO waits for somebody who opens its other end. */
static void await_release(const char *path)
{
	const char *name = strrchr(path, '/');
	long fd;

	if (!*fake->held || !name || strcmp(name + 1, fake->held) != 0)
		return;
	fd = CALL(SYS_openat, AT_FDCWD, fake->fifo, O_RDONLY | O_CLOEXEC, 0);
	(void)CALL(SYS_close, fd);
}

ssize_t fake_write(int fd, const void *data, size_t size) __asm__("write");
ssize_t fake_write(int fd, const void *data, size_t size)
{
	char path[PATH_MAX], text[4096], *name;

	if ((!fake->counting && !*fake->root) || !path_of(fd, path))
		return CALL(SYS_write, fd, data, size);
	if (fails("write", path))
		return -1;
	await_release(path);
	if (strncmp(path, "anon_inode:[eventfd", 19) == 0 && size > sizeof(uint64_t))
		return fails("write", "a trigger") ? -1 : (ssize_t)size;
	if (!is_attribute(path) || size >= sizeof(text) - 1)
		return CALL(SYS_write, fd, data, size);
	(void)snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
	text[strcspn(text, "\n")] = '\n';
	text[strcspn(text, "\n") + 1] = 0;
	name = strrchr(path, '/');
	*name = 0;
	act(path, name + 1, text);
	return (ssize_t)size;
}

static bool is_trigger(const char *path, int flags)
{
	const char *dot = strrchr(path, '.');

	return is_below(path, fake->root) && (flags & O_ACCMODE) == O_RDWR && dot &&
	       strcmp(dot, ".pressure") == 0;
}

int fake_openat(int dirfd, const char *path, int flags, ...) __asm__("openat");
int fake_openat(int dirfd, const char *path, int flags, ...)
{
	char full[PATH_MAX];
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (fake->counting || *fake->root)
		path_at(dirfd, path, full);
	if (fake->counting && fails("open", full))
		return -1;
	/* Nothing ever stalls here, and a plain file cannot be waited for. */
	if (*fake->root && is_trigger(full, flags))
		return eventfd(0, EFD_CLOEXEC);
	return (int)CALL(SYS_openat, dirfd, path, flags, mode);
}

int fake_open(const char *path, int flags, ...) __asm__("open");
int fake_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fake_openat(AT_FDCWD, path, flags, mode);
}

int fake_mount(const char *source, const char *target, const char *type, unsigned long flags,
	       const void *data) __asm__("mount");
int fake_mount(const char *source, const char *target, const char *type, unsigned long flags,
	       const void *data)
{
	return fails("mount", target) ? -1
				      : (int)CALL(SYS_mount, source, target, type, flags, data);
}

int fake_umount2(const char *target, int flags) __asm__("umount2");
int fake_umount2(const char *target, int flags)
{
	return fails("umount", target) ? -1 : (int)CALL(SYS_umount2, target, flags);
}

int fake_mkdirat(int dirfd, const char *path, mode_t mode) __asm__("mkdirat");
int fake_mkdirat(int dirfd, const char *path, mode_t mode)
{
	char full[PATH_MAX];
	long r;

	path_at(dirfd, path, full);
	if (fails("mkdir", full))
		return -1;
	r = CALL(SYS_mkdirat, dirfd, path, mode);
	if (r == 0 && is_below(full, fake->root))
		populate(full);
	if (r == 0 && is_below(full, fake->classes))
		for (size_t i = 0; i < ARRAY_SIZE(class_born_with); i++)
			put(full, class_born_with[i].name, class_born_with[i].text);
	return (int)r;
}

int fake_mkdir(const char *path, mode_t mode) __asm__("mkdir");
int fake_mkdir(const char *path, mode_t mode)
{
	return fake_mkdirat(AT_FDCWD, path, mode);
}

static bool has_children(const char *folder)
{
	DIR *dir = opendir(folder);
	bool has = false;

	for (struct dirent *e; dir && (e = readdir(dir));)
		has |= e->d_type == DT_DIR && e->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return has;
}

static int remove_with(const char *folder, const struct born *files, size_t count)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < count; i++)
		if (snprintf(path, sizeof(path), "%s/%s", folder, files[i].name) <
		    (int)sizeof(path))
			(void)CALL(SYS_unlinkat, AT_FDCWD, path, 0);
	return (int)CALL(SYS_unlinkat, AT_FDCWD, folder, AT_REMOVEDIR);
}

/* cgroup_destroy_locked(): EBUSY for children as well as for processes. */
static int remove_cgroup(const char *folder)
{
	char state[64];
	pid_t pid;

	if (processes(folder, &pid, 1) > 0 || has_children(folder)) {
		errno = EBUSY;
		return -1;
	}
	get(folder, "cpuset.cpus.partition", state, sizeof(state));
	if (strncmp(state, "isolated", 8) == 0)
		list_partition(folder, "member");
	return remove_with(folder, born_with, ARRAY_SIZE(born_with));
}

int fake_unlinkat(int dirfd, const char *path, int flags) __asm__("unlinkat");
int fake_unlink(const char *path) __asm__("unlink");
int fake_renameat(int from_fd, const char *from, int to_fd, const char *to) __asm__("renameat");
int fake_fsync(int fd) __asm__("fsync");

int fake_unlinkat(int dirfd, const char *path, int flags)
{
	char full[PATH_MAX];

	path_at(dirfd, path, full);
	if (fails(flags & AT_REMOVEDIR ? "rmdir" : "unlink", full))
		return -1;
	if (flags & AT_REMOVEDIR && is_below(full, fake->root))
		return remove_cgroup(full);
	if (flags & AT_REMOVEDIR && is_below(full, fake->classes))
		return remove_with(full, class_born_with, ARRAY_SIZE(class_born_with));
	return (int)CALL(SYS_unlinkat, dirfd, path, flags);
}

int fake_unlink(const char *path)
{
	return fake_unlinkat(AT_FDCWD, path, 0);
}

int fake_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	char full[PATH_MAX];

	path_at(to_fd, to, full);
	return fails("rename", full) ? -1 : (int)CALL(SYS_renameat, from_fd, from, to_fd, to);
}

int fake_fsync(int fd)
{
	char path[PATH_MAX];

	if (!fake->counting || !path_of(fd, path))
		return (int)CALL(SYS_fsync, fd);
	return fails("fsync", path) ? -1 : 0;
}

/* What makes processes: a directory that is no cgroup takes none by clone3, so that fork is used,
 * as on a kernel without it. */
static long call_bpf(int command, union bpf_attr *attr)
{
	const struct fake_bpf b = { fake->programs, fake->system_call };

	return fails(fake_bpf_name(command), NULL) ? -1 : fake_bpf(&b, command, attr);
}

/* Seen by libraries too: libbpf asks this way. */
__attribute__((visibility("default"))) long fake_syscall(long number, ...) __asm__("syscall");
long fake_syscall(long number, ...)
{
	long words[6];
	va_list args;

	if (number == SYS_clone3) {
		if (!fails("clone3", NULL))
			errno = ENOSYS;
		return -1;
	}
	if (number == SYS_pidfd_open && fails("pidfd_open", NULL))
		return -1;
	va_start(args, number);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = va_arg(args, long); /* as libc's own: what was not given is not used */
	va_end(args);
	if (number == SYS_bpf && *fake->programs && fake_bpf_name((int)words[0]))
		return call_bpf((int)words[0], (union bpf_attr *)words[1]);
	return CALL(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

pid_t fake_fork(void) __asm__("fork");
pid_t fake_fork(void)
{
	static pid_t (*real)(void);

	if (!real)
		real = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
	return fails("fork", NULL) ? -1 : real();
}

int fake_socket(int domain, int type, int protocol) __asm__("socket");
int fake_socket(int domain, int type, int protocol)
{
	return fails("socket", NULL) ? -1 : (int)CALL(SYS_socket, domain, type, protocol);
}

int fake_bind(int fd, const void *address, socklen_t size) __asm__("bind");
int fake_bind(int fd, const void *address, socklen_t size)
{
	return fails("bind", NULL) ? -1 : (int)CALL(SYS_bind, fd, address, size);
}

int fake_listen(int fd, int backlog) __asm__("listen");
int fake_listen(int fd, int backlog)
{
	return fails("listen", NULL) ? -1 : (int)CALL(SYS_listen, fd, backlog);
}

int fake_connect(int fd, const void *address, socklen_t size) __asm__("connect");
int fake_connect(int fd, const void *address, socklen_t size)
{
	return fails("connect", NULL) ? -1 : (int)CALL(SYS_connect, fd, address, size);
}

ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("sendmsg");
ssize_t fake_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fails("sendmsg", NULL) ? -1 : CALL(SYS_sendmsg, fd, message, flags);
}
