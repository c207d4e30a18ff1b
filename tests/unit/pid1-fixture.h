/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of systemd/: a loop, a fake manager on it, and a connection to that. */

#include "systemd/transient.h"
#include "tests/sim/fake_pid1.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#include <cmocka.h>

struct pid1 {
	sd_event *loop;
	sd_bus *client;
	struct fake_pid1 *fake;
	struct systemd *systemd;
};

struct outcome { /* what done() was told */
	unsigned calls;
	int error;
	struct fail why;
	struct pid1 *free_in_callback;
};

static inline void on_outcome(int error, const struct fail *why, void *userdata)
{
	struct outcome *o = userdata;

	o->calls++;
	o->error = error;
	o->why = *why;
	if (o->free_in_callback)
		o->free_in_callback->systemd = systemd_free(o->free_in_callback->systemd);
}

/* Turns the loop until the outcome is there, or nothing has happened for so long. */
static inline void turn(struct pid1 *p, const struct outcome *o, unsigned calls)
{
	for (unsigned i = 0; i < 10000 && (!o || o->calls < calls); i++)
		if (sd_event_run(p->loop, 100000) == 0 && !o)
			return;
}

static inline void pid1_open(struct pid1 *p)
{
	struct fail f = { 0 };

	*p = (struct pid1){ 0 };
	assert_true(sd_event_new(&p->loop) >= 0);
	assert_int_equal(fake_pid1_new(&p->fake, p->loop, p->loop, &p->client), 0);
	assert_int_equal(systemd_open(&p->systemd, p->loop, p->client, &f), 0);
	systemd_set_timeout(p->systemd, 5000000);
}

static inline void pid1_done(struct pid1 *p)
{
	systemd_free(p->systemd);
	sd_bus_close_unref(p->client);
	fake_pid1_free(p->fake);
	sd_event_unref(p->loop);
}

/* The smallest order: a scope in a slice. */
static inline int start_pair(struct pid1 *p, struct outcome *o, struct fail *f)
{
	const struct property_value in_slice = { PROPERTY_SLICE, .text = "reeve-x.slice" };
	const struct transient_order order = { .scope = "reeve-x.scope",
					       .slice = "reeve-x.slice",
					       .scope_properties = &in_slice,
					       .scope_count = 1 };

	return transient_start(p->systemd, &order, on_outcome, o, f);
}

static inline void start_and_wait(struct pid1 *p, struct outcome *o)
{
	struct fail f = { 0 };

	assert_int_equal(start_pair(p, o, &f), 0);
	turn(p, o, 1);
	assert_int_equal(o->calls, 1);
}
