/* SPDX-License-Identifier: Apache-2.0 */
/* reeve-init SLICE: the parent of all tasks of one slice. It outlives the agent, which may be
 * killed, replaced or upgraded meanwhile, so it is small, static, and depends on nothing that can
 * change under it. The agent puts it into the slice (cgroup, affinity, memory policy, limits: all
 * of which tasks inherit) and passes
 *   fd 3  a listening SOCK_SEQPACKET socket: agents connect, leave and come back (wire/frame.h)
 *   fd 4  the directory of the slice's cgroup; anything else (/dev/null) means: no cgroups, or
 *         not yet: PID 1 makes a scope around a running process, and FRAME_HELLO brings it then
 *   fd 5  an append-only record of final statuses (init/report.h); may be /dev/null
 * SIGTERM, as from PID 1, ends every task within its own grace, and then reeve-init.
 * It decides nothing about resources and moves itself nowhere. One loop; idle means asleep. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/channel.h"
#include "init/leaf.h"
#include "init/request.h"
#include "init/task.h"
#include "util/cleanup.h"
#include "wire/frame.h"

enum { FD_LISTENER = 3, FD_CGROUP, FD_RECORD, FD_FIRST_FREE };
enum { SLOT_SIGNALS, SLOT_LISTENER, SLOT_CHANNELS, SLOT_TASKS = SLOT_CHANNELS + INIT_CHANNELS_MAX };
enum { SLOTS_MAX = SLOT_TASKS + INIT_TASKS_MAX };
enum { BLIND_NSEC = 100000000 };

/* Everything is blocked and nothing ignored: we read SIGCHLD and SIGTERM, no other signal reaches
 * us, and a child needs one call to be as a program expects it. */
static int open_signals(void)
{
	/* by number: libc refuses its own two, and whoever started the agent may have ignored them
	 */
	static const uint64_t initial[8] = { 0 }; /* struct kernel_sigaction: SIG_DFL, no flags */
	sigset_t all, read;

	for (int s = 1; s <= 64; s++)
		(void)syscall(SYS_rt_sigaction, s, initial, NULL, 8); /* KILL and STOP refuse */
	sigfillset(&all);
	sigemptyset(&read);
	sigaddset(&read, SIGCHLD);
	sigaddset(&read, SIGTERM);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -errno;
	return signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Tasks' descriptors are moved to 0, 1, 2 later, so these must not be free for others. */
static int settle_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < FD_LISTENER);
	if (fd < 0)
		return -errno;
	(void)close_range(FD_FIRST_FREE, ~0U, 0); /* Linux 5.9; the agent marks its own CLOEXEC */
	for (fd = FD_LISTENER; fd < FD_FIRST_FREE; fd++) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

static bool is_listening(int fd)
{
	int answer = 0;
	socklen_t size = sizeof(answer);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer;
}

static int init_open(struct init *i, const char *slice)
{
	int r = settle_descriptors();

	if (r < 0)
		return r;
	if (!is_listening(FD_LISTENER))
		return -ENOTSOCK;
	if (fcntl(FD_LISTENER, F_SETFL, O_NONBLOCK) < 0)
		return -errno; /* who connects may be gone before we accept */
	*i = (struct init){ .slice = slice, .listener = FD_LISTENER, .record = FD_RECORD };
	i->cgroup = leaf_is_directory(FD_CGROUP) ? FD_CGROUP : -1;
	memset(i->channels, -1, sizeof(i->channels));
	memset(i->kept, -1, sizeof(i->kept));
	list_init(&i->tasks);
	i->packet = mmap(NULL, FRAME_LIMIT_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (i->packet == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	/* What the agent was lent is not for tasks; older kernels (4.3) have none to clear. */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	i->signals = open_signals();
	return i->signals < 0 ? -errno : 0;
}

static void each_task(struct init *i, void (*run)(struct task *))
{
	list_each (item, next, &i->tasks)
		run(container_of(item, struct task, link));
}

static void reap(struct init *i)
{
	siginfo_t child = { 0 };
	struct rusage usage;
	int status;

	while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid > 0) {
		struct task *t = task_of_pid(i, child.si_pid);

		if (t)
			task_before_reap(t);
		if (wait4(child.si_pid, &status, WNOHANG, &usage) != child.si_pid)
			return;
		if (t)
			task_on_exit(t, status, &usage);
		child.si_pid = 0;
	}
	if (i->cgroup < 0)
		each_task(i, task_on_orphan);
}

static void on_signals(struct init *i)
{
	struct signalfd_siginfo info;

	while (read(i->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			request_quit(i, true);
	}
	reap(i);
}

/* What is left when all tasks have ended left them on purpose; their next parent is us. */
static bool is_finished(struct init *i)
{
	siginfo_t child = { 0 };
	_cleanup_close_ int children = -1;

	if (!i->quitting)
		return false;
	list_each (item, next, &i->tasks) {
		if (task_active(container_of(item, struct task, link)))
			return false;
	}
	if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) < 0)
		return true;
	children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (children < 0)
		return true;		      /* nobody tells us who they are */
	(void)signal_pids(children, SIGKILL); /* each end brings a SIGCHLD, and us here again */
	return false;
}

static size_t collect(struct init *i, struct pollfd *slots, uint64_t *ret_deadline)
{
	size_t n = SLOT_TASKS;

	slots[SLOT_SIGNALS] = (struct pollfd){ .fd = i->signals, .events = POLLIN };
	slots[SLOT_LISTENER] = (struct pollfd){ .fd = i->listener, .events = POLLIN };
	for (int c = 0; c < INIT_CHANNELS_MAX; c++)
		slots[SLOT_CHANNELS + c] =
			(struct pollfd){ .fd = i->channels[c], .events = POLLIN };
	*ret_deadline = UINT64_MAX;
	if (i->accept_after_usec > now_usec()) {
		slots[SLOT_LISTENER].fd = -1;
		*ret_deadline = i->accept_after_usec;
	}
	list_each (item, next, &i->tasks) {
		const struct task *t = container_of(item, struct task, link);
		short events = t->phase == TASK_DRAINING ? POLLPRI : POLLIN;

		/* Only real ones: poll(2) takes no more slots than we may open files. */
		if (t->fd >= 0)
			slots[n++] = (struct pollfd){ .fd = t->fd, .events = events };
		if (t->deadline_usec > 0 && t->deadline_usec < *ret_deadline)
			*ret_deadline = t->deadline_usec;
	}
	return n;
}

static void wait_for(struct pollfd *slots, size_t n, uint64_t deadline_usec)
{
	uint64_t now = now_usec(), rest = deadline_usec > now ? deadline_usec - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(rest / 1000000),
		.tv_nsec = (long)(rest % 1000000) * 1000,
	};

	if (ppoll(slots, n, deadline_usec == UINT64_MAX ? NULL : &timeout, NULL) >= 0)
		return;
	/* No memory, or somebody lowered our limit of files below what is open. Nothing here
	 * blocks, so looking everywhere now and then does for as long as that lasts. */
	(void)nanosleep(&(struct timespec){ .tv_nsec = BLIND_NSEC }, NULL);
	for (size_t k = 0; k < n; k++)
		slots[k].revents = POLLIN;
}

/* Tasks first, while the list is the one that was collected: requests add and remove. */
static void dispatch(struct init *i, const struct pollfd *slots)
{
	uint64_t now = now_usec();
	size_t n = SLOT_TASKS;

	list_each (item, next, &i->tasks) {
		struct task *t = container_of(item, struct task, link);

		if (t->fd >= 0 && slots[n++].revents)
			task_on_fd(t);
		if (t->deadline_usec > 0 && t->deadline_usec <= now)
			task_on_deadline(t);
	}
	if (slots[SLOT_SIGNALS].revents)
		on_signals(i);
	for (int c = 0; c < INIT_CHANNELS_MAX; c++) {
		if (slots[SLOT_CHANNELS + c].revents && i->channels[c] >= 0)
			channel_read(i, &i->channels[c]);
	}
	if (slots[SLOT_LISTENER].revents)
		channel_accept(i);
}

static void init_close(struct init *i)
{
	list_each (item, next, &i->tasks)
		task_free(container_of(item, struct task, link));
	(void)munmap(i->packet, FRAME_LIMIT_BYTES); /* the end is near anyway */
}

int main(int argc, char *argv[])
{
	struct pollfd slots[SLOTS_MAX];
	struct init init;
	uint64_t deadline_usec;
	size_t n;

	if (argc != 2 || init_open(&init, argv[1]) < 0)
		return 2;
	while (!is_finished(&init)) {
		n = collect(&init, slots, &deadline_usec);
		wait_for(slots, n, deadline_usec);
		dispatch(&init, slots);
	}
	init_close(&init);
	return 0;
}
