/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The running side of a slice and its tasks: what carve makes, launch fills and supervise follows.
 * Owned by the manager's map of slices; everything else borrows it within one callback. */

#include "cgroups/device_filter.h"
#include "leak.h"
#include "model/enforcement.h"
#include "model/event.h"
#include "model/request.h"
#include "model/task.h"
#include "model/task_spec.h"
#include "quiet.h"
#include "util/fail.h"
#include "util/list.h"
#include "util/map.h"
#include "wire/json.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

struct manager;
struct backend;
struct channel;
struct pressure_slice;
struct resize;
struct freeze;
struct leftovers;
struct room;

enum slice_state { SLICE_CREATING, SLICE_ACTIVE, SLICE_DELETING };
STRTAB_DECLARE(slice_state, enum slice_state);

struct slice_task {
	char *name;
	enum task_state state;
	json_t *request;		   /* as accepted: argv, user, limits ... */
	pid_t pid;			   /* of the running process, 0 none */
	uint64_t start_time;		   /* field 22 of its /proc/PID/stat */
	uint64_t started_usec, ended_usec; /* CLOCK_REALTIME, 0 not yet */
	int exit_code;			   /* -1: did not exit */
	int exit_signal;		   /* 0: was not killed */
	uint32_t oom_killed, restarts;
	uint64_t cpu_user_usec, cpu_system_usec, memory_peak_bytes;
	json_t *network;     /* what it shows of its network; NULL: it has none of its own */
	char *reason;	     /* why it failed or was lost */
	bool stopping;	     /* somebody asked for its end */
	struct list waiters; /* struct task_waiter */
};

struct slice {
	struct manager *manager;
	char *id;
	enum slice_state state;
	bool announced; /* slice.created was told: its end is to be told as well */
	bool admitting; /* the back end works on it: nothing may be taken away until it answers */
	bool stuck;	/* what it held could not be given back: a delete tries again */
	struct leaks leaks; /* that, where only some of it is left */
	uint64_t leak_wait_usec;
	sd_event_source *leak_due;
	struct resize *resize; /* under way; NULL none */
	struct freeze *freeze; /* or thaw, under way; NULL none */
	bool frozen;	       /* its tasks stand still */
	uid_t owner_uid;
	struct request request;
	uint64_t created_usec;
	const struct backend *backend;
	void (*answer)(struct slice *s, int error, const struct fail *why); /* PID 1's is awaited */
	char *cgroup;  /* path in the v2 hierarchy, NULL without */
	int cgroup_fd; /* the delegated directory in which tasks get their leaves, -1 without */
	int leaf_fd;   /* the leaf of reeve-init, -1 without */
	char *top;     /* path of the cgroup that the limits are set on; `cgroup` or above it */
	int top_fd;
	char *dir; /* below the runtime directory: init.sock, record */
	pid_t init_pid;
	int init_fd; /* its pidfd */
	struct enforcements enforced;
	enum quiet_hold quiet;		 /* what keeps its exclusive CPUs quiet */
	struct cg_device_filter filter;	 /* as devices.c found it last, */
	struct device_rules filtered;	 /* for these rules */
	json_t *cdi;			 /* names of CDI devices, by cdi.c; NULL: none */
	bool cdi_failed;		 /* and this was said */
	struct pressure_slice *pressure; /* NULL: nobody listens to it */
	struct leftovers *leftovers;	 /* NULL: it never had a task */
	struct map *tasks;		 /* name -> struct slice_task */
	unsigned tasks_made;
	struct channel *channel;
	unsigned unreached;	   /* attempts to find its reeve-init again; 0: it is found */
	sd_event_source *deadline; /* of creating or deleting, or for the next of those */
	struct fail failed;	   /* why it is being taken down, when something failed */
	sd_event_source *emptied;  /* cgroup.events, while waiting for the last process to leave */
	bool awaits_network;	   /* to be left, before anything else is given back */
	bool awaited;		   /* the death of its reeve-init, once */
	struct room *room;	   /* NULL: none was ever needed */
	unsigned removals;	   /* attempts to remove what is still busy */
	struct list waiters;	   /* struct slice_waiter: until it is active, or gone */
};

/* Told once when a slice has become active, failed to, or is gone. */
struct slice_waiter {
	struct list link;
	void (*done)(struct slice *s, const struct fail *why, void *userdata); /* why NULL: well */
	void *userdata;
};

/* Told once when a task has become what is waited for. */
struct task_waiter {
	struct list link;
	bool until_over; /* else: until it left TASK_STARTING */
	void (*done)(struct slice *s, struct slice_task *t, void *userdata);
	void *userdata;
};

int slice_new(struct slice **ret, struct manager *m, const char *id);
struct slice *slice_free(struct slice *s); /* asserts that nobody waits */
static inline void slice_freep(struct slice **s)
{
	slice_free(*s);
}
struct slice_task *slice_task_find(const struct slice *s, const char *name);
int slice_task_add(struct slice *s, const char *name, json_t *request, struct slice_task **ret);
void slice_task_remove(struct slice *s, const char *name);
size_t slice_tasks_alive(const struct slice *s);
/* Whether it can be changed now: -EBUSY (code "slice-not-active"), or "slice-busy" for one that is
 * being resized, frozen or thawed, or whose reeve-init is not found again yet. */
int slice_may_change(const struct slice *s, struct fail *f);

/* The cgroup that those of all slices are in. -ENOENT without, or where that is the root. */
int slice_open_above(const struct slice *s, int *ret_cgroup);

/* Tells an event about it, with its document and, when something failed, why. */
void slice_report(struct slice *s, enum event_kind kind, const struct fail *why);

json_t *slice_document(const struct slice *s);
json_t *slice_task_document(const struct slice *s, const struct slice_task *t);

/* Calls the waiters whose condition holds; they may remove the task. */
void slice_task_notify(struct slice *s, struct slice_task *t);
/* Calls all of them, as things are: the agent is stopping. */
void slice_task_dismiss(struct slice *s, struct slice_task *t);
void slice_notify(struct slice *s, const struct fail *why);
