/* SPDX-License-Identifier: Apache-2.0 */
/* Slices and their tasks as objects; see slice.h. What happens to them is decided elsewhere. */
#include "slice.h"

#include "backend.h"
#include "channel.h"
#include "document.h"
#include "freeze.h"
#include "leftovers.h"
#include "manager.h"
#include "parts.h"
#include "pressure.h"
#include "resize.h"
#include "room.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(slice_state, enum slice_state, [SLICE_CREATING] = "creating",
	      [SLICE_ACTIVE] = "active", [SLICE_DELETING] = "deleting");

int slice_new(struct slice **ret, struct manager *m, const char *id)
{
	_cleanup_(slice_freep) struct slice *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->manager = m;
	s->cgroup_fd = s->leaf_fd = s->top_fd = s->init_fd = -1;
	request_init(&s->request);
	list_init(&s->waiters);
	s->id = strdup(id);
	if (!s->id || map_new(&s->tasks) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(s);
	return 0;
}

static void task_free(struct slice_task *t)
{
	if (!t)
		return;
	assert(list_empty(&t->waiters));
	json_decref(t->request);
	json_decref(t->network);
	free(t->reason);
	free(t->name);
	free(t);
}

struct slice *slice_free(struct slice *s)
{
	size_t cursor = 0;

	if (!s)
		return NULL;
	assert(list_empty(&s->waiters));
	freeze_drop(s);
	resize_drop(s);
	leftovers_free(s->leftovers);
	for (struct slice_task *t; s->tasks && (t = map_next(s->tasks, &cursor, NULL));)
		task_free(t);
	map_free(s->tasks);
	pressure_slice_free(s->pressure);
	channel_free(s->channel);
	room_free(s->room);
	sd_event_source_disable_unref(s->deadline);
	sd_event_source_disable_unref(s->emptied);
	sd_event_source_disable_unref(s->leak_due);
	leaks_done(&s->leaks);
	enforcements_done(&s->enforced);
	device_rules_done(&s->filtered);
	json_decref(s->cdi);
	request_done(&s->request);
	close_fd(s->cgroup_fd);
	close_fd(s->leaf_fd);
	close_fd(s->top_fd);
	close_fd(s->init_fd);
	free(s->cgroup);
	free(s->top);
	free(s->dir);
	free(s->id);
	free(s);
	return NULL;
}

int slice_open_above(const struct slice *s, int *ret_cgroup)
{
	_cleanup_free_ char *above = s->top ? strdup(s->top) : NULL;
	char *slash = above ? strrchr(above, '/') : NULL;

	if (!slash || slash == above)
		return -ENOENT;
	*slash = 0;
	return cg_open(s->manager->host->cgroup_fd, above, ret_cgroup);
}

struct slice_task *slice_task_find(const struct slice *s, const char *name)
{
	return map_get(s->tasks, name);
}

int slice_task_add(struct slice *s, const char *name, json_t *request, struct slice_task **ret)
{
	struct slice_task *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (!t)
		return -ENOMEM;
	list_init(&t->waiters);
	t->exit_code = -1;
	t->name = strdup(name);
	if (t->name)
		r = map_put(s->tasks, name, t);
	if (r < 0) {
		task_free(t);
		return r;
	}
	t->request = json_incref(request);
	*ret = t;
	return 0;
}

void slice_task_remove(struct slice *s, const char *name)
{
	task_free(map_remove(s->tasks, name));
}

size_t slice_tasks_alive(const struct slice *s)
{
	size_t cursor = 0, alive = 0;

	for (const struct slice_task *t; (t = map_next(s->tasks, &cursor, NULL));)
		alive += !task_is_over(t->state);
	return alive;
}

int slice_may_change(const struct slice *s, struct fail *f)
{
	if (s->state != SLICE_ACTIVE)
		return fail_code(f, -EBUSY, "slice-not-active", "slice %s is %s", s->id,
				 slice_state_to_string(s->state));
	if (s->unreached)
		return fail_code(f, -EBUSY, "slice-busy",
				 "the reeve-init of slice %s is not reached yet", s->id);
	if (s->resize)
		return fail_code(f, -EBUSY, "slice-busy", "slice %s is being resized", s->id);
	if (s->freeze)
		return fail_code(f, -EBUSY, "slice-busy", "slice %s is being frozen or thawed",
				 s->id);
	return 0;
}

void slice_task_notify(struct slice *s, struct slice_task *t)
{
	struct list ready;

	list_init(&ready);
	list_each (item, next, &t->waiters) {
		struct task_waiter *w = container_of(item, struct task_waiter, link);

		if (w->until_over ? !task_is_over(t->state) : t->state == TASK_STARTING)
			continue;
		list_remove(item);
		list_append(&ready, item);
	}
	while (!list_empty(&ready)) {
		struct task_waiter *w = container_of(ready.next, struct task_waiter, link);

		list_remove(&w->link);
		w->done(s, t, w->userdata);
	}
}

void slice_task_dismiss(struct slice *s, struct slice_task *t)
{
	while (!list_empty(&t->waiters)) {
		struct task_waiter *w = container_of(t->waiters.next, struct task_waiter, link);

		list_remove(&w->link);
		w->done(s, t, w->userdata);
	}
}

void slice_notify(struct slice *s, const struct fail *why)
{
	while (!list_empty(&s->waiters)) {
		struct slice_waiter *w = container_of(s->waiters.next, struct slice_waiter, link);

		list_remove(&w->link);
		w->done(s, why, w->userdata);
	}
}

void slice_report(struct slice *s, enum event_kind kind, const struct fail *why)
{
	_cleanup_json_ json_t *document = slice_document(s);
	_cleanup_free_ char *text = NULL;

	if (document && why && why->error)
		(void)json_put_string(document, "reason", why->text); /* the event is told anyway */
	text = document ? json_text(document) : NULL;
	if (journal_report(s->manager->journal, kind, &(struct event_about){ .slice = s->id },
			   text) < 0)
		log_error(&(struct log_about){ .slice = s->id }, "an event was lost");
}

static json_t *leak_sentences(const struct slice *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->leaks.count; i++)
		json_array_append_new(list, json_string(s->leaks.reasons[i]));
	return list;
}

static json_t *task_names(const struct slice *s)
{
	json_t *list = json_array();
	size_t cursor = 0;

	for (const struct slice_task *t; list && (t = map_next(s->tasks, &cursor, NULL));)
		json_array_append_new(list, json_string(t->name));
	return list;
}

static json_t *placement_of(const struct allocation *a)
{
	return json_pack("{s:s,s:i}", "why", a->why ? a->why : "", "cost", (int)a->cost);
}

/* Slices with shared CPUs run on whatever is not held exclusively right now. */
static int put_pool(const struct slice *s, json_t *resources)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct view v = manager_view(s->manager);

	if (view_shared_pool(&v, &pool) < 0)
		return -ENOMEM;
	return json_put(resources, "shared_pool", document_cpuset(pool));
}

static int put_allocation(const struct slice *s, json_t *object)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	json_t *resources;

	if (!a)
		return 0;
	resources = document_allocation(a);
	if (resources && a->shared_millicpus > 0 && put_pool(s, resources) < 0) {
		json_decref(resources);
		return -ENOMEM;
	}
	return json_put(object, "resources", resources) < 0 ||
			       json_put(object, "placement", placement_of(a)) < 0
		       ? -ENOMEM
		       : 0;
}

static int put_passing(const struct slice *s, json_t *object)
{
	json_t *resizing = resize_document(s);

	if (resizing && json_put(object, "resizing", resizing) < 0)
		return -ENOMEM;
	return json_put(object, "frozen", json_boolean(s->frozen));
}

json_t *slice_document(const struct slice *s)
{
	_cleanup_json_ json_t *object = json_object();
	_cleanup_json_ json_t *request = document_request(&s->request);

	if (!object || !request || json_put_string(object, "id", s->id) < 0 ||
	    json_put_string(object, "state", slice_state_to_string(s->state)) < 0 ||
	    json_put_string(object, "owner", s->request.owner) < 0 ||
	    json_put(object, "owner_uid", json_integer(s->owner_uid)) < 0 ||
	    json_put_string(object, "role", s->request.role ? s->request.role : "default") < 0 ||
	    json_put(object, "labels", json_incref(json_object_get(request, "labels"))) < 0 ||
	    json_put(object, "created_at", document_time(s->created_usec)) < 0 ||
	    json_put_string(object, "backend", s->backend->name) < 0 ||
	    json_put_string(object, "cgroup", s->cgroup) < 0 ||
	    json_put(object, "init_pid", json_integer(s->init_pid)) < 0 ||
	    json_put(object, "request", TAKE_PTR(request)) < 0 || put_allocation(s, object) < 0 ||
	    (s->cdi && json_put(object, "cdi", json_incref(s->cdi)) < 0) ||
	    put_passing(s, object) < 0 || leftovers_put(s, object) < 0 ||
	    room_put_left(s, object) < 0 ||
	    (s->leaks.count > 0 && json_put(object, "leaks", leak_sentences(s)) < 0) ||
	    json_put(object, "enforcement", document_enforcements(&s->enforced)) < 0 ||
	    json_put(object, "pressure", pressure_slice_document(s)) < 0 ||
	    json_put(object, "tasks", task_names(s)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static json_t *usage_of(const struct slice_task *t)
{
	return json_pack("{s:f,s:f,s:I}", "cpu_user_seconds", (double)t->cpu_user_usec / 1e6,
			 "cpu_system_seconds", (double)t->cpu_system_usec / 1e6,
			 "memory_peak_bytes", (json_int_t)t->memory_peak_bytes);
}

static int put_exit(const struct slice_task *t, json_t *object)
{
	const char *name = t->exit_signal ? sigabbrev_np(t->exit_signal) : NULL;

	if (t->exit_code >= 0 && json_put(object, "exit_code", json_integer(t->exit_code)) < 0)
		return -ENOMEM;
	if (t->exit_signal &&
	    json_put(object, "exit_signal",
		     name ? json_string(name) : json_sprintf("%d", t->exit_signal)) < 0)
		return -ENOMEM;
	return json_put_string(object, "reason", t->reason);
}

/* Its cgroup, and which CPUs of the slice these are where it has both kinds apart. */
static int put_place(const struct slice *s, const struct slice_task *t, json_t *object)
{
	_cleanup_free_ char *leaf = parts_leaf(s, t);
	enum frame_cpus part = parts_of(s, t);

	if (!leaf || (part != FRAME_CPUS_ALL &&
		      json_put_string(object, "cpus",
				      part == FRAME_CPUS_SHARED ? "shared" : "exclusive") < 0))
		return -ENOMEM;
	return s->cgroup ? json_put(object, "cgroup", json_sprintf("%s/%s", s->cgroup, leaf)) : 0;
}

json_t *slice_task_document(const struct slice *s, const struct slice_task *t)
{
	_cleanup_json_ json_t *object = json_object();
	json_t *argv = json_object_get(t->request, "argv"),
	       *user = json_object_get(t->request, "user");

	if (!object || json_put_string(object, "name", t->name) < 0 ||
	    json_put_string(object, "slice", s->id) < 0 ||
	    json_put_string(object, "state", task_state_to_string(t->state)) < 0 ||
	    (t->pid && json_put(object, "pid", json_integer(t->pid)) < 0) ||
	    json_put(object, "argv", argv ? json_incref(argv) : json_array()) < 0 ||
	    (user && json_put(object, "user", json_incref(user)) < 0) ||
	    (t->network && json_put(object, "network", json_incref(t->network)) < 0) ||
	    json_put(object, "started_at", document_time(t->started_usec)) < 0 ||
	    json_put(object, "ended_at", document_time(t->ended_usec)) < 0 ||
	    put_exit(t, object) < 0 ||
	    json_put(object, "oom_killed", json_integer(t->oom_killed)) < 0 ||
	    json_put(object, "restarts", json_integer(t->restarts)) < 0 ||
	    put_place(s, t, object) < 0 || json_put(object, "usage", usage_of(t)) < 0)
		return NULL;
	return TAKE_PTR(object);
}
