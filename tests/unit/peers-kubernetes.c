/* SPDX-License-Identifier: Apache-2.0 */
/* The kubelet's Topology Manager, after
 * kubernetes.io/docs/tasks/administer-cluster/topology-manager and the pages of its CPU Manager
 * (policy static, full-pcpus-only) and Device Manager.
 *
 * Each provider of a resource gives hints: every set of NUMA nodes on which enough of it is free; a
 * hint is preferred when no smaller set could ever have had enough. Of all ways to take one hint of
 * each, the sets are intersected; a result is preferred when all its hints were. The best is a
 * preferred one, of these the narrowest, of these the one of the lowest nodes. best-effort takes
 * whatever comes out; restricted refuses what is not preferred; single-numa-node looks at hints of
 * one node alone, and refuses without one. Then each provider takes from the nodes of the result
 * first: the CPU Manager whole nodes, then from the node that has least left; the Device Manager in
 * no order that is promised, here the first. No provider knows of PCIe. */
#include "tests/unit/peers.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { NODES_MAX = 8, PROVIDERS = 3 };

struct hint {
	unsigned nodes;
	bool preferred;
};

struct provider {
	uint32_t wanted, total[NODES_MAX], free[NODES_MAX];
	struct hint hints[1 << NODES_MAX];
	size_t count;
};

struct kubelet {
	const struct view *view;
	const struct request *request;
	const struct device *nodes[NODES_MAX];
	unsigned nodes_count;
	struct provider providers[PROVIDERS]; /* of CPUs, GPUs, NICs */
};

static const enum device_kind device_kinds[PROVIDERS] = { DEVICE_CORE, DEVICE_GPU, DEVICE_NIC };

static void count(struct kubelet *k, size_t nth)
{
	struct provider *p = &k->providers[nth];
	enum device_kind kind = device_kinds[nth];

	p->wanted = kind == DEVICE_CORE ? k->request->cores : k->request->devices[kind];
	inventory_each (d, k->view->inventory, kind)
		for (unsigned i = 0; i < k->nodes_count; i++) {
			if (d->node != (int)k->nodes[i]->memory.number)
				continue;
			p->total[i]++;
			p->free[i] += kind == DEVICE_CORE ? view_core_free(k->view, d)
							  : view_device_free(k->view, d);
		}
}

static uint32_t sum(const struct kubelet *k, const uint32_t *of, unsigned nodes)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < k->nodes_count; i++)
		n += nodes >> i & 1 ? of[i] : 0;
	return n;
}

static void make_hints(const struct kubelet *k, struct provider *p)
{
	int least = NODES_MAX + 1;

	for (unsigned nodes = 1; nodes < 1U << k->nodes_count; nodes++)
		if (sum(k, p->total, nodes) >= p->wanted && __builtin_popcount(nodes) < least)
			least = __builtin_popcount(nodes);
	for (unsigned nodes = 1; nodes < 1U << k->nodes_count; nodes++)
		if (sum(k, p->free, nodes) >= p->wanted)
			p->hints[p->count++] =
				(struct hint){ nodes, __builtin_popcount(nodes) == least };
}

static void keep_single(struct provider *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++)
		if (p->hints[i].preferred && __builtin_popcount(p->hints[i].nodes) == 1)
			p->hints[kept++] = p->hints[i];
	p->count = kept;
}

static bool is_better(struct hint a, struct hint b)
{
	int x = __builtin_popcount(a.nodes), y = __builtin_popcount(b.nodes);

	if (a.preferred != b.preferred)
		return a.preferred;
	return x != y ? x < y : a.nodes < b.nodes;
}

/* Every way to take one hint of each provider, as the set of what can come out: which nodes, and
 * whether all of them were preferred. */
static struct hint merge(const struct kubelet *k)
{
	unsigned all = (1U << k->nodes_count) - 1;
	bool out[1 << NODES_MAX][2] = { { false } };
	struct hint best = { all, false };

	out[all][true] = true;
	for (size_t nth = 0; nth < PROVIDERS; nth++) {
		const struct provider *p = &k->providers[nth];
		bool next[1 << NODES_MAX][2] = { { false } };

		if (p->wanted == 0)
			continue;
		for (unsigned nodes = 1; nodes <= all; nodes++)
			for (size_t i = 0; i < p->count; i++) {
				struct hint h = p->hints[i];

				next[nodes & h.nodes][h.preferred] |= out[nodes][true];
				next[nodes & h.nodes][false] |= out[nodes][false];
			}
		memcpy(out, next, sizeof(out));
	}
	for (unsigned i = 2; i < 2 * (all + 1); i++) {
		struct hint h = { i / 2, i % 2 };

		if (out[h.nodes][h.preferred] && is_better(h, best))
			best = h;
	}
	return best;
}

static uint32_t take(const struct kubelet *k, struct allocation *a, size_t nth, unsigned node,
		     uint32_t wanted)
{
	_cleanup_(cpuset_freep) struct cpuset *one = NULL;

	if (device_kinds[nth] == DEVICE_CORE)
		return peer_take_cores(k->view, a, k->nodes[node]->memory.cpus, wanted);
	assert_int_equal(cpuset_new(&one), 0);
	assert_int_equal(cpuset_add(one, k->nodes[node]->memory.number), 0);
	return peer_take_devices(k->view, a, device_kinds[nth], one, wanted);
}

/* Whole nodes while they are wanted, then from those that have least. */
static uint32_t take_from(const struct kubelet *k, struct allocation *a, size_t nth, unsigned nodes)
{
	const struct provider *p = &k->providers[nth];
	bool cpus = device_kinds[nth] == DEVICE_CORE;
	uint32_t left = p->wanted;

	for (unsigned i = 0; cpus && i < k->nodes_count; i++)
		if ((nodes >> i & 1) && p->free[i] == p->total[i] && p->total[i] <= left) {
			left -= take(k, a, nth, i, left);
			nodes &= ~(1U << i);
		}
	while (nodes && left > 0) {
		unsigned least = (unsigned)__builtin_ctz(nodes);

		for (unsigned i = 0; cpus && i < k->nodes_count; i++)
			if ((nodes >> i & 1) && p->free[i] < p->free[least])
				least = i;
		left -= take(k, a, nth, least, left);
		nodes &= ~(1U << least);
	}
	return left;
}

static int allocate(const struct kubelet *k, unsigned nodes, struct allocation **ret)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	unsigned all = (1U << k->nodes_count) - 1;

	assert_int_equal(allocation_new(&a), 0);
	for (size_t nth = 0; nth < PROVIDERS; nth++) {
		struct kubelet rest = *k;
		uint32_t left = take_from(k, a, nth, nodes);

		rest.providers[nth].wanted = left;
		if (left > 0 && take_from(&rest, a, nth, all & ~nodes) > 0)
			return PLACEMENT_NO_FIT;
	}
	*ret = TAKE_PTR(a);
	return PLACEMENT_FITS;
}

static int place(const struct view *v, const struct request *q, bool only_preferred, bool single,
		 struct allocation **ret)
{
	static struct kubelet k; /* large, and used by one test at a time */
	struct hint best;

	k = (struct kubelet){ .view = v, .request = q };
	inventory_each (node, v->inventory, DEVICE_NODE) {
		assert_true(k.nodes_count < NODES_MAX);
		k.nodes[k.nodes_count++] = node;
	}
	for (size_t i = 0; i < PROVIDERS; i++) {
		count(&k, i);
		make_hints(&k, &k.providers[i]);
		if (single)
			keep_single(&k.providers[i]);
	}
	best = merge(&k);
	if (only_preferred && !best.preferred)
		return PLACEMENT_NO_FIT;
	return allocate(&k, best.nodes, ret);
}

int peer_kubernetes_best_effort(const struct view *v, const struct request *q,
				struct allocation **ret)
{
	return place(v, q, false, false, ret);
}

int peer_kubernetes_restricted(const struct view *v, const struct request *q,
			       struct allocation **ret)
{
	return place(v, q, true, false, ret);
}

int peer_kubernetes_single_node(const struct view *v, const struct request *q,
				struct allocation **ret)
{
	return place(v, q, true, true, ret);
}
