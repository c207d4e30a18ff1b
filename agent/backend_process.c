/* SPDX-License-Identifier: Apache-2.0 */
/* The back end of last resort: a container without a writable cgroup v2. reeve-init is the
 * subreaper of everything it starts, so the tree of processes below it is the slice. */
#include "backend.h"

#include "manager.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 256 << 10 };

static int process_open(struct manager *m, struct fail *f)
{
	(void)f;
	m->controllers = 0;
	return 0;
}

static void process_close(struct manager *m)
{
	(void)m;
}

static int process_prepare(struct slice *s, struct fail *f)
{
	(void)s;
	(void)f;
	return 0;
}

static int process_admit(struct slice *s, backend_done done, struct fail *f)
{
	(void)f;
	done(s, 0, NULL);
	return 0;
}

/* Whether a process began with the environment that launch.c gives to the slice's tasks. */
static bool carries_name(const struct slice *s, const char *pid)
{
	_cleanup_free_ char *environment = NULL;
	char path[64], slice[80], socket[PATH_MAX + 16];
	size_t size = 0;
	unsigned found = 0;

	(void)snprintf(path, sizeof(path), "%.20s/environ", pid);      /* fits */
	(void)snprintf(slice, sizeof(slice), "REEVE_SLICE=%s", s->id); /* at most 63 more */
	if ((size_t)snprintf(socket, sizeof(socket), "REEVE_SOCKET=%s",
			     s->manager->config->socket) >= sizeof(socket) ||
	    fs_read(s->manager->host->proc_fd, path, ENVIRONMENT_MAX, &environment, &size) < 0)
		return false;
	for (size_t i = 0; i < size; i += strlen(environment + i) + 1)
		found |= (strcmp(environment + i, slice) == 0 ? 1U : 0U) |
			 (strcmp(environment + i, socket) == 0 ? 2U : 0U);
	return found == 3;
}

/* By pidfd, and looked at again behind it: the number may belong to another by now. */
static bool end_stray(const struct slice *s, const char *name)
{
	_cleanup_close_ int fd = -1;
	uint32_t pid;

	if (parse_u32(name, &pid) < 0 || !carries_name(s, name))
		return false;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd >= 0 && carries_name(s, name) &&
	       syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

/* reeve-init takes everything with it, unless it was killed: then what it started is found by its
 * environment. A process that has changed that is lost to us: no cgroup, no certainty. */
static int process_remove(struct slice *s, backend_done done, struct fail *f)
{
	_cleanup_(fs_names_freep) char **pids = NULL;
	size_t strays = 0;

	if (fs_list(s->manager->host->proc_fd, ".", &pids, NULL) == 0)
		for (char **pid = pids; *pid; pid++)
			strays += end_stray(s, *pid);
	if (strays > 0)
		return fail_set(f, -EBUSY, "%zu processes of slice %s are still dying", strays,
				s->id);
	if (done)
		done(s, 0, NULL);
	return 0;
}

static int process_adopt(struct slice *s, struct fail *f)
{
	(void)s;
	(void)f;
	return 0;
}

const struct backend backend_process = {
	.name = "process",
	.choice = BACKEND_PROCESS,
	.open = process_open,
	.close = process_close,
	.prepare = process_prepare,
	.admit = process_admit,
	.remove = process_remove,
	.adopt = process_adopt,
};
