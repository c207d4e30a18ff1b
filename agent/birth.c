/* SPDX-License-Identifier: Apache-2.0 */
/* Births; see birth.h. clone3(2) with CLONE_INTO_CGROUP, so that reeve-init is never outside of its
 * slice. An agent with a thousand slices has thousands of descriptors, and a copy of its table, all
 * closed again by execve(2), takes longer than all else that a slice needs. So the child shares the
 * table (CLONE_FILES) until it has made one of its own, of the low numbers only: close_range(2),
 * CLOSE_RANGE_UNSHARE. What it is to have is put on such numbers before, in the agent, which
 * therefore stands still until then (CLONE_VFORK). */
#include "birth.h"

#include "cgroups/tree.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { INIT_LISTENER = 3, INIT_CGROUP, INIT_RECORD, INIT_FDS_END }; /* what reeve-init expects */
enum { SEAT_NOTHING, SEAT_LISTENER, SEAT_CGROUP, SEAT_RECORD };

static const char init_environment_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct child { /* what the child needs; made before the clone, since it may not allocate */
	const struct birth *birth;
	int fds[INIT_FDS_END]; /* by their number in the child */
	unsigned last;	       /* the highest of these */
	bool shares;	       /* its table of descriptors is the agent's still */
};

int birth_seats_open(struct birth_seats *seats)
{
	_cleanup_close_ int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	*seats = (struct birth_seats){ .open = true };
	memset(seats->fds, -1, sizeof(seats->fds));
	for (size_t i = 0; i < BIRTH_SEATS; i++) {
		seats->fds[i] = nothing < 0 ? -1 : fcntl(nothing, F_DUPFD_CLOEXEC, INIT_LISTENER);
		if (seats->fds[i] < 0)
			return -errno;
	}
	return 0;
}

void birth_seats_close(struct birth_seats *seats)
{
	for (size_t i = 0; seats->open && i < BIRTH_SEATS; i++)
		close_fd(seats->fds[i]);
	seats->open = false;
}

/* On its seat the child finds it; out of the seat the agent is rid of it. -1: nothing. */
static int seat(const struct birth_seats *seats, size_t i, int fd)
{
	return dup3(fd >= 0 ? fd : seats->fds[SEAT_NOTHING], seats->fds[i], O_CLOEXEC) < 0 ? -errno
											   : 0;
}

static int take_seats(const struct birth *b, const struct birth_seats *seats)
{
	int r = seat(seats, SEAT_LISTENER, b->listener);

	if (r == 0)
		r = seat(seats, SEAT_CGROUP, b->cgroup);
	return r < 0 ? r : seat(seats, SEAT_RECORD, b->record);
}

static void leave_seats(const struct birth_seats *seats)
{
	for (size_t i = SEAT_NOTHING + 1; i < BIRTH_SEATS; i++)
		(void)seat(seats, i, -1); /* both are open: nothing can fail */
}

/* Kernels before 5.9, and filters, know no close_range: then all of the table is copied. */
static int own_table(const struct child *c)
{
	if (!c->shares || syscall(SYS_close_range, c->last + 1, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0)
		return 0;
	return unshare(CLONE_FILES);
}

/* Moves the descriptors out of the way of their targets first. */
static int place_fds(int fds[INIT_FDS_END])
{
	for (int i = 0; i < INIT_FDS_END; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, INIT_FDS_END);
		if (fds[i] < 0)
			return -errno;
	}
	for (int i = 0; i < INIT_FDS_END; i++)
		if (dup2(fds[i], i) < 0)
			return -errno;
	return 0;
}

/* In the child: async-signal-safe calls only, and its descriptors first. */
static _Noreturn void become_init(struct child *c)
{
	char *const argv[] = { (char *)"reeve-init", (char *)c->birth->slice, NULL };
	char *const environment[] = { (char *)init_environment_path, NULL };
	sigset_t none;

	if (own_table(c) < 0)
		_exit(125);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	if (setsid() < 0)
		_exit(125);
	(void)pin_self(&c->birth->pin); /* read back and reported by enforce.c */
	if (place_fds(c->fds) == 0)
		execve(c->birth->path, argv, environment);
	_exit(127);
}

static pid_t clone_into(int cgroup_fd, int *ret_pidfd)
{
	struct clone_args args = { .flags = CLONE_PIDFD | CLONE_FILES | CLONE_VFORK,
				   .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
				   .exit_signal = SIGCHLD };

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* A kernel or a filter without clone3 gets fork, and the move afterwards. */
static int spawn(struct child *c, pid_t *ret_pid, int *ret_pidfd, struct fail *f)
{
	const int leaf_fd = c->birth->leaf_fd;
	int error, pidfd = -1, r = 0;
	pid_t pid;

	c->shares = true;
	pid = clone_into(leaf_fd, &pidfd);
	error = pid < 0 ? errno : 0;
	if (error == ENOSYS || error == EPERM || error == EINVAL) {
		c->shares = false;
		pid = fork();
	}
	if (pid == 0)
		become_init(c);
	if (pid < 0)
		return fail_set(f, -errno, "cannot start reeve-init: %s", strerror(errno));
	if (error)
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (error && leaf_fd >= 0)
		r = cg_attach(leaf_fd, pid);
	*ret_pidfd = pidfd;
	if (r < 0) {
		(void)kill(pid, SIGKILL);
		return fail_set(f, r, "cannot move reeve-init into its cgroup: %s", strerror(-r));
	}
	*ret_pid = pid;
	return 0;
}

int birth_init(const struct birth *b, const struct birth_seats *seats, pid_t *ret_pid,
	       int *ret_pidfd, struct fail *f)
{
	struct child c = { .birth = b };
	int r = take_seats(b, seats);

	for (int i = 0; i < INIT_FDS_END; i++)
		c.fds[i] = seats->fds[i < INIT_LISTENER ? SEAT_NOTHING : i - INIT_LISTENER + 1];
	for (size_t i = 0; i < BIRTH_SEATS; i++)
		c.last = (unsigned)seats->fds[i] > c.last ? (unsigned)seats->fds[i] : c.last;
	if (r < 0)
		fail_set(f, r, "cannot pass descriptors to reeve-init: %s", strerror(-r));
	else
		r = spawn(&c, ret_pid, ret_pidfd, f);
	leave_seats(seats);
	return r;
}
