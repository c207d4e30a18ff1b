/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: those of made machines, written by hand; and on random machines with random ledgers each
 * is placed as often as it says, and not once more. The seed is printed; REEVE_TEST_SEED plays one
 * again. */
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

enum { MACHINES = 400 };

struct expected {
	const char *offer; /* its label */
	enum align_level level;
	const char *model;
	uint32_t gpus, nics, cores, memory_gib, times;
};

static void add_gpu(struct inventory *inv, const char *name, int node, const char *model)
{
	struct device *d = shape_add_device(inv, DEVICE_GPU, name, node);

	assert_int_equal(device_set_string(&d->gpu.model, model), 0);
}

static void check_bundle(const struct offer *o, const struct bundle *b, const struct expected *e)
{
	assert_string_equal(o->label, e->offer);
	assert_int_equal(b->level, e->level);
	assert_true(e->model ? b->model && strcmp(b->model, e->model) == 0 : !b->model);
	assert_int_equal(b->gpus, e->gpus);
	assert_int_equal(b->nics, e->nics);
	assert_int_equal(b->cores, e->cores);
	assert_int_equal(b->memory_bytes, e->memory_gib * GIB);
	assert_int_equal(b->times, e->times);
}

static void expect_bundles(const struct stage *s, const struct expected *expected, size_t count)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	size_t n = 0;

	assert_int_equal(offers_make(&s->view, &offers), 0);
	assert_int_equal(bundles_make(&s->view, &offers), 0);
	assert_false(offers.bundles_cut);
	for (size_t i = 0; i < offers.count; i++)
		for (size_t k = 0; k < offers.items[i].bundles_count; k++, n++) {
			const struct bundle *b = &offers.items[i].bundles[k];

			if (n < count)
				check_bundle(&offers.items[i], b, &expected[n]);
		}
	assert_int_equal(n, count);
}

/* Two packages of one node with 24 cores and 256 GiB. */
static struct inventory *server(void)
{
	return shape_make((struct shape){
		.packages = 2, .cores = 24, .threads = 2, .memory_bytes = 256 * GIB });
}

static void test_bundle_of_cores_alone_is_the_largest_node_as_often_as_it_is_there(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "node 1", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "the machine", ALIGN_NODE, NULL, 0, 0, 24, 256, 2 },
	};
	/* node 0 lost ten cores: the largest is node 1, and it is there once */
	static const struct expected smaller[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 14, 256, 1 },
		{ "node 1", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "the machine", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
	};
	struct stage s;

	(void)state;
	stage_open(&s, server());
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_hold(&s, "x", "0-19");
	expect_bundles(&s, smaller, 2 + 1);
	stage_close(&s);
}

/* Node 0 has two GPUs and two NICs: the cores and the memory are shared out among them. */
static void test_bundles_of_gpus_share_the_node_out(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "node 0", ALIGN_NODE, "A100", 1, 1, 12, 128, 2 },
		{ "node 0", ALIGN_NODE, "A100", 2, 2, 24, 256, 1 },
		{ "node 1", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "the machine", ALIGN_NODE, NULL, 0, 0, 24, 256, 2 },
		{ "the machine", ALIGN_NODE, "A100", 1, 1, 12, 128, 2 },
		{ "the machine", ALIGN_NODE, "A100", 2, 2, 24, 256, 1 },
	};
	struct inventory *inv = server();
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "A100");
	add_gpu(inv, "b", 0, "A100");
	(void)shape_add_device(inv, DEVICE_NIC, "x", 0);
	(void)shape_add_device(inv, DEVICE_NIC, "y", 0);
	stage_open(&s, inv);
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

/* Of two GPUs on two nodes one is near the only NIC; both together are near nothing. */
static void test_bundles_without_a_nic_are_told_where_there_are_more_of_them(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "node 0", ALIGN_NODE, "A100", 1, 1, 24, 256, 1 },
		{ "node 1", ALIGN_NODE, NULL, 0, 0, 24, 256, 1 },
		{ "node 1", ALIGN_NODE, "A100", 1, 0, 24, 256, 1 },
		{ "the machine", ALIGN_NODE, NULL, 0, 0, 24, 256, 2 },
		{ "the machine", ALIGN_NODE, "A100", 1, 1, 24, 256, 1 },
		{ "the machine", ALIGN_NODE, "A100", 1, 0, 24, 256, 2 },
		{ "the machine", ALIGN_NONE, "A100", 2, 1, 48, 512, 1 },
	};
	struct inventory *inv = server();
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "A100");
	add_gpu(inv, "b", 1, "A100");
	(void)shape_add_device(inv, DEVICE_NIC, "x", 0);
	stage_open(&s, inv);
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

/* GPU a and the NIC are behind one switch; b is elsewhere on the node. */
static void test_bundles_that_are_nearer_are_told_beside_those_that_are_more(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 8, 64, 1 },
		{ "node 0", ALIGN_SWITCH, "L4", 1, 1, 8, 64, 1 },
		{ "node 0", ALIGN_NODE, "L4", 1, 0, 4, 32, 2 },
		{ "node 0", ALIGN_NODE, "L4", 2, 1, 8, 64, 1 },
	};
	struct inventory *inv = shape_make((struct shape){ .cores = 8, .memory_bytes = 64 * GIB });
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	add_gpu(inv, "b", 0, "L4");
	shape_add_pci(inv, inventory_find(inv, "gpu-a"), "0000:03:00.0",
		      "0000:00:01.0/0000:01:00.0");
	shape_add_pci(inv, inventory_find(inv, "gpu-b"), "0000:13:00.0",
		      "0000:10:01.0/0000:11:00.0");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "x", 0), "0000:04:00.0",
		      "0000:00:01.0/0000:01:00.0");
	stage_open(&s, inv);
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

/* Models are apart, also from a GPU that tells none; three of one kind: groups of 1, 2 and 3. */
static void test_bundles_are_of_one_model(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", ALIGN_NODE, NULL, 0, 0, 6, 60, 1 },
		{ "node 0", ALIGN_NODE, "L4", 1, 0, 2, 20, 3 },
		{ "node 0", ALIGN_NODE, "L4", 2, 0, 6, 60, 1 },
		{ "node 0", ALIGN_NODE, "L4", 3, 0, 6, 60, 1 },
		{ "node 0", ALIGN_NODE, NULL, 1, 0, 6, 60, 1 },
	};
	struct inventory *inv = shape_make((struct shape){ .cores = 6, .memory_bytes = 60 * GIB });
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	add_gpu(inv, "b", 0, NULL);
	add_gpu(inv, "c", 0, "L4");
	add_gpu(inv, "d", 0, "L4");
	stage_open(&s, inv);
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

static void test_bundle_of_a_gpu_is_there_where_no_core_is(void **state)
{
	static const struct expected expected[] = { { "node 0", ALIGN_NODE, "L4", 1, 0, 0, 8, 1 } };
	struct inventory *inv = shape_make((struct shape){ .cores = 1 });
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	stage_open(&s, inv);
	stage_hold(&s, "x", "0");
	expect_bundles(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

static void test_bundle_takes_no_device_of_another_model(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	_cleanup_(request_done) struct request q = { 0 };
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct inventory *inv = shape_make((struct shape){ .cores = 4 });
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	add_gpu(inv, "b", 0, "T4");
	stage_open(&s, inv);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(bundles_make(&s.view, &offers), 0);
	assert_int_equal(offers.items[0].bundles_count, 3);
	assert_string_equal(offers.items[0].bundles[2].model, "T4");
	assert_int_equal(bundle_restrict(&offers.items[0], &offers.items[0].bundles[2], "o-1-1-0-2",
					 true, &q),
			 0);
	assert_string_equal(q.offer, "o-1-1-0-2");
	a = stage_place(&s, &q);
	expect_devices(a, "gpu-b");
	q.devices[DEVICE_GPU] = 2;
	stage_refuse(&s, &q, "devices-short");
	stage_close(&s);
}

static void test_bundles_leave_the_ledger_as_it_is(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	struct request q = { .cores = 2, .memory_bytes = GIB };
	struct stage s;

	(void)state;
	stage_open(&s, server());
	(void)stage_take(&s, "x", &q);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(bundles_make(&s.view, &offers), 0);
	assert_int_equal(ledger_count(s.ledger), 1);
	assert_int_equal(cpuset_count(ledger_cpus(s.ledger)), 4);
	stage_close(&s);
}

/* A thousand GPUs in a row would take a thousand decisions for each value tried. */
static void test_bundles_are_bounded(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	struct inventory *inv = shape_make((struct shape){ .cores = 2 });
	struct stage s;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", i);
		add_gpu(inv, name, 0, i % 2 ? "L4" : name);
	}
	stage_open(&s, inv);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(bundles_make(&s.view, &offers), 0);
	assert_true(offers.bundles_cut);
	assert_in_range(offers.items[0].bundles_count, 1, BUNDLES_MAX);
	stage_close(&s);
}

static void test_stamp_follows_what_is_free(void **state)
{
	struct request share = { .shared_millicpus = 500 }, memory = { .memory_bytes = GIB },
		       gpu = { .devices = { [DEVICE_GPU] = 1 } }, core = { .cores = 1 };
	const struct request *const requests[] = { &share, &memory, &gpu, &core };
	struct inventory *inv = server();
	struct stage s;
	uint64_t idle;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	stage_open(&s, inv);
	idle = bundles_stamp(&s.view);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		uint64_t taken;

		(void)stage_take(&s, "x", requests[i]);
		taken = bundles_stamp(&s.view);
		assert_true(taken != idle && taken == bundles_stamp(&s.view));
		ledger_release(s.ledger, "x");
		assert_true(bundles_stamp(&s.view) == idle);
	}
	stage_feel(&s, "gpu-a", VERDICT_FAILED);
	assert_true(bundles_stamp(&s.view) != idle);
	stage_close(&s);
}

static void test_bundles_are_copied_whole(void **state)
{
	_cleanup_(offers_done) struct offers made = { 0 }, copied = { 0 };
	struct inventory *inv = server();
	struct stage s;

	(void)state;
	add_gpu(inv, "a", 0, "L4");
	stage_open(&s, inv);
	assert_int_equal(offers_make(&s.view, &made), 0);
	assert_int_equal(offers_make(&s.view, &copied), 0);
	assert_int_equal(bundles_make(&s.view, &made), 0);
	assert_int_equal(bundles_copy(&copied, &made), 0);
	for (size_t i = 0; i < made.count; i++) {
		assert_int_equal(copied.items[i].bundles_count, made.items[i].bundles_count);
		for (size_t k = 0; k < made.items[i].bundles_count; k++) {
			const struct bundle *a = &made.items[i].bundles[k];
			const struct bundle *b = &copied.items[i].bundles[k];

			assert_true(a->cores == b->cores && a->times == b->times);
			assert_int_equal(a->devices_count, b->devices_count);
			assert_true(!a->model || strcmp(a->model, b->model) == 0);
		}
	}
	stage_close(&s);
}

/* --- random ledgers --- */

/* xorshift64*: the same on every machine; 0..limit-1. */
static uint64_t draw(uint64_t *state, uint64_t limit)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ULL >> 11) % limit;
}

static void random_devices(uint64_t *r, struct inventory *inv, unsigned nodes)
{
	static const char *const models[] = { "L4", "A100", NULL };
	unsigned count = (unsigned)draw(r, 10);

	for (unsigned i = 0; i < count; i++) {
		int node = draw(r, 6) ? (int)draw(r, nodes) : -1;
		char name[16], pci[24], path[40];
		struct device *d;

		(void)snprintf(name, sizeof(name), "d%u", i);
		(void)snprintf(pci, sizeof(pci), "0000:%02x:00.0", i);
		(void)snprintf(path, sizeof(path), "0000:00:0%u.0/0000:a%u:00.0",
			       (unsigned)draw(r, 2), (unsigned)draw(r, 3));
		if (draw(r, 3)) {
			add_gpu(inv, name, node, models[draw(r, ARRAY_SIZE(models))]);
		} else {
			d = shape_add_device(inv, DEVICE_NIC, name, node);
			shape_add_pci(inv, d, pci, path);
		}
	}
}

static void random_stage(uint64_t *r, struct stage *s)
{
	struct shape shape = { .packages = 1 + (unsigned)draw(r, 2),
			       .nodes = 1 + (unsigned)draw(r, 2),
			       .cores = 1 + (unsigned)draw(r, 9),
			       .threads = 1 + (unsigned)draw(r, 2),
			       .cores_of_l3 = (unsigned)draw(r, 4),
			       .memory_bytes = (1 + draw(r, 400)) << 28 };
	struct inventory *inv = shape_make(shape);

	random_devices(r, inv, shape.packages * shape.nodes);
	stage_open(s, inv);
	for (unsigned i = (unsigned)draw(r, 5); i > 0; i--) {
		struct request q = { .cores = (uint32_t)draw(r, 4),
				     .shared_millicpus = draw(r, 3) ? 0 : (uint32_t)draw(r, 2000),
				     .memory_bytes = draw(r, 6 * GIB),
				     .devices = { [DEVICE_GPU] = (uint32_t)draw(r, 2),
						  [DEVICE_NIC] = (uint32_t)draw(r, 2) } };
		_cleanup_(allocation_freep) struct allocation *a = NULL;
		char name[16];

		(void)snprintf(name, sizeof(name), "s%u", i);
		if (stage_decide(s, &q, &a, NULL) != PLACEMENT_FITS)
			continue;
		a->slice = strdup(name);
		assert_int_equal(ledger_take(s->ledger, &a), 0);
	}
}

/* How often the request can be had, up to `most`; the ledger is left as it was. */
static uint32_t times_of(struct stage *s, const struct request *q, const struct bundle *b,
			 uint32_t most)
{
	uint32_t taken = 0;

	for (; taken < most; taken++) {
		_cleanup_(allocation_freep) struct allocation *a = NULL;
		char name[16];

		if (stage_decide(s, q, &a, NULL) != PLACEMENT_FITS)
			break;
		(void)snprintf(name, sizeof(name), "b%u", taken);
		a->slice = strdup(name);
		assert_int_equal(cpuset_count(a->cores), q->cores);
		assert_true(allocation_memory_total(a) == b->memory_bytes);
		assert_int_equal(a->devices_count, b->gpus + b->nics);
		assert_int_equal(ledger_take(s->ledger, &a), 0);
	}
	for (uint32_t i = 0; i < taken; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "b%u", i);
		ledger_release(s->ledger, name);
	}
	return taken;
}

static void check_times(struct stage *s, const struct offer *o, const struct bundle *b)
{
	_cleanup_(request_done) struct request q = { 0 };

	assert_true(b->times > 0);
	assert_int_equal(bundle_restrict(o, b, "o", true, &q), 0);
	assert_int_equal(times_of(s, &q, b, b->times + 1), b->times);
	q.cores++; /* and none is larger */
	assert_true(times_of(s, &q, b, b->times) < b->times);
}

static void play(uint64_t seed, unsigned long *bundles)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	struct stage s;

	random_stage(&seed, &s);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(bundles_make(&s.view, &offers), 0);
	assert_false(offers.bundles_cut);
	for (size_t i = 0; i < offers.count; i++)
		for (size_t k = 0; k < offers.items[i].bundles_count; k++, ++*bundles)
			check_times(&s, &offers.items[i], &offers.items[i].bundles[k]);
	stage_close(&s);
}

static void test_each_bundle_can_be_had_as_often_as_it_says_and_not_once_more(void **state)
{
	const char *given = getenv("REEVE_TEST_SEED");
	unsigned long bundles = 0;

	(void)state;
	for (uint64_t i = 1; i <= (given ? 1 : MACHINES); i++) {
		uint64_t seed = given ? strtoull(given, NULL, 10) : i * 0x9e3779b97f4a7c15ULL;

		print_message("seed %llu\n", (unsigned long long)seed);
		play(seed, &bundles);
	}
	print_message("%lu bundles\n", bundles);
	assert_true(given || bundles > 2UL * MACHINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_bundle_of_cores_alone_is_the_largest_node_as_often_as_it_is_there),
		cmocka_unit_test(test_bundles_of_gpus_share_the_node_out),
		cmocka_unit_test(test_bundles_without_a_nic_are_told_where_there_are_more_of_them),
		cmocka_unit_test(test_bundles_that_are_nearer_are_told_beside_those_that_are_more),
		cmocka_unit_test(test_bundles_are_of_one_model),
		cmocka_unit_test(test_bundle_of_a_gpu_is_there_where_no_core_is),
		cmocka_unit_test(test_bundle_takes_no_device_of_another_model),
		cmocka_unit_test(test_bundles_leave_the_ledger_as_it_is),
		cmocka_unit_test(test_bundles_are_bounded),
		cmocka_unit_test(test_stamp_follows_what_is_free),
		cmocka_unit_test(test_bundles_are_copied_whole),
		cmocka_unit_test(test_each_bundle_can_be_had_as_often_as_it_says_and_not_once_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
