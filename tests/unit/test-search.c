/* SPDX-License-Identifier: Apache-2.0 */
/* The search on random machines: what it counts is what free.h and score.h say, what it finds can
 * be had, and nothing is better. The seed of a machine that fails is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/settle.h"
#include "util/cleanup.h"

static uint64_t state_of_random;

static unsigned below(unsigned end)
{
	state_of_random = state_of_random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state_of_random >> 33) % end;
}

static void add_device(struct inventory *inv, enum device_kind kind, unsigned nth, int node)
{
	static const char *const paths[] = { NULL, "0000:00:01.0", "0000:00:01.0/0000:01:00.0",
					     "0000:00:01.0/0000:01:00.0/0000:02:00.0",
					     "0000:00:02.0/0000:03:00.0" };
	char name[16], pci[32], path[64];
	const char *chosen = paths[below(ARRAY_SIZE(paths))];
	struct device *d;

	(void)snprintf(name, sizeof(name), "d%u", nth);
	(void)snprintf(pci, sizeof(pci), "0000:%02x:00.0", nth + 16);
	(void)snprintf(path, sizeof(path), "%02x%s", (unsigned)node & 255, chosen ? chosen : "");
	d = shape_add_device(inv, kind, name, node);
	shape_add_pci(inv, d, pci, chosen ? path : NULL);
	if (kind == DEVICE_GPU && below(3) == 0)
		assert_int_equal(
			device_set_string(&d->gpu.links, "0000:10:00.0=50000,0000:12:00.0=25000"),
			0);
}

static void add_distances(struct inventory *inv, unsigned nodes, unsigned step)
{
	for (unsigned i = 0; i < nodes; i++)
		for (unsigned k = 0; k < nodes; k++)
			shape_set_distance(inv, i * step, k * step,
					   i == k ? 10 : 11 + below(3) * 5 + (i / 2 != k / 2) * 10);
}

static struct inventory *random_machine(unsigned *ret_nodes, unsigned *ret_step)
{
	struct shape shape = { .packages = 1 + below(2),
			       .nodes = 1 + below(3),
			       .cores = 1 + below(3),
			       .threads = 1 + below(2),
			       .cores_of_l3 = below(3),
			       .node_step = 1 + below(3),
			       .siblings_apart = below(2) };
	struct inventory *inv;
	unsigned nodes = shape.packages * shape.nodes, devices = below(7);

	shape.efficiency = below(4) == 0 ? shape.cores / 2 : 0;
	inv = shape_make(shape);
	if (below(4) > 0)
		add_distances(inv, nodes, shape.node_step);
	for (unsigned i = 0; i < nodes; i++)
		if (below(3) == 0)
			shape_add_hugepages(inv, i * shape.node_step, 2 * MIB, below(64));
	if (below(4) == 0)
		(void)shape_add_memory(inv, 50, "cxl", true, 16 * GIB);
	for (unsigned i = 0; i < devices; i++)
		add_device(inv, DEVICE_GPU + (int)below(3), i,
			   below(8) == 0 ? -1 : (int)(below(nodes) * shape.node_step));
	*ret_nodes = nodes;
	*ret_step = shape.node_step;
	return inv;
}

static void hold_some(struct stage *s)
{
	for (unsigned i = 0; i < 3; i++) {
		struct allocation *a = NULL;
		char slice[8];
		struct request q = { .cores = below(3),
				     .memory_bytes = below(3) * GIB,
				     .devices[DEVICE_GPU] = below(4) == 0,
				     .devices[DEVICE_NIC] = below(4) == 0 };

		if (stage_decide(s, &q, &a, NULL) != PLACEMENT_FITS)
			continue;
		(void)snprintf(slice, sizeof(slice), "x%u", i);
		a->slice = strdup(slice);
		assert_int_equal(ledger_take(s->ledger, &a), 0);
	}
	if (below(3) == 0)
		s->reserve.memory_bytes = below(5) * GIB;
	if (below(3) == 0)
		stage_feel(s, "core-1", VERDICT_FAILED);
	if (below(3) == 0)
		stage_feel(s, "gpu-d1", VERDICT_FAILED);
	if (below(5) == 0)
		stage_feel(s, "node-0", VERDICT_FAILED);
}

static struct request random_request(struct cpuset *apart)
{
	struct request q = { .cores = below(6),
			     .memory_bytes = below(3) * below(14) * GIB,
			     .devices[DEVICE_GPU] = below(2) * below(3),
			     .devices[DEVICE_NIC] = below(4) == 0,
			     .devices[DEVICE_DISK] = below(6) == 0,
			     .align = below(ALIGN_LEVELS),
			     .align_required = below(3) == 0,
			     .strategy = below(3),
			     .apart = below(4) == 0 ? below(3) : 0,
			     .apart_nodes = apart };

	if (below(4) == 0) {
		q.hugepages[0] = (struct request_hugepages){ 2 * MIB, 1 + below(40) };
		q.hugepages_count = 1;
	}
	return q;
}

static void check_stock(const struct stage *s)
{
	struct request q = { .cores = 1,
			     .hugepages = { { 2 * MIB, 1 } },
			     .hugepages_count = 1,
			     .devices = { [DEVICE_GPU] = 1, [DEVICE_NIC] = 1, [DEVICE_DISK] = 1 } };
	const struct layout *t = s->inventory->layout;
	_cleanup_(stock_freep) struct stock *stock = NULL;

	assert_int_equal(stock_take(&s->view, &q, &stock), 0);
	for (size_t i = 0; i < t->cores_count; i++)
		assert_int_equal(stock->takeable[i], view_core_free(&s->view, t->cores[i].device));
	for (size_t i = 0; i < t->devices_count; i++)
		assert_int_equal((stock->devices[i] & STOCK_DEVICE_FREE) != 0,
				 view_device_free(&s->view, t->devices[i].device));
	for (unsigned i = 0; i < t->nodes_count; i++) {
		const struct device *d = t->nodes[i].device;

		assert_true(!d || stock->nodes[i].memory == view_memory_free(&s->view, d));
		assert_true(!d ||
			    stock->nodes[i].pages[0] == view_hugepages_free(&s->view, d, 2 * MIB));
	}
}

/* All ways to serve a request of cores and devices, with the memory where the search would put it
 * left out: each set of cores, each set of devices. */
struct exhaustive {
	const struct stage *stage;
	const struct request *request;
	struct placement_score best;
	bool found;
};

static struct allocation *nth_choice(const struct exhaustive *e, uint32_t cores, uint32_t devices)
{
	const struct inventory *inv = e->stage->inventory;
	const struct layout *t = inv->layout;
	uint32_t wanted[STOCK_KINDS] = { e->request->devices[DEVICE_GPU],
					 e->request->devices[DEVICE_NIC],
					 e->request->devices[DEVICE_DISK] };
	_cleanup_(allocation_freep) struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	for (size_t i = 0; i < t->cores_count; i++)
		if (cores >> i & 1) {
			if (!view_core_free(&e->stage->view, t->cores[i].device))
				return NULL;
			(void)cpuset_union(a->cpus, t->cores[i].device->core.cpus);
			(void)cpuset_add(a->cores, (unsigned)t->cores[i].device->core.number);
		}
	for (size_t i = 0; i < t->devices_count; i++)
		if (devices >> i & 1) {
			const struct device *d = t->devices[i].device;

			if (!view_device_free(&e->stage->view, d) ||
			    wanted[stock_kind(d->kind)]-- == 0)
				return NULL;
			assert_int_equal(allocation_add_device(a, d->id), 0);
		}
	return wanted[0] + wanted[1] + wanted[2] == 0 ? TAKE_PTR(a) : NULL;
}

static bool allowed(const struct request *q, const struct placement_score *score)
{
	static const uint64_t levels[ALIGN_LEVELS] = { [ALIGN_SWITCH] = SCORE_AT_SWITCH,
						       [ALIGN_NODE] = SCORE_AT_NODE,
						       [ALIGN_PACKAGE] = SCORE_AT_PACKAGE,
						       [ALIGN_NONE] = SCORE_AT_MACHINE };

	return !q->align_required || score->value[SCORE_LEVEL] <= levels[q->align];
}

static bool takes_open(const struct exhaustive *e, const struct allocation *a)
{
	for (size_t i = 0; i < a->devices_count; i++) {
		const struct device *d = inventory_find(e->stage->inventory, a->devices[i]);

		if (d->node < 0 && e->stage->inventory->layout->nodes_count > 1)
			return true;
	}
	return false;
}

static void try_all(struct exhaustive *e)
{
	const struct layout *t = e->stage->inventory->layout;
	const struct request *q = e->request;

	for (uint32_t cores = 0; cores < 1U << t->cores_count; cores++) {
		if ((uint32_t)__builtin_popcount(cores) != q->cores)
			continue;
		for (uint32_t devices = 0; devices < 1U << t->devices_count; devices++) {
			_cleanup_(allocation_freep) struct allocation *a =
				nth_choice(e, cores, devices);
			struct placement_score score;

			if (!a)
				continue;
			assert_int_equal(score_of(&e->stage->view, q, a, &score), 0);
			if (!allowed(q, &score) ||
			    (q->align_required && q->align != ALIGN_NONE && takes_open(e, a)))
				continue;
			if (!e->found || score_compare(&score, &e->best) < 0)
				e->best = score;
			e->found = true;
		}
	}
}

static void fail_at(uint64_t seed, const struct placement_score *a, const struct placement_score *b)
{
	for (int i = 0; i < SCORE_FIELDS; i++)
		if (a->value[i] != b->value[i])
			fail_msg("seed %ju: %s is %ju, not %ju", (uintmax_t)seed,
				 score_field_to_string(i), (uintmax_t)a->value[i],
				 (uintmax_t)b->value[i]);
}

static void check_exhaustive(struct exhaustive *e, uint64_t seed)
{
	struct allocation *a = NULL;
	struct placement_score score;
	int r;

	try_all(e);
	r = stage_decide(e->stage, e->request, &a, NULL);
	if ((r == PLACEMENT_FITS) != e->found)
		fail_msg("seed %ju: %s, but %s", (uintmax_t)seed, a ? "placed" : "refused",
			 e->found ? "it fits" : "it does not fit");
	if (!a)
		return;
	assert_int_equal(score_of(&e->stage->view, e->request, a, &score), 0);
	allocation_free(a);
	fail_at(seed, &score, &e->best);
}

/* The numbers that the search goes by are those of the finished allocation. */
static void check_score(const struct stage *s, const struct request *q, uint64_t seed)
{
	_cleanup_(stock_freep) struct stock *stock = NULL;
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct placement_score score;
	struct search search;
	struct search_place all = { .level = SCORE_AT_MACHINE };

	assert_int_equal(stock_take(&s->view, q, &stock), 0);
	assert_int_equal(search_open(&search, stock), 0);
	all.nodes = (1ULL << stock->layout->nodes_count) - 1;
	search_region(&search, &all);
	if (search.best.found) {
		struct placement_score found = search.best.score;

		assert_int_equal(settle(&search, "here", &a), 0);
		assert_int_equal(score_of(&s->view, q, a, &score), 0);
		found.value[SCORE_LEVEL] = score.value[SCORE_LEVEL];
		fail_at(seed, &found, &score);
	}
	search_done(&search);
}

static void play(uint64_t seed, bool exhaustive)
{
	struct stage s;
	unsigned nodes, step;
	_cleanup_(cpuset_freep) struct cpuset *apart = set_of("0");

	state_of_random = seed * 7919 + 1;
	stage_open(&s, random_machine(&nodes, &step));
	hold_some(&s);
	check_stock(&s);
	for (int i = 0; i < 4; i++) {
		struct request q = random_request(apart);
		struct exhaustive e = { .stage = &s, .request = &q };

		if (exhaustive) {
			q.memory_bytes = 0;
			q.hugepages_count = 0;
		}
		if (request_empty(&q))
			continue;
		if (!exhaustive)
			check_score(&s, &q, seed);
		else if (s.inventory->layout->cores_count <= 10)
			check_exhaustive(&e, seed);
	}
	stage_close(&s);
}

static void test_search_counts_as_the_score_does(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++)
		play(seed, false);
}

static void test_search_finds_the_best_of_all_ways(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 150; seed++)
		play(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_counts_as_the_score_does),
		cmocka_unit_test(test_search_finds_the_best_of_all_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
