/* SPDX-License-Identifier: Apache-2.0 */
/* What a slice that shrinks gives up; see resizing.h. Whoever is farthest from all others goes, one
 * by one, and the others' sums go down by what they had it to the one that went. */
#include "model/resizing.h"

#include "model/bounded.h"
#include "model/path.h"
#include "model/pick.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	OTHER_KIND = 256,    /* above every distance: kinds of cores are kept apart first */
	OFF_CORES = 256,     /* a device that is near no core of the slice */
	BRIDGES_COUNTED = 8, /* less than the smallest distance */
};

static const struct device *node_of(const struct inventory *inv, const struct device *core)
{
	inventory_each (node, inv, DEVICE_NODE)
		if (cpuset_intersects(node->memory.cpus, core->core.cpus))
			return node;
	return NULL;
}

static const struct device *node_numbered(const struct inventory *inv, unsigned number)
{
	inventory_each (node, inv, DEVICE_NODE)
		if (node->memory.number == number)
			return node;
	return NULL;
}

static bool same_kind(const struct device *a, const struct device *b)
{
	const char *x = a->core.core_kind, *y = b->core.core_kind;

	return x == y || (x && y && strcmp(x, y) == 0);
}

uint32_t resize_apart(const struct inventory *inv, const struct device *a, const struct device *b)
{
	uint32_t kinds = same_kind(a, b) ? 0 : OTHER_KIND;
	const struct device *from, *to;

	if (a->core.package == b->core.package && a->core.l3 == b->core.l3)
		return kinds;
	from = node_of(inv, a);
	to = node_of(inv, b);
	return kinds + (from && to ? region_distance(from, to->memory.number)
				   : (uint32_t)PLACEMENT_COST_LOCAL);
}

/* One of those that some must leave. */
struct member {
	const struct device *device; /* NULL: the machine has it no more, or it has left */
	const char *id;		     /* of a device; NULL for a core */
	unsigned number;	     /* of a core */
	bool kept, left;
	uint64_t far; /* from all others together */
};

struct crowd {
	struct member *members;
	size_t count;
	uint32_t (*apart)(const struct inventory *inv, const struct device *a,
			  const struct device *b);
	const struct inventory *inventory;
};

static void crowd_done(struct crowd *c)
{
	free(c->members);
}

static void measure(struct crowd *c)
{
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = i + 1; k < c->count; k++) {
			struct member *a = &c->members[i], *b = &c->members[k];
			uint32_t far = a->device && b->device
					       ? c->apart(c->inventory, a->device, b->device)
					       : 0;

			a->far += far;
			b->far += far;
		}
}

/* What the machine has no more goes before all else; the last among equals. */
static struct member *farthest(struct crowd *c)
{
	struct member *found = NULL;

	for (size_t i = 0; i < c->count; i++) {
		struct member *m = &c->members[i];

		if (m->kept || m->left)
			continue;
		if (!found || (found->device && !m->device) ||
		    (!found->device == !m->device && m->far >= found->far))
			found = m;
	}
	return found;
}

/* NULL: all that are left are to be kept. */
static const struct member *leave_one(struct crowd *c)
{
	struct member *gone = farthest(c);

	if (!gone)
		return NULL;
	gone->left = true;
	for (size_t i = 0; gone->device && i < c->count; i++) {
		struct member *m = &c->members[i];

		if (!m->left && m->device)
			m->far -= c->apart(c->inventory, gone->device, m->device);
	}
	return gone;
}

static int too_much(struct resize_pick *r, const char *what, size_t held, size_t wanted)
{
	fail_code(&r->why, -EINVAL, "keep-too-much",
		  "of %zu %s %zu would have to stay, and more than that are named to be kept", held,
		  what, wanted);
	return PLACEMENT_NO_FIT;
}

static const struct device *core_numbered(const struct inventory *inv, unsigned number)
{
	inventory_each (core, inv, DEVICE_CORE)
		if (core->core.number == number)
			return core;
	return NULL;
}

static int list_cores(const struct resize_pick *r, struct crowd *c)
{
	c->members = calloc(cpuset_count(r->a->cores) + 1, sizeof(*c->members));
	if (!c->members)
		return -ENOMEM;
	cpuset_each (number, r->a->cores) {
		const struct device *core = core_numbered(r->view->inventory, (unsigned)number);

		c->members[c->count++] = (struct member){
			.device = core,
			.number = (unsigned)number,
			.kept = core && cpuset_intersects(core->core.cpus, r->wish->keep_cpus),
		};
	}
	measure(c);
	return 0;
}

/* The CPUs of cores that the machine has; those of others cannot be told apart, and go with the
 * last of them. */
static int drop_orphans(struct resize_pick *r)
{
	_cleanup_(cpuset_freep) struct cpuset *known = NULL;
	int e = cpuset_new(&known);

	cpuset_each (number, r->a->cores) {
		const struct device *core = core_numbered(r->view->inventory, (unsigned)number);

		if (!core)
			return 0; /* its CPUs are among the unknown ones */
		if (e == 0)
			e = cpuset_union(known, core->core.cpus);
	}
	return e < 0 ? e : cpuset_intersect(r->a->cpus, known);
}

static int give_cores(struct resize_pick *r)
{
	_cleanup_(crowd_done) struct crowd crowd = { .apart = resize_apart,
						     .inventory = r->view->inventory };
	size_t held = cpuset_count(r->a->cores), wanted = r->wish->wanted->cores;

	if (held <= wanted)
		return PLACEMENT_FITS;
	if (list_cores(r, &crowd) < 0)
		return -ENOMEM;
	for (size_t n = held; n > wanted; n--) {
		const struct member *gone = leave_one(&crowd);

		if (!gone)
			return too_much(r, "cores", held, wanted);
		cpuset_remove(r->a->cores, gone->number);
		if (gone->device && cpuset_subtract(r->a->cpus, gone->device->core.cpus) < 0)
			return -ENOMEM;
	}
	return drop_orphans(r);
}

static uint32_t devices_apart(const struct inventory *inv, const struct device *a,
			      const struct device *b)
{
	const struct device *node = a->node >= 0 ? node_numbered(inv, (unsigned)a->node) : NULL;
	uint32_t far = node && b->node >= 0 ? region_distance(node, (unsigned)b->node)
					    : (uint32_t)PLACEMENT_COST_LOCAL;
	unsigned bridges = path_shared_bridges(inv, a, b);

	return far - (bridges < BRIDGES_COUNTED ? bridges : BRIDGES_COUNTED);
}

static bool on_cores(const struct resize_pick *r, const struct device *d)
{
	const struct device *node =
		d->node >= 0 ? node_numbered(r->view->inventory, (unsigned)d->node) : NULL;

	return cpuset_intersects(d->local_cpus, r->a->cpus) ||
	       (node && cpuset_intersects(node->memory.cpus, r->a->cpus));
}

static bool named(const struct resize_wish *w, const char *id)
{
	for (size_t i = 0; i < w->keep_devices_count; i++)
		if (strcmp(w->keep_devices[i], id) == 0)
			return true;
	return false;
}

bool resize_of_class(const struct inventory *inv, const char *id, enum device_kind kind)
{
	const struct device *d = inventory_find(inv, id);
	const char *class = device_kind_to_string(kind);
	size_t n = strlen(class);

	return d ? d->kind == kind : strncmp(id, class, n) == 0 && id[n] == '-';
}

/* Those of one class, in the order in which the slice got them. */
static int list_devices(const struct resize_pick *r, enum device_kind kind, struct crowd *c)
{
	const struct inventory *inv = r->view->inventory;

	c->members = calloc(r->a->devices_count + 1, sizeof(*c->members));
	if (!c->members)
		return -ENOMEM;
	for (size_t i = 0; i < r->a->devices_count; i++) {
		const char *id = r->a->devices[i];
		const struct device *d = inventory_find(inv, id);

		if (!resize_of_class(inv, id, kind))
			continue;
		c->members[c->count++] = (struct member){
			.device = d,
			.id = id,
			.kept = named(r->wish, id),
			.far = d && !on_cores(r, d) ? OFF_CORES : 0,
		};
	}
	measure(c);
	return 0;
}

static void remove_device(struct allocation *a, const char *id)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->devices_count; i++) {
		if (a->devices[i] == id)
			free(a->devices[i]);
		else
			a->devices[kept++] = a->devices[i];
	}
	a->devices_count = kept;
}

static int give_class(struct resize_pick *r, enum device_kind kind)
{
	_cleanup_(crowd_done) struct crowd crowd = { .apart = devices_apart,
						     .inventory = r->view->inventory };
	size_t wanted = r->wish->wanted->devices[kind];

	if (list_devices(r, kind, &crowd) < 0)
		return -ENOMEM;
	for (size_t n = crowd.count; n > wanted; n--) {
		const struct member *gone = leave_one(&crowd);

		if (!gone)
			return too_much(r, device_kind_plural(kind), crowd.count, wanted);
		remove_device(r->a, gone->id);
	}
	return PLACEMENT_FITS;
}

static int give_devices(struct resize_pick *r)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };
	int e = PLACEMENT_FITS;

	for (size_t i = 0; e == PLACEMENT_FITS && i < ARRAY_SIZE(kinds); i++)
		e = give_class(r, kinds[i]);
	return e;
}

/* How far the slice's cores have it to a node; 0 where they are on it, or there are none. */
static uint32_t far_from_cores(const struct resize_pick *r, uint32_t number)
{
	const struct device *to = node_numbered(r->view->inventory, number);
	uint32_t least = cpuset_empty(r->a->cpus) ? 0 : UINT32_MAX;

	if (to && cpuset_intersects(to->memory.cpus, r->a->cpus))
		return 0;
	inventory_each (node, r->view->inventory, DEVICE_NODE)
		if (cpuset_intersects(node->memory.cpus, r->a->cpus)) {
			uint32_t far = region_distance(node, number);

			least = far < least ? far : least;
		}
	return least;
}

/* Takes up to `bytes` from the farthest entry that has more than its floor; what it took. */
static uint64_t take_farthest(struct resize_pick *r, uint64_t bytes, bool spare_used)
{
	struct allocation_memory *from = NULL;
	uint64_t most = 0;
	uint32_t farthest_yet = 0;

	for (size_t i = 0; i < r->a->memory_count; i++) {
		struct allocation_memory *m = &r->a->memory[i];
		uint32_t far = far_from_cores(r, m->node);
		uint64_t used = allocation_memory_on(r->wish->used, r->wish->used_count, m->node);
		uint64_t had = subtract_bounded(m->bytes, spare_used ? used : 0);

		if (had == 0 || (from && far < farthest_yet))
			continue;
		from = m;
		farthest_yet = far;
		most = had;
	}
	if (!from)
		return 0;
	most = most < bytes ? most : bytes;
	from->bytes -= most;
	return most;
}

static int give_memory(struct resize_pick *r)
{
	uint64_t left =
		subtract_bounded(allocation_memory_total(r->a), r->wish->wanted->memory_bytes);
	size_t kept = 0;

	for (uint64_t took = 1; left > 0 && took > 0; left -= took)
		took = take_farthest(r, left, true);
	for (uint64_t took = 1; left > 0 && took > 0; left -= took)
		took = take_farthest(r, left, false);
	for (size_t i = 0; i < r->a->memory_count; i++)
		if (r->a->memory[i].bytes > 0)
			r->a->memory[kept++] = r->a->memory[i];
	r->a->memory_count = kept;
	return PLACEMENT_FITS;
}

/* The farthest entry of that size that has any, the last among equals. */
static struct allocation_hugepages *farthest_pages(const struct resize_pick *r, uint64_t size_bytes)
{
	struct allocation_hugepages *found = NULL;

	for (size_t i = 0; i < r->a->hugepages_count; i++) {
		struct allocation_hugepages *h = &r->a->hugepages[i];

		if (h->size_bytes == size_bytes && h->count > 0 &&
		    (!found || far_from_cores(r, h->node) >= far_from_cores(r, found->node)))
			found = h;
	}
	return found;
}

/* An entry of no pages stays: it is what sets the limit of that size to none. */
static int give_hugepages(struct resize_pick *r)
{
	for (size_t i = 0; i < r->a->hugepages_count; i++) {
		uint64_t size = r->a->hugepages[i].size_bytes;
		uint64_t left = subtract_bounded(allocation_hugepages_total(r->a, size),
						 request_hugepages(r->wish->wanted, size));

		while (left > 0) {
			struct allocation_hugepages *h = farthest_pages(r, size);
			uint64_t took = h->count < left ? h->count : left;

			h->count -= took;
			left -= took;
		}
	}
	return PLACEMENT_FITS;
}

static int check_keep(struct resize_pick *r)
{
	const struct resize_wish *w = r->wish;

	cpuset_each (cpu, w->keep_cpus)
		if (!cpuset_has(r->a->cpus, (unsigned)cpu)) {
			fail_code(&r->why, -EINVAL, "keep-unknown",
				  "cpu %d is to be kept, and is none of the slice's own", cpu);
			return PLACEMENT_NO_FIT;
		}
	for (size_t i = 0; i < w->keep_devices_count; i++)
		if (!allocation_has_device(r->a, w->keep_devices[i])) {
			fail_code(&r->why, -EINVAL, "keep-unknown",
				  "device %.64s is to be kept, and is none of the slice's",
				  w->keep_devices[i]);
			return PLACEMENT_NO_FIT;
		}
	return PLACEMENT_FITS;
}

int resize_give_up(struct resize_pick *r)
{
	static int (*const steps[])(struct resize_pick * r) = {
		check_keep, give_cores, give_devices, give_memory, give_hugepages,
	};
	int e = PLACEMENT_FITS;

	for (size_t i = 0; e == PLACEMENT_FITS && i < ARRAY_SIZE(steps); i++)
		e = steps[i](r);
	if (r->a->shared_millicpus > r->wish->wanted->shared_millicpus)
		r->a->shared_millicpus = r->wish->wanted->shared_millicpus;
	return e;
}
