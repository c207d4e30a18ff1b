/* SPDX-License-Identifier: Apache-2.0 */
/* The reference; see reference.h. What is free is asked of the view, as placement does: that the
 * view is right is proved elsewhere (test-free). */
#include "tests/unit/reference.h"

#include "model/path.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { CORES_ROOM = 4096 };

struct reach { /* what a request may take from */
	const struct view *view;
	const struct request *request;
	const struct region *region;
	const struct device *cores[CORES_ROOM];
	size_t cores_count;
	struct cpuset *pool; /* of shared CPUs, with all of these cores in it */
};

static void find_cores(struct reach *w)
{
	w->cores_count = 0;
	inventory_each (core, w->view->inventory, DEVICE_CORE)
		if (cpuset_subset(core->core.cpus, w->region->cpus) &&
		    reference_core_usable(w->view, w->request, core)) {
			assert_true(w->cores_count < CORES_ROOM);
			w->cores[w->cores_count++] = core;
		}
}

static unsigned pool_loss(const struct reach *w, const struct device *core)
{
	unsigned n = 0;

	cpuset_each (cpu, core->core.cpus)
		n += cpuset_has(w->pool, (unsigned)cpu);
	return n;
}

/* The least that the pool loses, in CPUs, when `wanted` of the cores from `first` on are taken
 * that have no CPU in common with each other or `taken`; UINT32_MAX: so many are not there. Every
 * core is tried with and without, but those alone with their CPUs can be had in order of their
 * loss, which the caller has sorted them by: of two such, the one that costs less is never worse.
 */
static unsigned least_loss(const struct reach *w, size_t first, unsigned wanted,
			   const struct cpuset *taken)
{
	_cleanup_(cpuset_freep) struct cpuset *with = NULL;
	const struct device *core;
	unsigned without, loss;

	if (wanted == 0)
		return 0;
	if (w->cores_count - first < wanted)
		return UINT32_MAX;
	core = w->cores[first];
	if (cpuset_intersects(core->core.cpus, taken))
		return least_loss(w, first + 1, wanted, taken);
	assert_int_equal(cpuset_copy(&with, taken), 0);
	assert_int_equal(cpuset_union(with, core->core.cpus), 0);
	loss = least_loss(w, first + 1, wanted - 1, with);
	loss = loss == UINT32_MAX ? loss : loss + pool_loss(w, core);
	for (size_t i = 0; i < w->cores_count; i++)
		if (i != first && cpuset_intersects(w->cores[i]->core.cpus, core->core.cpus)) {
			without = least_loss(w, first + 1, wanted, taken);
			return without < loss ? without : loss;
		}
	return loss;
}

static void sort_by_loss(struct reach *w)
{
	for (size_t i = 1; i < w->cores_count; i++) {
		const struct device *core = w->cores[i];
		size_t k = i;

		for (; k > 0 && pool_loss(w, w->cores[k - 1]) > pool_loss(w, core); k--)
			w->cores[k] = w->cores[k - 1];
		w->cores[k] = core;
	}
}

/* When those are taken that it misses most; CPUs of two cores counted twice. */
static unsigned most_loss(const struct reach *w)
{
	unsigned loss = 0;

	for (size_t i = 0; i < w->request->cores && i < w->cores_count; i++)
		loss += pool_loss(w, w->cores[w->cores_count - 1 - i]);
	return loss;
}

static bool cores_fit(struct reach *w, bool careless)
{
	_cleanup_(cpuset_freep) struct cpuset *none = NULL;
	int64_t spare = view_shared_free(w->view) - w->request->shared_millicpus;
	unsigned loss;

	assert_int_equal(cpuset_new(&none), 0);
	find_cores(w);
	sort_by_loss(w);
	loss = least_loss(w, 0, w->request->cores, none);
	if (loss == UINT32_MAX)
		return false;
	loss = careless ? most_loss(w) : loss;
	if (loss == 0 && w->request->shared_millicpus == 0)
		return true; /* an overdrawn pool is no worse for it */
	return (int64_t)loss * 1000 <= spare;
}

static bool node_allowed(const struct reach *w, const struct device *node)
{
	return cpuset_has(w->region->nodes, node->memory.number) &&
	       (!w->request->within_nodes ||
		cpuset_has(w->request->within_nodes, node->memory.number));
}

/* A node cannot have more than 2^64 bytes, but some of them together can say so. */
static bool reaches(uint64_t *sum, uint64_t more, uint64_t wanted)
{
	*sum = *sum + more < *sum ? UINT64_MAX : *sum + more;
	return *sum >= wanted;
}

static bool memory_fits(const struct reach *w)
{
	uint64_t sum = 0;
	bool enough = w->request->memory_bytes == 0;

	inventory_each (node, w->view->inventory, DEVICE_NODE)
		if (node_allowed(w, node) &&
		    reaches(&sum, view_memory_free(w->view, node), w->request->memory_bytes))
			enough = true;
	return enough;
}

static bool pages_fit(const struct reach *w)
{
	for (size_t i = 0; i < w->request->hugepages_count; i++) {
		uint64_t size = w->request->hugepages[i].size_bytes, sum = 0;
		uint64_t wanted = request_hugepages(w->request, size);
		bool enough = wanted == 0;

		inventory_each (node, w->view->inventory, DEVICE_NODE)
			if (node_allowed(w, node) &&
			    reaches(&sum, view_hugepages_free(w->view, node, size), wanted))
				enough = true;
		if (!enough)
			return false;
	}
	return true;
}

static uint32_t speed_of(const struct reach *w, const struct device *nic)
{
	uint32_t speed_mbps = nic->nic.speed_mbps;

	if (speed_mbps != DEVICE_UNKNOWN_U32 || !nic->nic.physical_function)
		return speed_mbps;
	inventory_each (port, w->view->inventory, DEVICE_NIC)
		if (speed_mbps == DEVICE_UNKNOWN_U32 && port->nic.physical && port->pci &&
		    strcmp(port->pci, nic->nic.physical_function) == 0)
			speed_mbps = port->nic.speed_mbps;
	return speed_mbps;
}

static bool is_wished(const struct reach *w, const struct device *d)
{
	const struct request_nic *wish = &w->request->nic;
	bool whole = wish->function == NIC_FUNCTION_WHOLE;

	if (d->kind != DEVICE_NIC)
		return true;
	if (wish->function != NIC_FUNCTION_ANY && whole != d->nic.physical)
		return false;
	return wish->speed_mbps == 0 ||
	       (speed_of(w, d) != DEVICE_UNKNOWN_U32 && speed_of(w, d) >= wish->speed_mbps);
}

static bool is_within(const struct request *q, const struct device *d)
{
	for (size_t i = 0; i < q->within_devices_count; i++)
		if (strcmp(q->within_devices[i], d->id) == 0)
			return true;
	return !q->offer;
}

static bool device_usable(const struct reach *w, const struct device *d)
{
	bool unknown;

	return view_device_free(w->view, d) && is_within(w->request, d) && is_wished(w, d) &&
	       region_has_device(w->region, w->view->inventory, d, &unknown) &&
	       !(unknown && w->request->align_required && w->region->level != ALIGN_NONE);
}

static bool devices_fit(const struct reach *w)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t n = 0;

		inventory_each (d, w->view->inventory, kinds[i])
			n += device_usable(w, d);
		if (n < w->request->devices[kinds[i]])
			return false;
	}
	return true;
}

static bool fits_in(const struct view *v, const struct request *q, const struct region *region,
		    bool careless)
{
	struct reach w = { .view = v, .request = q, .region = region };
	bool fits;

	assert_int_equal(view_shared_pool(v, &w.pool), 0);
	fits = cores_fit(&w, careless) && memory_fits(&w) && pages_fit(&w) && devices_fit(&w);
	cpuset_free(w.pool);
	return fits;
}

/* A switch is within a node, and its devices come on top: reference_allowed looks at them. */
static bool is_within_level(const struct request *q, enum align_level level)
{
	static const unsigned widths[ALIGN_LEVELS] = {
		[ALIGN_SWITCH] = 0, [ALIGN_NODE] = 1, [ALIGN_PACKAGE] = 2, [ALIGN_NONE] = 3
	};

	return !q->align_required || widths[level] <= widths[q->align];
}

bool reference_fits(const struct view *v, const struct request *q, bool careless)
{
	bool fits = false;

	for (int level = 0; level < ALIGN_LEVELS && !fits; level++) {
		struct region *regions = NULL;
		size_t count = 0;

		if (!is_within_level(q, (enum align_level)level))
			continue;
		assert_int_equal(
			region_list(v->inventory, (enum align_level)level, &regions, &count), 0);
		for (size_t i = 0; i < count; i++)
			fits = fits || fits_in(v, q, &regions[i], careless);
		region_free_all(regions, count);
	}
	return fits && !request_empty(q);
}

bool reference_core_usable(const struct view *v, const struct request *q, const struct device *core)
{
	return view_core_free(v, core) &&
	       (!q->within_cpus || cpuset_subset(core->core.cpus, q->within_cpus));
}

bool reference_device_usable(const struct view *v, const struct request *q, const struct device *d)
{
	struct reach w = { .view = v, .request = q };

	return view_device_free(v, d) && is_within(q, d) && is_wished(&w, d);
}

bool reference_allowed(const struct view *v, const struct request *q, const struct allocation *a,
		       const struct placement_score *score)
{
	static const enum score_level levels[ALIGN_LEVELS] = {
		[ALIGN_SWITCH] = SCORE_AT_SWITCH,
		[ALIGN_NODE] = SCORE_AT_NODE,
		[ALIGN_PACKAGE] = SCORE_AT_PACKAGE,
		[ALIGN_NONE] = SCORE_AT_MACHINE,
	};

	if (q->apart_required && score->value[SCORE_APART] > 0)
		return false;
	if (!q->align_required || q->align == ALIGN_NONE)
		return true;
	for (size_t i = 0; i < a->devices_count; i++)
		if (path_open(v->inventory, inventory_find(v->inventory, a->devices[i])))
			return false;
	return score->value[SCORE_LEVEL] <= (uint64_t)levels[q->align];
}
