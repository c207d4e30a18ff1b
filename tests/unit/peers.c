/* SPDX-License-Identifier: Apache-2.0 */
/* The table of peers, and what they share; see peers.h. */
#include "tests/unit/peers.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int ours(const struct view *v, const struct request *q, struct allocation **ret)
{
	return placement_decide(v, q, ret, NULL, NULL, NULL);
}

const struct peer peers[] = {
	{ "reeve", ours },
	{ "kubernetes best-effort", peer_kubernetes_best_effort },
	{ "kubernetes restricted", peer_kubernetes_restricted },
	{ "kubernetes single-numa-node", peer_kubernetes_single_node },
	{ "slurm cons_tres", peer_slurm },
};
const size_t peers_count = ARRAY_SIZE(peers);

uint32_t peer_take_cores(const struct view *v, struct allocation *a, const struct cpuset *cpus,
			 uint32_t wanted)
{
	uint32_t taken = 0;

	inventory_each (core, v->inventory, DEVICE_CORE) {
		if (taken == wanted || !view_core_free(v, core) ||
		    !cpuset_subset(core->core.cpus, cpus) ||
		    cpuset_intersects(core->core.cpus, a->cpus))
			continue;
		assert_int_equal(cpuset_union(a->cpus, core->core.cpus), 0);
		assert_int_equal(cpuset_add(a->cores, core->core.number), 0);
		taken++;
	}
	return taken;
}

uint32_t peer_take_devices(const struct view *v, struct allocation *a, enum device_kind kind,
			   const struct cpuset *nodes, uint32_t wanted)
{
	uint32_t taken = 0;

	inventory_each (d, v->inventory, kind)
		if (taken < wanted && view_device_free(v, d) && d->node >= 0 &&
		    cpuset_has(nodes, (unsigned)d->node) && !allocation_has_device(a, d->id)) {
			assert_int_equal(allocation_add_device(a, d->id), 0);
			taken++;
		}
	return taken;
}
