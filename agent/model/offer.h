/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can be had right now, in bundles that are near each other: one for each NUMA node, one for
 * each package of several nodes, one for the machine. Made from the view that placement decides on,
 * so that what is offered can be placed. Offers overlap; taking one shrinks the others. */

#include "model/bundle.h"
#include "model/free.h"
#include "model/request.h"

struct offer {
	enum align_level level;
	char label[32];
	struct cpuset *cpus, *nodes; /* free CPUs of whole cores; nodes with free memory or CPUs */
	uint32_t cores;
	uint64_t memory_bytes;
	struct resources resources; /* the same as numbers, with devices and huge pages */
	char **devices;		    /* ids of free GPUs, NICs, disks */
	size_t devices_count;
	struct cache_offer cache;
	struct bundle *bundles; /* none before bundles_make */
	size_t bundles_count;
};

struct offers {
	struct offer *items;
	size_t count;
	bool bundles_cut; /* there may be more bundles than were looked for */
};

int offers_make(const struct view *v, struct offers *ret);
void offers_done(struct offers *o);
/* Restricts a request to what the offer holds. all: it asks for the whole of it. */
int offer_restrict(const struct offer *o, const char *id, bool all, struct request *request);
