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

/* What becomes of one call, of any method. */
struct fake_fault {
	const char *error;  /* it is answered with this error, and nothing is done; or */
	const char *result; /* its job ends like that; or */
	bool hang_up;	    /* the connection is closed; none of these: no answer comes */
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
/* The n-th call from now (from 1; 0: none) fails, once; and how many there were since. */
void fake_pid1_fail(struct fake_pid1 *p, unsigned n, const struct fake_fault *fault);
unsigned fake_pid1_fail_end(struct fake_pid1 *p);
const char *fake_pid1_failed(const struct fake_pid1 *p); /* the method; NULL: none has */
/* Another connection in place of the one before; the fd is its own. On the server's loop. */
int fake_pid1_serve(struct fake_pid1 *p, int fd);
/* Told of each unit that comes, with what its property PIDs says or NULL, and goes. */
void fake_pid1_cgroups(struct fake_pid1 *p,
		       void (*change)(const char *cgroup, const char *pids, bool there));
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
