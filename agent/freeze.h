/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Freezing a slice: all its tasks stand still, and go on where they stood. By cgroup.freeze of each
 * task's cgroup, and not of the slice's: reeve-init runs on, so that the agent can talk to it (nor
 * by PID 1's FreezeUnit, which knows nothing smaller than the unit). The tasks cannot tell, other
 * than by the clock: SIGSTOP, which they and their parents see, is no substitute.
 *
 * While it is frozen no task can be started in the slice. One that reeve-init starts again
 * (restart of a task that ended before) is frozen as soon as it is told. */

#include "slice.h"

struct freeze; /* one that is under way; the slice's */

/* The waiter is called once: when all of them stand (frozen) or may run (not), maybe from within
 * the call; or with what was in the way, and then it is as before. Refused at the door, and the
 * waiter is not called: -EBUSY for a slice that is not active or has something under way,
 * -EOPNOTSUPP (code "no-freezer") where there is no cgroup v2, -ENOMEM. */
int freeze_start(struct slice *s, bool frozen, struct slice_waiter *waiter, struct fail *f);
/* The slice is being deleted: whoever waits is told, and if its tasks are to get a grace they may
 * run again. A frozen process can be killed as any other (cgroup-v2.rst, cgroup.freeze). */
void freeze_release(struct slice *s, bool thaw);
void freeze_drop(struct slice *s); /* the last moment: whoever waits is told, nothing is written */

/* A task that is just starting, in this child of the slice's cgroup (NULL: in any): one that stood
 * still before its exec() would be waited for until it is thawed, so nobody freezes it then, for
 * whatever reason. NULL: there is none. */
const struct slice_task *freeze_starting(const struct slice *s, const char *child);
/* A task runs in a slice that is frozen: so is it then. */
void freeze_task(struct slice *s, const struct slice_task *t);

/* After a restart: frozen as the record says, or as one of its cgroups is: a freeze that was
 * interrupted is completed, and a thaw that was is undone. */
void freeze_adopt(struct slice *s, bool frozen);
void freeze_settle(struct slice *s);
