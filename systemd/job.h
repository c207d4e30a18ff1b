/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of this room: manager calls that answer with a job, and the wait for its end. */

#include "systemd/connection.h"

struct job_order {
	const char *verb, *unit;	 /* for the sentence; unit also tells early signals apart */
	bool absent_is_done;		 /* NoSuchUnit is what was wanted */
	systemd_done done;		 /* once, unless the connection is freed before */
	void (*release)(void *userdata); /* or NULL; always once the call was taken */
	void *userdata;
};

/* Sends the call and waits, asynchronously, for the job that it answers with. On a negative return
 * neither done() nor release() is called. */
int job_call(struct systemd *s, sd_bus_message *call, const struct job_order *order,
	     struct fail *f);

int job_on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error); /* userdata: systemd */
void job_fail_all(struct systemd *s, int error, const char *sentence);	    /* calls done() */
void job_drop_all(struct systemd *s);					    /* does not */
