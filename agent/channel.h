/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's end of the socket to one reeve-init: packets out, parsed statuses in. */

#include "util/fail.h"
#include "wire/frame.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

struct channel;

struct channel_status { /* one FRAME_STATUS */
	char task[64];
	enum frame_state state;
	pid_t pid;
	uint64_t start_time, started_usec, ended_usec;
	int exit_code;	 /* -1 unless it exited */
	int exit_signal; /* 0 unless it was killed */
	uint32_t oom_killed, restarts, error;
	uint64_t cpu_user_usec, cpu_system_usec, memory_peak_bytes;
	char stage[64];
	uint32_t abilities; /* of the reeve-init: enum frame_ability */
};

struct channel_events {
	void (*welcome)(pid_t init_pid, void *userdata);
	void (*status)(const struct channel_status *status, void *userdata);
	void (*result)(const char *task, int error, void *userdata); /* negative errno or 0 */
	void (*closed)(void *userdata); /* reeve-init is gone; the channel may be freed in here */
};

struct channel_target {
	const char *dir; /* holds init.sock */
	int cgroup_fd;	 /* the slice's delegated cgroup, told to reeve-init; -1 none */
};
/* Connects by way of the directory, so that the path's length does not matter, and says hello.
 * events is copied. */
int channel_open(struct channel **ret, sd_event *loop, const struct channel_target *target,
		 const struct channel_events *events, void *userdata, struct fail *f);
struct channel *channel_free(struct channel *c);
/* Whether its reeve-init said that it can: 1 or 0; -EAGAIN before it has said anything. */
int channel_can(const struct channel *c, enum frame_ability ability);
/* A whole frame; fds: up to four, NULL none. -EAGAIN when reeve-init does not read. */
int channel_send(struct channel *c, const struct frame_writer *frame, const int *fds, size_t count,
		 struct fail *f);
/* A frame with at most a task, a signal and a grace. */
struct channel_order {
	enum frame_type type;
	const char *task;	    /* NULL: none */
	uint32_t signal;	    /* 0: none */
	const uint64_t *grace_usec; /* NULL: none */
};
int channel_order(struct channel *c, const struct channel_order *order, struct fail *f);

/* Tells whatever reeve-init listens in a directory to end its tasks and itself. -ECONNREFUSED,
 * -ENOENT: there is none. */
int channel_end(const char *dir);

/* Makes the listening socket of a new slice in its directory. */
int channel_listen(const char *dir, int *ret_fd, struct fail *f);
