/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a request would get if it could not have what was chosen for it: the best answer without one
 * of the nodes or one of the devices that the choice uses, found by the same decision. Every answer
 * that uses other nodes or other devices lacks at least one of them, so none of these is better. */

#include "model/placement.h"
#include "model/score.h"

enum { NEXT_BEST_DECISIONS_MAX = 64 };

struct next_best {
	struct allocation *allocation;
	struct placement_score chosen, score; /* of the choice, and of this */
	enum score_field field; /* the first that differs; SCORE_FIELDS: it is just as good */
	char without[80];	/* what it must do without: "node 1", "gpu-0000:17:00.0" */
};

/* PLACEMENT_FITS, PLACEMENT_NO_FIT when there is no other answer, or -ENOMEM. */
int next_best_find(const struct view *v, const struct request *request,
		   const struct allocation *chosen, struct next_best *ret);
void next_best_done(struct next_best *n);
