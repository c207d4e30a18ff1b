/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A part of the machine in which a request is tried as a whole: a NUMA node, a package, all of it.
 */

#include "model/allocation.h"
#include "model/inventory.h"
#include "model/request.h"

struct region {
	enum align_level level;
	char label[32]; /* "node 1" */
	struct cpuset *cpus, *nodes;
};

/* The regions of one level in order of their number; none of a switch. Caller frees with
 * region_free_all. */
int region_list(const struct inventory *inv, enum align_level level, struct region **ret,
		size_t *ret_count);
void region_free_all(struct region *regions, size_t count);

/* Whether a device may be used together with this region: it is on one of its nodes, or the machine
 * does not tell where it is (then *ret_unknown). A machine of one node has no unknown places. */
bool region_has_device(const struct region *region, const struct inventory *inv,
		       const struct device *d, bool *ret_unknown);
/* SLIT distance from a node to the one of that number: 10 to itself; 20 (the kernel's default for
 * another node) where it is not known; never above 255, the largest that SLIT can say. */
uint32_t region_distance(const struct device *from, unsigned to);
/* Largest distance between two of these nodes; 10 for one or none. */
uint32_t region_spread(const struct inventory *inv, const struct cpuset *nodes);
/* The nodes whose CPUs, memory or devices the allocation uses. -ENOMEM. */
int region_used_nodes(const struct inventory *inv, const struct allocation *a, struct cpuset **ret);
