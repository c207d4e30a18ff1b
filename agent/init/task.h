/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A task from START to FORGET. It is its processes: when the main one ends the others are killed,
 * and only when its cgroup is empty (without cgroups: its process group) has the task ended.
 *
 *   STARTING --exec--> RUNNING --exit--> DRAINING --empty--> ENDED, FAILED, or
 *      ^                                                     WAITING --back-off--+
 *      +-------------------------------------------------------------------------+
 *
 * Without cgroups a process that left the process group (a daemon) is out of reach until QUIT.
 * Every change is told to report_task(). Owned by struct init's list. */

#include <sys/resource.h>
#include <sys/types.h>

#include "init/init.h"
#include "init/leaf.h"
#include "init/order.h"
#include "util/backoff.h"

enum task_phase {
	TASK_STARTING,
	TASK_RUNNING,
	TASK_DRAINING, /* the main process is gone, others are not yet */
	TASK_WAITING,
	TASK_ENDED,
	TASK_FAILED,
};

enum { TASK_FDS = 4, TASK_FD_NETNS = 3 }; /* stdin, stdout, stderr, and its network namespace */

struct task {
	struct list link;
	struct order order;
	struct init *init;
	enum task_phase phase;
	bool stopping;		/* asked to end: no restart */
	int fds[TASK_FDS];	/* -1: none; a network namespace: reeve-init's own */
	pid_t pid, group;	/* 0 when there is none; of the last run */
	int fd;			/* STARTING: the report of the child; DRAINING: cgroup.events */
	uint64_t deadline_usec; /* monotonic, 0 none: SIGKILL, end of DRAINING or of WAITING */
	struct backoff backoff;
	uint64_t run_since_usec; /* monotonic */

	bool has_run, has_exited; /* ever; in the last run */
	int wait_status;
	uint64_t started_usec, ended_usec; /* CLOCK_REALTIME */
	uint64_t start_ticks;		   /* /proc/PID/stat, field 22 */
	uint64_t cpu_user_usec, cpu_system_usec, resident_peak_bytes;
	struct leaf_facts facts;
	uint32_t restarts;
	int error; /* negative errno of the last start, at this stage: */
	const char *stage;
};

/* Takes the descriptors in every case. -EBADF: it is to have a network namespace, and none came;
 * -EEXIST, -ENOSPC (INIT_TASKS_MAX), -ESHUTDOWN, or as
 * order_init(). A program that cannot run is no error here but a status. */
int task_start(struct init *i, const void *packet, size_t size, const int fds[TASK_FDS]);
struct task *task_find(struct init *i, const char *name); /* NULL: none */
struct task *task_of_pid(struct init *i, pid_t pid);
bool task_active(const struct task *t);
int task_signal(struct task *t, int signal);	     /* -ESRCH: no process */
void task_stop(struct task *t, uint64_t grace_usec); /* 0: kills at once */
struct task *task_free(struct task *t);		     /* not an active one */

/* What the loop brings. */
void task_on_fd(struct task *t);
void task_on_deadline(struct task *t);
void task_on_exit(struct task *t, int wait_status, const struct rusage *usage);
void task_on_orphan(struct task *t);   /* some other child ended: perhaps the last of its group */
void task_before_reap(struct task *t); /* its main process is a zombie and holds its pid */
