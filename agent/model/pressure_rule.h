/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One row of the policy on pressure: from how long a stall on it is trouble, and the steps that are
 * taken then, one after the other while it goes on. The text form is that of reeved.conf(5):
 *   off
 *   full 150ms/1s: throttle-revocable, freeze-revocable, kill-revocable */

#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pressure_scope { PRESSURE_HOST, PRESSURE_SLICE, PRESSURE_SCOPES };
STRTAB_DECLARE(pressure_scope, enum pressure_scope); /* "host" "slice" */

enum pressure_resource { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_RESOURCES };
STRTAB_DECLARE(pressure_resource, enum pressure_resource); /* "cpu" "memory" "io" */

/* In the order in which they grow harsher. */
enum pressure_action { PRESSURE_REPORT, PRESSURE_THROTTLE, PRESSURE_FREEZE, PRESSURE_KILL };
STRTAB_DECLARE(pressure_action, enum pressure_action); /* "report" "throttle" "freeze" "kill" */

enum {
	PRESSURE_STEPS_MAX = 4,		   /* each action once at most */
	PRESSURE_WINDOW_MIN_USEC = 500000, /* WINDOW_MIN_US, WINDOW_MAX_US: kernel/sched/psi.c */
	PRESSURE_WINDOW_MAX_USEC = 10000000,
	PRESSURE_STALL_MIN_USEC = 1000,
};

struct pressure_step {
	enum pressure_action action;
	bool revocable; /* on slices that were asked for as revocable; else on the slice itself */
};

struct pressure_rule {
	bool on;
	bool full; /* all that could run stall at once; else some */
	uint64_t stall_usec, window_usec;
	struct pressure_step steps[PRESSURE_STEPS_MAX]; /* each harsher than the one before */
	size_t steps_count;
};

/* Every row: rules[scope][resource]. */
struct pressure_policy {
	struct pressure_rule rules[PRESSURE_SCOPES][PRESSURE_RESOURCES];
	uint64_t escalate_usec; /* that a step has to show its effect before the next is taken */
	uint64_t relief_usec;	/* that pressure must have been over before the steps are undone */
	uint64_t available_percent; /* host's memory: steps only while less of it is available */
};

/* Strictly; *ret is untouched on failure: -EINVAL. Refuses what could not happen (CPUs of the host
 * are never all stalled) and what is not wanted: a step of the host on slices that are not
 * revocable. */
int pressure_rule_parse(const char *text, enum pressure_scope scope,
			enum pressure_resource resource, struct pressure_rule *ret);
