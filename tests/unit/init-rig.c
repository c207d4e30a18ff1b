/* SPDX-License-Identifier: Apache-2.0 */
/* See init-rig.h. The agent's socket has an autobound abstract name, so that no file is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init-rig.h"
#include "util/cleanup.h"

static char order_room[FRAME_LIMIT_BYTES];

const char *rig_cgroup_mount(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs status;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (statfs(places[i], &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC &&
		    access(places[i], W_OK) == 0)
			return places[i];
	}
	return NULL;
}

static void refuse_clone3(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(125);
}

static _Noreturn void exec_init(struct rig *r)
{
	const char *build = getenv("REEVE_BUILDDIR");
	char path[4096];
	bool cgroup_now = r->with_cgroup && !r->cgroup_later;
	int cgroup = open(cgroup_now ? r->cgroup : "/dev/null", O_RDONLY | O_CLOEXEC);
	int fds[3] = { fcntl(r->listener, F_DUPFD_CLOEXEC, 10), fcntl(cgroup, F_DUPFD_CLOEXEC, 10),
		       fcntl(r->record, F_DUPFD_CLOEXEC, 10) };

	for (int i = 0; i < 3; i++)
		(void)dup2(fds[i], 3 + i);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves none behind */
	(void)signal(SIGPIPE, SIG_IGN); /* as an agent has it: tasks must not inherit that */
	snprintf(path, sizeof(path), "%s/agent/init/reeve-init", build ? build : ".");
	if (r->without_clone3)
		refuse_clone3();
	execl(path, "reeve-init", "test-slice", NULL);
	perror(path);
	_exit(126);
}

pid_t rig_fork_init(struct rig *r)
{
	pid_t pid = fork();

	if (pid == 0)
		exec_init(r);
	assert_true(pid > 0);
	return pid;
}

static void start_init(struct rig *r)
{
	r->init = rig_fork_init(r);
	r->agent = rig_connect(r);
}

int rig_open(struct rig *r, bool with_cgroup)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	*r = (struct rig){ .with_cgroup = with_cgroup, .agent = -1 };
	if (with_cgroup) {
		snprintf(r->cgroup, sizeof(r->cgroup), "%s/reeve-test-%d", rig_cgroup_mount(),
			 getpid());
		if (mkdir(r->cgroup, 0755) < 0)
			return -errno;
	}
	r->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_return_code(bind(r->listener, (void *)&name, sizeof(sa_family_t)), errno);
	assert_return_code(listen(r->listener, 16), errno);
	r->record = open("/tmp", O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	assert_return_code(r->record, errno);
	start_init(r);
	return 0;
}

static int remove_directory(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)at;
	if (type == FTW_DP)
		(void)rmdir(path); /* busy: once more later */
	return 0;
}

/* Its QUIT is the one way to take its tasks along, wherever they went. */
static void quit_init(struct rig *r)
{
	int status = -1;

	if (r->init <= 0)
		return;
	r->agent = rig_connect(r);
	send_task(r->agent, FRAME_QUIT, NULL);
	await_close(r->agent);
	close_fd(r->agent);
	if (waitpid(r->init, &status, 0) != r->init || status != 0)
		fail_msg("reeve-init ended with wait status %#x", status);
}

void rig_reopen_without_clone3(struct rig *r)
{
	close_fd(r->agent);
	quit_init(r);
	r->without_clone3 = true;
	start_init(r);
}

void rig_reopen_without_cgroup(struct rig *r)
{
	close_fd(r->agent);
	quit_init(r);
	r->cgroup_later = true;
	start_init(r);
}

void rig_close(struct rig *r)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	_cleanup_close_ int kill_file = -1;
	char path[300];

	close_fd(r->agent);
	quit_init(r);
	close_fd(r->listener);
	close_fd(r->record);
	if (!r->with_cgroup)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.kill", r->cgroup);
	kill_file = open(path, O_WRONLY | O_CLOEXEC);
	(void)!write(kill_file, "1", 1); /* an old kernel has none: then tests left nothing */
	for (int i = 0; i < 400 && access(r->cgroup, F_OK) == 0; i++) {
		(void)nftw(r->cgroup, remove_directory, 8, FTW_DEPTH | FTW_PHYS);
		(void)nanosleep(&nap, NULL); /* killed processes leave when they are scheduled */
	}
	assert_int_not_equal(access(r->cgroup, F_OK), 0);
}

int rig_connect(struct rig *r)
{
	struct sockaddr_un name;
	socklen_t size = sizeof(name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_return_code(getsockname(r->listener, (void *)&name, &size), errno);
	assert_return_code(connect(fd, (void *)&name, size), errno);
	return fd;
}

bool rig_leaf_exists(const struct rig *r, const char *task)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", r->cgroup, task);
	return access(path, F_OK) == 0;
}

void order_begin(struct frame_writer *w, const char *task)
{
	frame_begin(w, order_room, sizeof(order_room), FRAME_START);
	frame_put_text(w, FRAME_TAG_TASK, task);
}

void order_shell(struct frame_writer *w, const char *task, const char *script)
{
	order_begin(w, task);
	frame_put_text(w, FRAME_TAG_ARGUMENT, "/bin/sh");
	frame_put_text(w, FRAME_TAG_ARGUMENT, "-c");
	frame_put_text(w, FRAME_TAG_ARGUMENT, script);
}

void order_limit(struct frame_writer *w, uint64_t resource, uint64_t soft, uint64_t hard)
{
	uint64_t limit[3] = { resource, soft, hard };

	frame_put(w, FRAME_TAG_LIMIT, limit, sizeof(limit));
}

void send_frame(int fd, const struct frame_writer *w, const int *fds, size_t count)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec data = { .iov_base = w->data, .iov_len = w->size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	assert_int_equal(frame_end(w), 0);
	if (count > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), w->size);
}

void send_task(int fd, enum frame_type type, const char *task)
{
	struct frame_writer w;
	char room[256];

	frame_begin(&w, room, sizeof(room), type);
	frame_put_text(&w, FRAME_TAG_TASK, task);
	send_frame(fd, &w, NULL, 0);
}

void send_signal(int fd, const char *task, int signal)
{
	struct frame_writer w;
	char room[256];

	frame_begin(&w, room, sizeof(room), FRAME_SIGNAL);
	frame_put_text(&w, FRAME_TAG_TASK, task);
	frame_put_u32(&w, FRAME_TAG_SIGNAL, (uint32_t)signal);
	send_frame(fd, &w, NULL, 0);
}

void send_stop(int fd, const char *task, uint64_t grace_usec)
{
	struct frame_writer w;
	char room[256];

	frame_begin(&w, room, sizeof(room), FRAME_STOP);
	frame_put_text(&w, FRAME_TAG_TASK, task);
	frame_put_u64(&w, FRAME_TAG_GRACE_USEC, grace_usec);
	send_frame(fd, &w, NULL, 0);
}

static const struct {
	uint16_t tag;
	size_t offset;
} numbers[] = {
	{ FRAME_TAG_STATE, offsetof(struct answer, state) },
	{ FRAME_TAG_PID, offsetof(struct answer, pid) },
	{ FRAME_TAG_EXIT_CODE, offsetof(struct answer, code) },
	{ FRAME_TAG_EXIT_SIGNAL, offsetof(struct answer, signal) },
	{ FRAME_TAG_ERRNO, offsetof(struct answer, error) },
	{ FRAME_TAG_RESTARTS, offsetof(struct answer, restarts) },
	{ FRAME_TAG_STARTED_USEC, offsetof(struct answer, started) },
	{ FRAME_TAG_ENDED_USEC, offsetof(struct answer, ended) },
	{ FRAME_TAG_CPU_USER_USEC, offsetof(struct answer, user) },
	{ FRAME_TAG_MEMORY_PEAK_BYTES, offsetof(struct answer, peak) },
	{ FRAME_TAG_START_TIME, offsetof(struct answer, ticks) },
	{ FRAME_TAG_OOM_KILLED, offsetof(struct answer, oom) },
};

static void take_field(struct answer *a, const struct frame_field *field)
{
	uint32_t small;
	uint64_t large;

	if (field->tag == FRAME_TAG_TASK)
		assert_int_equal(frame_text(field, a->task, sizeof(a->task)), 0);
	if (field->tag == FRAME_TAG_STAGE)
		assert_int_equal(frame_text(field, a->stage, sizeof(a->stage)), 0);
	if (field->tag == FRAME_TAG_SLICE)
		assert_int_equal(frame_text(field, a->slice, sizeof(a->slice)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t *place = (int64_t *)(void *)((char *)a + numbers[i].offset);

		if (numbers[i].tag != field->tag)
			continue;
		if (frame_u32(field, &small) == 0)
			*place = small;
		else if (frame_u64(field, &large) == 0)
			*place = (int64_t)large;
	}
}

bool parse_answer(const void *packet, size_t size, struct answer *ret)
{
	struct answer a = { 0 };
	struct frame_reader reader;
	struct frame_field field;
	uint32_t version;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*(int64_t *)(void *)((char *)&a + numbers[i].offset) = -1;
	if (frame_open(&reader, packet, size, &version, &a.type) < 0)
		return false;
	while (frame_next(&reader, &field) > 0)
		take_field(&a, &field);
	*ret = a;
	return true;
}

bool receive(int fd, struct answer *ret)
{
	struct pollfd slot = { .fd = fd, .events = POLLIN };
	char packet[4096] __attribute__((aligned(8)));
	ssize_t n;

	if (poll(&slot, 1, RIG_PATIENCE_MSEC) != 1)
		fail_msg("reeve-init says nothing");
	n = recv(fd, packet, sizeof(packet), 0);
	if (n <= 0)
		return false;
	assert_true(parse_answer(packet, (size_t)n, ret));
	return true;
}

struct answer await_state(int fd, const char *task, enum frame_state state)
{
	struct answer a;

	while (receive(fd, &a)) {
		if (a.type == FRAME_STATUS && strcmp(a.task, task) == 0 &&
		    a.state == (int64_t)state)
			return a;
		if (a.type == FRAME_RESULT && a.error > 0)
			fail_msg("%s: refused: %s", task, strerror((int)a.error));
		if (a.type == FRAME_STATUS && strcmp(a.task, task) == 0 &&
		    a.state >= FRAME_STATE_ENDED)
			fail_msg("%s came to state %d (%s: errno %d), not %d", task, (int)a.state,
				 a.stage, (int)a.error, state);
	}
	fail_msg("the connection ended before %s came to state %d", task, state);
	return a;
}

int await_result(int fd, const char *task)
{
	struct answer a;

	while (receive(fd, &a)) {
		if (a.type == FRAME_RESULT && strcmp(a.task, task) == 0)
			return (int)a.error;
	}
	fail_msg("the connection ended without an answer about %s", task);
	return -1;
}

void await_close(int fd)
{
	struct answer a;

	while (receive(fd, &a))
		continue;
}

static size_t read_all(int fd, char *room, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(fd, room + used, size - 1 - used)) > 0)
		used += (size_t)n;
	room[used] = 0;
	return used;
}

struct answer run_to_end(struct rig *r, const struct frame_writer *w, char *room, size_t size)
{
	struct frame_reader reader;
	struct frame_field field;
	uint32_t version, type;
	char task[64] = "";
	int ends[2];

	assert_int_equal(frame_open(&reader, w->data, w->size, &version, &type), 0);
	assert_int_equal(frame_next(&reader, &field), 1);
	assert_int_equal(frame_text(&field, task, sizeof(task)), 0);
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	send_frame(r->agent, w, (int[]){ ends[1], ends[1], ends[1] }, 3);
	close_fd(ends[1]);
	/* stdin is a pipe's write end: nothing in these tests reads it */
	(void)read_all(ends[0], room, size);
	close_fd(ends[0]);
	return await_state(r->agent, task, FRAME_STATE_ENDED);
}

void await_gone(pid_t pid)
{
	const struct timespec nap = { .tv_nsec = 5000000 };

	for (int i = 0; i < RIG_PATIENCE_MSEC / 5; i++) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return;
		(void)nanosleep(&nap, NULL);
	}
	fail_msg("process %d is still there", (int)pid);
}

int rig_group_without(void **state)
{
	static struct rig rig; /* cmocka hands it to every test of the group */

	rig.with_cgroup = false;
	*state = &rig;
	return 0;
}

int rig_group_with(void **state)
{
	(void)rig_group_without(state);
	((struct rig *)*state)->with_cgroup = true;
	return 0;
}

int rig_setup(void **state)
{
	struct rig *r = *state;

	return rig_open(r, r->with_cgroup);
}

int rig_teardown(void **state)
{
	rig_close(*state);
	return 0;
}
