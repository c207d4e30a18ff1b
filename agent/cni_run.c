/* SPDX-License-Identifier: Apache-2.0 */
/* Running plugins; see cni_run.h. A plugin has a process group of its own, so that one that is late
 * goes with what it started (an IPAM plugin, iptables). What it writes to standard error is the
 * agent's standard error: a journal has it. */
#include "cni_run.h"

#include "cni_config.h"
#include "cni_result.h"
#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, VARIABLES = 7 };

struct pipes {
	int in[2], out[2];
};

struct plugin {
	const char *type;
	char *program, *input;
	char *environment[VARIABLES + 1];
	size_t written; /* of the input */
	pid_t pid;
	int pidfd, in, out; /* our ends */
	struct buf output;
};

static uint64_t now_usec(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* it always exists */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What is not ours any more when it ends. */
static void plugin_done(struct plugin *p)
{
	if (p->pid > 0) {
		(void)kill(-p->pid, SIGKILL); /* what it left behind; itself not reaped yet */
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	close_fd(p->pidfd);
	close_fd(p->in);
	close_fd(p->out);
	buf_done(&p->output);
	for (size_t i = 0; i < VARIABLES; i++)
		free(p->environment[i]);
	free(p->program);
	free(p->input);
}

static int find_program(const char *path, const char *type, char **ret)
{
	for (const char *dir = path; dir && *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
		_cleanup_free_ char *program = NULL;

		if (*dir != '/')
			continue; /* below wherever the agent was started */
		if (asprintf(&program, "%.*s/%s", (int)strcspn(dir, ":"), dir, type) < 0)
			return -ENOMEM;
		if (access(program, X_OK) == 0) {
			*ret = TAKE_PTR(program);
			return 0;
		}
	}
	return -ENOENT;
}

static int make_environment(const struct cni_job *job, struct plugin *p)
{
	const char *const variables[VARIABLES][2] = {
		{ "CNI_COMMAND", job->add ? "ADD" : "DEL" },
		{ "CNI_CONTAINERID", job->container },
		{ "CNI_NETNS", job->netns ? job->netns : "" },
		{ "CNI_IFNAME", job->interface },
		{ "CNI_ARGS", job->arguments },
		{ "CNI_PATH", job->plugin_path },
		{ "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	};

	for (size_t i = 0; i < VARIABLES; i++)
		if (asprintf(&p->environment[i], "%s=%s", variables[i][0], variables[i][1]) < 0) {
			p->environment[i] = NULL;
			return -ENOMEM;
		}
	return 0;
}

static void pipes_done(struct pipes *p)
{
	for (size_t i = 0; i < 2; i++) {
		close_fd(p->in[i]);
		close_fd(p->out[i]);
	}
}

static _Noreturn void become(const struct plugin *p, const struct pipes *pipes, pid_t parent)
{
	char *const arguments[] = { p->program, NULL };

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before that */
		_exit(127);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(pipes->in[0], STDIN_FILENO) >= 0 && dup2(pipes->out[1], STDOUT_FILENO) >= 0)
		execve(p->program, arguments, p->environment);
	_exit(127);
}

static int start(struct plugin *p)
{
	_cleanup_(pipes_done) struct pipes pipes = { { -1, -1 }, { -1, -1 } };
	const pid_t parent = getpid();

	if (pipe2(pipes.in, O_CLOEXEC) < 0 || pipe2(pipes.out, O_CLOEXEC) < 0 ||
	    fcntl(pipes.in[1], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(pipes.out[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	p->pid = fork();
	if (p->pid == 0)
		become(p, &pipes, parent);
	if (p->pid < 0)
		return -errno;
	(void)setpgid(p->pid, p->pid); /* whoever comes first */
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	p->in = TAKE_FD(pipes.in[1]);
	p->out = TAKE_FD(pipes.out[0]);
	return p->pidfd < 0 ? -errno : 0;
}

/* A plugin need not read it all. */
static void feed(struct plugin *p)
{
	size_t left = strlen(p->input + p->written);
	ssize_t n = write(p->in, p->input + p->written, left);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->written += n > 0 ? (size_t)n : left;
	if (n < 0 || (size_t)n == left)
		p->in = close_fd(p->in);
}

/* What is there now. -EMSGSIZE: more than can be a result. */
static int drain(struct plugin *p)
{
	char room[READ_BYTES];
	ssize_t n;

	while (p->out >= 0 && (n = read(p->out, room, sizeof(room))) != 0) {
		if (n < 0)
			return 0; /* later */
		if (buf_append(&p->output, room, (size_t)n) < 0)
			return buf_error(&p->output) == -ENOMEM ? -ENOMEM : -EMSGSIZE;
	}
	p->out = close_fd(p->out);
	return 0;
}

/* Until it has ended: what holds its output open longer (a daemon of its) is not waited for. */
static int attend(struct plugin *p, uint64_t until_usec)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = p->pidfd, .events = POLLIN },
					{ .fd = p->out, .events = POLLIN },
					{ .fd = p->in, .events = POLLOUT } };
		uint64_t now = now_usec();
		int r;

		if (now >= until_usec)
			return -ETIMEDOUT;
		r = poll(fds, ARRAY_SIZE(fds), (int)((until_usec - now) / 1000) + 1);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents)
			feed(p);
		r = drain(p);
		if (r < 0 || fds[0].revents)
			return r;
	}
}

static int explain(const struct cni_job *job, const struct plugin *p, int r, struct fail *f)
{
	switch (r) {
	case -ENOENT:
		return fail_code(f, r, "cni-plugin", "there is no plugin %s in %s", p->type,
				 job->plugin_path);
	case -ETIMEDOUT:
		return fail_code(f, r, "cni-plugin",
				 "%s did not end within the %d s that the network has", p->type,
				 (int)(job->limit_usec / 1000000));
	case -EMSGSIZE:
		return fail_code(f, r, "cni-plugin", "%s wrote more than %d bytes", p->type,
				 CNI_OUTPUT_LIMIT_BYTES);
	default:
		return fail_set(f, r, "%s cannot be run: %s", p->type, strerror(-r));
	}
}

static int reap(struct plugin *p)
{
	int status = 0;

	(void)kill(-p->pid, SIGKILL); /* while the zombie keeps the number: what it left running */
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	return status;
}

static int conclude(const struct cni_job *job, struct plugin *p, json_t **result, struct fail *f)
{
	_cleanup_json_ json_t *fresh = NULL;
	const char *text = p->output.data ? p->output.data : "";
	int status = reap(p);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cni_error(p->type, text, p->output.size, status, f);
	if (!job->add)
		return 0;
	if (cni_result_parse(text, p->output.size, &fresh, f) < 0)
		return fail_prefix(f, "%s", p->type);
	json_decref(*result);
	*result = TAKE_PTR(fresh);
	return 0;
}

static int run_one(const struct cni_job *job, size_t at, uint64_t until_usec, json_t **result,
		   struct fail *f)
{
	_cleanup_(plugin_done) struct plugin p = {
		.type = cni_config_type(job->list, at), .pidfd = -1, .in = -1, .out = -1
	};
	int r = find_program(job->plugin_path, p.type, &p.program);

	buf_init(&p.output, CNI_OUTPUT_LIMIT_BYTES);
	p.input = cni_config_input(job->list, at, *result);
	if (r == 0)
		r = p.input ? make_environment(job, &p) : -ENOMEM;
	if (r == 0)
		r = start(&p);
	if (r == 0)
		r = attend(&p, until_usec);
	return r < 0 ? explain(job, &p, r, f) : conclude(job, &p, result, f);
}

int cni_run(const struct cni_job *job, json_t **ret, struct fail *f)
{
	bool known = !job->add && job->result && cni_config_keeps_result(job->list);
	_cleanup_json_ json_t *result = known ? json_incref((json_t *)job->result) : NULL;
	size_t count = cni_config_count(job->list);
	uint64_t until_usec = now_usec() + job->limit_usec;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = run_one(job, job->add ? i : count - 1 - i, until_usec, &result, f);
	if (r == 0 && job->add)
		*ret = TAKE_PTR(result);
	return r;
}
