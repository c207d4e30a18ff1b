/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Room for a slice: memory of its nodes that is free in fact, and huge pages in their pools. It is
 * made before the slice is held, and given back when its processes are gone and its cgroup is still
 * there: what the cgroup is charged yet (page cache, for the most part) would be nobody's
 * afterwards. Both may take the kernel seconds, so that an errand does them. */

#include "slice.h"

struct room; /* the slice's */

enum { ROOM_LATER = 1 };

/* Makes what is missing for what the ledger promises it. 0: nothing is; ROOM_LATER: `done` is
 * called from the loop, why NULL when all is there, unless the slice is taken down before. -ENOSPC
 * (code "hugepages-short"), -ENOMEM and the like: it is not to be had, and is as it was. */
int room_make(struct slice *s, void (*done)(struct slice *s, const struct fail *why),
	      struct fail *f);
/* Whether it was, and is not under way again. */
bool room_is_made(const struct slice *s);
/* Why huge pages were missing when it was made last; "" when none were. */
const char *room_lack(const struct slice *s);

/* The slice is taken down: whether its room is still being made, or given back. carve_go_on() is
 * called when that is over, be it well or not. */
bool room_await(struct slice *s);
/* Into its document: what it was still charged when all that could be had been given back. */
int room_put_left(const struct slice *s, json_t *object);

/* Whether pools of huge pages are being changed: one slice after the other does that. */
bool room_pools_busy(const struct manager *m);

struct room *room_free(struct room *o); /* ends what is under way */
