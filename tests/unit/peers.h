/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ways in which others place a job on one server, restated from their documentation to be measured
 * beside ours. They see what placement sees, and take whole cores as it does. */

#include "model/placement.h"

struct peer {
	const char *name;
	/* PLACEMENT_FITS with *ret, or PLACEMENT_NO_FIT: cores, GPUs and NICs alone are looked at.
	 */
	int (*place)(const struct view *v, const struct request *q, struct allocation **ret);
};
extern const struct peer peers[]; /* ours first */
extern const size_t peers_count;

int peer_kubernetes_best_effort(const struct view *v, const struct request *q,
				struct allocation **ret);
int peer_kubernetes_restricted(const struct view *v, const struct request *q,
			       struct allocation **ret);
int peer_kubernetes_single_node(const struct view *v, const struct request *q,
				struct allocation **ret);
int peer_slurm(const struct view *v, const struct request *q, struct allocation **ret);

/* Takes up to `wanted` free ones, in order, that are on these nodes; how many it took. */
uint32_t peer_take_cores(const struct view *v, struct allocation *a, const struct cpuset *cpus,
			 uint32_t wanted);
uint32_t peer_take_devices(const struct view *v, struct allocation *a, enum device_kind kind,
			   const struct cpuset *nodes, uint32_t wanted);
