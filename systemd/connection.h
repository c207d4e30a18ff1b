/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of this room: what the connection shares with the calls made over it. */

#include "systemd/bus.h"
#include "util/list.h"

#define MANAGER_NAME "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

struct systemd {
	unsigned references; /* the owner's, and one while callbacks are delivered */
	sd_event *loop;
	sd_bus *bus;
	bool given;    /* the bus is the caller's */
	bool attached; /* to the loop, by us */
	uint64_t timeout_usec;
	sd_bus_slot *job_removed, *disconnected, *subscribed;
	struct list waiting; /* jobs, in systemd/job.c */
	struct list over;    /* jobs whose done() is due */
};

struct systemd *systemd_unref(struct systemd *s);

/* Makes sure that there is a connection, a new one if need be. */
int systemd_connect(struct systemd *s, struct fail *f);

/* Turns an error reply into an errno and "systemd could not <verb> <unit>: <message>". */
int systemd_refusal(const sd_bus_error *error, const char *verb, const char *unit, struct fail *f);
