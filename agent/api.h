/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the agent does for others. This is the line along which the process can be cut in two: what
 * parses network bytes stands above it and passes plain values and documents; what touches the host
 * stands below. No pointer into staff's structs crosses it. Refusals are a negative errno and a
 * code; documents are new references in the forms of reeve-api(7). */

#include "model/request.h"
#include "model/resize_change.h"
#include "model/task_spec.h"
#include "util/fail.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct manager;
struct api;

struct api_caller { /* uid 0 and the agent's own uid may do everything */
	uid_t uid;
	gid_t gid;
};

/* Called once, maybe from within the call itself; document (borrowed; NULL: nothing to show) or
 * why. */
typedef void (*api_done)(json_t *document, const struct fail *why, void *userdata);
struct api_reply {
	api_done done;
	void *userdata;
};

int api_new(struct api **ret, struct manager *m);
struct api *api_free(struct api *a);

/* Looking: everybody may. */
enum api_view { API_NODE, API_INVENTORY, API_OFFERS, API_HEALTH, API_HEARTBEAT };
int api_look(struct api *a, enum api_view view, json_t **ret, struct fail *f);
int api_metrics(struct api *a, char **ret_text);
int api_explain(struct api *a, struct request *request, json_t **ret, struct fail *f);
int api_slices(struct api *a, const char *slice_or_null, json_t **ret, struct fail *f);
int api_tasks(struct api *a, const char *slice, const char *task_or_null, json_t **ret,
	      struct fail *f);

/* Acting: on one's own slices. The request and spec are taken over (released by the callee). */
/* Returns the number under which it waits, 0: it does not; see api_withdraw. */
uint64_t api_slice_create(struct api *a, const struct api_caller *caller, struct request *request,
			  struct api_reply reply);
/* Who asked is gone: so is the request, which is answered all the same. False: it waits no more. */
bool api_withdraw(struct api *a, uint64_t number);
int api_queue(struct api *a, const char *id_or_null, json_t **ret, struct fail *f);
int api_queue_leave(struct api *a, const struct api_caller *caller, const char *id, struct fail *f);
void api_slice_delete(struct api *a, const struct api_caller *caller, const char *slice,
		      uint64_t grace_usec, struct api_reply reply);
/* Answers with the slice's document: at its new size, or, when a grace was asked for, with what is
 * to come as its member "resizing". The change is taken over. */
void api_slice_resize(struct api *a, const struct api_caller *caller, const char *slice,
		      struct resize_change *change, struct api_reply reply);
/* Answers when all its tasks stand still, or may run again. */
void api_slice_freeze(struct api *a, const struct api_caller *caller, const char *slice,
		      bool frozen, struct api_reply reply);
struct api_task_order {
	const char *slice, *task;
};
struct api_task {
	struct task_spec spec;
	json_t *request; /* borrowed: the body as it came, for showing */
};
/* Answers once reeve-init has said what became of it. */
void api_task_start(struct api *a, const struct api_caller *caller, const char *slice,
		    struct api_task *task, struct api_reply reply);
int api_task_signal(struct api *a, const struct api_caller *caller,
		    const struct api_task_order *order, int signal, struct fail *f);
/* grace_usec UINT64_MAX: the task's own. */
int api_task_stop(struct api *a, const struct api_caller *caller,
		  const struct api_task_order *order, uint64_t grace_usec, struct fail *f);
int api_task_forget(struct api *a, const struct api_caller *caller,
		    const struct api_task_order *order, struct fail *f);
/* An fd on what the task wrote; the caller closes it. Owners only: output may hold secrets. */
int api_task_log(struct api *a, const struct api_caller *caller, const struct api_task_order *order,
		 const char *stream, struct fail *f);

/* Answers with the task's document when it is over, or as it is after timeout_usec. Cancelling is
 * allowed until reply was called. */
struct api_wait;
struct api_wait_order {
	struct api_task_order task;
	uint64_t timeout_usec;
	struct api_reply reply;
};
int api_task_wait(struct api *a, const struct api_wait_order *order, struct api_wait **ret,
		  struct fail *f);
void api_wait_cancel(struct api_wait *w);

/* The stream of events: see journal.h for `after`. record() is called from wake-ups and
 * api_events_go: it returns 0 when it took the record, -ENOBUFS when it cannot now (call
 * api_events_go when it can again). seq 0: a heartbeat or a notice of loss. */
struct api_events;
struct api_events_order {
	uint64_t after;	   /* UINT64_MAX: from now on */
	bool follow;	   /* else it ends with what is there */
	const char *slice; /* only about this one; NULL all */
	int (*record)(uint64_t seq, const char *kind, const char *text, size_t size,
		      void *userdata);
	void (*end)(void *userdata); /* everything was told and follow is false */
	void *userdata;
};
int api_events_open(struct api *a, const struct api_events_order *order, struct api_events **ret,
		    struct fail *f);
void api_events_go(struct api_events *e);
struct api_events *api_events_close(struct api_events *e);
