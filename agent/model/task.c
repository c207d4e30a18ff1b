/* SPDX-License-Identifier: Apache-2.0 */
/* The task state table; see task.h. */
#include "model/task.h"

STRTAB_DEFINE(task_state, enum task_state, [TASK_STARTING] = "starting", [TASK_RUNNING] = "running",
	      [TASK_STOPPING] = "stopping", [TASK_WAITING] = "waiting", [TASK_EXITED] = "exited",
	      [TASK_FAILED] = "failed", [TASK_LOST] = "lost");

enum { NO = 0 }; /* the table holds state + 1, so that what is not listed cannot happen */

#define TO(state) ((state) + 1)
#define ROW(started, stop, restart, ended, failed, lost)                                     \
	{                                                                                    \
		[TASK_HAPPENING_STARTED] = (started), [TASK_HAPPENING_STOP_ASKED] = (stop),  \
		[TASK_HAPPENING_WILL_RESTART] = (restart), [TASK_HAPPENING_ENDED] = (ended), \
		[TASK_HAPPENING_START_FAILED] = (failed), [TASK_HAPPENING_LOST] = (lost),    \
	}

static const int next[TASK_STATES][TASK_HAPPENINGS] = {
	[TASK_STARTING] = ROW(TO(TASK_RUNNING), TO(TASK_STOPPING), TO(TASK_WAITING),
			      TO(TASK_EXITED), TO(TASK_FAILED), TO(TASK_LOST)),
	[TASK_RUNNING] = ROW(TO(TASK_RUNNING), TO(TASK_STOPPING), TO(TASK_WAITING), TO(TASK_EXITED),
			     TO(TASK_FAILED), TO(TASK_LOST)),
	/* a task that is stopped does not come back */
	[TASK_STOPPING] =
		ROW(NO, TO(TASK_STOPPING), NO, TO(TASK_EXITED), TO(TASK_FAILED), TO(TASK_LOST)),
	[TASK_WAITING] = ROW(TO(TASK_RUNNING), TO(TASK_STOPPING), TO(TASK_WAITING), TO(TASK_EXITED),
			     TO(TASK_FAILED), TO(TASK_LOST)),
	/* what is over stays as it ended: a late message changes nothing */
	[TASK_EXITED] = ROW(NO, NO, NO, NO, NO, NO),
	[TASK_FAILED] = ROW(NO, NO, NO, NO, NO, NO),
	[TASK_LOST] = ROW(NO, NO, NO, NO, NO, NO),
};

int task_next(enum task_state state, enum task_happening happening)
{
	return next[state][happening] - 1;
}
