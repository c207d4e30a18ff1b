/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Of a request that is refused: which requests like it would fit. Each way of asking for less is
 * tried alone, first how many cores, how much memory, how many devices.. could be had, found by the
 * same decision that refused it, then what it could do without: alignment, distance from the
 * owner's other slices, a kind of NIC, cores of its own. Only when none is enough, several
 * together. Pure and deterministic; at most NEAREST_DECISIONS_MAX decisions. */

#include "model/free.h"
#include "model/request.h"

enum {
	NEAREST_MAX = 32,
	NEAREST_DECISIONS_MAX = 1000,
	NEAREST_TEXT_ROOM = 256,
};

struct nearest_item {
	struct request request; /* shares all it points to with the one refused: not to be freed */
	uint32_t change_permille;     /* how much less that is; of several the sum */
	char text[NEAREST_TEXT_ROOM]; /* "12 cores instead of 96": how they differ */
};

struct nearest {
	struct nearest_item items[NEAREST_MAX]; /* the smallest change first */
	size_t count;				/* 0: nothing like it fits */
};

/* 0 or -ENOMEM. */
int nearest_find(const struct view *v, const struct request *request, struct nearest *ret);
