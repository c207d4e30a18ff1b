/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The largest bundles of an offer that stay near each other, such as "1 GPU, its NIC, 12 cores and
 * 120 GiB within one node, four times": for CPUs alone and for each model of GPU in groups of 1, 2,
 * 4.. and all. Whoever asks need not know the machine. How often one can be had at once is found by
 * placing it so often, one after the other, on a copy of the ledger: what is offered is admissible,
 * since the same decision has admitted it. */

#include "model/free.h"
#include "model/request.h"

struct offer;
struct offers;

enum {
	BUNDLES_MAX = 64,	      /* of one offer */
	BUNDLE_TIMES_MAX = 1024,      /* not counted further */
	BUNDLE_DECISIONS_MAX = 4096,  /* of all bundles of one view */
	BUNDLE_MEMORY_PARTS_MAX = 256 /* it is exact to one part in half as many */
};

struct bundle {
	enum align_level level; /* within which each is */
	char *model;		/* of its GPUs; NULL: none, or of GPUs that tell none */
	uint32_t gpus, nics, cores;
	uint64_t memory_bytes;
	uint32_t times; /* at once; one more is refused, but for BUNDLE_TIMES_MAX */
	char **devices; /* ids that it may be made of */
	size_t devices_count;
};

void bundle_done(struct bundle *b);
/* Fills in the bundles of offers that were made of this view. When more decisions would be needed
 * than BUNDLE_DECISIONS_MAX the rest is left out and all->bundles_cut set. -ENOMEM. */
int bundles_make(const struct view *v, struct offers *all);
/* The same from offers whose view had the same stamp. */
int bundles_copy(struct offers *into, const struct offers *from);
/* A number that stays the same as long as the bundles do: a digest of all that is free. */
uint64_t bundles_stamp(const struct view *v);
/* Restricts a request to what the bundle may be made of. all: it asks for one bundle. */
int bundle_restrict(const struct offer *o, const struct bundle *b, const char *id, bool all,
		    struct request *request);
