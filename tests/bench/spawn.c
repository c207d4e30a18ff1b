/* SPDX-License-Identifier: Apache-2.0 */
/* A command from fork to exit; a status other than 0 is a failure. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(const struct spawn *s, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
						     0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, s->argv[0], &actions, NULL, s->argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int spawn_once(void *userdata, double *ret_usec)
{
	const struct spawn *s = userdata;
	double began = bench_now_usec();
	siginfo_t info = { 0 };
	pid_t pid = 0;
	int r = start(s, &pid);

	if (r < 0)
		return r;
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		return -errno;
	*ret_usec = bench_now_usec() - began;
	return info.si_code == CLD_EXITED && info.si_status == 0 ? 0 : -ECHILD;
}
