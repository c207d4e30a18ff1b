/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Picks what a request asks for within one region, resource by resource. Each takes from the view,
 * adds to the allocation, and says in `why` what is short. */

#include "model/placement.h"
#include "model/region.h"

struct pick {
	const struct view *view;
	const struct request *request;
	const struct region *region;
	struct allocation *allocation; /* being filled */
	uint32_t unknown_places;       /* devices taken whose place is not known */
	struct fail why;
};

/* All return PLACEMENT_FITS, PLACEMENT_NO_FIT with p->why, or -ENOMEM. In this order: later ones
 * look at what earlier ones took. */
int pick_cores(struct pick *p);
int pick_shared(struct pick *p);
int pick_memory(struct pick *p);
int pick_hugepages(struct pick *p);
int pick_devices(struct pick *p);
int pick_cache(struct pick *p);
