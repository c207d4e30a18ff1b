/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The life of a task as a table: state x what happened -> state. Pure. */

#include "util/strtab.h"

enum task_state {
	TASK_STARTING, /* handed to reeve-init, no answer yet */
	TASK_RUNNING,
	TASK_STOPPING, /* asked to end, within its grace */
	TASK_WAITING,  /* ended, restarts after its back-off */
	TASK_EXITED,   /* for good; exit facts are final */
	TASK_FAILED,   /* could not be started */
	TASK_LOST,     /* the machine or its reeve-init went away under it */
	TASK_STATES,
};
STRTAB_DECLARE(task_state, enum task_state);

enum task_happening {
	TASK_HAPPENING_STARTED,
	TASK_HAPPENING_STOP_ASKED,
	TASK_HAPPENING_WILL_RESTART,
	TASK_HAPPENING_ENDED,
	TASK_HAPPENING_START_FAILED,
	TASK_HAPPENING_LOST,
	TASK_HAPPENINGS,
};

/* The next state, or -1 when that cannot happen in this state (a late or repeated message: it is to
 * be ignored). Staying in a state is a valid answer. */
int task_next(enum task_state state, enum task_happening happening);
static inline int task_is_over(enum task_state state)
{
	return state == TASK_EXITED || state == TASK_FAILED || state == TASK_LOST;
}
