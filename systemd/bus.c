/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to PID 1: opened without blocking, subscribed to its signals, and opened again
 * when a call finds it broken. It knows of units and jobs only that they exist. */
#include "systemd/bus.h"

#include "systemd/job.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/* Where the manager listens itself, for root, even before and without D-Bus. */
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

/* Names from systemd's bus-common-errors and from the D-Bus specification. */
static const struct {
	const char *name;
	int error;
} refusals[] = {
	{ "org.freedesktop.systemd1.UnitExists", -EEXIST },
	{ "org.freedesktop.systemd1.NoSuchUnit", -ENOENT },
	{ "org.freedesktop.systemd1.TransactionIsDestructive", -EBUSY },
	{ "org.freedesktop.systemd1.ShuttingDown", -ESHUTDOWN },
	{ "org.freedesktop.systemd1.UnitMasked", -EPERM },
	{ SD_BUS_ERROR_ACCESS_DENIED, -EACCES },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, -EACCES },
	{ SD_BUS_ERROR_NO_REPLY, -ECONNRESET }, /* whoever should have answered is gone */
	{ SD_BUS_ERROR_TIMEOUT, -ETIMEDOUT },
};

static int refusal_errno(const sd_bus_error *error)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (sd_bus_error_has_name(error, refusals[i].name))
			return refusals[i].error;
	r = sd_bus_error_get_errno(error);
	return r > 0 ? -r : -EIO;
}

int systemd_refusal(const sd_bus_error *error, const char *verb, const char *unit, struct fail *f)
{
	return fail_set(f, refusal_errno(error), "systemd could not %s %s: %s", verb, unit,
			error->message ? error->message : error->name);
}

/* From inside of a callback of the bus, which therefore stays allocated until the next connect. */
static void give_up(struct systemd *s, int error, const char *sentence)
{
	sd_bus_close(s->bus);
	job_fail_all(s, error, sentence);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	give_up(userdata, -ECONNRESET, "the connection to systemd broke");
	return 0;
}

/* Without a subscription no job would ever be seen to end. */
static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	const sd_bus_error *error = sd_bus_message_get_error(m);
	struct systemd *s = userdata;

	(void)unused;
	s->subscribed = sd_bus_slot_unref(s->subscribed);
	if (error && !sd_bus_error_has_name(error, "org.freedesktop.systemd1.AlreadySubscribed"))
		give_up(s, refusal_errno(error), "systemd does not tell about its jobs");
	return 0;
}

static int subscribe(struct systemd *s)
{
	/* On a direct connection messages carry no sender; on a message bus the sender is what
	 * tells the manager from anyone who sends a signal of that name. */
	const char *sender = sd_bus_is_bus_client(s->bus) > 0 ? MANAGER_NAME : NULL;
	int r = sd_bus_match_signal_async(s->bus, &s->disconnected, "org.freedesktop.DBus.Local",
					  NULL, "org.freedesktop.DBus.Local", "Disconnected",
					  on_disconnected, NULL, s);

	if (r >= 0)
		r = sd_bus_match_signal_async(s->bus, &s->job_removed, sender, MANAGER_PATH,
					      MANAGER_INTERFACE, "JobRemoved", job_on_removed, NULL,
					      s);
	if (r >= 0)
		r = sd_bus_call_method_async(s->bus, &s->subscribed, MANAGER_NAME, MANAGER_PATH,
					     MANAGER_INTERFACE, "Subscribe", on_subscribed, s, "");
	return r < 0 ? r : 0;
}

static void hang_up(struct systemd *s)
{
	s->subscribed = sd_bus_slot_unref(s->subscribed);
	s->job_removed = sd_bus_slot_unref(s->job_removed);
	s->disconnected = sd_bus_slot_unref(s->disconnected);
	if (s->attached)
		(void)sd_bus_detach_event(s->bus); /* fails only where none is attached */
	s->attached = false;
	s->bus = s->given ? sd_bus_unref(s->bus) : sd_bus_close_unref(s->bus);
}

static int open_private(sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

/* The first error is the one to tell: the private socket is for root alone. */
static int open_any(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	return r < 0 && open_private(ret) < 0 ? r : 0;
}

static int set_up(struct systemd *s)
{
	int r = 0;

	if (!sd_bus_get_event(s->bus)) {
		r = sd_bus_attach_event(s->bus, s->loop, SD_EVENT_PRIORITY_NORMAL);
		s->attached = r >= 0;
	}
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(s->bus, s->timeout_usec);
	return r < 0 ? r : subscribe(s);
}

int systemd_connect(struct systemd *s, struct fail *f)
{
	int r;

	if (s->bus && sd_bus_is_open(s->bus) > 0)
		return 0;
	if (s->given)
		return fail_set(f, -ENOTCONN, "the connection to systemd is closed");
	hang_up(s);
	r = open_any(&s->bus);
	if (r >= 0)
		r = set_up(s);
	if (r < 0) {
		hang_up(s);
		return fail_set(f, r, "cannot connect to systemd: %s", strerror(-r));
	}
	return 0;
}

static int open_given(struct systemd *s, sd_bus *bus, struct fail *f)
{
	int r;

	s->given = true;
	s->bus = sd_bus_ref(bus);
	r = set_up(s);
	return r < 0 ? fail_set(f, r, "cannot use the bus given: %s", strerror(-r)) : 0;
}

int systemd_open(struct systemd **ret, sd_event *loop, sd_bus *bus, struct fail *f)
{
	_cleanup_(systemd_freep) struct systemd *s = NULL;
	int r;

	if (!bus && sd_booted() <= 0)
		return fail_set(f, -ENOENT, "this host was not booted with systemd");
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail_set(f, -ENOMEM, "out of memory");
	s->references = 1;
	s->timeout_usec = SYSTEMD_TIMEOUT_USEC;
	s->loop = sd_event_ref(loop);
	list_init(&s->waiting);
	list_init(&s->over);
	r = bus ? open_given(s, bus, f) : systemd_connect(s, f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void systemd_set_timeout(struct systemd *s, uint64_t timeout_usec)
{
	s->timeout_usec = timeout_usec;
	if (s->bus) /* fails only for a bus of another process, after fork(2) */
		(void)sd_bus_set_method_call_timeout(s->bus, timeout_usec);
}

struct systemd *systemd_unref(struct systemd *s)
{
	if (--s->references > 0)
		return NULL;
	sd_event_unref(s->loop);
	free(s);
	return NULL;
}

struct systemd *systemd_free(struct systemd *s)
{
	if (!s)
		return NULL;
	job_drop_all(s);
	hang_up(s);
	return systemd_unref(s);
}
