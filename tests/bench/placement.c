/* SPDX-License-Identifier: Apache-2.0 */
/* What one decision of placement costs on servers of 8 to 1,024 hardware threads, half full, for a
 * mix of requests: median and 99th percentile, and how it grows. Prints; asserts nothing.
 *
 *   tests/bench/placement [ROUNDS [THREADS]]
 */
#include "model/placement.h"
#include "util/cleanup.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct server {
	unsigned packages, nodes, cores, gpus; /* nodes of a package; cores and GPUs of a node */
};

static const struct server servers[] = {
	{ 1, 1, 4, 0 },	 /* 8 threads */
	{ 1, 2, 16, 1 }, /* 64, 2 GPUs */
	{ 2, 4, 16, 1 }, /* 256, 8 GPUs: two packages of 64 cores in four nodes each */
	{ 8, 2, 32, 1 }, /* 1,024, 16 GPUs */
};

struct stage {
	struct inventory *inventory;
	struct ledger *ledger;
	struct reserve reserve;
	struct view view;
};

static void check(int r)
{
	if (r < 0)
		errx(1, "cannot make the machine: %s", strerror(-r));
}

static struct device *add(struct inventory *inv, enum device_kind kind, const char *name)
{
	struct device *d = NULL, *kept;

	check(device_new(&d, kind, name));
	kept = d;
	check(inventory_add(inv, &d));
	return kept;
}

static struct device *add_numbered(struct inventory *inv, enum device_kind kind, unsigned number)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", number);
	return add(inv, kind, name);
}

/* Eight cores a cache, second threads after all first ones. */
static void add_core(struct inventory *inv, const struct server *s, unsigned number,
		     struct device *node, struct device *package)
{
	unsigned cores = s->packages * s->nodes * s->cores;
	struct device *core = add_numbered(inv, DEVICE_CORE, number);

	core->core.number = number;
	core->core.package = package->package.number;
	core->core.l3 = number / 8 * 8;
	core->node = (int32_t)node->memory.number;
	check(cpuset_new(&core->core.cpus));
	check(cpuset_add(core->core.cpus, number));
	check(cpuset_add(core->core.cpus, number + cores));
	check(cpuset_union(node->memory.cpus, core->core.cpus));
	check(cpuset_union(package->package.cpus, core->core.cpus));
}

static void add_pci(struct inventory *inv, enum device_kind kind, unsigned number, unsigned node)
{
	char name[16], pci[32], path[64];
	struct device *d, *function;

	(void)snprintf(name, sizeof(name), "d%u", number);
	(void)snprintf(pci, sizeof(pci), "%04x:%02x:00.0", node, number % 64 + 64 * (kind % 3));
	(void)snprintf(path, sizeof(path), "%04x:00:01.0/%04x:01:00.0/%04x:02:%02x.0", node, node,
		       node, kind);
	d = add(inv, kind, name);
	function = add(inv, DEVICE_PCI, pci);
	d->node = function->node = (int32_t)node;
	d->gpu.compute |= kind == DEVICE_GPU;
	d->nic.physical |= kind == DEVICE_NIC;
	check(device_set_string(&d->pci, pci));
	check(device_set_string(&function->function.path, path));
}

static void add_distances(struct device *node, const struct server *s, unsigned number)
{
	struct device_numbers *n = &node->memory.distances;
	unsigned nodes = s->packages * s->nodes;

	n->number = calloc(nodes, sizeof(*n->number));
	n->value = calloc(nodes, sizeof(*n->value));
	if (!n->number || !n->value)
		errx(1, "out of memory");
	for (; n->count < nodes; n->count++) {
		n->number[n->count] = (uint32_t)n->count;
		n->value[n->count] = n->count == number				? 10
				     : n->count / s->nodes == number / s->nodes ? 12
										: 32;
	}
}

static void add_node(struct inventory *inv, const struct server *s, struct device *package,
		     unsigned number)
{
	struct device *node = add_numbered(inv, DEVICE_NODE, number);

	node->memory.number = number;
	node->memory.host_memory = true;
	node->memory.memory_bytes = 128ULL << 30;
	check(cpuset_new(&node->memory.cpus));
	add_distances(node, s, number);
	for (unsigned i = 0; i < s->cores; i++)
		add_core(inv, s, number * s->cores + i, node, package);
	for (unsigned i = 0; i < s->gpus; i++) {
		add_pci(inv, DEVICE_GPU, number * s->gpus + i, number);
		add_pci(inv, DEVICE_NIC, number * s->gpus + i, number);
		add_pci(inv, DEVICE_DISK, number * s->gpus + i, number);
	}
}

static void open_stage(struct stage *stage, const struct server *s)
{
	*stage = (struct stage){ 0 };
	check(inventory_new(&stage->inventory));
	for (unsigned p = 0; p < s->packages; p++) {
		struct device *package = add_numbered(stage->inventory, DEVICE_PACKAGE, p);

		package->package.number = p;
		check(cpuset_new(&package->package.cpus));
		for (unsigned n = 0; n < s->nodes; n++)
			add_node(stage->inventory, s, package, p * s->nodes + n);
	}
	inventory_seal(stage->inventory);
	check(ledger_new(&stage->ledger));
	check(reserve_of(stage->inventory, 1, NULL, &stage->reserve.cpus));
	stage->reserve.memory_bytes = 4ULL << 30;
	stage->view = (struct view){ .inventory = stage->inventory,
				     .ledger = stage->ledger,
				     .reserve = &stage->reserve };
}

static void close_stage(struct stage *stage)
{
	ledger_free(stage->ledger);
	cpuset_free(stage->reserve.cpus);
	inventory_free(stage->inventory);
}

/* What people ask for: a notebook, a build, a training, half a machine. */
static struct request nth_request(const struct server *s, unsigned nth)
{
	const uint64_t gib = 1ULL << 30;
	bool gpus = s->gpus > 0;
	struct request q = { 0 };

	switch (nth % 4) {
	case 0:
		q.cores = 2;
		q.memory_bytes = 8 * gib;
		break;
	case 1:
		q.cores = 4;
		q.memory_bytes = 16 * gib;
		q.devices[DEVICE_GPU] = gpus;
		break;
	case 2:
		q.cores = s->cores / 2;
		q.memory_bytes = 32 * gib;
		q.devices[DEVICE_GPU] = gpus;
		q.devices[DEVICE_NIC] = gpus;
		break;
	default:
		q.cores = s->packages * s->nodes * s->cores / 4;
		q.memory_bytes = 64 * gib;
		q.devices[DEVICE_GPU] = s->packages * s->nodes * s->gpus / 4;
	}
	return q;
}

static void fill_half(struct stage *stage, const struct server *s)
{
	unsigned cores = s->packages * s->nodes * s->cores / 2;
	unsigned gpus = s->packages * s->nodes * s->gpus / 2;

	for (unsigned i = 0; i * 2 + 2 <= cores; i++) {
		struct request q = nth_request(s, i % 2);
		struct allocation *a = NULL;

		q.memory_bytes /= 4;
		q.cores = i % 2 ? 3 : 1;
		q.devices[DEVICE_GPU] = i % 2 && gpus > 0;
		gpus -= q.devices[DEVICE_GPU];
		if (placement_decide(&stage->view, &q, &a, NULL, NULL, NULL) != PLACEMENT_FITS ||
		    asprintf(&a->slice, "s%u", i) < 0)
			errx(1, "the machine cannot be filled");
		check(ledger_take(stage->ledger, &a));
	}
}

static double now_usec(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double measure(const struct server *s, size_t rounds, double last)
{
	_cleanup_free_ double *samples = calloc(rounds, sizeof(*samples));
	unsigned threads = s->packages * s->nodes * s->cores * 2, fits = 0;
	struct stage stage;
	double median;

	if (!samples)
		errx(1, "out of memory");
	open_stage(&stage, s);
	fill_half(&stage, s);
	for (size_t i = 0; i < rounds; i++) {
		_cleanup_(allocation_freep) struct allocation *a = NULL;
		struct request q = nth_request(s, (unsigned)i);
		double begin = now_usec();

		fits += placement_decide(&stage.view, &q, &a, NULL, NULL, NULL) == PLACEMENT_FITS;
		samples[i] = now_usec() - begin;
	}
	qsort(samples, rounds, sizeof(*samples), compare);
	median = samples[rounds / 2];
	printf("%8u %6u %6u %7zu %9.1f %9.1f", threads, s->packages * s->nodes,
	       s->packages * s->nodes * s->gpus, ledger_count(stage.ledger), median,
	       samples[rounds - 1 - rounds / 100]);
	if (last > 0)
		printf("  %5.2f", median / last);
	printf("  %3.0f %%\n", 100.0 * fits / (double)rounds);
	close_stage(&stage);
	return median;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	unsigned only = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	double last = 0;

	if (rounds < 100)
		errx(2, "at least 100 rounds");
	printf("%8s %6s %6s %7s %9s %9s  %5s  %s\n", "threads", "nodes", "GPUs", "slices",
	       "median us", "p99 us", "grows", "fits");
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		const struct server *s = &servers[i];

		if (only == 0 || only == s->packages * s->nodes * s->cores * 2)
			last = measure(s, rounds, last);
	}
	return 0;
}
