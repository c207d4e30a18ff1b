/* SPDX-License-Identifier: Apache-2.0 */
/* Loading on probation; see topology-trial.h. The child shares nothing it could spoil: it reports
 * by its exit status alone, without running exit handlers. */
#include "drivers/topology-trial.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A machine of 4096 CPUs takes some 30 MiB and well under a second. */
enum { TRIAL_SECONDS = 10, TRIAL_DATA_BYTES = 256 << 20 };

/* The exit status has 8 bits, errno values that are passed on have 7. */
enum { STATUS_OTHER = 127 };

/* RLIMIT_DATA counts what the process has already, which is a lot under a sanitizer: proc(5),
 * /proc/PID/statm, sixth field, in pages. */
static void limit_data(void)
{
	_cleanup_fclose_ FILE *statm = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;
	struct rlimit data;

	if (!statm || fscanf(statm, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
		return;
	data.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + TRIAL_DATA_BYTES;
	data.rlim_max = data.rlim_cur;
	(void)setrlimit(RLIMIT_DATA, &data); /* a bound that cannot be set leaves the others */
}

static void limit_child(void)
{
	const struct rlimit cpu = { TRIAL_SECONDS, TRIAL_SECONDS }, core = { 0, 0 };
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGALRM, SIGXCPU };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t all;

	if (null >= 0)
		(void)dup2(null, STDERR_FILENO); /* what it says there belongs to nobody */
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		(void)signal(fatal[i], SIG_DFL);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_UNBLOCK, &all, NULL);
	(void)setrlimit(RLIMIT_CORE, &core);
	(void)setrlimit(RLIMIT_CPU, &cpu);
	limit_data();
	(void)alarm(TRIAL_SECONDS);
}

static void run_child(int (*load)(void *), void *argument)
{
	int r;

	limit_child();
	r = load(argument);
	_exit(r > -STATUS_OTHER && r <= 0 ? -r : STATUS_OTHER);
}

/* Our caller may have its children reaped by the kernel (SA_NOCLDWAIT): not this one. */
static int run_and_wait(int (*load)(void *argument), void *argument, int *ret_status)
{
	const struct sigaction wanted = { .sa_handler = SIG_DFL };
	struct sigaction before;
	pid_t child, r = -1;
	int error;

	if (sigaction(SIGCHLD, &wanted, &before) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		run_child(load, argument);
	do
		r = child < 0 ? -1 : waitpid(child, ret_status, 0);
	while (child > 0 && r < 0 && errno == EINTR);
	error = r < 0 ? -errno : 0;
	(void)sigaction(SIGCHLD, &before, NULL); /* as it was: cannot fail */
	return error;
}

int topology_trial(int (*load)(void *argument), void *argument, struct fail *f)
{
	int status = 0, r;

	(void)fflush(NULL);
	r = run_and_wait(load, argument, &status);
	if (r < 0)
		return fail_set(f, r, "cannot try it in a child: %s", strerror(-r));
	if (WIFSIGNALED(status))
		return fail_set(f, -EBADMSG, "hwloc stumbles over it (%s)",
				strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == STATUS_OTHER)
		return fail_set(f, -EBADMSG, "hwloc stumbles over it");
	return -WEXITSTATUS(status);
}
