/* SPDX-License-Identifier: Apache-2.0 */
/* Random machines; see random-machine.h. Each oddity is drawn on its own, so that they also meet.
 */
#include "tests/unit/random-machine.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum { THREADS_APART = 512, NODES_ROOM = 64, PATH_ROOM = 80 };

struct making {
	struct random *r;
	const struct random_size *size;
	struct inventory *inv;
	unsigned threads, cpu, core; /* of a core; the next numbers */
	bool placeless;		     /* one node, and of no device it is told that it is there */
	bool apart;		     /* second threads are numbered far from the first ones */
	unsigned nodes[NODES_ROOM];  /* their numbers */
	size_t nodes_count;
};

static bool one_in(struct making *m, unsigned chances)
{
	return random_draw(m->r, chances) == 0;
}

/* Only on machines that may lie. */
static bool lie_in(struct making *m, unsigned chances)
{
	return !m->size->honest && one_in(m, chances);
}

static struct device *add_numbered(struct making *m, enum device_kind kind, unsigned number)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	return shape_add_device(m->inv, kind, name, DEVICE_NO_NODE);
}

static void add_package(struct making *m, unsigned number)
{
	struct device *package = add_numbered(m, DEVICE_PACKAGE, number);

	package->package.number = number;
	assert_int_equal(cpuset_new(&package->package.cpus), 0);
}

static unsigned new_cpu(struct making *m, unsigned nth)
{
	unsigned cpu = m->cpu + (m->apart ? nth * THREADS_APART : nth);
	bool online = nth == 0 || !one_in(m, 20);

	assert_int_equal(cpuset_add(m->inv->machine.allowed, cpu), 0);
	assert_int_equal(cpuset_add(online ? m->inv->machine.online : m->inv->machine.offline, cpu),
			 0);
	return online ? cpu : CPUSET_MAX;
}

/* One that some core has: discovery lets no other through. */
static unsigned known_cpu(struct making *m)
{
	unsigned left = (unsigned)random_draw(m->r, m->cpu + 1), last = 0;

	cpuset_each (cpu, m->inv->machine.online)
		if (left-- > 0)
			last = (unsigned)cpu;
	return last;
}

static void add_threads(struct making *m, struct device *core)
{
	unsigned threads = one_in(m, 8) ? 1 : m->threads;

	assert_int_equal(cpuset_new(&core->core.cpus), 0);
	for (unsigned t = 0; t < threads; t++) {
		unsigned cpu = new_cpu(m, t);

		if (cpu != CPUSET_MAX)
			assert_int_equal(cpuset_add(core->core.cpus, cpu), 0);
	}
	if (lie_in(m, 30)) /* a CPU of two cores */
		assert_int_equal(cpuset_add(core->core.cpus, known_cpu(m)), 0);
	m->cpu += m->apart ? 1 : threads;
	if (one_in(m, 12)) /* one that is offline, or was never there */
		assert_int_equal(cpuset_add(m->inv->machine.offline, m->cpu++), 0);
}

static void add_core(struct making *m, struct device *node, unsigned package, uint32_t l3)
{
	struct device *core = add_numbered(m, DEVICE_CORE, m->core);
	struct device_core *c = &core->core;
	char id[24];

	core->node = (int)node->memory.number;
	c->number = m->core++;
	c->package = package;
	c->die = 0;
	c->l3 = l3;
	add_threads(m, core);
	c->isolated = one_in(m, 25);
	core->offerable = !one_in(m, 30);
	if (one_in(m, 5))
		assert_int_equal(device_set_string(&c->core_kind,
						   one_in(m, 2) ? "efficiency" : "performance"),
				 0);
	if (lie_in(m, 40))
		core->node = (int)m->nodes[random_draw(m->r, m->nodes_count)];
	assert_int_equal(cpuset_union(node->memory.cpus, c->cpus), 0);
	(void)snprintf(id, sizeof(id), "package-%u", package);
	assert_int_equal(cpuset_union(inventory_find(m->inv, id)->package.cpus, c->cpus), 0);
}

/* Caches of uneven size; a node without CPUs now and then. */
static void add_cores(struct making *m, struct device *node, unsigned package)
{
	unsigned count = one_in(m, 6) ? 0 : 1 + (unsigned)random_draw(m->r, m->size->cores);
	unsigned left = 0;
	uint32_t l3 = m->cpu;
	bool told = !one_in(m, 10);

	if (m->core == 0 && count == 0)
		count = 1;
	for (unsigned i = 0; i < count; i++, left--) {
		if (left == 0) {
			left = 1 + (unsigned)random_draw(m->r, count);
			l3 = told ? m->cpu : DEVICE_UNKNOWN_U32;
		}
		add_core(m, node, package, l3);
	}
	if (lie_in(m, 25))
		assert_int_equal(cpuset_add(node->memory.cpus, known_cpu(m)), 0);
}

static void add_node(struct making *m, unsigned number, unsigned package)
{
	static const char *const kinds[] = { "dram", "dram", "dram", "hbm", "cxl", "pmem" };
	uint64_t bytes = one_in(m, 12) ? 0 : (1 + random_draw(m->r, 32)) << 28;
	struct device *node;

	if (lie_in(m, 30))
		bytes = one_in(m, 2) ? UINT64_MAX - 1 : DEVICE_UNKNOWN_U64;
	node = shape_add_memory(m->inv, number, kinds[random_draw(m->r, ARRAY_SIZE(kinds))],
				bytes > 0 || lie_in(m, 4), bytes);
	m->nodes[m->nodes_count++] = number;
	if (one_in(m, 4))
		shape_add_hugepages(m->inv, number, 2 * MIB, random_draw(m->r, 60));
	if (one_in(m, 10))
		shape_add_hugepages(m->inv, number, GIB, random_draw(m->r, 3));
	add_cores(m, node, package);
}

static void set_distances(struct making *m)
{
	bool none = one_in(m, 6);

	for (size_t i = 0; i < m->nodes_count && !none; i++)
		for (size_t k = 0; k <= i; k++) {
			static const uint32_t odd[] = { 0, 1, 9, 10, 255, 256, UINT32_MAX };
			uint32_t far = i == k ? 10 : 11 + (uint32_t)random_draw(m->r, 4) * 7;
			uint32_t back =
				lie_in(m, 10) ? odd[random_draw(m->r, ARRAY_SIZE(odd))] : far;

			if (lie_in(m, 20))
				continue; /* a hole in the table */
			shape_set_distance(m->inv, m->nodes[i], m->nodes[k], far);
			if (i != k)
				shape_set_distance(m->inv, m->nodes[k], m->nodes[i], back);
		}
}

/* Two root ports a node; below each up to two switches of a few ports, or the device itself. */
static void draw_path(struct making *m, int node, char path[PATH_ROOM])
{
	unsigned root = ((unsigned)(node + 1) * 2 + (unsigned)random_draw(m->r, 2)) & 0xff;
	unsigned way = (unsigned)random_draw(m->r, 2), port = (unsigned)random_draw(m->r, 4);
	unsigned depth = (unsigned)random_draw(m->r, 5);
	int used = 0;

	path[0] = 0;
	if (depth > 0)
		used = snprintf(path, PATH_ROOM, "0000:%02x:01.0", root);
	if (depth > 1)
		used += snprintf(path + used, PATH_ROOM - (size_t)used, "/0001:%02x:0%u.0", root,
				 way);
	if (depth > 2)
		(void)snprintf(path + used, PATH_ROOM - (size_t)used, "/0002:%02x:0%u.%u", root,
			       way, port);
}

static void place_on_pci(struct making *m, struct device *d, unsigned nth)
{
	char pci[24], path[PATH_ROOM];

	draw_path(m, d->node, path);
	(void)snprintf(pci, sizeof(pci), "0000:%02x:00.0", nth);
	if (lie_in(m, 12) && nth > 0) { /* another one has it already */
		(void)snprintf(pci, sizeof(pci), "0000:%02x:00.0", nth - 1);
		assert_int_equal(device_set_string(&d->pci, pci), 0);
		return;
	}
	shape_add_pci(m->inv, d, pci, *path ? path : NULL);
}

static struct device *add_device(struct making *m, enum device_kind kind, unsigned nth)
{
	int node = (int)m->nodes[random_draw(m->r, m->nodes_count)];
	bool told = m->nodes_count == 1 ? !m->placeless : !one_in(m, 8);
	struct device *d;
	char name[16];

	(void)snprintf(name, sizeof(name), "d%u", nth);
	d = shape_add_device(m->inv, kind, name, told ? node : DEVICE_NO_NODE);
	if (lie_in(m, 15)) /* its CPUs are not those of its node */
		d->node = (int)m->nodes[random_draw(m->r, m->nodes_count)];
	if (!one_in(m, 8))
		place_on_pci(m, d, nth);
	d->offerable = !one_in(m, 12);
	return d;
}

static void add_link(struct device *from, const struct device *to, unsigned mbps)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%s%s=%u", from->gpu.links ? from->gpu.links : "",
		       from->gpu.links ? "," : "", to->pci, mbps);
	assert_int_equal(device_set_string(&from->gpu.links, text), 0);
}

/* Some pairs of GPUs have a link, of one or two lanes. */
static void add_links(struct making *m)
{
	bool all = one_in(m, 3);

	inventory_each (a, m->inv, DEVICE_GPU)
		inventory_each (b, m->inv, DEVICE_GPU) {
			unsigned mbps = (unsigned)random_draw(m->r, 3) * 25000;

			if (a == b)
				break; /* each pair once */
			if (!a->pci || !b->pci || mbps == 0 || (!all && one_in(m, 2)))
				continue;
			add_link(a, b, mbps);
			add_link(b, a, lie_in(m, 5) ? 1 : mbps);
		}
}

static void add_devices(struct making *m)
{
	unsigned gpus = (unsigned)random_draw(m->r, m->size->gpus + 1), nth = 0;
	unsigned others = (unsigned)random_draw(m->r, m->size->others + 1);
	struct device *port = NULL;

	while (nth < gpus)
		(void)add_device(m, DEVICE_GPU, nth++);
	for (; nth < gpus + others; nth++) {
		struct device *d = add_device(m, one_in(m, 3) ? DEVICE_DISK : DEVICE_NIC, nth);

		if (d->kind != DEVICE_NIC)
			continue;
		d->nic.speed_mbps = one_in(m, 4) ? DEVICE_UNKNOWN_U32 : 25000;
		if (port && port->pci && one_in(m, 4)) { /* a function of the last port */
			d->nic.physical = false;
			assert_int_equal(device_set_string(&d->nic.physical_function, port->pci),
					 0);
		} else {
			port = d;
		}
	}
}

struct inventory *random_machine(struct random *r, const struct random_size *size)
{
	static const unsigned threads[] = { 1, 1, 2, 2, 2, 4 };
	struct making m = { .r = r, .size = size };
	unsigned count = 1 + (unsigned)random_draw(r, size->nodes), number = 0, package = 0;

	assert_true(size->nodes + 1 < NODES_ROOM);
	assert_int_equal(inventory_new(&m.inv), 0);
	m.threads = threads[random_draw(r, ARRAY_SIZE(threads))];
	m.apart = one_in(&m, 2);
	add_package(&m, 0);
	for (unsigned i = 0; i < count; i++) {
		if (i > 0 && one_in(&m, 3))
			add_package(&m, ++package);
		number += one_in(&m, 4) ? (unsigned)random_draw(r, 9) : 0;
		add_node(&m, number++, package);
	}
	set_distances(&m);
	m.placeless = one_in(&m, 4);
	if (one_in(&m, 6)) /* what a GPU has is no memory of the host */
		(void)shape_add_memory(m.inv, 255, "gpu", false, 16 * GIB);
	add_devices(&m);
	if (one_in(&m, 3))
		add_links(&m);
	return m.inv;
}

void random_host(struct random *r, struct stage *s)
{
	size_t cursor = 0;
	struct device *d;

	s->reserve.memory_bytes = random_draw(r, 3) ? random_draw(r, GIB) : 0;
	assert_int_equal(
		reserve_of(s->inventory, (uint32_t)random_draw(r, 2), NULL, &s->reserve.cpus), 0);
	while ((d = inventory_next(s->inventory, (enum device_kind)random_draw(r, DEVICE_KINDS),
				   &cursor)))
		if (!random_draw(r, 8))
			stage_feel(s, d->id, random_draw(r, 2) ? VERDICT_FAILED : VERDICT_DEGRADED);
}

/* Mostly of a size that a node has, so that more than one of them is placed. */
struct request random_request(struct random *r, const struct random_size *size)
{
	struct request q = { .align = (enum align_level)random_draw(r, ALIGN_NONE + 1),
			     .align_required = !random_draw(r, 3) };

	if (random_draw(r, 4))
		q.cores = 1 + (uint32_t)random_draw(r, random_draw(r, 4) ? 2 : 2 * size->cores);
	if (!random_draw(r, 6))
		q.shared_millicpus = 1 + (uint32_t)random_draw(r, 2500);
	if (random_draw(r, 2))
		q.memory_bytes = random_draw(r, (random_draw(r, 3) ? 1 : 8) * GIB);
	if (!random_draw(r, 8))
		q.hugepages[q.hugepages_count++] =
			(struct request_hugepages){ random_draw(r, 6) ? 2 * MIB : GIB,
						    1 + random_draw(r, 20) };
	if (size->gpus && !random_draw(r, 3))
		q.devices[DEVICE_GPU] =
			1 + (uint32_t)random_draw(r, random_draw(r, 3) ? 2 : size->gpus);
	if (size->others && !random_draw(r, 5))
		q.devices[DEVICE_NIC] = 1 + (uint32_t)random_draw(r, 2);
	if (size->others && !random_draw(r, 9))
		q.devices[DEVICE_DISK] = 1;
	if (q.devices[DEVICE_NIC] && !random_draw(r, 4))
		q.nic = (struct request_nic){
			.function = (enum nic_function)random_draw(r, 3),
			.speed_mbps = random_draw(r, 2) ? 10000 : 0,
		};
	return q;
}

void random_policy(struct random *r, const struct inventory *inv, struct request *q)
{
	static const enum strategy strategies[] = { STRATEGY_LEAVE_LARGEST_HOLE, STRATEGY_PACK,
						    STRATEGY_SPREAD };

	q->strategy = strategies[random_draw(r, ARRAY_SIZE(strategies))];
	if (!random_draw(r, 4))
		q->align = ALIGN_SWITCH;
	if (random_draw(r, 3))
		return;
	q->apart = (enum apart)random_draw(r, APART_PACKAGE + 1);
	q->apart_required = !random_draw(r, 3);
	assert_int_equal(cpuset_new(&q->apart_nodes), 0);
	inventory_each (node, inv, DEVICE_NODE)
		if (!random_draw(r, 3))
			assert_int_equal(cpuset_add(q->apart_nodes, node->memory.number), 0);
}
