/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Another size for a slice that lives; model/resizing.h decides which. What it gets comes first,
 * what it gives up goes last, announced by an event and after the grace that was asked for; in
 * between it holds both. Other limits (limits_patch.h) come with the last step. A limit that the
 * kernel refuses puts everything back.
 *
 * The record on disk never names less than the kernel may hold: an agent that is killed at any step
 * finds again, in the next one's ledger, all that the slice could have, and puts it back to the
 * size before. */

#include "model/resize_change.h"
#include "slice.h"

struct resize; /* one that is under way; the slice's */

enum { RESIZE_LATER = 1 }; /* announced; the rest follows */

/* 0 done, RESIZE_LATER (also where huge pages are to be added first), or why it is as before:
 * -EBUSY for a slice that is not active or is being resized or frozen, for what is in use, and for
 * what the kernel refused; placement's and resize.h's codes; -EINVAL. */
int resize_start(struct slice *s, const struct resize_change *change, struct fail *f);
/* The slice goes: nothing follows. NULL-safe for a slice without one. */
void resize_drop(struct slice *s);

/* The member "resizing" of the slice's document: what it gives up, when, and what it has then. NULL
 * without memory, or when there is none. */
json_t *resize_document(const struct slice *s);
/* Whether it has cores of its own and a share of the pool now only since it goes from the one to
 * the other. */
bool resize_is_passing(const struct slice *s);
/* For the record: what the slice held before, NULL when none is under way. */
const struct allocation *resize_before(const struct slice *s);
/* From the record: one was under way. Takes *before over. */
int resize_adopt(struct slice *s, struct allocation **before);
/* After a restart, once the slice is held again: puts back what was interrupted. */
void resize_settle(struct slice *s);
