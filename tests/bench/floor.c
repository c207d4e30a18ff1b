/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's floor: the least that starting a program in a control group of its own can cost.
 * Made with the system calls that an agent would use (clone3 with CLONE_INTO_CGROUP, waitid). It
 * sets no limit. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* proc(5), /proc/mounts: "source point type options ...". */
int floor_find_cgroup(struct floor *f)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	char line[1024], point[256], type[64];
	int r = -ENOENT;

	if (!mounts)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %255s %63s", point, type) == 2 &&
		    strcmp(type, "cgroup2") == 0 && access(point, W_OK) == 0) {
			(void)snprintf(f->cgroup, sizeof(f->cgroup), "%s", point);
			r = 0;
		}
	(void)fclose(mounts);
	return r;
}

static long clone_into(int cgroup)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	if (cgroup >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return syscall(SYS_clone3, &args, sizeof(args));
}

static int run_in(const struct floor *f, int cgroup)
{
	siginfo_t info = { 0 };
	long pid = clone_into(cgroup);

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execl(f->program, f->program, (char *)NULL);
		_exit(127);
	}
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		return -errno;
	return info.si_code == CLD_EXITED && info.si_status == 0 ? 0 : -ECHILD;
}

/* The process is dead; the kernel may lag behind by a moment. */
static int remove_cgroup(const char *path)
{
	while (rmdir(path) < 0)
		if (errno != EBUSY)
			return -errno;
	return 0;
}

static int run_in_new_cgroup(struct floor *f)
{
	char path[320];
	int fd, k, r;

	(void)snprintf(path, sizeof(path), "%s/bench-%d-%u", f->cgroup, getpid(), f->made++);
	if (mkdir(path, 0755) < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : run_in(f, fd);
	if (fd >= 0)
		(void)close(fd);
	k = remove_cgroup(path);
	return r < 0 ? r : k;
}

int floor_once(void *userdata, double *ret_usec)
{
	struct floor *f = userdata;
	double start = bench_now_usec();
	int r = f->into_cgroup ? run_in_new_cgroup(f) : run_in(f, -1);

	*ret_usec = bench_now_usec() - start;
	return r;
}

/* Ends when the program runs: its end of the pipe closes with exec. */
static int start_waiting(int cgroup, int *ret_pid)
{
	int started[2];
	char byte;
	long pid;
	int r;

	if (pipe2(started, O_CLOEXEC) < 0)
		return -errno;
	pid = clone_into(cgroup);
	r = pid < 0 ? -errno : 0;
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(127);
	}
	(void)close(started[1]);
	if (pid > 0)
		(void)!read(started[0], &byte, 1); /* its end is what is waited for */
	(void)close(started[0]);
	*ret_pid = (int)pid;
	return r;
}

int floor_slice_make(struct floor *f, struct floor_slice *ret)
{
	int fd = -1, r;

	*ret = (struct floor_slice){ 0 };
	if (!f->into_cgroup)
		return start_waiting(-1, &ret->pid);
	(void)snprintf(ret->path, sizeof(ret->path), "%s/bench-%d-%u", f->cgroup, getpid(),
		       f->made++);
	if (mkdir(ret->path, 0755) < 0)
		return -errno;
	(void)strcat(ret->path, "/init"); /* the folder has 256 bytes, and this 64 more */
	if (mkdir(ret->path, 0755) < 0 ||
	    (fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -errno;
	r = start_waiting(fd, &ret->pid);
	(void)close(fd);
	return r;
}

int floor_slice_end(struct floor_slice *s)
{
	siginfo_t info = { 0 };
	int r;

	if (kill(s->pid, SIGKILL) < 0 || waitid(P_PID, (id_t)s->pid, &info, WEXITED) < 0)
		return -errno;
	if (!*s->path)
		return 0;
	r = remove_cgroup(s->path);
	*strrchr(s->path, '/') = 0;
	return r < 0 ? r : remove_cgroup(s->path);
}
