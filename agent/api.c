/* SPDX-License-Identifier: Apache-2.0 */
/* The API's acts on slices and tasks; see api.h. Looking is in api_view.c, waiting and following in
 * api_follow.c. */
#include "api.h"

#include "admission.h"
#include "api_internal.h"
#include "carve.h"
#include "freeze.h"
#include "launch.h"
#include "manager.h"
#include "pressure.h"
#include "resize.h"
#include "supervise.h"
#include "user.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int api_new(struct api **ret, struct manager *m)
{
	struct api *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->manager = m;
	*ret = a;
	return 0;
}

struct api *api_free(struct api *a)
{
	free(a);
	return NULL;
}

static bool is_master(const struct api_caller *caller)
{
	return caller->uid == 0 || caller->uid == geteuid();
}

int api_find_slice(const struct api *a, const char *id, struct slice **ret, struct fail *f)
{
	struct slice *s = manager_slice(a->manager, id);

	if (!s)
		return fail_set(f, -ENOENT, "there is no slice %.64s", id);
	*ret = s;
	return 0;
}

int api_find_task(const struct api *a, const struct api_task_order *order, struct api_found *ret,
		  struct fail *f)
{
	int r = api_find_slice(a, order->slice, &ret->slice, f);

	if (r < 0)
		return r;
	ret->task = slice_task_find(ret->slice, order->task);
	return ret->task ? 0
			 : fail_set(f, -ENOENT, "there is no task %.64s in slice %s", order->task,
				    ret->slice->id);
}

static int may_act(const struct api_caller *caller, const struct slice *s, struct fail *f)
{
	if (is_master(caller) || caller->uid == s->owner_uid)
		return 0;
	return fail_code(f, -EPERM, "not-owner",
			 "slice %s belongs to user %u, and the caller is user %u", s->id,
			 s->owner_uid, caller->uid);
}

static int own_slice(const struct api *a, const struct api_caller *caller, const char *id,
		     struct slice **ret, struct fail *f)
{
	int r = api_find_slice(a, id, ret, f);

	return r < 0 ? r : may_act(caller, *ret, f);
}

static int own_task(const struct api *a, const struct api_caller *caller,
		    const struct api_task_order *order, struct api_found *ret, struct fail *f)
{
	int r = api_find_task(a, order, ret, f);

	return r < 0 ? r : may_act(caller, ret->slice, f);
}

/* An answer that is owed: lives until its waiter is told. */
struct debt {
	struct slice_waiter slice;
	struct task_waiter task;
	struct api_reply reply;
	bool show; /* the slice, when it went well */
};

static struct debt *debt_new(struct api_reply reply)
{
	struct debt *d = calloc(1, sizeof(*d));

	if (!d) {
		struct fail why = { 0 };

		fail_set(&why, -ENOMEM, "out of memory");
		reply.done(NULL, &why, reply.userdata);
		return NULL;
	}
	d->reply = reply;
	return d;
}

static void on_slice(struct slice *s, const struct fail *why, void *userdata)
{
	_cleanup_free_ struct debt *d = userdata;
	_cleanup_json_ json_t *document = !why && d->show ? slice_document(s) : NULL;

	d->reply.done(document, why, d->reply.userdata);
}

/* Owed for a change of a slice of the caller's; NULL: it was answered already. */
static struct debt *debt_of_slice(const struct api *a, const struct api_caller *caller,
				  const char *slice, struct slice **ret, struct api_reply reply)
{
	struct fail why = { 0 };
	struct debt *d;

	if (own_slice(a, caller, slice, ret, &why) < 0) {
		reply.done(NULL, &why, reply.userdata);
		return NULL;
	}
	d = debt_new(reply);
	if (d)
		d->slice = (struct slice_waiter){ .done = on_slice, .userdata = d };
	return d;
}

static int prepare_request(struct api *a, struct request *request, struct fail *f)
{
	if (request->offer)
		return offers_accept(a->manager->offers, request,
				     a->manager->host->monotonic_usec(a->manager->host), f);
	return 0;
}

uint64_t api_slice_create(struct api *a, const struct api_caller *caller, struct request *request,
			  struct api_reply reply)
{
	const struct admission_asker who = { .uid = caller->uid, .gid = caller->gid };
	struct fail why = { 0 };
	uint64_t number = 0;
	struct debt *d = debt_new(reply);
	int r = d ? prepare_request(a, request, &why) : -ENOMEM;

	if (d) {
		d->show = true;
		d->slice = (struct slice_waiter){ .done = on_slice, .userdata = d };
	}
	if (r == 0)
		r = admission_ask(a->manager->admission, request, &who, &d->slice, &number, &why);
	if (r < 0 && d) {
		free(d);
		reply.done(NULL, &why, reply.userdata);
	}
	request_done(request);
	return number;
}

bool api_withdraw(struct api *a, uint64_t number)
{
	return admission_withdraw(a->manager->admission, number);
}

static int no_such_request(const char *id, struct fail *f)
{
	return fail_set(f, -ENOENT, "no request %.64s waits", id);
}

int api_queue(struct api *a, const char *id, json_t **ret, struct fail *f)
{
	uid_t uid = 0;
	json_t *document;

	if (id && admission_find(a->manager->admission, id, &uid) == 0)
		return no_such_request(id, f);
	document = admission_document(a->manager->admission, id);
	*ret = id || !document ? document : json_pack("{s:o}", "queue", document);
	return *ret ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

int api_queue_leave(struct api *a, const struct api_caller *caller, const char *id, struct fail *f)
{
	uid_t uid = 0;
	uint64_t number = admission_find(a->manager->admission, id, &uid);

	if (number == 0)
		return no_such_request(id, f);
	if (!is_master(caller) && caller->uid != uid)
		return fail_code(f, -EPERM, "not-owner",
				 "request %.64s is of user %u, and the caller is user %u", id, uid,
				 caller->uid);
	return admission_withdraw(a->manager->admission, number) ? 0 : no_such_request(id, f);
}

void api_slice_delete(struct api *a, const struct api_caller *caller, const char *slice,
		      uint64_t grace_usec, struct api_reply reply)
{
	struct slice *s = NULL;
	struct debt *d = debt_of_slice(a, caller, slice, &s, reply);

	if (d)
		carve_delete(s, grace_usec, &d->slice);
}

void api_slice_resize(struct api *a, const struct api_caller *caller, const char *slice,
		      struct resize_change *change, struct api_reply reply)
{
	_cleanup_json_ json_t *document = NULL;
	struct fail why = { 0 };
	struct slice *s = NULL;
	int r = own_slice(a, caller, slice, &s, &why);

	if (r == 0)
		r = resize_start(s, change, &why);
	if (r >= 0)
		document = slice_document(s);
	if (r >= 0 && !document)
		r = fail_set(&why, -ENOMEM, "out of memory");
	reply.done(document, r < 0 ? &why : NULL, reply.userdata);
	resize_change_done(change);
}

void api_slice_freeze(struct api *a, const struct api_caller *caller, const char *slice,
		      bool frozen, struct api_reply reply)
{
	struct fail why = { 0 };
	struct slice *s = NULL;
	struct debt *d = debt_of_slice(a, caller, slice, &s, reply);

	if (!d)
		return;
	d->show = true;
	if (freeze_start(s, frozen, &d->slice, &why) < 0) {
		free(d);
		reply.done(NULL, &why, reply.userdata);
	}
}

static void on_task_started(struct slice *s, struct slice_task *t, void *userdata)
{
	_cleanup_free_ struct debt *d = userdata;
	_cleanup_json_ json_t *document = slice_task_document(s, t);

	d->reply.done(document, NULL, d->reply.userdata);
}

/* A user other than root runs tasks as itself only. */
static int may_run_as(const struct api_caller *caller, const struct task_spec *spec, struct fail *f)
{
	if (is_master(caller) || spec->uid == caller->uid)
		return 0;
	return fail_code(f, -EPERM, "not-that-user",
			 "user %u may run tasks as itself only, not as user %u", caller->uid,
			 spec->uid);
}

static int check_groups(const struct api_caller *caller, const struct task_spec *spec,
			struct fail *f)
{
	bool member = spec->gid == caller->gid;

	for (size_t i = 0; i < spec->groups_count; i++)
		member |= spec->groups[i] == spec->gid;
	if (is_master(caller) || member)
		return 0;
	return fail_code(f, -EPERM, "not-that-group", "user %u is no member of group %u",
			 caller->uid, spec->gid);
}

static int choose_task_name(struct slice *s, struct task_spec *spec, struct fail *f)
{
	char name[32];

	if (spec->name) {
		if (strcmp(spec->name, "init") == 0)
			return fail_code(f, -EINVAL, "name-taken",
					 "init is the cgroup of reeve-init itself");
		return slice_task_find(s, spec->name)
			       ? fail_code(f, -EEXIST, "name-taken",
					   "there is a task %s in slice %s already", spec->name,
					   s->id)
			       : 0;
	}
	do
		(void)snprintf(name, sizeof(name), "task-%u", ++s->tasks_made); /* 5 + 10 digits */
	while (slice_task_find(s, name));
	spec->name = strdup(name);
	return spec->name ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

static int room_for_task(const struct slice *s, struct fail *f)
{
	size_t alive = slice_tasks_alive(s);

	if (s->state != SLICE_ACTIVE)
		return fail_code(f, -EBUSY, "slice-not-active", "slice %s is %s", s->id,
				 slice_state_to_string(s->state));
	if (s->frozen || s->freeze)
		return fail_code(f, -EBUSY, "slice-frozen",
				 "slice %s is frozen: thaw it before a task is started in it",
				 s->id);
	if (pressure_froze(s))
		return fail_code(f, -EBUSY, "slice-frozen",
				 "tasks of slice %s stand still until pressure has passed", s->id);
	if (alive >= s->manager->config->tasks_per_slice)
		return fail_code(f, -EBUSY, "too-many-tasks",
				 "slice %s has %zu running tasks, the limit of this agent", s->id,
				 alive);
	return 0;
}

static int admit_task(struct slice *s, const struct api_caller *caller, struct task_spec *spec,
		      struct fail *f)
{
	int r = may_act(caller, s, f);

	if (r == 0)
		r = room_for_task(s, f);
	if (r == 0)
		r = user_resolve(spec, caller->uid, caller->gid, f);
	if (r == 0)
		r = may_run_as(caller, spec, f);
	if (r == 0)
		r = check_groups(caller, spec, f);
	return r < 0 ? r : choose_task_name(s, spec, f);
}

void api_task_start(struct api *a, const struct api_caller *caller, const char *slice,
		    struct api_task *task, struct api_reply reply)
{
	struct fail why = { 0 };
	struct slice_task *t = NULL;
	struct slice *s = NULL;
	struct debt *d = debt_new(reply);
	int r = d ? api_find_slice(a, slice, &s, &why) : -ENOMEM;

	if (r == 0)
		r = admit_task(s, caller, &task->spec, &why);
	if (r == 0)
		r = launch_task(s, &task->spec, task->request, &t, &why);
	if (r < 0 && d) {
		free(d);
		reply.done(NULL, &why, reply.userdata);
	} else if (r == 0) {
		d->task = (struct task_waiter){ .done = on_task_started, .userdata = d };
		list_append(&t->waiters, &d->task.link);
	}
	task_spec_done(&task->spec);
}

int api_task_signal(struct api *a, const struct api_caller *caller,
		    const struct api_task_order *order, int signal, struct fail *f)
{
	struct api_found found;
	int r = own_task(a, caller, order, &found, f);

	return r < 0 ? r : supervise_signal(found.slice, found.task, signal, f);
}

int api_task_stop(struct api *a, const struct api_caller *caller,
		  const struct api_task_order *order, uint64_t grace_usec, struct fail *f)
{
	struct api_found found;
	int r = own_task(a, caller, order, &found, f);

	return r < 0 ? r : supervise_stop(found.slice, found.task, grace_usec, f);
}

int api_task_forget(struct api *a, const struct api_caller *caller,
		    const struct api_task_order *order, struct fail *f)
{
	struct api_found found;
	int r = own_task(a, caller, order, &found, f);

	if (r < 0)
		return r;
	if (!task_is_over(found.task->state))
		return fail_code(f, -EBUSY, "task-alive",
				 "task %s of slice %s is %s: stop it first", found.task->name,
				 found.slice->id, task_state_to_string(found.task->state));
	if (!list_empty(&found.task->waiters))
		return fail_set(f, -EBUSY, "somebody is being told about task %s",
				found.task->name);
	supervise_forget(found.slice, order->task);
	return 0;
}

int api_task_log(struct api *a, const struct api_caller *caller, const struct api_task_order *order,
		 const char *stream, struct fail *f)
{
	_cleanup_free_ char *path = NULL;
	struct api_found found;
	int r = own_task(a, caller, order, &found, f), fd;

	if (r < 0)
		return r;
	if (launch_log_path(found.slice, found.task->name, stream, &path) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_code(f, -ENOENT, "no-log", "task %s wrote no %s to a file",
				 found.task->name, stream);
	return fd;
}
