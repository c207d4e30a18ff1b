/* SPDX-License-Identifier: Apache-2.0 */
/* Made machines and the stage around them; see model-fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "util/cleanup.h"

struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

void expect_set(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(s);

	assert_string_equal(text, expected);
}

static struct device *add(struct inventory *inv, enum device_kind kind, const char *name)
{
	struct device *d = NULL, *kept;

	assert_int_equal(device_new(&d, kind, name), 0);
	kept = d;
	assert_int_equal(inventory_add(inv, &d), 0);
	return kept;
}

static struct device *add_numbered(struct inventory *inv, enum device_kind kind, unsigned number)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	return add(inv, kind, name);
}

struct place {				     /* of one core */
	unsigned package, node, core, cores; /* numbers, and how many there are */
};

static void add_core(struct inventory *inv, const struct shape *s, struct place at, unsigned nth)
{
	struct device *core = add_numbered(inv, DEVICE_CORE, at.core);
	unsigned leader = at.core - (s->cores_of_l3 ? nth % s->cores_of_l3 : nth);

	core->core.number = at.core;
	core->core.package = at.package;
	core->core.die = 0;
	core->core.l3 = s->siblings_apart ? leader : leader * s->threads;
	core->node = (int)at.node;
	assert_int_equal(cpuset_new(&core->core.cpus), 0);
	for (unsigned t = 0; t < s->threads; t++)
		assert_int_equal(cpuset_add(core->core.cpus, s->siblings_apart
								     ? at.core + t * at.cores
								     : at.core * s->threads + t),
				 0);
	if (s->efficiency)
		assert_int_equal(device_set_string(&core->core.core_kind,
						   nth >= s->cores - s->efficiency ? "efficiency"
										   : "performance"),
				 0);
	assert_int_equal(cpuset_union(shape_node(inv, at.node)->memory.cpus, core->core.cpus), 0);
}

static void add_node(struct inventory *inv, const struct shape *s, struct place at)
{
	struct device *node = shape_add_memory(inv, at.node, "dram", true, s->memory_bytes);
	struct device *package = inventory_next(inv, DEVICE_PACKAGE, &(size_t){ 0 });

	for (unsigned i = 0; i < s->cores; i++, at.core++)
		add_core(inv, s, at, i);
	inventory_each (p, inv, DEVICE_PACKAGE)
		package = p->package.number == at.package ? p : package;
	assert_int_equal(cpuset_union(package->package.cpus, node->memory.cpus), 0);
}

struct inventory *shape_make(struct shape s)
{
	struct inventory *inv = NULL;
	struct place at = { 0 };

	s.packages = s.packages ? s.packages : 1;
	s.nodes = s.nodes ? s.nodes : 1;
	s.cores = s.cores ? s.cores : 1;
	s.threads = s.threads ? s.threads : 1;
	s.node_step = s.node_step ? s.node_step : 1;
	s.memory_bytes = s.memory_bytes ? s.memory_bytes : 8 * GIB;
	at.cores = s.packages * s.nodes * s.cores;
	assert_int_equal(inventory_new(&inv), 0);
	for (; at.package < s.packages; at.package++) {
		struct device *package = add_numbered(inv, DEVICE_PACKAGE, at.package);

		package->package.number = at.package;
		assert_int_equal(cpuset_new(&package->package.cpus), 0);
		for (unsigned n = 0; n < s.nodes; n++) {
			add_node(inv, &s, at);
			at.core += s.cores;
			at.node += s.node_step;
		}
	}
	return inv;
}

static struct device *find_numbered(struct inventory *inv, const char *kind, unsigned number)
{
	char id[24];
	struct device *d;

	(void)snprintf(id, sizeof(id), "%s-%u", kind, number);
	d = inventory_find(inv, id);
	assert_non_null(d);
	return d;
}

struct device *shape_node(struct inventory *inv, unsigned number)
{
	return find_numbered(inv, "node", number);
}

struct device *shape_core(struct inventory *inv, unsigned number)
{
	return find_numbered(inv, "core", number);
}

void shape_add_hugepages(struct inventory *inv, unsigned node, uint64_t size_bytes, uint64_t total)
{
	struct device_node *m = &shape_node(inv, node)->memory;

	m->hugepages = reallocarray(m->hugepages, m->hugepages_count + 1, sizeof(*m->hugepages));
	assert_non_null(m->hugepages);
	m->hugepages[m->hugepages_count++] = (struct device_hugepages){ .size_bytes = size_bytes,
									.total = total,
									.free = total };
}

void shape_set_distance(struct inventory *inv, unsigned from, unsigned to, uint32_t value)
{
	struct device_numbers *n = &shape_node(inv, from)->memory.distances;

	n->number = reallocarray(n->number, n->count + 1, sizeof(*n->number));
	n->value = reallocarray(n->value, n->count + 1, sizeof(*n->value));
	assert_true(n->number && n->value);
	n->number[n->count] = to;
	n->value[n->count++] = value;
}

struct device *shape_add_memory(struct inventory *inv, unsigned node, const char *kind,
				bool host_memory, uint64_t memory_bytes)
{
	struct device *d = add_numbered(inv, DEVICE_NODE, node);

	d->node = (int)node;
	d->memory.number = node;
	d->memory.host_memory = host_memory;
	d->memory.memory_bytes = memory_bytes;
	assert_int_equal(device_set_string(&d->memory.memory_kind, kind), 0);
	assert_int_equal(cpuset_new(&d->memory.cpus), 0);
	return d;
}

struct device *shape_add_device(struct inventory *inv, enum device_kind kind, const char *name,
				int node)
{
	struct device *d = add(inv, kind, name);

	d->node = node;
	if (node >= 0)
		assert_int_equal(
			cpuset_copy(&d->local_cpus, shape_node(inv, (unsigned)node)->memory.cpus),
			0);
	if (kind == DEVICE_GPU)
		d->gpu.compute = true;
	if (kind == DEVICE_NIC)
		d->nic.physical = true;
	return d;
}

void shape_add_pci(struct inventory *inv, struct device *d, const char *pci, const char *path)
{
	struct device *function = add(inv, DEVICE_PCI, pci);

	function->node = d->node;
	assert_int_equal(device_set_string(&d->pci, pci), 0);
	assert_int_equal(device_set_string(&function->function.path, path), 0);
}

void stage_open(struct stage *s, struct inventory *inv)
{
	*s = (struct stage){ .inventory = inv };
	if (!inv->sealed)
		inventory_seal(inv);
	assert_int_equal(ledger_new(&s->ledger), 0);
	assert_int_equal(health_new(&s->health), 0);
	s->view = (struct view){ .inventory = s->inventory,
				 .ledger = s->ledger,
				 .reserve = &s->reserve,
				 .health = s->health };
}

void stage_close(struct stage *s)
{
	ledger_free(s->ledger);
	health_free(s->health);
	cpuset_free(s->reserve.cpus);
	inventory_free(s->inventory);
}

int stage_decide(const struct stage *s, const struct request *r, struct allocation **ret,
		 struct fail *why)
{
	int answer;

	*ret = NULL;
	answer = placement_decide(&s->view, r, ret, why, NULL, NULL);
	assert_true(answer == PLACEMENT_FITS || answer == PLACEMENT_NO_FIT);
	assert_true((answer == PLACEMENT_FITS) == (*ret != NULL));
	return answer;
}

struct allocation *stage_place(const struct stage *s, const struct request *r)
{
	struct allocation *a;
	struct fail why = { 0 };

	if (stage_decide(s, r, &a, &why) != PLACEMENT_FITS)
		fail_msg("refused: %s: %s", why.code, why.text);
	assert_null(a->slice);
	assert_non_null(a->why);
	return a;
}

void stage_refuse(const struct stage *s, const struct request *r, const char *code)
{
	struct allocation *a;
	struct fail why = { 0 };

	if (stage_decide(s, r, &a, &why) == PLACEMENT_FITS) {
		allocation_free(a);
		fail_msg("placed, %s was expected", code);
	}
	assert_string_equal(why.code, code);
	assert_true(why.error < 0 && strlen(why.text) > 10);
}

const struct allocation *stage_take(struct stage *s, const char *slice, const struct request *r)
{
	_cleanup_(allocation_freep) struct allocation *a = stage_place(s, r);

	a->slice = strdup(slice);
	assert_non_null(a->slice);
	assert_int_equal(ledger_take(s->ledger, &a), 0);
	assert_null(a);
	return ledger_find(s->ledger, slice);
}

void stage_feel(struct stage *s, const char *subject, enum verdict verdict)
{
	struct reading r = { subject, "test", verdict, "made so" };

	health_forget(s->health, subject);
	assert_true(health_feed(s->health, &r, 1, NULL) >= 0);
}

void stage_hold(struct stage *s, const char *slice, const char *cpus)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	_cleanup_(cpuset_freep) struct cpuset *held = set_of(cpus);

	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(slice);
	assert_non_null(a->slice);
	assert_int_equal(cpuset_union(a->cpus, held), 0);
	assert_int_equal(ledger_take(s->ledger, &a), 0);
}

bool resources_equal(const struct resources *a, const struct resources *b)
{
	if (a->cores != b->cores || a->threads != b->threads || a->gpus != b->gpus ||
	    a->nics != b->nics || a->disks != b->disks || a->memory_bytes != b->memory_bytes ||
	    a->hugepages_count != b->hugepages_count)
		return false;
	for (size_t i = 0; i < a->hugepages_count; i++)
		if (a->hugepages[i].size_bytes != b->hugepages[i].size_bytes ||
		    a->hugepages[i].count != b->hugepages[i].count)
			return false;
	return true;
}

void expect_devices(const struct allocation *a, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < a->devices_count; i++) {
		size_t used = strlen(text);

		(void)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
			       a->devices[i]);
	}
	assert_string_equal(text, expected);
}
