/* SPDX-License-Identifier: Apache-2.0 */
/* What is free; see free.h. Nothing is cached. */
#include "model/free.h"

#include "model/bounded.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

int reserve_of(const struct inventory *inv, uint32_t cores, const struct cpuset *cpus,
	       struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	int r = cpuset_new(&set);

	if (r < 0)
		return r;
	inventory_each (core, inv, DEVICE_CORE) {
		bool listed = cpuset_intersects(core->core.cpus, cpus);

		if (cpuset_empty(core->core.cpus) || (!listed && cores == 0))
			continue;
		if (!listed)
			cores--;
		r = cpuset_union(set, core->core.cpus);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(set);
	return 0;
}

static bool well(const struct view *v, const char *id)
{
	return !v->health || health_verdict(v->health, id) != VERDICT_FAILED;
}

bool view_core_free(const struct view *v, const struct device *core)
{
	const struct cpuset *cpus = core->core.cpus;

	return core->offerable && !cpuset_empty(cpus) &&
	       !cpuset_intersects(cpus, ledger_cpus(v->ledger)) &&
	       !cpuset_intersects(cpus, v->reserve->cpus) && well(v, core->id);
}

/* A virtual function whose whole port was given to somebody before it was made. */
static bool held_as_whole(const struct view *v, const struct device *d)
{
	if (d->kind != DEVICE_NIC || !d->nic.physical_function)
		return false;
	inventory_each (port, v->inventory, DEVICE_NIC)
		if (port->nic.physical && port->pci &&
		    strcmp(port->pci, d->nic.physical_function) == 0 &&
		    ledger_device_holder(v->ledger, port->id))
			return true;
	return false;
}

bool view_device_free(const struct view *v, const struct device *d)
{
	return d->offerable && !ledger_device_holder(v->ledger, d->id) && well(v, d->id) &&
	       !held_as_whole(v, d);
}

static bool usable_node(const struct device *node)
{
	return node->offerable && node->memory.host_memory &&
	       node->memory.memory_bytes != DEVICE_UNKNOWN_U64;
}

/* Pages of the node that are set aside as huge pages are no ordinary memory. Those that are
 * promised and not in the pool yet will be: they count the same before, while and after it grows.
 */
static uint64_t hugepage_bytes(const struct view *v, const struct device *node,
			       const struct allocation *more)
{
	const uint32_t number = node->memory.number;
	uint64_t sum = 0;

	for (size_t i = 0; i < node->memory.hugepages_count; i++) {
		const struct device_hugepages *pool = &node->memory.hugepages[i];
		uint64_t held = ledger_hugepages(v->ledger, number, pool->size_bytes), pages;

		if (more)
			held = add_bounded(held,
					   allocation_hugepages(more, number, pool->size_bytes));
		pages = held > pool->total ? held : pool->total;
		sum = add_bounded(sum, multiply_bounded(pool->size_bytes, pages));
	}
	return sum;
}

/* The reserve is taken from the nodes in order, at most half of each, so that a machine of many
 * small nodes does not lose its first one. */
static uint64_t reserved_on(const struct view *v, const struct device *wanted)
{
	uint64_t left = v->reserve->memory_bytes;

	inventory_each (node, v->inventory, DEVICE_NODE) {
		uint64_t part;

		if (!usable_node(node))
			continue;
		part = left < node->memory.memory_bytes / 2 ? left : node->memory.memory_bytes / 2;
		if (node == wanted)
			return part;
		left -= part;
	}
	return 0;
}

uint64_t view_memory_left(const struct view *v, const struct device *node,
			  const struct allocation *more)
{
	uint64_t bytes = node->memory.memory_bytes;

	if (!usable_node(node) || !well(v, node->id))
		return 0;
	bytes = subtract_bounded(bytes, hugepage_bytes(v, node, more));
	bytes = subtract_bounded(bytes, reserved_on(v, node));
	for (size_t i = 0; more && i < more->memory_count; i++)
		if (more->memory[i].node == node->memory.number)
			bytes = subtract_bounded(bytes, more->memory[i].bytes);
	return subtract_bounded(bytes, ledger_memory(v->ledger, node->memory.number));
}

uint64_t view_memory_free(const struct view *v, const struct device *node)
{
	return view_memory_left(v, node, NULL);
}

uint64_t view_hugepages_free(const struct view *v, const struct device *node, uint64_t size_bytes)
{
	if (!usable_node(node) || !well(v, node->id))
		return 0;
	for (size_t i = 0; i < node->memory.hugepages_count; i++)
		if (node->memory.hugepages[i].size_bytes == size_bytes)
			return subtract_bounded(
				node->memory.hugepages[i].total,
				ledger_hugepages(v->ledger, node->memory.number, size_bytes));
	return 0;
}

/* Only sizes that the node has a pool of, be it an empty one: the kernel knows no others. */
uint64_t view_hugepages_growth(const struct view *v, const struct device *node, uint64_t size_bytes,
			       const struct allocation *more)
{
	for (size_t i = 0; v->hugepages_grow && i < node->memory.hugepages_count; i++)
		if (node->memory.hugepages[i].size_bytes == size_bytes)
			return view_memory_left(v, node, more) / size_bytes;
	return 0;
}

int view_shared_pool(const struct view *v, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	int r = cpuset_new(&pool);

	if (r < 0)
		return r;
	inventory_each (core, v->inventory, DEVICE_CORE) {
		if (core->core.isolated)
			continue; /* the kernel does not balance load onto isolated CPUs */
		r = cpuset_union(pool, core->core.cpus);
		if (r < 0)
			return r;
	}
	r = cpuset_subtract(pool, v->inventory->machine.isolated);
	if (r == 0)
		r = cpuset_subtract(pool, ledger_cpus(v->ledger));
	if (r == 0)
		r = cpuset_subtract(pool, v->reserve->cpus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pool);
	return 0;
}

int64_t view_shared_free(const struct view *v)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;

	if (view_shared_pool(v, &pool) < 0)
		return 0;
	return (int64_t)cpuset_count(pool) * 1000 - (int64_t)ledger_shared_millicpus(v->ledger);
}

/* What the shared pool loses when this core is taken, in thousandths of a CPU. */
static int64_t pool_share(const struct cpuset *pool, const struct device *core)
{
	int64_t share = 0;

	cpuset_each (cpu, core->core.cpus)
		share += cpuset_has(pool, (unsigned)cpu) ? 1000 : 0;
	return share;
}

/* Free cores, no CPU counted twice, as long as what the pool loses by it can be spared. */
static int collect_cores(const struct view *v, const struct cpuset *within, int64_t spare,
			 struct cpuset **ret_cpus, uint32_t *ret_cores)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL, *pool = NULL;
	uint32_t cores = 0;

	if (cpuset_new(&cpus) < 0 || view_shared_pool(v, &pool) < 0)
		return -ENOMEM;
	inventory_each (core, v->inventory, DEVICE_CORE) {
		int64_t share = pool_share(pool, core);

		if ((within && !cpuset_subset(core->core.cpus, within)) ||
		    !view_core_free(v, core) || cpuset_intersects(core->core.cpus, cpus) ||
		    (share > 0 && share > spare))
			continue;
		if (cpuset_union(cpus, core->core.cpus) < 0)
			return -ENOMEM;
		spare -= share;
		cores++;
	}
	*ret_cpus = TAKE_PTR(cpus);
	*ret_cores = cores;
	return 0;
}

int view_cores_free(const struct view *v, const struct cpuset *within, struct cpuset **ret_cpus,
		    uint32_t *ret_cores)
{
	return collect_cores(v, within, view_shared_free(v), ret_cpus, ret_cores);
}

int view_cache_use(const struct view *v, struct cache_use *ret)
{
	size_t cursor = 0;
	int r = cache_use_new(&v->inventory->cache, ret);

	for (const struct allocation *a; r == 0 && (a = ledger_next(v->ledger, &cursor));)
		cache_use_add(&v->inventory->cache, &a->cache, ret);
	return r;
}

static void add_hugepages(struct resources *r, uint64_t size_bytes, uint64_t count)
{
	size_t i = 0;

	while (i < r->hugepages_count && r->hugepages[i].size_bytes != size_bytes)
		i++;
	if (i == ARRAY_SIZE(r->hugepages))
		return; /* no architecture has so many sizes */
	if (i == r->hugepages_count)
		r->hugepages[r->hugepages_count++].size_bytes = size_bytes;
	r->hugepages[i].count = add_bounded(r->hugepages[i].count, count);
}

static uint32_t count_free(const struct view *v, enum device_kind kind)
{
	uint32_t n = 0;

	inventory_each (d, v->inventory, kind)
		n += view_device_free(v, d);
	return n;
}

void view_free(const struct view *v, struct resources *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;

	*ret = (struct resources){ 0 };
	if (collect_cores(v, NULL, INT64_MAX, &cpus, &ret->cores) == 0) /* else: none is known */
		ret->threads = cpuset_count(cpus);
	inventory_each (node, v->inventory, DEVICE_NODE) {
		ret->memory_bytes = add_bounded(ret->memory_bytes, view_memory_free(v, node));
		for (size_t i = 0; i < node->memory.hugepages_count; i++) {
			uint64_t size = node->memory.hugepages[i].size_bytes;

			add_hugepages(ret, size, view_hugepages_free(v, node, size));
		}
	}
	ret->gpus = count_free(v, DEVICE_GPU);
	ret->nics = count_free(v, DEVICE_NIC);
	ret->disks = count_free(v, DEVICE_DISK);
}

static void count_held_device(const struct view *v, const char *id, struct resources *ret)
{
	const struct device *d = inventory_find(v->inventory, id);

	if (!d)
		return; /* unplugged under its holder */
	ret->gpus += d->kind == DEVICE_GPU;
	ret->nics += d->kind == DEVICE_NIC;
	ret->disks += d->kind == DEVICE_DISK;
}

void view_used(const struct view *v, struct resources *ret)
{
	size_t cursor = 0;

	*ret = (struct resources){ 0 };
	for (const struct allocation *a; (a = ledger_next(v->ledger, &cursor));) {
		ret->cores += cpuset_count(a->cores);
		ret->threads += cpuset_count(a->cpus);
		ret->memory_bytes = add_bounded(ret->memory_bytes, allocation_memory_total(a));
		for (size_t i = 0; i < a->hugepages_count; i++)
			add_hugepages(ret, a->hugepages[i].size_bytes, a->hugepages[i].count);
		for (size_t i = 0; i < a->devices_count; i++)
			count_held_device(v, a->devices[i], ret);
	}
}
