/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A service manager for tests: the far end of a socketpair that answers as org.freedesktop.systemd1
 * does, on the same loop. It keeps units and their properties as text, and can be told to fail, to
 * be late, to stay silent, or to let its signal overtake its answer. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

enum fake_answer {
	FAKE_DONE,    /* answer, then JobRemoved "done" */
	FAKE_EARLY,   /* JobRemoved overtakes the answer */
	FAKE_FAILED,  /* JobRemoved "failed"; the units stay loaded as failed */
	FAKE_LATE,    /* JobRemoved "done" after the delay */
	FAKE_NEVER,   /* an answer and no JobRemoved */
	FAKE_SILENT,  /* not even an answer; nothing is done */
	FAKE_REFUSED, /* org.freedesktop.DBus.Error.AccessDenied; nothing is done */
	FAKE_ANSWERS,
};

struct fake_pid1;

/* ret_client is a bus connected to it, attached to the loop: what systemd_open() takes. With
 * server_loop other than client_loop (a thread's) also synchronous calls can be answered. */
int fake_pid1_new(struct fake_pid1 **ret, sd_event *server_loop, sd_event *client_loop,
		  sd_bus **ret_client);
struct fake_pid1 *fake_pid1_free(struct fake_pid1 *p);

/* How jobs asked for from now on go. */
void fake_pid1_answer(struct fake_pid1 *p, enum fake_answer answer, uint64_t delay_usec);
void fake_pid1_hang_up(struct fake_pid1 *p); /* closes the connection, as a crash would */
/* A JobRemoved that no call asked for. */
void fake_pid1_removed(struct fake_pid1 *p, uint32_t job, const char *unit, const char *result);
void fake_pid1_result(struct fake_pid1 *p, const char *result); /* instead of "failed" */

unsigned fake_pid1_units(const struct fake_pid1 *p);
bool fake_pid1_active(const struct fake_pid1 *p, const char *unit);
bool fake_pid1_loaded(const struct fake_pid1 *p, const char *unit); /* also failed */
/* Text of a property as it was set: "true", "42", "reeve-x.slice", bytes as "ff03", "7 8"; NULL. */
const char *fake_pid1_property(const struct fake_pid1 *p, const char *unit, const char *name);
/* How often a method was called. */
unsigned fake_pid1_calls(const struct fake_pid1 *p, const char *method);
