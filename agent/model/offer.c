/* SPDX-License-Identifier: Apache-2.0 */
/* Offers; see offer.h. */
#include "model/offer.h"

#include "model/bounded.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void offer_done(struct offer *o)
{
	for (size_t i = 0; i < o->devices_count; i++)
		free(o->devices[i]);
	free(o->devices);
	for (size_t i = 0; i < o->bundles_count; i++)
		bundle_done(&o->bundles[i]);
	free(o->bundles);
	cache_offer_done(&o->cache);
	cpuset_free(o->cpus);
	cpuset_free(o->nodes);
	*o = (struct offer){ 0 };
}

void offers_done(struct offers *o)
{
	for (size_t i = 0; i < o->count; i++)
		offer_done(&o->items[i]);
	free(o->items);
	*o = (struct offers){ 0 };
}

static int add_cores(const struct view *v, const struct region *region, struct offer *o)
{
	int r = view_cores_free(v, region->cpus, &o->cpus, &o->cores);

	if (r < 0)
		return r;
	o->resources.cores = o->cores;
	o->resources.threads = cpuset_count(o->cpus);
	return 0;
}

/* Whether the node has any. */
static bool add_hugepages(const struct view *v, const struct device *node, struct resources *r)
{
	bool any = false;

	for (size_t i = 0; i < node->memory.hugepages_count; i++) {
		uint64_t size = node->memory.hugepages[i].size_bytes;
		uint64_t count = view_hugepages_free(v, node, size);
		size_t k = 0;

		while (k < r->hugepages_count && r->hugepages[k].size_bytes != size)
			k++;
		if (count == 0 || k == ARRAY_SIZE(r->hugepages))
			continue;
		r->hugepages_count = k == r->hugepages_count ? k + 1 : r->hugepages_count;
		r->hugepages[k].size_bytes = size;
		r->hugepages[k].count = add_bounded(r->hugepages[k].count, count);
		any = true;
	}
	return any;
}

static int add_memory(const struct view *v, const struct region *region, struct offer *o)
{
	inventory_each (node, v->inventory, DEVICE_NODE) {
		uint64_t bytes = view_memory_free(v, node);
		bool pages;

		if (!cpuset_has(region->nodes, node->memory.number))
			continue;
		o->memory_bytes = add_bounded(o->memory_bytes, bytes);
		o->resources.memory_bytes = o->memory_bytes;
		pages = add_hugepages(v, node, &o->resources);
		if ((bytes > 0 || pages || cpuset_intersects(node->memory.cpus, o->cpus)) &&
		    cpuset_add(o->nodes, node->memory.number) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_device(struct offer *o, const char *id)
{
	char **grown = reallocarray(o->devices, o->devices_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	o->devices = grown;
	o->devices[o->devices_count] = strdup(id);
	if (!o->devices[o->devices_count])
		return -ENOMEM;
	o->devices_count++;
	return 0;
}

/* A device whose place is unknown is in the machine's offer only. */
static int add_devices(const struct view *v, const struct region *region, struct offer *o)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		inventory_each (d, v->inventory, kinds[k]) {
			bool unknown;

			if (!view_device_free(v, d) ||
			    !region_has_device(region, v->inventory, d, &unknown) ||
			    (unknown && region->level != ALIGN_NONE))
				continue;
			if (add_device(o, d->id) < 0)
				return -ENOMEM;
			o->resources.gpus += d->kind == DEVICE_GPU;
			o->resources.nics += d->kind == DEVICE_NIC;
			o->resources.disks += d->kind == DEVICE_DISK;
		}
	return 0;
}

static int add_cache(const struct view *v, const struct region *region, struct offer *o)
{
	_cleanup_(cache_use_done) struct cache_use use = { 0 };

	if (!cache_control_present(&v->inventory->cache))
		return 0;
	if (view_cache_use(v, &use) < 0)
		return -ENOMEM;
	return cache_offer_make(&v->inventory->cache, &use, region->cpus, &o->cache);
}

static int fill(const struct view *v, const struct region *region, struct offer *o)
{
	o->level = region->level;
	memcpy(o->label, region->label, sizeof(o->label));
	if (cpuset_new(&o->nodes) < 0 || add_cores(v, region, o) < 0 ||
	    add_memory(v, region, o) < 0 || add_cache(v, region, o) < 0)
		return -ENOMEM;
	return add_devices(v, region, o);
}

static bool same_devices(const struct offer *a, const struct offer *b)
{
	if (a->devices_count != b->devices_count)
		return false;
	for (size_t i = 0; i < a->devices_count; i++)
		if (strcmp(a->devices[i], b->devices[i]) != 0)
			return false;
	return true;
}

/* A package or machine of one node says nothing that the node's own offer does not say, unless it
 * has devices of unknown place. */
static bool repeats(const struct offers *all, const struct offer *o)
{
	for (size_t i = 0; i < all->count; i++)
		if (cpuset_equal(all->items[i].cpus, o->cpus) &&
		    cpuset_equal(all->items[i].nodes, o->nodes) && same_devices(&all->items[i], o))
			return true;
	return false;
}

static bool worthless(const struct offer *o)
{
	return o->cores == 0 && o->memory_bytes == 0 && o->devices_count == 0 &&
	       o->resources.hugepages_count == 0;
}

static int add_offer(const struct view *v, const struct region *region, struct offers *all)
{
	_cleanup_(offer_done) struct offer o = { 0 };
	struct offer *grown;

	if (fill(v, region, &o) < 0)
		return -ENOMEM;
	if (worthless(&o) || repeats(all, &o))
		return 0;
	grown = reallocarray(all->items, all->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	all->items = grown;
	all->items[all->count++] = o;
	o = (struct offer){ 0 };
	return 0;
}

int offers_make(const struct view *v, struct offers *ret)
{
	_cleanup_(offers_done) struct offers all = { 0 };

	for (enum align_level level = ALIGN_NODE; level < ALIGN_LEVELS; level++) {
		struct region *regions = NULL;
		size_t count = 0;
		int r = region_list(v->inventory, level, &regions, &count);

		for (size_t i = 0; r == 0 && i < count; i++)
			r = add_offer(v, &regions[i], &all);
		region_free_all(regions, count);
		if (r < 0)
			return r;
	}
	*ret = all;
	all = (struct offers){ 0 };
	return 0;
}

static void ask_for_all(const struct offer *o, struct request *request)
{
	request->cores = o->cores;
	request->memory_bytes = o->memory_bytes;
	request->align = o->level;
	request->align_required = o->level != ALIGN_NONE;
	request->devices[DEVICE_GPU] = o->resources.gpus;
	request->devices[DEVICE_NIC] = o->resources.nics;
	request->devices[DEVICE_DISK] = o->resources.disks;
	request->hugepages_count = 0;
	for (size_t i = 0; i < o->resources.hugepages_count && i < REQUEST_HUGEPAGES_MAX; i++)
		request->hugepages[request->hugepages_count++] = (struct request_hugepages){
			.size_bytes = o->resources.hugepages[i].size_bytes,
			.count = o->resources.hugepages[i].count,
		};
}

int offer_restrict(const struct offer *o, const char *id, bool all, struct request *request)
{
	char **devices = calloc(o->devices_count ? o->devices_count : 1, sizeof(*devices));

	free(request->offer);
	request->offer = strdup(id);
	request->within_devices = devices;
	if (!devices || !request->offer || cpuset_copy(&request->within_cpus, o->cpus) < 0 ||
	    cpuset_copy(&request->within_nodes, o->nodes) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < o->devices_count; i++) {
		devices[i] = strdup(o->devices[i]);
		if (!devices[i])
			return -ENOMEM;
		request->within_devices_count++;
	}
	if (all)
		ask_for_all(o, request);
	return 0;
}
