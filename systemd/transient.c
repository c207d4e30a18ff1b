/* SPDX-License-Identifier: Apache-2.0 */
/* Transient units: the messages that make, change and end them; see transient.h. It keeps nothing
 * of a unit, since PID 1 does. */
#include "systemd/transient.h"

#include "systemd/job.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int transient_unit_name(const char *id, const char *suffix, char **ret)
{
	static const char prefix[] = "reeve-", dash[] = "\\x2d";
	size_t size = sizeof(prefix);
	char *name, *end;

	if (!parse_name_valid(id))
		return -EINVAL;
	size += strlen(id) * strlen(dash) + strlen(suffix);
	name = malloc(size);
	if (!name)
		return -ENOMEM;
	end = stpcpy(name, prefix);
	for (const char *p = id; *p; p++) {
		if (*p == '-')
			end = stpcpy(end, dash);
		else
			*end++ = *p;
	}
	(void)stpcpy(end, suffix);
	*ret = name;
	return 0;
}

static int append_properties(sd_bus_message *m, const struct property_value *values, size_t count)
{
	int r = sd_bus_message_open_container(m, 'a', "(sv)");

	for (size_t i = 0; r >= 0 && i < count; i++)
		r = property_append(m, &values[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* a(sa(sv)): the slice, made in the same transaction, or nothing. */
static int append_slice(sd_bus_message *m, const struct transient_order *order)
{
	int r = sd_bus_message_open_container(m, 'a', "(sa(sv))");

	if (r >= 0 && order->slice) {
		r = sd_bus_message_open_container(m, 'r', "sa(sv)");
		if (r >= 0)
			r = sd_bus_message_append_basic(m, 's', order->slice);
		if (r >= 0)
			r = append_properties(m, order->slice_properties, order->slice_count);
		if (r >= 0)
			r = sd_bus_message_close_container(m);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int new_call(struct systemd *s, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(s->bus, ret, MANAGER_NAME, MANAGER_PATH,
					      MANAGER_INTERFACE, method);
}

static int cannot_say(struct fail *f, int error, const char *verb, const char *unit)
{
	return fail_set(f, error, "cannot put together the call to %s %s: %s", verb, unit,
			strerror(-error));
}

int transient_start(struct systemd *s, const struct transient_order *order, systemd_done done,
		    void *userdata, struct fail *f)
{
	const struct job_order job = {
		.verb = "start", .unit = order->scope, .done = done, .userdata = userdata
	};
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = systemd_connect(s, f);

	if (r < 0)
		return r;
	r = new_call(s, "StartTransientUnit", &m);
	if (r >= 0) /* "fail": never in place of a job that is there already */
		r = sd_bus_message_append(m, "ss", order->scope, "fail");
	if (r >= 0)
		r = append_properties(m, order->scope_properties, order->scope_count);
	if (r >= 0)
		r = append_slice(m, order);
	if (r < 0)
		return cannot_say(f, r, "start", order->scope);
	return job_call(s, m, &job, f);
}

/* Two jobs, one answer. */
struct stop {
	unsigned references; /* one a job, and the caller's */
	unsigned left;	     /* jobs whose end is not known yet */
	struct systemd *systemd;
	char *units[2]; /* the scope first; NULL for none */
	systemd_done done;
	void *userdata;
	struct fail why; /* the first error */
};

static void stop_unref(void *userdata)
{
	struct stop *stop = userdata;

	if (--stop->references > 0)
		return;
	free(stop->units[0]);
	free(stop->units[1]);
	free(stop);
}

static void stop_unrefp(struct stop **stop)
{
	if (*stop)
		stop_unref(*stop);
}

/* A unit that failed stays loaded and keeps its name. Calls are taken in order, so nobody needs to
 * wait for this one; that the unit is not loaded any more is the usual answer. */
static void reset_failed(struct systemd *s, const char *unit)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	if (!unit || new_call(s, "ResetFailedUnit", &m) < 0 ||
	    sd_bus_message_append(m, "s", unit) < 0 || sd_bus_message_set_expect_reply(m, 0) < 0)
		return;
	(void)sd_bus_send(NULL, m, NULL); /* a broken connection shows in the next call */
}

static void on_stopped(int error, const struct fail *why, void *userdata)
{
	struct stop *stop = userdata;

	if (error < 0 && stop->why.error == 0)
		stop->why = *why;
	if (--stop->left > 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(stop->units); i++)
		reset_failed(stop->systemd, stop->units[i]);
	if (stop->done)
		stop->done(stop->why.error, &stop->why, stop->userdata);
}

static int stop_unit(struct stop *stop, const char *unit, struct fail *f)
{
	const struct job_order job = { .verb = "stop",
				       .unit = unit,
				       .absent_is_done = true,
				       .done = on_stopped,
				       .release = stop_unref,
				       .userdata = stop };
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = new_call(stop->systemd, "StopUnit", &m);

	if (r >= 0) /* "replace": also a start that is still under way */
		r = sd_bus_message_append(m, "ss", unit, "replace");
	if (r < 0)
		return cannot_say(f, r, "stop", unit);
	r = job_call(stop->systemd, m, &job, f);
	if (r == 0) {
		stop->references++;
		stop->left++;
	}
	return r;
}

static int stop_new(struct stop **ret, struct systemd *s, const char *scope, const char *slice)
{
	_cleanup_(stop_unrefp) struct stop *stop = calloc(1, sizeof(*stop));

	if (!stop)
		return -ENOMEM;
	stop->references = 1;
	stop->systemd = s;
	stop->units[0] = scope ? strdup(scope) : NULL;
	stop->units[1] = slice ? strdup(slice) : NULL;
	if ((scope && !stop->units[0]) || (slice && !stop->units[1]))
		return -ENOMEM;
	*ret = TAKE_PTR(stop);
	return 0;
}

int transient_stop(struct systemd *s, const char *scope, const char *slice, systemd_done done,
		   void *userdata, struct fail *f)
{
	_cleanup_(stop_unrefp) struct stop *stop = NULL;
	int r;

	if (!scope && !slice)
		return fail_set(f, -EINVAL, "no unit to stop is named");
	r = systemd_connect(s, f);
	if (r < 0)
		return r;
	if (stop_new(&stop, s, scope, slice) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(stop->units); i++) {
		if (!stop->units[i])
			continue;
		r = stop_unit(stop, stop->units[i], f);
		if (r < 0)
			return r; /* done is not set yet: the other job ends unheard */
	}
	stop->done = done;
	stop->userdata = userdata;
	return 0;
}

/* The interface that tells the control group depends on the kind of unit. */
static const char *unit_interface(const char *unit)
{
	static const struct {
		const char *suffix, *interface;
	} kinds[] = {
		{ ".slice", "org.freedesktop.systemd1.Slice" },
		{ ".scope", "org.freedesktop.systemd1.Scope" },
		{ ".service", "org.freedesktop.systemd1.Service" },
	};
	const char *suffix = strrchr(unit, '.');

	for (size_t i = 0; suffix && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].suffix, suffix) == 0)
			return kinds[i].interface;
	return NULL;
}

static int ask_cgroup(struct systemd *s, const char *unit, sd_bus_error *error, char **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *answer = NULL;
	const char *path;
	int r = sd_bus_call_method(s->bus, MANAGER_NAME, MANAGER_PATH, MANAGER_INTERFACE, "GetUnit",
				   error, &answer, "s", unit);

	if (r >= 0)
		r = sd_bus_message_read(answer, "o", &path);
	if (r < 0)
		return r;
	return sd_bus_get_property_string(s->bus, MANAGER_NAME, path, unit_interface(unit),
					  "ControlGroup", error, ret);
}

int transient_cgroup(struct systemd *s, const char *unit, char **ret, struct fail *f)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!unit_interface(unit))
		return fail_set(f, -EINVAL, "%s is not a slice, scope or service", unit);
	r = systemd_connect(s, f);
	if (r < 0)
		return r;
	r = ask_cgroup(s, unit, &error, &path);
	if (r < 0 && !sd_bus_error_is_set(&error))
		(void)sd_bus_error_set_errno(&error, r); /* gives back what it is given */
	if (r < 0)
		return systemd_refusal(&error, "find the control group of", unit, f);
	if (path[0] != '/')
		return fail_set(f, -ENOENT, "%s has no control group", unit);
	*ret = TAKE_PTR(path);
	return 0;
}

static int new_change(struct systemd *s, const char *unit, const struct property_value *properties,
		      size_t count, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = new_call(s, "SetUnitProperties", &m);

	if (r >= 0)
		r = sd_bus_message_append(m, "sb", unit, 1); /* runtime: gone after a reboot */
	if (r >= 0)
		r = append_properties(m, properties, count);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

int transient_tell(struct systemd *s, const char *unit, const struct property_value *properties,
		   size_t count, struct fail *f)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = systemd_connect(s, f);

	if (r < 0)
		return r;
	r = new_change(s, unit, properties, count, &m);
	if (r >= 0)
		r = sd_bus_message_set_expect_reply(m, 0);
	if (r >= 0)
		r = sd_bus_send(NULL, m, NULL);
	return r < 0 ? cannot_say(f, r, "change", unit) : 0;
}

int transient_set(struct systemd *s, const char *unit, const struct property_value *properties,
		  size_t count, struct fail *f)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = systemd_connect(s, f);

	if (r < 0)
		return r;
	r = new_change(s, unit, properties, count, &m);
	if (r < 0)
		return cannot_say(f, r, "change", unit);
	r = sd_bus_call(s->bus, m, 0, &error, NULL); /* 0: the bus's deadline, which is ours */
	if (r < 0 && !sd_bus_error_is_set(&error))
		(void)sd_bus_error_set_errno(&error, r); /* gives back what it is given */
	return r < 0 ? systemd_refusal(&error, "change", unit, f) : 0;
}
