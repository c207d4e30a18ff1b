/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a temporary directory that plays a cgroup (plain files that give back what was
 * written), and a cgroup of the real kernel where this process may make one. */

#include "cgroups/tree.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* After cmocka.h's prerequisites, which the including test has. */
#include <cmocka.h>

struct scratch {
	char path[64];
	int fd;
};

static inline void scratch_open(struct scratch *s)
{
	(void)snprintf(s->path, sizeof(s->path), "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->fd = fs_open_dir(AT_FDCWD, s->path);
	assert_true(s->fd >= 0);
}

static inline void scratch_done(struct scratch *s)
{
	close_fd(s->fd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, s->path), 0);
}

static inline void put_file(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static inline void assert_file(int dirfd, const char *name, const char *expected)
{
	char *text = NULL;

	assert_int_equal(fs_read(dirfd, name, 1 << 16, &text, NULL), 0);
	assert_string_equal(text, expected);
	free(text);
}

/* A cgroup "reeve-test-PID" at the root of the real v2 hierarchy; prints why and returns false
 * where there is none. */
struct kernel_cgroup {
	struct host *host;
	char name[32];
	int fd;
};

static inline bool kernel_cgroup_open(struct kernel_cgroup *k)
{
	int r;

	k->fd = -1;
	assert_int_equal(host_open(&k->host, NULL, NULL), 0);
	(void)snprintf(k->name, sizeof(k->name), "reeve-test-%d", (int)getpid());
	if (k->host->cgroup_fd < 0) {
		print_message("skipped: no cgroup2 is mounted\n");
		return false;
	}
	r = cg_make(k->host->cgroup_fd, k->name, &k->fd);
	if (r < 0) {
		print_message("skipped: cannot make a cgroup: %s\n", strerror(-r));
		return false;
	}
	return true;
}

static inline void kernel_cgroup_done(struct kernel_cgroup *k)
{
	if (k->fd >= 0)
		assert_int_equal(cg_remove(k->host->cgroup_fd, k->name), 0);
	close_fd(k->fd);
	host_free(k->host);
}

/* A child that waits to be killed. */
static inline pid_t start_sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* A child that has the file open until it is killed. */
static inline pid_t start_user(const char *path, int flags)
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, "a user");
		byte = open(path, flags | O_CLOEXEC) >= 0;
		(void)!write(ready[1], &byte, 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	close_fd(ready[0]);
	close_fd(ready[1]);
	return pid;
}

static inline int reap_signal(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

/* Waits, for 5 s at most, until the kernel says so. */
static inline void await(int cgroup, int (*ask)(int, bool *), bool wanted)
{
	struct pollfd p = { .fd = openat(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC),
			    .events = POLLPRI };
	bool value = !wanted;

	assert_true(p.fd >= 0);
	for (unsigned i = 0; i < 50; i++) {
		char room[128];

		assert_true(pread(p.fd, room, sizeof(room), 0) > 0); /* re-arms the poll */
		assert_int_equal(ask(cgroup, &value), 0);
		if (value == wanted)
			break;
		(void)poll(&p, 1, 100);
	}
	close_fd(p.fd);
	assert_int_equal(value, wanted);
}
