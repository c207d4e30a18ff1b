/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes slices and takes them down. Either everything happens or nothing does: what was taken, made
 * or started before a step failed is given back, and the reason is told. */

#include "slice.h"

/* Places the request (moved into the slice), carves and starts reeve-init. The waiter is called
 * once: when the slice is active, or with the reason. A refusal at the door is returned instead,
 * and the waiter is not called. */
int carve_create(struct manager *m, struct request *request, uid_t owner_uid,
		 struct slice_waiter *waiter, struct fail *f);

/* Ends the tasks (with grace, 0: at once), then gives everything back. The waiter (NULL: none) is
 * called when it is gone, or with what could not be given back. */
void carve_delete(struct slice *s, uint64_t grace_usec, struct slice_waiter *waiter);

/* Takes it from its owner: told as slice.revoked with the reason, and deleted without grace. */
void carve_revoke(struct slice *s, const struct fail *why);

/* Outside of the loop, within a second or so: ends what runs in a slice that nobody was told about,
 * or that is lost, and takes away what it was made of. The slice itself stays the caller's. */
void carve_abandon(struct slice *s);

/* Connects to the reeve-init of a slice that exists (after a restart of the agent). */
int carve_connect(struct slice *s, struct fail *f);
/* Its reeve-init is gone, or cannot be reached: what it holds is given back. */
void carve_lost(struct slice *s, const struct fail *why);
/* Its processes were looked at, before its tasks are ended. */
void carve_end(struct slice *s, uint64_t grace_usec);
/* Its networks are left, for which it waited on its way down. */
void carve_go_on(struct slice *s);
/* The record that lets the next agent find the slice again. */
void carve_keep_record(struct slice *s);
