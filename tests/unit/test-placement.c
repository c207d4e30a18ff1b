/* SPDX-License-Identifier: Apache-2.0 */
/* The placement decision: which place, at what cost, and why not. */
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

#define REQUEST(...)            \
	&(const struct request) \
	{                       \
		__VA_ARGS__     \
	}
#define REQUIRED(level) .align = (level), .align_required = true

/* Two packages of two nodes of four cores; GPUs on node 2. */
static struct inventory *machine(void)
{
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 4, .threads = 1 };
	struct inventory *inv = shape_make(shape);

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++)
			shape_set_distance(inv, i, k, i == k ? 10 : i / 2 == k / 2 ? 12 : 32);
	(void)shape_add_device(inv, DEVICE_GPU, "a", 2);
	(void)shape_add_device(inv, DEVICE_GPU, "b", 2);
	(void)shape_add_device(inv, DEVICE_DISK, "d", 3);
	(void)shape_add_device(inv, DEVICE_NIC, "n", -1);
	shape_add_hugepages(inv, 1, 2 * MIB, 16);
	return inv;
}

struct vector {
	const char *hold; /* CPUs that are taken before */
	struct request request;
	const char *cpus, *nodes, *devices;
	uint32_t cost;
};

static void check(const struct vector *v)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	stage_open(&s, machine());
	stage_hold(&s, "x", v->hold);
	a = stage_place(&s, &v->request);
	expect_set(a->cpus, v->cpus);
	expect_set(a->nodes, v->nodes);
	expect_devices(a, v->devices);
	assert_int_equal(a->cost, v->cost);
	stage_close(&s);
}

static void test_placement_goes_from_node_to_package_to_machine(void **state)
{
	static const struct vector vectors[] = {
		{ "", { .cores = 1 }, "0", "0", "", 10 },
		{ "", { .cores = 4 }, "0-3", "0", "", 10 },
		{ "", { .cores = 5 }, "0-4", "0-1", "", 12 },
		{ "", { .cores = 8 }, "0-7", "0-1", "", 12 },
		{ "", { .cores = 9 }, "0-7,12", "0-1,3", "", 32 }, /* node 2 has GPUs */
		{ "", { .cores = 16 }, "0-15", "0-3", "", 32 },
		{ "0", { .cores = 4 }, "4-7", "1", "", 10 },
		{ "0-7", { .cores = 4 }, "12-15", "3", "", 10 }, /* node 2 has GPUs */
		{ "0,4,8,12", { .cores = 6 }, "1-3,5-7", "0-1", "", 12 },
		{ "", { .cores = 1, .memory_bytes = 8 * GIB }, "0", "0", "", 10 },
		{ "", { .cores = 1, .memory_bytes = 9 * GIB }, "0", "0-1", "", 12 },
		{ "", { .cores = 1, .align = ALIGN_NONE }, "0", "0", "", 10 },
		{ "", { .cores = 5, .align = ALIGN_NODE }, "0-4", "0-1", "", 12 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&vectors[i]);
}

static void test_placement_follows_devices_and_huge_pages(void **state)
{
	static const struct vector vectors[] = {
		{ "", { .cores = 2, .devices[DEVICE_GPU] = 1 }, "8-9", "2", "gpu-a", 10 },
		{ "", { .devices[DEVICE_GPU] = 2 }, "", "", "gpu-a gpu-b", 10 },
		{ "",
		  { .cores = 1, .devices[DEVICE_GPU] = 1, .devices[DEVICE_DISK] = 1 },
		  "8",
		  "2",
		  "gpu-a disk-d",
		  12 },
		{ "8-11", { .cores = 1, .devices[DEVICE_GPU] = 1 }, "12", "3", "gpu-a", 12 },
		{ "8-15", { .cores = 1, .devices[DEVICE_GPU] = 1 }, "0", "0", "gpu-a", 32 },
		{ "", { .cores = 1, .devices[DEVICE_NIC] = 1 }, "0", "0", "nic-n", 15 },
		{ "",
		  { .cores = 1, .hugepages = { { 2 * MIB, 16 } }, .hugepages_count = 1 },
		  "4",
		  "1",
		  "",
		  10 },
		{ "4-7",
		  { .cores = 1, .hugepages = { { 2 * MIB, 16 } }, .hugepages_count = 1 },
		  "0",
		  "0-1",
		  "",
		  12 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&vectors[i]);
}

static void test_placement_refuses_with_the_code_of_what_is_short(void **state)
{
	static const struct {
		struct request request;
		const char *code;
	} vectors[] = {
		{ { 0 }, "nothing-asked" },
		{ { .processes_max = 9, REQUIRED(ALIGN_NODE) }, "nothing-asked" },
		{ { .hugepages = { { GIB, 0 } }, .hugepages_count = 1 }, "nothing-asked" },
		{ { .cores = 17 }, "cores-short" },
		{ { .cores = REQUEST_CORES_MAX }, "cores-short" },
		{ { .cores = UINT32_MAX }, "cores-short" },
		{ { .cores = 5, REQUIRED(ALIGN_NODE) }, "cores-short" },
		{ { .cores = 9, REQUIRED(ALIGN_PACKAGE) }, "cores-short" },
		{ { .cores = 17, REQUIRED(ALIGN_NONE) }, "cores-short" },
		{ { .memory_bytes = 33 * GIB }, "memory-short" },
		{ { .memory_bytes = 1ULL << 60 }, "memory-short" },
		{ { .memory_bytes = UINT64_MAX }, "memory-short" },
		{ { .cores = 1, .memory_bytes = 9 * GIB, REQUIRED(ALIGN_NODE) }, "memory-short" },
		{ { .memory_bytes = 17 * GIB, REQUIRED(ALIGN_PACKAGE) }, "memory-short" },
		{ { .hugepages = { { 2 * MIB, 17 } }, .hugepages_count = 1 }, "hugepages-short" },
		{ { .hugepages = { { 1ULL << 40, 1ULL << 32 } }, .hugepages_count = 1 },
		  "hugepages-short" },
		{ { .hugepages = { { UINT64_MAX, UINT64_MAX } }, .hugepages_count = 1 },
		  "hugepages-short" },
		{ { .hugepages = { { 0, 1 } }, .hugepages_count = 1 }, "hugepages-short" },
		{ { .shared_millicpus = 16001 }, "shared-short" },
		{ { .shared_millicpus = UINT32_MAX, .cores = 16 }, "shared-short" },
		{ { .devices[DEVICE_GPU] = 3 }, "devices-short" },
		{ { .devices[DEVICE_DISK] = UINT32_MAX }, "devices-short" },
		{ { .devices[DEVICE_GPU] = 1, .devices[DEVICE_DISK] = 1, REQUIRED(ALIGN_NODE) },
		  "devices-short" },
		{ { .devices[DEVICE_NIC] = 1, REQUIRED(ALIGN_NODE) }, "devices-short" },
		{ { .devices[DEVICE_NIC] = 1, REQUIRED(ALIGN_PACKAGE) }, "devices-short" },
		{ { .cores = 4,
		    .devices[DEVICE_GPU] = 1,
		    .memory_bytes = 9 * GIB,
		    REQUIRED(ALIGN_NODE) },
		  "memory-short" },
	};
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		stage_refuse(&s, &vectors[i].request, vectors[i].code);
	stage_close(&s);
}

static void test_placement_needs_no_reason_to_refuse(void **state)
{
	struct allocation *a;
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(stage_decide(&s, REQUEST(.cores = 99), &a, NULL), PLACEMENT_NO_FIT);
	assert_int_equal(stage_decide(&s, REQUEST(0), &a, NULL), PLACEMENT_NO_FIT);
	stage_close(&s);
}

static void test_placement_refusal_is_of_the_place_that_came_furthest(void **state)
{
	struct allocation *a;
	struct fail why = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	(void)stage_decide(&s, REQUEST(.cores = 2, .devices[DEVICE_GPU] = 3), &a, &why);
	assert_string_equal(why.text,
			    "the machine has 2 free gpus that can be offered, 3 are asked for");
	(void)stage_decide(&s, REQUEST(.cores = 20), &a, &why);
	assert_string_equal(why.text, "the machine has 16 free cores, 20 are asked for");
	stage_close(&s);
}

static void observe(const struct placement_considered *c, void *userdata)
{
	char *seen = userdata;
	size_t used = strlen(seen);

	assert_true(*c->why && (c->fits || c->cost == 0));
	if (c->fits)
		(void)snprintf(seen + used, 512 - used, "%s %u; ", c->label, c->cost);
	else
		(void)snprintf(seen + used, 512 - used, "%s -; ", c->label);
}

static void test_placement_tells_an_observer_every_place_it_looked_at(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	char seen[512] = "";
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(placement_decide(&s.view, REQUEST(.cores = 5), &a, NULL, observe, seen),
			 PLACEMENT_FITS);
	assert_string_equal(seen, "node 0 -; node 1 -; node 2 -; node 3 -; package 0 12; "
				  "package 1 12; ");
	stage_close(&s);
}

static void test_placement_is_the_same_every_time(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	for (uint32_t cores = 0; cores <= 16; cores++) {
		const struct request q = { .cores = cores,
					   .memory_bytes = GIB,
					   .devices[DEVICE_GPU] = cores % 3 };
		_cleanup_(allocation_freep) struct allocation *a = stage_place(&s, &q),
							      *b = stage_place(&s, &q);

		assert_true(cpuset_equal(a->cpus, b->cpus) && cpuset_equal(a->nodes, b->nodes));
		assert_int_equal(a->cost, b->cost);
		assert_string_equal(a->why, b->why);
	}
	stage_close(&s);
}

static void test_placement_without_cores_holds_no_cpu(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	a = stage_place(&s,
			REQUEST(.shared_millicpus = 16000, .memory_bytes = 32 * GIB - 32 * MIB));
	assert_true(cpuset_empty(a->cpus) && cpuset_empty(a->cores));
	assert_int_equal(a->shared_millicpus, 16000);
	expect_set(a->nodes, "0-3");
	stage_close(&s);
}

static void test_placement_hands_out_no_memory_of_gpus_or_of_nodes_without_ram(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 2 });
	_cleanup_(allocation_freep) struct allocation *a = NULL, *b = NULL;
	struct stage s;

	(void)state;
	(void)shape_add_memory(inv, 2, "gpu", false, 96 * GIB);
	shape_add_hugepages(inv, 2, 2 * MIB, 100);
	shape_node(inv, 0)->memory.memory_bytes = 0; /* cores without memory of their own */
	shape_node(inv, 0)->memory.host_memory = false;
	shape_node(inv, 0)->offerable = false;
	stage_open(&s, inv);
	stage_refuse(&s, REQUEST(.memory_bytes = 9 * GIB), "memory-short");
	stage_refuse(&s, REQUEST(.hugepages = { { 2 * MIB, 1 } }, .hugepages_count = 1),
		     "hugepages-short");
	a = stage_place(&s, REQUEST(.cores = 4, .memory_bytes = 8 * GIB));
	expect_set(a->nodes, "1");
	b = stage_place(&s, REQUEST(.cores = 1));
	expect_set(b->cpus, "0");
	expect_set(b->nodes, ""); /* the kernel takes no node without memory: all */
	stage_close(&s);
}

static void test_placement_on_nodes_with_ram_but_without_cpus(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 2 });
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	(void)shape_add_memory(inv, 1, "cxl", true, 64 * GIB);
	stage_open(&s, inv);
	a = stage_place(&s, REQUEST(.cores = 1, .memory_bytes = 70 * GIB));
	expect_set(a->nodes, "0-1"); /* only the machine has both */
	stage_refuse(&s, REQUEST(.memory_bytes = 70 * GIB, REQUIRED(ALIGN_PACKAGE)),
		     "memory-short");
	stage_close(&s);
}

static void test_placement_on_24_nodes_with_holes_in_their_numbers(void **state)
{
	struct shape shape = { .packages = 8, .nodes = 3, .cores = 2, .node_step = 3 };
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(shape));
	stage_hold(&s, "x", "0-40");
	a = stage_place(&s, REQUEST(.cores = 2, .memory_bytes = 8 * GIB));
	expect_set(a->cpus, "42-43");
	expect_set(a->nodes, "63");
	stage_refuse(&s, REQUEST(.cores = 7, REQUIRED(ALIGN_PACKAGE)), "cores-short");
	a = allocation_free(a);
	a = stage_place(&s, REQUEST(.cores = 7, .memory_bytes = 192 * GIB));
	assert_int_equal(cpuset_count(a->nodes), 24);
	stage_close(&s);
}

static void test_placement_on_contradictory_machines_is_an_answer(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 2 });
	struct device *far = shape_add_device(inv, DEVICE_GPU, "far", -1);
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	far->node = 7; /* no such node */
	shape_node(inv, 0)->memory.memory_bytes = UINT64_MAX - 1;
	shape_node(inv, 1)->memory.memory_bytes = UINT64_MAX - 1;
	shape_set_distance(inv, 0, 1, UINT32_MAX);
	stage_open(&s, inv);
	stage_refuse(&s, REQUEST(.devices[DEVICE_GPU] = 1, REQUIRED(ALIGN_PACKAGE)),
		     "devices-short");
	a = stage_place(&s,
			REQUEST(.cores = 3, .memory_bytes = UINT64_MAX, .devices[DEVICE_GPU] = 1));
	assert_true(allocation_memory_total(a) == UINT64_MAX);
	expect_set(a->nodes, "0-1");
	assert_int_equal(a->cost, 255);
	stage_close(&s);
}

static void test_placement_on_a_machine_that_tells_nothing(void **state)
{
	struct inventory *inv = NULL;
	struct stage s;

	(void)state;
	assert_int_equal(inventory_new(&inv), 0);
	stage_open(&s, inv);
	stage_refuse(&s, REQUEST(.cores = 1), "cores-short");
	stage_refuse(&s, REQUEST(.cores = 1, REQUIRED(ALIGN_NODE)), "cores-short");
	stage_refuse(&s, REQUEST(.memory_bytes = 1), "memory-short");
	stage_refuse(&s, REQUEST(.shared_millicpus = 1), "shared-short");
	stage_refuse(&s, REQUEST(.devices[DEVICE_NIC] = 1), "devices-short");
	stage_close(&s);
}

static void test_placement_keeps_within_what_an_offer_holds(void **state)
{
	char gpu[] = "gpu-b", *devices[] = { gpu }, offer[] = "o-1";
	_cleanup_(cpuset_freep) struct cpuset *cpus = set_of("9-10"), *nodes = set_of("2"),
					      *none = set_of("");
	struct request q = { .cores = 2,
			     .offer = offer,
			     .within_cpus = cpus,
			     .within_nodes = nodes,
			     .within_devices = devices,
			     .within_devices_count = 1,
			     .devices[DEVICE_GPU] = 1,
			     .memory_bytes = 8 * GIB };
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	a = stage_place(&s, &q);
	expect_set(a->cpus, "9-10");
	expect_set(a->nodes, "2");
	expect_devices(a, "gpu-b");
	q.memory_bytes++;
	stage_refuse(&s, &q, "memory-short");
	q.memory_bytes = 0;
	q.cores = 3;
	stage_refuse(&s, &q, "cores-short");
	q.cores = 0;
	q.devices[DEVICE_GPU] = 2;
	stage_refuse(&s, &q, "devices-short");
	q.within_nodes = none; /* an offer of devices alone has no memory */
	q.devices[DEVICE_GPU] = 1;
	q.memory_bytes = 1;
	stage_refuse(&s, &q, "memory-short");
	q.memory_bytes = 0;
	q.within_devices_count = 0;
	stage_refuse(&s, &q, "devices-short");
	stage_close(&s);
}

static void test_placement_counts_unknown_places_into_the_cost(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct inventory *inv = machine();
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_NIC, "m", -1);
	stage_open(&s, inv);
	a = stage_place(&s, REQUEST(.cores = 1, .devices[DEVICE_NIC] = 2));
	assert_int_equal(a->cost, PLACEMENT_COST_LOCAL + 2 * PLACEMENT_COST_UNKNOWN);
	assert_non_null(strstr(a->why, "does not tell where some devices are"));
	stage_close(&s);
}

static void test_placement_leaves_what_is_ill_or_reserved(void **state)
{
	struct stage s;
	_cleanup_(allocation_freep) struct allocation *a = NULL;

	(void)state;
	stage_open(&s, machine());
	s.reserve = (struct reserve){ .cpus = set_of("0-3"), .memory_bytes = GIB };
	stage_feel(&s, "node-1", VERDICT_FAILED);
	stage_feel(&s, "gpu-a", VERDICT_FAILED);
	stage_feel(&s, "core-8", VERDICT_FAILED);
	a = stage_place(&s, REQUEST(.cores = 2, .devices[DEVICE_GPU] = 1, .memory_bytes = GIB));
	expect_set(a->cpus, "9-10");
	expect_devices(a, "gpu-b");
	stage_refuse(&s, REQUEST(.cores = 12), "cores-short");
	stage_refuse(&s, REQUEST(.memory_bytes = 24 * GIB), "memory-short"); /* 7 + 0 + 8 + 8 */
	stage_refuse(&s, REQUEST(.hugepages = { { 2 * MIB, 1 } }, .hugepages_count = 1),
		     "hugepages-short");
	stage_close(&s);
}

static void test_placement_packs_and_spreads(void **state)
{
	static const struct vector vectors[] = {
		{ "4-6", { .cores = 1, .strategy = STRATEGY_PACK }, "7", "1", "", 10 },
		{ "4-6", { .cores = 1, .strategy = STRATEGY_SPREAD }, "0", "0", "", 10 },
		{ "0,4-6", { .cores = 1, .strategy = STRATEGY_SPREAD }, "12", "3", "", 10 },
		{ "0,4-6", { .cores = 1 }, "7", "1", "", 10 },
		{ "0,4-6", { .cores = 2 }, "1-2", "0", "", 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&vectors[i]);
}

static void test_placement_stays_apart_from_the_owners_others(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = set_of("0"), *all = set_of("0,2");
	const struct vector vectors[] = {
		{ "", { .cores = 1, .apart = APART_NODE, .apart_nodes = nodes }, "4", "1", "", 10 },
		{ "",
		  { .cores = 1, .apart = APART_PACKAGE, .apart_nodes = nodes },
		  "12",
		  "3",
		  "",
		  10 },
		{ "4-15", /* rather there than nowhere */
		  { .cores = 1, .apart = APART_NODE, .apart_nodes = nodes },
		  "0",
		  "0",
		  "",
		  10 },
		{ "", /* nothing of it on node 0, if wider apart */
		  { .cores = 8, .apart = APART_NODE, .apart_nodes = nodes, .apart_required = true },
		  "8-15",
		  "2-3",
		  "",
		  12 },
	};
	struct stage s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&vectors[i]);
	stage_open(&s, machine());
	stage_refuse(&s,
		     REQUEST(.cores = 1, .apart = APART_PACKAGE, .apart_nodes = all,
			     .apart_required = true),
		     "apart-short");
	stage_refuse(&s,
		     REQUEST(.cores = 13, .apart = APART_NODE, .apart_nodes = nodes,
			     .apart_required = true),
		     "apart-short");
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement_goes_from_node_to_package_to_machine),
		cmocka_unit_test(test_placement_follows_devices_and_huge_pages),
		cmocka_unit_test(test_placement_refuses_with_the_code_of_what_is_short),
		cmocka_unit_test(test_placement_needs_no_reason_to_refuse),
		cmocka_unit_test(test_placement_refusal_is_of_the_place_that_came_furthest),
		cmocka_unit_test(test_placement_tells_an_observer_every_place_it_looked_at),
		cmocka_unit_test(test_placement_is_the_same_every_time),
		cmocka_unit_test(test_placement_without_cores_holds_no_cpu),
		cmocka_unit_test(
			test_placement_hands_out_no_memory_of_gpus_or_of_nodes_without_ram),
		cmocka_unit_test(test_placement_on_nodes_with_ram_but_without_cpus),
		cmocka_unit_test(test_placement_on_24_nodes_with_holes_in_their_numbers),
		cmocka_unit_test(test_placement_on_contradictory_machines_is_an_answer),
		cmocka_unit_test(test_placement_on_a_machine_that_tells_nothing),
		cmocka_unit_test(test_placement_keeps_within_what_an_offer_holds),
		cmocka_unit_test(test_placement_counts_unknown_places_into_the_cost),
		cmocka_unit_test(test_placement_leaves_what_is_ill_or_reserved),
		cmocka_unit_test(test_placement_packs_and_spreads),
		cmocka_unit_test(test_placement_stays_apart_from_the_owners_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
