/* SPDX-License-Identifier: Apache-2.0 */
/* Adoption; see adopt.h. */
#include "adopt.h"

#include "backend.h"
#include "carve.h"
#include "channel.h"
#include "decode.h"
#include "document.h"
#include "enforce.h"
#include "freeze.h"
#include "handback.h"
#include "hold_hugepages.h"
#include "hold_resctrl.h"
#include "launch.h"
#include "leftovers.h"
#include "manager.h"
#include "pressure.h"
#include "quiet.h"
#include "resize.h"
#include "supervise.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	REACH_USEC = 250 * 1000, /* until a reeve-init that was not reached is tried again */
	REACH_TRIES = 240,
};

static const json_t *member(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(member(object, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(member(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/* A task's last known state; reeve-init tells what became of it since. */
static int on_task(const char *slice, const char *task, const char *record, void *userdata)
{
	_cleanup_json_ json_t *object = NULL;
	struct slice *s = userdata;
	struct slice_task *t;
	const json_t *status;
	int state;

	(void)slice;
	if (!task || json_parse_object(record, strlen(record), &object, NULL) < 0 ||
	    slice_task_add(s, task, (json_t *)member(object, "request"), &t) < 0)
		return 0; /* a record that cannot be read is reeve-init's to tell */
	status = member(object, "status");
	state = task_state_from_string(text_of(status, "state"));
	t->state = state < 0 ? TASK_STARTING : (enum task_state)state;
	t->pid = (pid_t)json_integer_value(member(status, "pid"));
	t->start_time = number_of(object, "start_time");
	t->started_usec = number_of(object, "started_usec");
	t->ended_usec = number_of(object, "ended_usec");
	t->cpu_user_usec = number_of(object, "cpu_user_usec");
	t->cpu_system_usec = number_of(object, "cpu_system_usec");
	t->memory_peak_bytes = number_of(object, "memory_peak_bytes");
	t->oom_killed = (uint32_t)number_of(status, "oom_killed");
	t->restarts = (uint32_t)json_integer_value(member(status, "restarts"));
	if (json_is_integer(member(status, "exit_code")))
		t->exit_code = (int)json_integer_value(member(status, "exit_code"));
	if (member(status, "exit_signal"))
		(void)decode_signal(text_of(status, "exit_signal"), &t->exit_signal, NULL);
	if (member(status, "network"))
		t->network = json_incref((json_t *)member(status, "network"));
	if (*text_of(status, "reason"))
		t->reason = strdup(text_of(status, "reason"));
	return 0;
}

static int fill(struct slice *s, const json_t *record, struct fail *f)
{
	const json_t *document = member(record, "slice");
	const char *cgroup = text_of(document, "cgroup");
	_cleanup_json_ json_t *request = json_deep_copy((json_t *)member(document, "request"));
	int r;

	/* What an offer was restricted to is history: the allocation says what is held. */
	if (request)
		(void)json_object_del(request, "offer");
	r = request ? decode_request(request, &s->request, f)
		    : fail_set(f, -EBADMSG, "its record has no request");
	if (r < 0)
		return r;
	s->owner_uid = (uid_t)json_integer_value(member(document, "owner_uid"));
	s->created_usec = (uint64_t)json_integer_value(member(record, "created_usec"));
	s->init_pid = (pid_t)json_integer_value(member(document, "init_pid"));
	s->cgroup = *cgroup ? strdup(cgroup) : NULL;
	leftovers_take_record(s, record);
	if (asprintf(&s->dir, "%s/slices/%s", s->manager->config->runtime_dir, s->id) < 0) {
		s->dir = NULL;
		return fail_set(f, -ENOMEM, "out of memory");
	}
	return 0;
}

static bool conflicts(const struct manager *m, const struct allocation *a)
{
	for (size_t i = 0; i < a->devices_count; i++)
		if (ledger_device_holder(m->ledger, a->devices[i]))
			return true;
	return cpuset_intersects(ledger_cpus(m->ledger), a->cpus);
}

static int take_allocation(struct slice *s, const json_t *record, struct fail *f)
{
	const json_t *document = member(record, "slice"),
		     *placement = member(document, "placement");
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	int r = decode_allocation(member(document, "resources"), &a, f);

	if (r < 0)
		return r;
	if (conflicts(s->manager, a))
		return fail_set(f, -EBUSY, "what its record names is held by another slice");
	a->slice = strdup(s->id);
	a->why = strdup(text_of(placement, "why"));
	a->cost = (uint32_t)json_integer_value(member(placement, "cost"));
	r = a->slice && a->why ? ledger_take(s->manager->ledger, &a) : -ENOMEM;
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

/* A resize that the last agent could not end: what its record names is all that the slice may have,
 * and it had less before. */
static int take_resize(struct slice *s, const json_t *record, struct fail *f)
{
	const json_t *from = member(record, "resizing_from");
	_cleanup_(allocation_freep) struct allocation *before = NULL;
	int r = from ? decode_allocation(from, &before, f) : 0;

	if (r < 0 || !from)
		return r;
	r = resize_adopt(s, &before);
	return r < 0 ? fail_set(f, r, "out of memory") : 0;
}

static const struct backend *backend_named(const char *name)
{
	for (size_t i = 0; backends[i]; i++)
		if (strcmp(backends[i]->name, name) == 0)
			return backends[i];
	return NULL;
}

/* For its end by force; without it reeve-init is asked only. */
static void open_init(struct slice *s)
{
	s->init_fd = s->init_pid > 0 ? (int)syscall(SYS_pidfd_open, s->init_pid, 0) : -1;
	if (s->init_fd < 0)
		s->init_fd = -1;
}

/* Nobody listens: it is dead. What else there may be (no descriptor, no memory, a full queue)
 * passes. */
static bool is_gone(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT;
}

static int on_reach(sd_event_source *source, uint64_t usec, void *userdata);

/* Connected, or it is tried again from the loop. */
static int reach(struct slice *s, struct fail *f)
{
	const struct log_about about = { .slice = s->id };
	struct fail why = { 0 };
	int r = carve_connect(s, &why);

	s->deadline = sd_event_source_disable_unref(s->deadline);
	if (r == 0) {
		open_init(s); /* it listens on its own socket, so the number is its own */
		if (s->unreached)
			log_notice(&about, "its reeve-init is reached");
		s->unreached = 0;
		return 0;
	}
	if (!is_gone(r) && s->unreached < REACH_TRIES &&
	    sd_event_add_time_relative(s->manager->loop, &s->deadline, CLOCK_MONOTONIC, REACH_USEC,
				       0, on_reach, s) >= 0) {
		if (s->unreached++ == 0)
			log_warning(&about, "it is tried again: %s", why.text);
		return 0;
	}
	if (f)
		*f = why;
	return r;
}

static int on_reach(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct slice *s = userdata;
	struct fail why = { 0 };

	(void)source;
	(void)usec;
	if (reach(s, &why) < 0) {
		why.code = "init-gone";
		carve_lost(s, &why);
	}
	return 0;
}

static int revive(struct slice *s, const json_t *record, struct fail *f)
{
	const char *backend = text_of(member(record, "slice"), "backend");
	int r;

	if (strcmp(text_of(record, "boot_id"), s->manager->boot_id) != 0)
		return fail_code(f, -ESTALE, "rebooted", "the machine was restarted");
	if (backend_named(backend) != s->manager->backend)
		return fail_code(f, -ESTALE, "backend-changed",
				 "it was made by the back end %s, and this agent uses %s", backend,
				 s->manager->backend->name);
	r = s->backend->adopt(s, f);
	if (r == 0)
		r = reach(s, f);
	if (r == 0)
		r = take_allocation(s, record, f);
	if (r == 0)
		r = take_resize(s, record, f);
	if (r == 0)
		r = pressure_recover(s); /* before its freezing can be taken for the owner's */
	if (r == 0)
		freeze_adopt(s, json_is_true(member(member(record, "slice"), "frozen")));
	return r;
}

static void tell(struct manager *m, const char *id, enum event_kind kind, const char *reason)
{
	_cleanup_json_ json_t *data = json_pack("{s:s*}", "reason", reason);
	_cleanup_free_ char *text = data ? json_text(data) : NULL;

	if (journal_report(m->journal, kind, &(struct event_about){ .slice = id }, text) < 0)
		log_error(&(struct log_about){ .slice = id }, "an event was lost");
}

/* What a lost slice left: processes of a reeve-init that died, a cgroup, its directories. Also
 * where nothing could be opened: a unit whose processes are gone still holds its CPUs in a
 * partition. */
static void clear_remains(struct slice *s, bool same_boot)
{
	if (s->dir)
		(void)channel_end(s->dir); /* it may be well: only its record cannot be used */
	if (same_boot)
		carve_abandon(s);
	if (s->dir)
		(void)fs_remove_tree(AT_FDCWD, s->dir); /* replaced when the name is used again */
	launch_forget_logs(s);
}

/* What ran in it is told to be over: nobody else will. Process numbers of another boot mean
 * nothing. */
static void lose_tasks(struct slice *s, bool same_boot)
{
	size_t cursor = 0;

	(void)store_each_task(s->manager->store, s->id, on_task, s); /* what can be read is told */
	for (struct slice_task *t; !same_boot && (t = map_next(s->tasks, &cursor, NULL));)
		t->pid = 0;
	supervise_all_lost(s, "its slice was lost");
}

static int adopt_slice(struct manager *m, const char *id, const char *text)
{
	_cleanup_(slice_freep) struct slice *s = NULL;
	_cleanup_json_ json_t *record = NULL;
	struct fail why = { 0 };
	bool same_boot;
	int r = slice_new(&s, m, id);

	if (r < 0)
		return r;
	s->backend = m->backend;
	s->state = SLICE_ACTIVE;
	s->announced = true;
	r = json_parse_object(text, strlen(text), &record, &why);
	if (r == 0)
		r = fill(s, record, &why);
	if (r == 0)
		r = revive(s, record, &why);
	if (r == 0)
		r = map_put(m->slices, id, s);
	if (r == 0) {
		(void)store_each_task(m->store, id, on_task, s); /* reeve-init tells the rest */
		TAKE_PTR(s);
		tell(m, id, EVENT_SLICE_ADOPTED, NULL);
		return 0;
	}
	log_warning(&(struct log_about){ .slice = id, .code = why.code }, "it is lost: %s",
		    why.text);
	same_boot = strcmp(text_of(record, "boot_id"), m->boot_id) == 0;
	if (same_boot && !ledger_find(m->ledger, id))	/* what it held is to be given back */
		(void)take_allocation(s, record, NULL); /* another slice's, or unreadable */
	lose_tasks(s, same_boot);
	clear_remains(s, same_boot);
	tell(m, id, EVENT_SLICE_LOST, why.text);
	if (handback_inherit(s))
		TAKE_PTR(s);
	else if (same_boot)
		leftovers_inherit(s);
	return 0;
}

/* All are read before the first is acted on: what is written during a walk of the store may be met
 * again by it. */
struct records {
	struct {
		char *id, *text;
	} * items;
	size_t count;
};

static void records_done(struct records *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].id);
		free(r->items[i].text);
	}
	free(r->items);
}

static int collect(const char *id, const char *task, const char *text, void *userdata)
{
	struct records *r = userdata;
	void *grown = reallocarray(r->items, r->count + 1, sizeof(*r->items));
	size_t i = r->count;

	(void)task;
	if (!grown)
		return -ENOMEM;
	r->items = grown;
	r->items[i].id = strdup(id);
	r->items[i].text = strdup(text);
	r->count++;
	return r->items[i].id && r->items[i].text ? 0 : -ENOMEM;
}

static int adopt_records(struct manager *m, struct records *records)
{
	int r = store_each_slice(m->store, collect, records);

	for (size_t i = 0; r == 0 && i < records->count; i++)
		r = adopt_slice(m, records->items[i].id, records->items[i].text);
	if (r == 0) /* while their records are there: an agent that is killed now loses nothing */
		leftovers_clean_lost(m);
	for (size_t i = 0; r == 0 && i < records->count; i++)
		if (!map_get(m->slices, records->items[i].id))
			(void)store_remove_slice(m->store,
						 records->items[i].id); /* told again else */
	return r;
}

static bool is_recorded(const struct records *records, const char *id)
{
	for (size_t i = 0; i < records->count; i++)
		if (strcmp(records->items[i].id, id) == 0)
			return true;
	return false;
}

static void clear_stranger_dir(const char *base, const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", base, name) >= sizeof(path))
		return;
	log_warning(&(struct log_about){ .slice = name }, "nobody knows of it: it is ended");
	(void)channel_end(path);	      /* there may be none any more */
	(void)fs_remove_tree(AT_FDCWD, path); /* replaced when the name is used again */
}

/* Sockets of slices without a record: where there are no cgroups they are all that tells of one. */
static void clear_strangers(struct manager *m)
{
	_cleanup_(fs_names_freep) char **dirs = NULL;
	char base[PATH_MAX];

	if ((size_t)snprintf(base, sizeof(base), "%s/slices", m->config->runtime_dir) >=
		    sizeof(base) ||
	    fs_list(AT_FDCWD, base, &dirs, NULL) < 0)
		return; /* no slice was ever made */
	for (char **d = dirs; *d; d++)
		if (!map_get(m->slices, *d))
			clear_stranger_dir(base, *d);
}

/* A slice that the host has and no record names: its store was lost. Nobody can act on it. Or what
 * is left of one whose record was of no use, which has been told lost. */
static void end_orphan(struct manager *m, const char *id, bool told)
{
	_cleanup_(slice_freep) struct slice *s = NULL;
	static const char reason[] = "it is on this host, and no record says whose it is";

	if (slice_new(&s, m, id) < 0)
		return;
	s->backend = m->backend;
	(void)m->backend->adopt(s, NULL); /* as far as it is still there */
	if (!told)
		log_warning(&(struct log_about){ .slice = id }, "it is lost: %s", reason);
	clear_remains(s, true);
	if (!told)
		tell(m, id, EVENT_SLICE_LOST, reason);
}

static void end_orphans(struct manager *m, const struct records *records)
{
	_cleanup_(fs_names_freep) char **ids = NULL;

	if (!m->backend->list || m->backend->list(m, &ids) < 0)
		return;
	for (char **id = ids; *id; id++)
		if (!map_get(m->slices, *id))
			end_orphan(m, *id, is_recorded(records, *id));
}

void adopt_slices(struct manager *m)
{
	_cleanup_(records_done) struct records records = { 0 };

	if (!m->store)
		return; /* what the host has may be well: only its records are out of reach */
	if (adopt_records(m, &records) < 0) {
		log_error(NULL, "the store cannot be read: slices made before are not adopted");
		return;
	}
	end_orphans(m, &records);
	clear_strangers(m);
	quiet_adopted(m);
	hugepages_adopt(m);
	resctrl_adopt(m);
	if (map_count(m->slices) > 0)
		log_notice(NULL, "adopted %zu slices", map_count(m->slices));
	enforce_pool_changed(m, NULL);
}
