/* SPDX-License-Identifier: Apache-2.0 */
/* The way from reeve-init to a program; see spawn.h. The child goes through a table of steps; the
 * number of the one that failed travels back on a pipe that exec closes. The child has a copy of
 * our memory (no CLONE_VM: reeve-init is small, and a child that shares our stack is a trap). */
#include "init/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/leaf.h"
#include "util/cleanup.h"

enum { EXIT_CODE_NOT_STARTED = 127 }; /* seen only by us, who know better from the pipe */

struct child {
	const struct spawn *spawn;
	const struct order *order;
	pid_t parent; /* reeve-init */
	bool placed;  /* clone3 put us into the leaf */
	char **argv, **environment;
	gid_t *groups;
	char *cwd;
	unsigned long nodes[ORDER_NODES_MAX / (8 * sizeof(unsigned long))]; /* of its policy */
};

static void take_node(struct child *c, const struct frame_field *field)
{
	const unsigned bits = 8 * sizeof(unsigned long);
	uint32_t node = 0;

	if (frame_u32(field, &node) == 0 && node < ORDER_NODES_MAX)
		c->nodes[node / bits] |= 1UL << (node % bits);
}

static int decode_field(struct child *c, const struct frame_field *field)
{
	uint64_t limit[3];

	switch (field->tag) {
	case FRAME_TAG_ARGUMENT:
		return (*c->argv++ = strndup(field->value, field->size)) ? 0 : -ENOMEM;
	case FRAME_TAG_ENVIRONMENT:
		return (*c->environment++ = strndup(field->value, field->size)) ? 0 : -ENOMEM;
	case FRAME_TAG_CWD:
		return (c->cwd = strndup(field->value, field->size)) ? 0 : -ENOMEM;
	case FRAME_TAG_GROUP:
		return frame_u32(field, c->groups++);
	case FRAME_TAG_LIMIT:
		memcpy(limit, field->value, sizeof(limit));
		return setrlimit((int)limit[0], &(struct rlimit){ limit[1], limit[2] }) < 0 ? -errno
											    : 0;
	case FRAME_TAG_MEMORY_NODE:
		take_node(c, field);
		return 0;
	default: /* numbers are in the order already */
		return 0;
	}
}

/* The pointers run ahead while the fields are read and are set back at the end. */
static int step_limits(struct child *c)
{
	struct frame_reader reader = order_reader(c->order);
	struct frame_field field;
	int r = 0;

	c->argv = calloc(c->order->argument_count + 1, sizeof(*c->argv));
	c->environment = calloc(c->order->environment_count + 1, sizeof(*c->environment));
	c->groups = calloc(c->order->group_count + 1, sizeof(*c->groups));
	if (!c->argv || !c->environment || !c->groups)
		return -ENOMEM;
	while (r == 0 && frame_next(&reader, &field) > 0)
		r = decode_field(c, &field);
	c->argv -= r == 0 ? c->order->argument_count : 0;
	c->environment -= r == 0 ? c->order->environment_count : 0;
	c->groups -= r == 0 ? c->order->group_count : 0;
	return r;
}

/* A mode that this kernel does not know is refused (EINVAL), never replaced by another. */
static int step_policy(struct child *c)
{
	if (c->order->memory_policy == (uint32_t)ORDER_ABSENT)
		return 0;
	return syscall(SYS_set_mempolicy, c->order->memory_policy, c->nodes,
		       (unsigned long)ORDER_NODES_MAX) < 0
		       ? -errno
		       : 0;
}

static int step_cgroup(struct child *c)
{
	if (c->placed || c->spawn->slice < 0)
		return 0;
	return leaf_join(c->spawn->slice, c->order->leaf);
}

/* The namespace is the agent's doing; what was inherited of ours ends here (setns(2)). */
static int step_netns(struct child *c)
{
	if (c->spawn->netns < 0)
		return 0;
	return setns(c->spawn->netns, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* The agent is kept from the kernel's out-of-memory killer (OOMScoreAdjust= of its unit), and its
 * tasks are not. Before setuid: with CAP_SYS_RESOURCE this is also the least they may set. */
static int step_oom(struct child *c)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	(void)c;
	(void)!write(fd, "0", 1); /* refused where ours is above, and lowering is not for us */
	return 0;
}

static int step_stdio(struct child *c)
{
	for (int i = 0; i < 3; i++) {
		int fd = c->spawn->stdio[i];

		if (fd < 0)
			fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (fd < 0 || dup2(fd, i) < 0)
			return -errno;
	}
	return 0;
}

static int step_session(struct child *c)
{
	sigset_t none;

	sigemptyset(&none);
	if (c->order->umask != (uint32_t)ORDER_ABSENT)
		(void)umask(c->order->umask);
	if (setsid() < 0)
		return -errno;
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Without a cgroup nothing would find a task again whose reeve-init was killed: it goes with it. A
 * change of user clears that (prctl(2)), hence twice. */
static int step_parent(struct child *c)
{
	if (c->spawn->slice >= 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == c->parent ? 0 : -ESRCH; /* it died before that */
}

/* Where we may not change groups, a task of our own user keeps ours: it gains nothing by that. */
static int step_groups(struct child *c)
{
	if (c->order->uid == (uint32_t)ORDER_ABSENT && c->order->group_count == 0)
		return 0;
	if (setgroups(c->order->group_count, c->groups) == 0)
		return 0;
	return errno == EPERM && c->order->uid == geteuid() ? 0 : -errno;
}

static int step_gid(struct child *c) /* (gid_t)-1, absent, leaves it */
{
	return setresgid(c->order->gid, c->order->gid, c->order->gid) < 0 ? -errno : 0;
}

static int step_uid(struct child *c)
{
	return setresuid(c->order->uid, c->order->uid, c->order->uid) < 0 ? -errno : 0;
}

static int step_cwd(struct child *c)
{
	return c->cwd && chdir(c->cwd) < 0 ? -errno : 0;
}

static int step_exec(struct child *c)
{
	environ = c->environment; /* execvp searches the PATH of the task, not ours */
	(void)execvp(c->argv[0], c->argv);
	return -errno;
}

static const struct step {
	const char *name;
	int (*run)(struct child *);
} steps[] = {
	{ "parent", step_parent },    { "cgroup", step_cgroup },
	{ "netns", step_netns },      { "oom_score_adj", step_oom },
	{ "stdio", step_stdio },      { "setsid", step_session },
	{ "setrlimit", step_limits }, { "set_mempolicy", step_policy },
	{ "setgroups", step_groups }, { "setgid", step_gid },
	{ "setuid", step_uid },	      { "parent", step_parent },
	{ "chdir", step_cwd },	      { "exec", step_exec },
};

struct report {
	uint32_t step;
	int32_t error;
};

static _Noreturn void child_main(struct child *c, int report)
{
	struct report failure = { 0 };

	for (; failure.step < ARRAY_SIZE(steps); failure.step++) {
		failure.error = steps[failure.step].run(c);
		if (failure.error < 0)
			break;
	}
	(void)!write(report, &failure, sizeof(failure)); /* nobody else can be told */
	_exit(EXIT_CODE_NOT_STARTED);
}

/* fork(), but into the leaf where the kernel (5.7) and a seccomp filter let it. */
static pid_t fork_into(const struct spawn *s, bool *ret_placed)
{
	_cleanup_close_ int leaf = s->slice < 0 ? -1 : leaf_open(s->slice, s->order->leaf);
	struct clone_args arguments = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)leaf,
	};
	long pid;

	*ret_placed = leaf >= 0;
	if (leaf < 0)
		return fork();
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid >= 0 || errno == EAGAIN || errno == ENOMEM)
		return (pid_t)pid;
	*ret_placed = false; /* the child moves itself, and says why if that fails too */
	return fork();
}

int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_report)
{
	struct child child = { .spawn = s, .order = s->order, .parent = getpid() };
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork_into(s, &child.placed);
	if (pid == 0)
		child_main(&child, ends[1]);
	close_fd(ends[1]);
	if (pid < 0) {
		close_fd(ends[0]);
		return -errno;
	}
	*ret_pid = pid;
	*ret_report = ends[0];
	return 0;
}

int spawn_result(int report, const char **ret_stage)
{
	struct report failure;
	ssize_t n = read(report, &failure, sizeof(failure));

	if (n < 0)
		return SPAWN_PENDING;
	if (n != sizeof(failure) || failure.step >= ARRAY_SIZE(steps))
		return 0;
	*ret_stage = steps[failure.step].name;
	return failure.error;
}
