/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Follows the tasks of a slice: what reeve-init says becomes a task event, then a state, then an
 * event for the world. */

#include "channel.h"
#include "slice.h"

/* One status of reeve-init. A task that is not known (made by an agent before this one) is added.
 */
void supervise_status(struct slice *s, const struct channel_status *status);
/* reeve-init could not do what was asked; a task that was starting has failed then. */
void supervise_result(struct slice *s, const char *task, int error);
/* What it needs could not be had, and reeve-init was not asked. */
void supervise_not_started(struct slice *s, struct slice_task *t, const char *why);
/* reeve-init is gone: every task that lived is lost. */
void supervise_all_lost(struct slice *s, const char *reason);

int supervise_signal(struct slice *s, struct slice_task *t, int signal, struct fail *f);
int supervise_stop(struct slice *s, struct slice_task *t, uint64_t grace_usec, struct fail *f);
/* Forgets a task that is over: here, in reeve-init and in the store. */
void supervise_forget(struct slice *s, const char *task);
