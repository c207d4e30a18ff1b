/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the benchmark measures: kinds, each timed once a round, so that the machine's noise hits all
 * of them alike. A kind owns its userdata; all times are CLOCK_MONOTONIC microseconds. */

#include <stdbool.h>
#include <stddef.h>

struct kind {
	const char *name, *legend;
	int (*once)(void *userdata, double *ret_usec); /* negative errno: this kind is given up */
	void *userdata;
	const char *against; /* the kind that the ratio is to; NULL: none */
	double *samples;
	size_t count;
	int error; /* why it was given up, negative errno; 0: it was not */
};

double bench_now_usec(void); /* clock.c */

/* floor.c: mkdir, clone3 into the cgroup, exec, wait, rmdir. */
struct floor {
	char cgroup[256]; /* the cgroup v2 folder to make them in */
	const char *program;
	unsigned made;
	bool into_cgroup; /* false: fork and exec only */
};
int floor_find_cgroup(struct floor *f); /* -ENOENT where no cgroup v2 is mounted */
int floor_once(void *userdata, double *ret_usec);
/* The same in two steps and as a slice is laid out: a cgroup with a leaf in it, where a process
 * waits; and the end of all that. */
struct floor_slice {
	char path[320]; /* of the leaf; empty without into_cgroup */
	int pid;
};
int floor_slice_make(struct floor *f, struct floor_slice *ret);
int floor_slice_end(struct floor_slice *s);

/* spawn.c: a command from fork to exit, its output to /dev/null. */
struct spawn {
	char *const *argv;
};
int spawn_once(void *userdata, double *ret_usec);

/* client.c: the agent's API over one kept connection. */
struct client {
	const char *socket, *program;
	int fd;
	unsigned made;
	char held[32]; /* the slice of client_task_once */
};
int client_open(struct client *c);
void client_close(struct client *c);
/* One exchange that must be answered with the status; -EREMOTEIO with the answer on stderr else. */
int client_call(const struct client *c, const char *method, const char *path, const char *body,
		int wanted);
/* GET into a room of that size; the same. */
int client_read(const struct client *c, const char *path, char *room, size_t size);
int client_slice_once(void *userdata, double *ret_usec); /* slice, task, its end, delete */
int client_task_once(void *userdata,
		     double *ret_usec); /* task and its end, in a slice that is there */
int client_ping_once(void *userdata, double *ret_usec); /* GET of the health: one exchange */
int client_hold(struct client *c);			/* carves c->held */
void client_release(struct client *c);
