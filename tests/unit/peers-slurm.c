/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's select/cons_tres with CR_Core on one node, after slurm.schedmd.com: cpu_management.html,
 * gres.html and the pages of slurm.conf, gres.conf and srun.
 *
 * Cores come from the sockets in turn (cyclic, unless CR_CORE_DEFAULT_DIST_BLOCK). GPUs tell by
 * `Cores` in gres.conf which socket is theirs, and only cores of the sockets of the job's GPUs are
 * used (unless --gres-flags=disable-binding); so the fewest sockets are taken that have both, the
 * first such. A socket is a package. NICs are counted and no more. */
#include "tests/unit/peers.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SOCKETS_MAX = 8 };

struct socket {
	const struct device *package;
	struct cpuset *nodes;
	uint32_t cores, gpus; /* free */
};

struct server {
	const struct view *view;
	struct socket sockets[SOCKETS_MAX];
	unsigned count;
};

static void look(struct server *s, const struct view *v)
{
	s->view = v;
	inventory_each (package, v->inventory, DEVICE_PACKAGE) {
		struct socket *k = &s->sockets[s->count++];

		assert_true(s->count <= SOCKETS_MAX);
		k->package = package;
		assert_int_equal(cpuset_new(&k->nodes), 0);
		inventory_each (node, v->inventory, DEVICE_NODE)
			if (cpuset_intersects(node->memory.cpus, package->package.cpus))
				assert_int_equal(cpuset_add(k->nodes, node->memory.number), 0);
		inventory_each (core, v->inventory, DEVICE_CORE)
			k->cores += view_core_free(v, core) &&
				    cpuset_subset(core->core.cpus, package->package.cpus);
		inventory_each (gpu, v->inventory, DEVICE_GPU)
			k->gpus += view_device_free(v, gpu) && gpu->node >= 0 &&
				   cpuset_has(k->nodes, (unsigned)gpu->node);
	}
}

/* The fewest sockets, the first such; each has a GPU when GPUs are wanted. 0: there are none. */
static unsigned choose(const struct server *s, const struct request *q)
{
	unsigned best = 0;

	for (unsigned set = 1; set < 1U << s->count; set++) {
		uint32_t cores = 0, gpus = 0;
		bool all_have = true;

		for (unsigned i = 0; i < s->count; i++) {
			if (!(set >> i & 1))
				continue;
			cores += s->sockets[i].cores;
			gpus += s->sockets[i].gpus;
			all_have = all_have && s->sockets[i].gpus > 0;
		}
		if (all_have && cores >= q->cores && gpus >= q->devices[DEVICE_GPU] &&
		    (best == 0 || __builtin_popcount(set) < __builtin_popcount(best)))
			best = set;
	}
	return best;
}

static uint32_t take_cores(const struct server *s, struct allocation *a, unsigned set,
			   uint32_t wanted)
{
	uint32_t before = wanted + 1;

	while (wanted > 0 && wanted < before) { /* one of each in turn, while there are any */
		before = wanted;
		for (unsigned i = 0; i < s->count; i++)
			if ((set >> i & 1) && wanted > 0)
				wanted -= peer_take_cores(s->view, a,
							  s->sockets[i].package->package.cpus, 1);
	}
	return wanted;
}

static uint32_t take_gpus(const struct server *s, struct allocation *a, unsigned set,
			  uint32_t wanted)
{
	for (unsigned i = 0; i < s->count; i++)
		if (set >> i & 1)
			wanted -= peer_take_devices(s->view, a, DEVICE_GPU, s->sockets[i].nodes,
						    wanted);
	return wanted;
}

static uint32_t take_nics(const struct server *s, struct allocation *a, uint32_t wanted)
{
	for (unsigned i = 0; i < s->count; i++)
		wanted -= peer_take_devices(s->view, a, DEVICE_NIC, s->sockets[i].nodes, wanted);
	return wanted;
}

int peer_slurm(const struct view *v, const struct request *q, struct allocation **ret)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct server s = { 0 };
	unsigned set;
	uint32_t lacking;

	look(&s, v);
	set = q->devices[DEVICE_GPU] ? choose(&s, q) : (1U << s.count) - 1;
	assert_int_equal(allocation_new(&a), 0);
	lacking = take_cores(&s, a, set, q->cores);
	lacking += take_gpus(&s, a, set, q->devices[DEVICE_GPU]);
	lacking += take_nics(&s, a, q->devices[DEVICE_NIC]);
	for (unsigned i = 0; i < s.count; i++)
		cpuset_free(s.sockets[i].nodes);
	if (lacking > 0)
		return PLACEMENT_NO_FIT;
	*ret = TAKE_PTR(a);
	return PLACEMENT_FITS;
}
