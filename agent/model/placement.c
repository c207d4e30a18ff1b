/* SPDX-License-Identifier: Apache-2.0 */
/* The placement decision; see placement.h. Levels are tried from the tightest to the widest that
 * the request allows; of the regions of one level that fit, the cheapest wins, then the one that
 * leaves the least behind, so that large holes and nodes with GPUs stay whole for those who need
 * them. */
#include "model/placement.h"

#include "model/pick.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The picking steps; how far a region got tells which refusal says most. */
static int (*const steps[])(struct pick *p) = {
	pick_cores, pick_shared, pick_memory, pick_hugepages, pick_devices, pick_cache,
};

struct best {
	struct allocation *allocation;
	uint64_t leftover;
	size_t refused_step; /* of the refusal that is kept */
	struct fail why;
};

/* What the region would still have: free GPUs that the request does not want weigh most. */
static uint64_t leftover_of(const struct pick *p)
{
	const struct inventory *inv = p->view->inventory;
	uint64_t cores = 0, gpus = 0;

	inventory_each (core, inv, DEVICE_CORE)
		cores += cpuset_subset(core->core.cpus, p->region->cpus) &&
			 view_core_free(p->view, core);
	inventory_each (gpu, inv, DEVICE_GPU)
		gpus += gpu->node >= 0 && cpuset_has(p->region->nodes, (unsigned)gpu->node) &&
			view_device_free(p->view, gpu);
	return (gpus -
		(gpus < p->request->devices[DEVICE_GPU] ? gpus : p->request->devices[DEVICE_GPU])) *
		       REQUEST_CORES_MAX +
	       (cores - p->request->cores);
}

/* Without memory asked for, it still belongs near the cores: on those of their nodes that have
 * memory of the host. The kernel refuses others in cpuset.mems and memory policies. */
static int add_near_nodes(const struct pick *p)
{
	struct allocation *a = p->allocation;

	inventory_each (node, p->view->inventory, DEVICE_NODE)
		if (node->memory.host_memory && node->memory.memory_bytes > 0 &&
		    cpuset_intersects(node->memory.cpus, a->cpus) &&
		    cpuset_add(a->nodes, node->memory.number) < 0)
			return -ENOMEM;
	return 0;
}

static int finish(struct pick *p)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	_cleanup_free_ char *list = NULL;
	struct allocation *a = p->allocation;

	if (region_used_nodes(p->view->inventory, p->allocation, &nodes) < 0)
		return -ENOMEM;
	a->cost = region_spread(p->view->inventory, nodes) +
		  PLACEMENT_COST_UNKNOWN * p->unknown_places;
	list = cpuset_format(nodes);
	if (!list ||
	    asprintf(
		    &a->why,
		    "%s is the tightest place that fits%s%s%s; the largest distance within is %u%s",
		    p->region->label, *list ? " (memory nodes " : "", list, *list ? ")" : "",
		    region_spread(p->view->inventory, nodes),
		    p->unknown_places ? "; the machine does not tell where some devices are" : "") <
		    0) {
		a->why = NULL;
		return -ENOMEM;
	}
	return p->request->memory_bytes == 0 ? add_near_nodes(p) : 0;
}

static void keep_refusal(struct best *best, const struct pick *p, size_t step)
{
	if (best->why.error && step < best->refused_step)
		return;
	best->why = p->why;
	best->refused_step = step;
}

/* Takes *a over when it is better than what there is. */
static void keep_better(struct best *best, const struct pick *p, struct allocation **a)
{
	uint64_t leftover = leftover_of(p);

	if (best->allocation &&
	    ((*a)->cost > best->allocation->cost ||
	     ((*a)->cost == best->allocation->cost && leftover >= best->leftover)))
		return;
	allocation_free(best->allocation);
	best->allocation = TAKE_PTR(*a);
	best->leftover = leftover;
}

static int try_region(struct pick p, struct best *best, placement_observer observer, void *userdata)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct placement_considered seen = { .level = p.region->level, .label = p.region->label };
	int r = allocation_new(&a);

	p.allocation = a;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
		r = steps[i](&p);
		if (r == PLACEMENT_NO_FIT)
			keep_refusal(best, &p, i);
	}
	if (r == PLACEMENT_FITS)
		r = finish(&p);
	if (r < 0)
		return r;
	seen.fits = r == PLACEMENT_FITS;
	seen.cost = seen.fits ? a->cost : 0;
	seen.why = seen.fits ? a->why : p.why.text;
	if (observer)
		observer(&seen, userdata);
	if (seen.fits)
		keep_better(best, &p, &a);
	return 0;
}

static int try_level(const struct view *v, const struct request *request, enum align_level level,
		     struct best *best, placement_observer observer, void *userdata)
{
	struct region *regions = NULL;
	size_t count = 0;
	int r = region_list(v->inventory, level, &regions, &count);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct pick p = { .view = v, .request = request, .region = &regions[i] };

		r = try_region(p, best, observer, userdata);
	}
	region_free_all(regions, count);
	return r < 0 ? r : 0;
}

int placement_decide(const struct view *v, const struct request *request, struct allocation **ret,
		     struct fail *why, placement_observer observer, void *userdata)
{
	enum align_level widest = request->align_required ? request->align : ALIGN_NONE;
	struct best best = { 0 };
	int r = 0;

	if (widest == ALIGN_SWITCH)
		widest = ALIGN_NODE;
	if (request_empty(request)) {
		fail_code(why, -EINVAL, "nothing-asked",
			  "the request asks for no core, shared CPU, memory, huge page or device");
		return PLACEMENT_NO_FIT;
	}
	for (enum align_level level = ALIGN_NODE; r == 0 && !best.allocation && level <= widest;
	     level++)
		r = try_level(v, request, level, &best, observer, userdata);
	if (r < 0) {
		allocation_free(best.allocation);
		return r;
	}
	if (best.allocation) {
		*ret = TAKE_PTR(best.allocation);
		return PLACEMENT_FITS;
	}
	if (!best.why.error)
		fail_code(&best.why, -ENOSPC, "cores-short",
			  "this machine has no %s with CPUs that can be offered",
			  align_level_to_string(widest));
	if (why)
		*why = best.why;
	return PLACEMENT_NO_FIT;
}
