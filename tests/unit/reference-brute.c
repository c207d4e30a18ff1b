/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of a tiny machine, one after the other; see reference.h. */
#include "tests/unit/reference.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ITEMS_ROOM = 32 };

/* What has been chosen so far; the steps fill it from the left and try all ways on. */
struct trial {
	const struct view *view;
	const struct request *request;
	const struct device *cores[ITEMS_ROOM], *devices[ITEMS_ROOM];
	size_t cores_count, devices_count;
	struct {
		uint32_t node;
		uint64_t amount;
	} memory[ITEMS_ROOM], pages[ITEMS_ROOM];
	size_t memory_count, pages_count;
	bool found;
	struct placement_score best;
};

static void make(const struct trial *t, struct allocation **ret)
{
	const struct request *q = t->request;
	struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	for (size_t i = 0; i < t->cores_count; i++) {
		assert_int_equal(cpuset_union(a->cpus, t->cores[i]->core.cpus), 0);
		assert_int_equal(cpuset_add(a->cores, t->cores[i]->core.number), 0);
	}
	for (size_t i = 0; i < t->memory_count; i++)
		assert_int_equal(allocation_add_memory(a, t->memory[i].node, t->memory[i].amount),
				 0);
	for (size_t i = 0; i < t->pages_count; i++)
		assert_int_equal(allocation_add_hugepages(a, t->pages[i].node,
							  q->hugepages[0].size_bytes,
							  t->pages[i].amount),
				 0);
	for (size_t i = 0; i < t->devices_count; i++)
		assert_int_equal(allocation_add_device(a, t->devices[i]->id), 0);
	*ret = a;
}

static void look(struct trial *t)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct placement_score score;

	make(t, &a);
	assert_int_equal(score_of(t->view, t->request, a, &score), 0);
	if (!reference_allowed(t->view, t->request, a, &score))
		return;
	if (!t->found || score_compare(&score, &t->best) < 0)
		t->best = score;
	t->found = true;
}

static void try_devices(struct trial *t, enum device_kind kind, size_t cursor, uint32_t wanted)
{
	const struct device *d;

	if (wanted == 0 && kind == DEVICE_DISK) {
		look(t);
		return;
	}
	if (wanted == 0) {
		try_devices(t, kind + 1, 0, t->request->devices[kind + 1]);
		return;
	}
	while ((d = inventory_next(t->view->inventory, kind, &cursor))) {
		if (!reference_device_usable(t->view, t->request, d))
			continue;
		t->devices[t->devices_count++] = d;
		try_devices(t, kind, cursor, wanted - 1);
		t->devices_count--;
	}
}

static bool node_allowed(const struct trial *t, const struct device *node)
{
	return !t->request->within_nodes ||
	       cpuset_has(t->request->within_nodes, node->memory.number);
}

static bool has_pages(const struct trial *t, uint32_t node)
{
	for (size_t i = 0; i < t->pages_count; i++)
		if (t->pages[i].node == node)
			return true;
	return false;
}

static void try_pages(struct trial *t, uint64_t wanted)
{
	if (wanted == 0) {
		try_devices(t, DEVICE_GPU, 0, t->request->devices[DEVICE_GPU]);
		return;
	}
	inventory_each (node, t->view->inventory, DEVICE_NODE) {
		uint64_t part =
			view_hugepages_free(t->view, node, t->request->hugepages[0].size_bytes);

		part = part < wanted ? part : wanted;
		if (part == 0 || !node_allowed(t, node) || has_pages(t, node->memory.number))
			continue;
		t->pages[t->pages_count].node = node->memory.number;
		t->pages[t->pages_count++].amount = part;
		try_pages(t, wanted - part);
		t->pages_count--;
	}
}

static bool has_memory(const struct trial *t, uint32_t node)
{
	for (size_t i = 0; i < t->memory_count; i++)
		if (t->memory[i].node == node)
			return true;
	return false;
}

static void try_memory(struct trial *t, uint64_t wanted)
{
	if (wanted == 0) {
		try_pages(t, t->request->hugepages_count ? t->request->hugepages[0].count : 0);
		return;
	}
	inventory_each (node, t->view->inventory, DEVICE_NODE) {
		uint64_t part = view_memory_free(t->view, node);

		part = part < wanted ? part : wanted;
		if (part == 0 || !node_allowed(t, node) || has_memory(t, node->memory.number))
			continue;
		t->memory[t->memory_count].node = node->memory.number;
		t->memory[t->memory_count++].amount = part;
		try_memory(t, wanted - part);
		t->memory_count--;
	}
}

static bool pool_can_spare(const struct trial *t)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	int64_t left = view_shared_free(t->view) - t->request->shared_millicpus;
	unsigned before;

	assert_int_equal(view_shared_pool(t->view, &pool), 0);
	before = cpuset_count(pool);
	for (size_t i = 0; i < t->cores_count; i++)
		assert_int_equal(cpuset_subtract(pool, t->cores[i]->core.cpus), 0);
	if (cpuset_count(pool) == before && t->request->shared_millicpus == 0)
		return true;
	return left >= (int64_t)(before - cpuset_count(pool)) * 1000;
}

static bool clashes(const struct trial *t, const struct device *core)
{
	for (size_t i = 0; i < t->cores_count; i++)
		if (cpuset_intersects(t->cores[i]->core.cpus, core->core.cpus))
			return true;
	return false;
}

static void try_cores(struct trial *t, size_t cursor, uint32_t wanted)
{
	const struct device *core;

	if (wanted == 0) {
		if (pool_can_spare(t))
			try_memory(t, t->request->memory_bytes);
		return;
	}
	while ((core = inventory_next(t->view->inventory, DEVICE_CORE, &cursor))) {
		if (!reference_core_usable(t->view, t->request, core) || clashes(t, core))
			continue;
		assert_true(t->cores_count < ITEMS_ROOM);
		t->cores[t->cores_count++] = core;
		try_cores(t, cursor, wanted - 1);
		t->cores_count--;
	}
}

int reference_brute(const struct view *v, const struct request *q, struct placement_score *ret)
{
	struct trial t = { .view = v, .request = q };

	assert_true(q->hugepages_count <= 1);
	if (request_empty(q))
		return PLACEMENT_NO_FIT;
	try_cores(&t, 0, q->cores);
	if (t.found)
		*ret = t.best;
	return t.found ? PLACEMENT_FITS : PLACEMENT_NO_FIT;
}
