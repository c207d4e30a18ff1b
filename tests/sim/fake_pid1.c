/* SPDX-License-Identifier: Apache-2.0 */
/* A service manager for tests; see fake_pid1.h. The vtable makes sd-bus check each call's
 * signature, so that a message which the real manager would refuse is refused here too. It has no
 * processes and no cgroups: it only says what it was told. */
#include "fake_pid1.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/list.h"
#include "util/map.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PATH "/org/freedesktop/systemd1"
#define UNIT_PATH PATH "/unit"
#define INTERFACE "org.freedesktop.systemd1"

struct unit {
	bool active, failed;
	struct map *properties; /* name -> text */
};

struct late { /* a job whose end is announced by a timer */
	struct list link;
	struct fake_pid1 *pid1;
	sd_event_source *timer;
	uint32_t job;
	char *unit;
	bool stop;
};

struct fake_pid1 {
	sd_event *loop;
	sd_bus *bus;
	struct map *units; /* name -> unit */
	struct map *calls; /* method -> count, as a number in the pointer */
	struct list lates;
	enum fake_answer answer;
	uint64_t delay_usec;
	const char *result;
	uint32_t last_job;
	bool subscribed;
	unsigned seen, fails_at; /* calls, since they are counted */
	struct fake_fault fault;
	char failed[64];
	bool failing; /* the job that is asked for just now */
	void (*change)(const char *cgroup, const char *pids, bool there);
};

static struct unit *unit_free(struct unit *u)
{
	size_t cursor = 0;

	if (!u)
		return NULL;
	for (char *text; u->properties && (text = map_next(u->properties, &cursor, NULL));)
		free(text);
	map_free(u->properties);
	free(u);
	return NULL;
}
DEFINE_CLEANUP(struct unit *, unit_free);

static void count_call(struct fake_pid1 *p, const char *method)
{
	uintptr_t count = (uintptr_t)map_remove(p->calls, method) + 1;

	(void)map_put(p->calls, method, (void *)count); /* a test without memory fails anyway */
}

unsigned fake_pid1_calls(const struct fake_pid1 *p, const char *method)
{
	return (unsigned)(uintptr_t)map_get(p->calls, method);
}

static int render_bytes(sd_bus_message *m, struct buf *b)
{
	const void *bytes;
	size_t size;
	int r = sd_bus_message_read_array(m, 'y', &bytes, &size);

	for (size_t i = 0; r >= 0 && i < size; i++)
		r = buf_format(b, "%02x", ((const uint8_t *)bytes)[i]);
	return r;
}

static int render_numbers(sd_bus_message *m, struct buf *b)
{
	const void *numbers;
	size_t size;
	int r = sd_bus_message_read_array(m, 'u', &numbers, &size);

	for (size_t i = 0; r >= 0 && i < size / sizeof(uint32_t); i++)
		r = buf_format(b, "%s%u", i ? " " : "", ((const uint32_t *)numbers)[i]);
	return r;
}

static int render_basic(sd_bus_message *m, char type, struct buf *b)
{
	union {
		const char *text;
		uint64_t number;
		int yes;
	} value;
	int r = sd_bus_message_read_basic(m, type, &value);

	if (r < 0)
		return r;
	if (type == 's')
		return buf_text(b, value.text);
	if (type == 'b')
		return buf_text(b, value.yes ? "true" : "false");
	return buf_format(b, "%llu", (unsigned long long)value.number);
}

/* What systemd's own property setters take, by name. */
static const struct {
	const char *name, *signature;
} known[] = {
	{ "Description", "s" },	  { "Slice", "s" },	   { "Delegate", "b" },
	{ "PIDs", "au" },	  { "AllowedCPUs", "ay" }, { "AllowedMemoryNodes", "ay" },
	{ "CPUWeight", "t" },	  { "MemoryMin", "t" },	   { "CPUQuotaPerSecUSec", "t" },
	{ "MemoryLow", "t" },	  { "MemoryHigh", "t" },   { "MemoryMax", "t" },
	{ "MemorySwapMax", "t" }, { "TasksMax", "t" },	   { "CollectMode", "s" },
	{ "OOMPolicy", "s" },	  { "KillMode", "s" },	   { "DefaultDependencies", "b" },
};

static int render_value(sd_bus_message *m, const char *name, struct buf *b)
{
	const char *signature = NULL;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].name, name) == 0)
			signature = known[i].signature;
	if (!signature)
		return -EINVAL;
	r = sd_bus_message_enter_container(m, 'v', signature);
	if (r < 0)
		return r;
	if (strcmp(signature, "ay") == 0)
		r = render_bytes(m, b);
	else if (strcmp(signature, "au") == 0)
		r = render_numbers(m, b);
	else
		r = render_basic(m, signature[0], b);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_property(sd_bus_message *m, struct unit *u)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	const char *name;
	int r;

	buf_init(&b, 1 << 16);
	r = sd_bus_message_read_basic(m, 's', &name);
	if (r >= 0)
		r = render_value(m, name, &b);
	if (r >= 0)
		r = buf_text(&b, ""); /* an empty value is a text too */
	if (r < 0)
		return r;
	free(map_remove(u->properties, name));
	return map_put(u->properties, name, b.data ? buf_steal(&b) : strdup(""));
}

static int read_properties(sd_bus_message *m, struct unit *u)
{
	int r = sd_bus_message_enter_container(m, 'a', "(sv)");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sv")) > 0) {
		r = read_property(m, u);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_unit(struct fake_pid1 *p, sd_bus_message *m, const char *name, sd_bus_error *e)
{
	_cleanup_(unit_freep) struct unit *u = calloc(1, sizeof(*u));
	int r;

	if (map_get(p->units, name))
		return sd_bus_error_setf(e, INTERFACE ".UnitExists",
					 "Unit %s was already loaded or has a fragment file.",
					 name);
	r = u ? map_new(&u->properties) : -ENOMEM;
	if (r >= 0)
		r = read_properties(m, u);
	if (r < 0)
		return sd_bus_error_setf(e, SD_BUS_ERROR_INVALID_ARGS,
					 "A property of %s is refused", name);
	r = map_put(p->units, name, u);
	if (r >= 0)
		TAKE_PTR(u);
	return r;
}

/* "/reeve.slice/reeve-x.slice" of "reeve-x.slice": every dash is a step (systemd.slice(5)). */
static int slice_path(const char *slice, struct buf *b)
{
	const char *end = strrchr(slice, '.');

	for (const char *p = slice; p < end; p++)
		if (*p == '-' && buf_format(b, "/%.*s.slice", (int)(p - slice), slice) < 0)
			return -ENOMEM;
	return buf_format(b, "/%s", slice);
}

/* "" without memory, as for one that has none. */
static void cgroup_of(const struct unit *u, const char *name, struct buf *b)
{
	const char *slice = map_get(u->properties, "Slice");

	(void)slice_path(slice ? slice : name, b);
	if (slice)
		(void)buf_format(b, "/%s", name);
}

static void tell_change(struct fake_pid1 *p, const char *name, bool there)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	struct unit *u = map_get(p->units, name);

	if (!p->change || !u)
		return;
	cgroup_of(u, name, &b);
	p->change(b.data, map_get(u->properties, "PIDs"), there);
}

static void drop_unit(struct fake_pid1 *p, const char *name)
{
	tell_change(p, name, false);
	unit_free(map_remove(p->units, name));
}

static void finish_unit(struct fake_pid1 *p, const char *name, bool stop, bool failed)
{
	struct unit *u = map_get(p->units, name);

	if (!u)
		return;
	if (stop && !failed) {
		drop_unit(p, name);
		return;
	}
	u->failed = failed;
	u->active = !failed;
	if (u->active)
		tell_change(p, name, true);
}

static char *job_path(uint32_t job)
{
	char *path;

	return asprintf(&path, PATH "/job/%u", job) < 0 ? NULL : path;
}

void fake_pid1_removed(struct fake_pid1 *p, uint32_t job, const char *unit, const char *result)
{
	_cleanup_free_ char *path = job_path(job);

	/* The real one says nothing to who has not subscribed. */
	if (p->subscribed)
		(void)sd_bus_emit_signal(p->bus, PATH, INTERFACE ".Manager", "JobRemoved", "uoss",
					 job, path, unit, result); /* a closed bus hears nothing */
}

static struct late *late_free(struct late *l)
{
	list_remove(&l->link);
	sd_event_source_disable_unref(l->timer);
	free(l->unit);
	free(l);
	return NULL;
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct late *l = userdata;

	(void)source;
	(void)usec;
	finish_unit(l->pid1, l->unit, l->stop, false);
	fake_pid1_removed(l->pid1, l->job, l->unit, "done");
	late_free(l);
	return 0;
}

static int remove_later(struct fake_pid1 *p, uint32_t job, const char *unit, bool stop)
{
	struct late *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	list_init(&l->link);
	list_append(&p->lates, &l->link);
	l->pid1 = p;
	l->job = job;
	l->stop = stop;
	l->unit = strdup(unit);
	return sd_event_add_time_relative(p->loop, &l->timer, CLOCK_MONOTONIC, p->delay_usec, 1,
					  on_late, l);
}

/* Answers a call with a job, as it was told to; `other` is a unit that comes with it, or NULL. */
static int answer_job(struct fake_pid1 *p, sd_bus_message *m, const char *unit, const char *other,
		      bool stop)
{
	uint32_t job = ++p->last_job;
	_cleanup_free_ char *path = job_path(job);
	bool failed = p->answer == FAKE_FAILED || p->failing, ends = p->answer <= FAKE_FAILED;
	const char *result = p->failing ? p->fault.result : p->result;
	int r;

	if (ends || p->answer == FAKE_LATE) {
		if (other) /* it is there as soon as the transaction was accepted */
			finish_unit(p, other, stop, failed);
		if (ends)
			finish_unit(p, unit, stop, failed);
	}
	if (p->answer == FAKE_EARLY)
		fake_pid1_removed(p, job, unit, "done");
	r = sd_bus_reply_method_return(m, "o", path);
	if (r < 0)
		return r;
	if (p->answer == FAKE_DONE || failed)
		fake_pid1_removed(p, job, unit, failed ? result : "done");
	if (p->answer == FAKE_LATE)
		r = remove_later(p, job, unit, stop);
	return r < 0 ? r : 1;
}

/* > 0: the call is dealt with. */
static int maybe_refuse(struct fake_pid1 *p, sd_bus_error *e)
{
	if (p->answer == FAKE_SILENT)
		return 1;
	if (p->answer == FAKE_REFUSED)
		return sd_bus_error_set(e, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied");
	return 0;
}

static int method_start(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;
	const char *scope, *mode, *slice = NULL;
	int r = maybe_refuse(p, e);

	count_call(p, "StartTransientUnit");
	if (r != 0)
		return r;
	r = sd_bus_message_read(m, "ss", &scope, &mode);
	if (r < 0)
		return r;
	if (strcmp(mode, "fail") != 0)
		return sd_bus_error_set(e, SD_BUS_ERROR_INVALID_ARGS, "Job mode is not fail");
	r = read_unit(p, m, scope, e);
	if (r >= 0)
		r = sd_bus_message_enter_container(m, 'a', "(sa(sv))");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sa(sv)")) > 0) {
		r = sd_bus_message_read_basic(m, 's', &slice);
		if (r >= 0)
			r = read_unit(p, m, slice, e);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	if (r < 0) {
		/* All or nothing: the scope goes again when the slice is refused. */
		if (slice)
			unit_free(map_remove(p->units, scope));
		return r;
	}
	return answer_job(p, m, scope, slice, false);
}

static int no_such_unit(sd_bus_error *e, const char *unit)
{
	return sd_bus_error_setf(e, INTERFACE ".NoSuchUnit", "Unit %s not loaded.", unit);
}

static int method_stop(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;
	const char *unit, *mode;
	int r = maybe_refuse(p, e);

	count_call(p, "StopUnit");
	if (r != 0)
		return r;
	r = sd_bus_message_read(m, "ss", &unit, &mode);
	if (r < 0)
		return r;
	if (strcmp(mode, "replace") != 0)
		return sd_bus_error_set(e, SD_BUS_ERROR_INVALID_ARGS, "Job mode is not replace");
	return map_get(p->units, unit) ? answer_job(p, m, unit, NULL, true) : no_such_unit(e, unit);
}

static int method_reset(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;
	const char *name;
	struct unit *u;
	int r = sd_bus_message_read(m, "s", &name);

	count_call(p, "ResetFailedUnit");
	if (r < 0)
		return r;
	u = map_get(p->units, name);
	if (!u)
		return no_such_unit(e, name);
	if (u->failed) /* nothing holds it any more: it is collected */
		drop_unit(p, name);
	return sd_bus_reply_method_return(m, "");
}

static int method_get(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	_cleanup_free_ char *path = NULL;
	struct fake_pid1 *p = userdata;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	count_call(p, "GetUnit");
	if (p->answer == FAKE_SILENT)
		return 1;
	if (r < 0 || !map_get(p->units, name))
		return r < 0 ? r : no_such_unit(e, name);
	r = sd_bus_path_encode(UNIT_PATH, name, &path);
	return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

static int make_empty(struct fake_pid1 *p, const char *name)
{
	_cleanup_(unit_freep) struct unit *u = calloc(1, sizeof(*u));
	int r = u ? map_new(&u->properties) : -ENOMEM;

	if (r >= 0)
		r = map_put(p->units, name, u);
	if (r >= 0)
		TAKE_PTR(u);
	return r;
}

/* Like GetUnit; a unit that is not there yet is made, inactive. */
static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	_cleanup_free_ char *path = NULL;
	struct fake_pid1 *p = userdata;
	const char *name;
	int r = maybe_refuse(p, e);

	count_call(p, "LoadUnit");
	if (r != 0)
		return r;
	r = sd_bus_message_read(m, "s", &name);
	if (r < 0)
		return r;
	r = map_get(p->units, name) ? 0 : make_empty(p, name);
	if (r >= 0)
		r = sd_bus_path_encode(UNIT_PATH, name, &path);
	return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

static int method_set(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;
	const char *name;
	struct unit *u;
	int runtime, r = maybe_refuse(p, e);

	count_call(p, "SetUnitProperties");
	if (r != 0)
		return r;
	r = sd_bus_message_read(m, "sb", &name, &runtime);
	if (r < 0)
		return r;
	u = map_get(p->units, name);
	if (!u)
		return no_such_unit(e, name);
	r = runtime ? read_properties(m, u) : -EINVAL;
	return r < 0 ? r : sd_bus_reply_method_return(m, "");
}

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;

	count_call(p, "Subscribe");
	if (p->answer == FAKE_REFUSED)
		return sd_bus_error_set(e, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied");
	p->subscribed = true;
	return sd_bus_reply_method_return(m, "");
}

#define METHOD(name, in, out, handler) \
	SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	METHOD("Subscribe", "", "", method_subscribe),
	METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", method_start),
	METHOD("StopUnit", "ss", "o", method_stop),
	METHOD("ResetFailedUnit", "s", "", method_reset),
	METHOD("GetUnit", "s", "o", method_get),
	METHOD("LoadUnit", "s", "o", method_load),
	METHOD("SetUnitProperties", "sba(sv)", "", method_set),
	SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
	SD_BUS_VTABLE_END,
};

/* From its text of two hex digits a byte. */
static int append_cpus(sd_bus_message *reply, const struct unit *u)
{
	const char *text = u ? map_get(u->properties, "AllowedCPUs") : NULL;
	uint8_t bytes[64];
	size_t size = 0;

	for (; text && text[0] && text[1] && size < sizeof(bytes); text += 2) {
		const char byte[] = { text[0], text[1], 0 };

		bytes[size++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return sd_bus_message_append_array(reply, 'y', bytes, size);
}

static int get_cgroup(sd_bus *bus, const char *path, const char *interface, const char *property,
		      sd_bus_message *reply, void *userdata, sd_bus_error *e)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_free_ char *name = NULL;
	struct fake_pid1 *p = userdata;
	struct unit *u;

	(void)bus;
	(void)interface;
	(void)e;
	if (sd_bus_path_decode(path, UNIT_PATH, &name) <= 0)
		return -ENOENT;
	u = map_get(p->units, name);
	if (strcmp(property, "AllowedCPUs") == 0)
		return append_cpus(reply, u);
	if (!u || !u->active)
		return sd_bus_message_append(reply, "s", "");
	cgroup_of(u, name, &b);
	return sd_bus_message_append(reply, "s", b.data);
}

static const sd_bus_vtable unit_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("AllowedCPUs", "ay", get_cgroup, 0, 0),
	SD_BUS_PROPERTY("ControlGroup", "s", get_cgroup, 0, 0),
	SD_BUS_VTABLE_END,
};

static int find_unit(sd_bus *bus, const char *path, const char *interface, void *userdata,
		     void **ret_found, sd_bus_error *e)
{
	_cleanup_free_ char *name = NULL;
	const char *kind = strrchr(interface, '.'), *suffix;
	struct fake_pid1 *p = userdata;

	(void)bus;
	(void)e;
	if (sd_bus_path_decode(path, UNIT_PATH, &name) <= 0 || !map_get(p->units, name))
		return 0;
	suffix = strrchr(name, '.');
	if (!suffix || strcasecmp(suffix, kind) != 0) /* ".scope" and "....Scope" */
		return 0;
	*ret_found = p;
	return 1;
}

/* One that is not there is what a call to stop it may find: then it is not there. */
static int fail_call(struct fake_pid1 *p, sd_bus_message *m)
{
	const char *unit = NULL;

	if (!p->fault.error)
		return 1;
	if (strcmp(p->fault.error, INTERFACE ".NoSuchUnit") == 0 &&
	    sd_bus_message_is_method_call(m, NULL, "StopUnit") > 0 &&
	    sd_bus_message_read(m, "s", &unit) >= 0)
		finish_unit(p, unit, true, false);
	(void)sd_bus_reply_method_errorf(m, p->fault.error, "as the test wants it");
	return 1;
}

/* Sees each message before anybody else does. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct fake_pid1 *p = userdata;
	const char *member = sd_bus_message_get_member(m);

	(void)e;
	if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
		return 0;
	p->failing = false;
	if (++p->seen != p->fails_at)
		return 0;
	(void)snprintf(p->failed, sizeof(p->failed), "%s: %s", member ? member : "",
		       p->fault.error	  ? p->fault.error
		       : p->fault.result  ? p->fault.result
		       : p->fault.hang_up ? "hung up"
					  : "silent");
	p->failing = p->fault.result != NULL;
	/* Who is silent to that is noticed by the connection's own deadline, which is too long. */
	if (p->fault.hang_up ||
	    (!p->fault.error && !p->failing && member && strcmp(member, "Subscribe") == 0))
		sd_bus_close(p->bus);
	return p->failing ? 0 : fail_call(p, m);
}

static int start_server(struct fake_pid1 *p, int fd)
{
	int r = sd_bus_new(&p->bus);

	if (r >= 0)
		r = sd_bus_set_fd(p->bus, fd, fd);
	if (r >= 0)
		r = sd_bus_set_server(p->bus, 1,
				      SD_ID128_MAKE(72, 65, 65, 76, 65, 2d, 66, 61, 6b, 65, 2d, 70,
						    69, 64, 31, 00));
	if (r >= 0)
		r = sd_bus_set_anonymous(p->bus, 1);
	if (r >= 0)
		r = sd_bus_start(p->bus);
	if (r >= 0)
		r = sd_bus_attach_event(p->bus, p->loop, 0);
	if (r >= 0)
		r = sd_bus_add_filter(p->bus, NULL, on_message, p);
	if (r >= 0)
		r = sd_bus_add_object_vtable(p->bus, NULL, PATH, INTERFACE ".Manager",
					     manager_vtable, p);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(p->bus, NULL, UNIT_PATH, INTERFACE ".Slice",
					       unit_vtable, find_unit, p);
	if (r >= 0)
		r = sd_bus_add_fallback_vtable(p->bus, NULL, UNIT_PATH, INTERFACE ".Scope",
					       unit_vtable, find_unit, p);
	return r;
}

int fake_pid1_serve(struct fake_pid1 *p, int fd)
{
	sd_bus_close_unref(TAKE_PTR(p->bus));
	p->subscribed = false;
	return start_server(p, fd);
}

void fake_pid1_cgroups(struct fake_pid1 *p,
		       void (*change)(const char *cgroup, const char *pids, bool there))
{
	p->change = change;
}

void fake_pid1_fail(struct fake_pid1 *p, unsigned n, const struct fake_fault *fault)
{
	p->fault = *fault;
	p->fails_at = n;
	p->seen = 0;
	p->failed[0] = 0;
}

unsigned fake_pid1_fail_end(struct fake_pid1 *p)
{
	p->fails_at = 0;
	return p->seen;
}

const char *fake_pid1_failed(const struct fake_pid1 *p)
{
	return *p->failed ? p->failed : NULL;
}

static int start_client(sd_event *loop, int fd, sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus, loop, 0);
	if (r >= 0)
		*ret = TAKE_PTR(bus);
	return r;
}

DEFINE_CLEANUP(struct fake_pid1 *, fake_pid1_free);

int fake_pid1_new(struct fake_pid1 **ret, sd_event *server_loop, sd_event *client_loop,
		  sd_bus **ret_client)
{
	_cleanup_(fake_pid1_freep) struct fake_pid1 *p = calloc(1, sizeof(*p));
	int fds[2], r;

	if (!p)
		return -ENOMEM;
	list_init(&p->lates);
	p->loop = sd_event_ref(server_loop);
	p->result = "failed";
	r = map_new(&p->units);
	if (r >= 0)
		r = map_new(&p->calls);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	r = start_server(p, fds[0]); /* both buses take their fd at once */
	if (r >= 0)
		r = start_client(client_loop, fds[1], ret_client);
	if (r >= 0)
		*ret = TAKE_PTR(p);
	return r < 0 ? r : 0;
}

struct fake_pid1 *fake_pid1_free(struct fake_pid1 *p)
{
	size_t cursor = 0;

	if (!p)
		return NULL;
	list_each (item, next, &p->lates)
		late_free(container_of(item, struct late, link));
	for (struct unit *u; p->units && (u = map_next(p->units, &cursor, NULL));)
		unit_free(u);
	map_free(p->units);
	map_free(p->calls);
	sd_bus_close_unref(p->bus);
	sd_event_unref(p->loop);
	free(p);
	return NULL;
}

void fake_pid1_answer(struct fake_pid1 *p, enum fake_answer answer, uint64_t delay_usec)
{
	assert(answer < FAKE_ANSWERS);
	p->answer = answer;
	p->delay_usec = delay_usec;
}

void fake_pid1_result(struct fake_pid1 *p, const char *result)
{
	p->result = result;
}

void fake_pid1_hang_up(struct fake_pid1 *p)
{
	sd_bus_close(p->bus);
}

unsigned fake_pid1_units(const struct fake_pid1 *p)
{
	return (unsigned)map_count(p->units);
}

bool fake_pid1_active(const struct fake_pid1 *p, const char *unit)
{
	const struct unit *u = map_get(p->units, unit);

	return u && u->active;
}

bool fake_pid1_loaded(const struct fake_pid1 *p, const char *unit)
{
	return map_get(p->units, unit) != NULL;
}

const char *fake_pid1_property(const struct fake_pid1 *p, const char *unit, const char *name)
{
	const struct unit *u = map_get(p->units, unit);

	return u ? map_get(u->properties, name) : NULL;
}
