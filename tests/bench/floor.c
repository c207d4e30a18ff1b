/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's floor: the least that starting a program in a control group of its own can cost.
 * Made with the system calls that an agent would use (clone3 with CLONE_INTO_CGROUP, waitid). It
 * sets no limit. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
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

static int run_in(const struct floor *f, int cgroup)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	siginfo_t info = { 0 };
	long pid;

	if (cgroup >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
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

static int run_in_new_cgroup(struct floor *f)
{
	char path[320];
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/bench-%d-%u", f->cgroup, getpid(), f->made++);
	if (mkdir(path, 0755) < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : run_in(f, fd);
	if (fd >= 0)
		(void)close(fd);
	while (rmdir(path) < 0) /* the zombie is reaped; the kernel may lag behind by a moment */
		if (errno != EBUSY)
			return r < 0 ? r : -errno;
	return r;
}

int floor_once(void *userdata, double *ret_usec)
{
	struct floor *f = userdata;
	double start = bench_now_usec();
	int r = f->into_cgroup ? run_in_new_cgroup(f) : run_in(f, -1);

	*ret_usec = bench_now_usec() - start;
	return r;
}
