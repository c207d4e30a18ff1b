/* SPDX-License-Identifier: Apache-2.0 */
/* Picking: which cores, which memory, which devices of a place that has enough. */
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

static void expect_cpus(const struct stage *s, const struct request *r, const char *expected)
{
	_cleanup_(allocation_freep) struct allocation *a = stage_place(s, r);

	expect_set(a->cpus, expected);
}

static void test_pick_takes_whole_cores_with_all_their_threads(void **state)
{
	struct shape shape = { .cores = 4, .threads = 2, .siblings_apart = true };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(shape));
	expect_cpus(&s, REQUEST(.cores = 1), "0,4");
	expect_cpus(&s, REQUEST(.cores = 3), "0-2,4-6");
	stage_hold(&s, "x", "5"); /* half of core 1 */
	expect_cpus(&s, REQUEST(.cores = 3), "0,2-4,6-7");
	stage_refuse(&s, REQUEST(.cores = 4), "cores-short");
	stage_close(&s);
}

static void test_pick_fills_the_smallest_cache_that_fits(void **state)
{
	struct shape shape = { .cores = 12, .cores_of_l3 = 4 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(shape));
	stage_hold(&s, "x", "0");   /* leaves 3 of the first */
	stage_hold(&s, "y", "8-9"); /* and 2 of the third */
	expect_cpus(&s, REQUEST(.cores = 1), "10");
	expect_cpus(&s, REQUEST(.cores = 2), "10-11");
	expect_cpus(&s, REQUEST(.cores = 3), "1-3");
	expect_cpus(&s, REQUEST(.cores = 4), "4-7");
	expect_cpus(&s, REQUEST(.cores = 6),
		    "4-7,10-11"); /* the largest, then what fits the rest */
	expect_cpus(&s, REQUEST(.cores = 9), "1-7,10-11");
	stage_close(&s);
}

static void test_pick_takes_performance_cores_before_efficiency_cores(void **state)
{
	struct shape shape = { .cores = 8, .efficiency = 6, .threads = 1 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(shape));
	expect_cpus(&s, REQUEST(.cores = 1), "0");
	expect_cpus(&s, REQUEST(.cores = 2), "0-1");
	expect_cpus(&s, REQUEST(.cores = 3),
		    "0-2"); /* though six efficiency cores would do alone */
	stage_hold(&s, "x", "0-1");
	expect_cpus(&s, REQUEST(.cores = 2), "2-3");
	stage_close(&s);
}

static void test_pick_counts_a_cpu_of_two_cores_once(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 3, .threads = 2 });
	struct stage s;

	(void)state;
	assert_int_equal(cpuset_add(shape_core(inv, 1)->core.cpus, 0), 0);
	stage_open(&s, inv);
	expect_cpus(&s, REQUEST(.cores = 2), "0-1,4-5");
	stage_refuse(&s, REQUEST(.cores = 3), "cores-short");
	stage_close(&s);
}

static void test_pick_keeps_the_shared_pool_able_to_pay(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 4 });
	struct stage s;

	(void)state;
	shape_core(inv, 3)->core.isolated = true;
	stage_open(&s, inv);
	stage_refuse(&s, REQUEST(.shared_millicpus = 3001), "shared-short");
	(void)stage_take(&s, "x", REQUEST(.shared_millicpus = 1500));
	stage_refuse(&s, REQUEST(.cores = 1, .shared_millicpus = 1501), "shared-short");
	expect_cpus(&s, REQUEST(.cores = 1, .shared_millicpus = 501), "3");
	stage_refuse(&s, REQUEST(.cores = 3), "shared-short");
	expect_cpus(&s, REQUEST(.cores = 2), "0,3"); /* an isolated one was never of the pool */
	expect_cpus(&s, REQUEST(.cores = 1, .shared_millicpus = 500), "0");
	stage_refuse(&s, REQUEST(.shared_millicpus = UINT32_MAX), "shared-short");
	stage_close(&s);
}

static void test_pick_of_an_overdrawn_pool_still_serves_who_does_not_need_it(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 3 });
	struct request share = { .shared_millicpus = 2000 };
	struct stage s;

	(void)state;
	shape_core(inv, 0)->core.isolated = true;
	stage_open(&s, inv);
	(void)stage_take(&s, "x", &share);
	stage_hold(&s, "y", "2"); /* as when a CPU went offline */
	expect_cpus(&s, REQUEST(.cores = 1), "0");
	expect_cpus(&s, REQUEST(.memory_bytes = GIB), "");
	stage_refuse(&s, REQUEST(.cores = 2), "shared-short");
	stage_close(&s);
}

static uint64_t memory_on(const struct allocation *a, uint32_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->memory_count; i++)
		sum += a->memory[i].node == node ? a->memory[i].bytes : 0;
	return sum;
}

static void test_pick_takes_memory_near_the_cores_then_from_the_nearest(void **state)
{
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 4 };
	struct inventory *inv = shape_make(shape);
	struct stage s;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++)
			shape_set_distance(inv, i, k, i == k ? 10 : i / 2 == k / 2 ? 12 : 32);
	shape_set_distance(inv, 0, 99, 1);
	stage_open(&s, inv);
	stage_hold(&s, "x", "0-11"); /* cores of node 3 only */
	for (int once = 0; once < 1; once++) {
		_cleanup_(allocation_freep) struct allocation *a =
			stage_place(&s, REQUEST(.cores = 2, .memory_bytes = 10 * GIB));

		expect_set(a->cpus, "12-13");
		assert_true(memory_on(a, 3) == 8 * GIB && memory_on(a, 2) == 2 * GIB);
		expect_set(a->nodes, "2-3");
		assert_int_equal(a->cost, 12);
	}
	for (int once = 0; once < 1; once++) {
		_cleanup_(allocation_freep) struct allocation *a =
			stage_place(&s, REQUEST(.cores = 2, .memory_bytes = 20 * GIB));

		assert_true(memory_on(a, 3) == 8 * GIB && memory_on(a, 2) == 8 * GIB &&
			    memory_on(a, 0) == 4 * GIB);
		assert_int_equal(a->cost, 32);
	}
	stage_close(&s);
}

static void test_pick_never_takes_one_huge_page_twice(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 2, .packages = 2 });
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 10);
	shape_add_hugepages(inv, 1, 2 * MIB, 4);
	stage_open(&s, inv);
	stage_refuse(&s,
		     REQUEST(.hugepages = { { 2 * MIB, 8 }, { 2 * MIB, 7 } }, .hugepages_count = 2),
		     "hugepages-short");
	for (int once = 0; once < 1; once++) {
		_cleanup_(allocation_freep) struct allocation *a =
			stage_place(&s, REQUEST(.hugepages = { { 2 * MIB, 8 }, { 2 * MIB, 6 } },
						.hugepages_count = 2));
		uint64_t sum[2] = { 0 };

		for (size_t i = 0; i < a->hugepages_count; i++)
			sum[a->hugepages[i].node] += a->hugepages[i].count;
		assert_true(sum[0] == 10 && sum[1] == 4);
	}
	stage_refuse(&s, REQUEST(.hugepages = { { GIB, 1 } }, .hugepages_count = 1),
		     "hugepages-short");
	stage_close(&s);
}

static void test_pick_makes_huge_pages_of_memory_that_no_one_holds(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 2, .packages = 2 });
	struct request eight = { .hugepages = { { 2 * MIB, 8 } }, .hugepages_count = 1 };
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 3);
	stage_open(&s, inv);
	stage_refuse(&s, &eight, "hugepages-short"); /* not unless it is allowed */
	s.view.hugepages_grow = true;
	for (int once = 0; once < 1; once++) {
		_cleanup_(allocation_freep) struct allocation *a = stage_place(&s, &eight);

		assert_true(a->hugepages_count == 1 && a->hugepages[0].node == 0 &&
			    a->hugepages[0].count == 8);
	}
	stage_refuse(&s, REQUEST(.hugepages = { { GIB, 1 } }, .hugepages_count = 1),
		     "hugepages-short"); /* a size that the node does not know */
	/* 8 GiB are 4096 pages; the memory of the same request is not made pages. */
	stage_refuse(&s,
		     REQUEST(.align = ALIGN_NODE, .align_required = true, .memory_bytes = 6 * GIB,
			     .hugepages = { { 2 * MIB, 1025 } }, .hugepages_count = 1),
		     "hugepages-short");
	(void)stage_take(&s, "x",
			 REQUEST(.memory_bytes = 6 * GIB, .hugepages = { { 2 * MIB, 1024 } },
				 .hugepages_count = 1));
	stage_refuse(&s, REQUEST(.hugepages = { { 2 * MIB, 1 } }, .hugepages_count = 1),
		     "hugepages-short"); /* node 1 has no such pool */
	stage_close(&s);
}

static void expect_picked(const struct stage *s, const struct request *r, const char *expected)
{
	_cleanup_(allocation_freep) struct allocation *a = stage_place(s, r);

	expect_devices(a, expected);
}

static void test_pick_takes_devices_near_the_cores(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 1, .nodes = 2, .cores = 2 });
	struct stage s;
	struct device *d;

	(void)state;
	(void)shape_add_device(inv, DEVICE_NIC, "a", -1);
	(void)shape_add_device(inv, DEVICE_NIC, "b", 0);
	d = shape_add_device(inv, DEVICE_NIC, "c", 1);
	d->local_cpus = cpuset_free(d->local_cpus); /* only its node is told */
	stage_open(&s, inv);
	stage_hold(&s, "x", "0-1");
	expect_picked(&s, REQUEST(.cores = 1, .align = ALIGN_NONE, .devices[DEVICE_NIC] = 1),
		      "nic-c");
	expect_picked(&s, REQUEST(.cores = 1, .devices[DEVICE_NIC] = 2), "nic-c nic-a");
	expect_picked(&s,
		      REQUEST(.cores = 1, .align = ALIGN_PACKAGE, .align_required = true,
			      .devices[DEVICE_NIC] = 2),
		      "nic-c nic-b");
	stage_close(&s);
}

static struct inventory *switches(void)
{
	static const struct {
		enum device_kind kind;
		const char *name, *pci, *path;
	} devices[] = {
		{ DEVICE_GPU, "a", "0000:11:00.0", "0000:00:01.0/0000:10:00.0" },
		{ DEVICE_GPU, "b", "0000:21:00.0", "0000:00:02.0/0000:20:00.0" },
		{ DEVICE_GPU, "c", "0000:22:00.0", "0000:00:02.0/0000:20:00.0" },
		{ DEVICE_GPU, "d", "0000:31:00.0", NULL },
		{ DEVICE_NIC, "x", "0000:12:00.0", "0000:00:01.0/0000:10:00.0" },
		{ DEVICE_NIC, "y", "0000:23:00.0", "0000:00:02.0/0000:20:00.0" },
		{ DEVICE_DISK, "m", "0000:24:00.0", "0000:00:02.0/0000:2f:00.0" },
		{ DEVICE_DISK, "l", "0000:41:00.0", "0000:00:04.0" },
	};
	struct inventory *inv = shape_make((struct shape){ .cores = 4 });

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		shape_add_pci(inv, shape_add_device(inv, devices[i].kind, devices[i].name, 0),
			      devices[i].pci, devices[i].path);
	return inv;
}

static void test_pick_takes_devices_behind_one_switch(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, switches());
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 1), "gpu-a");
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 1, .devices[DEVICE_NIC] = 1),
		      "gpu-a nic-x");
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 2), "gpu-b gpu-c");
	expect_picked(&s,
		      REQUEST(.devices[DEVICE_GPU] = 2, .devices[DEVICE_NIC] = 1,
			      .devices[DEVICE_DISK] = 1),
		      "gpu-b gpu-c nic-y disk-m");
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 4), "gpu-a gpu-b gpu-c gpu-d");
	expect_picked(
		&s,
		REQUEST(.align = ALIGN_SWITCH, .align_required = true, .devices[DEVICE_GPU] = 2),
		"gpu-b gpu-c");
	expect_picked(&s,
		      REQUEST(.align = ALIGN_SWITCH, .cores = 1, .devices[DEVICE_GPU] = 1,
			      .devices[DEVICE_DISK] = 1),
		      "gpu-b disk-m");
	expect_picked(&s, REQUEST(.align = ALIGN_SWITCH, .devices[DEVICE_GPU] = 3),
		      "gpu-a gpu-b gpu-c");
	stage_refuse(
		&s,
		REQUEST(.align = ALIGN_SWITCH, .align_required = true, .devices[DEVICE_GPU] = 3),
		"devices-short");
	stage_feel(&s, "gpu-c", VERDICT_FAILED);
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 2), "gpu-a gpu-b");
	stage_refuse(&s, REQUEST(.devices[DEVICE_GPU] = 4), "devices-short");
	stage_close(&s);
}

static void test_pick_compares_bridges_as_wholes(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 1 });
	struct stage s;

	(void)state;
	shape_add_pci(inv, shape_add_device(inv, DEVICE_GPU, "g", 0), "0000:01:00.0",
		      "0000:00:01.0/0000:10:00.0");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "a", 0), "0000:02:00.0",
		      "0000:00:01.00/x");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "b", 0), "0000:03:00.0", "/");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "c", 0), "0000:04:00.0",
		      "0000:00:01.0/");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "d", 0),
		      "0000000000000000000000000000000000000000000000000000000000000000:1",
		      "0000:00:01.0/0000:10:00.0"); /* an address that cannot be */
	stage_open(&s, inv);
	expect_picked(&s, REQUEST(.devices[DEVICE_GPU] = 1, .devices[DEVICE_NIC] = 1),
		      "gpu-g nic-c");
	stage_close(&s);
}

static void test_pick_of_a_thousand_functions_ends(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 1 });
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		char name[16], pci[32];

		(void)snprintf(name, sizeof(name), "vf%u", i);
		(void)snprintf(pci, sizeof(pci), "0000:%02x:%02x.%u", i / 256, i / 8 % 32, i % 8);
		shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, name, 0), pci, "0000:00:01.0");
	}
	stage_open(&s, inv);
	a = stage_place(&s, REQUEST(.devices[DEVICE_NIC] = 1000));
	assert_int_equal(a->devices_count, 1000);
	stage_refuse(&s, REQUEST(.devices[DEVICE_NIC] = UINT32_MAX), "devices-short");
	stage_close(&s);
}

static struct device *add_nic(struct inventory *inv, const char *name, uint32_t speed_mbps,
			      const char *port)
{
	struct device *d = shape_add_device(inv, DEVICE_NIC, name, 0);

	d->nic.physical = !port;
	d->nic.speed_mbps = speed_mbps;
	assert_int_equal(device_set_string(&d->nic.physical_function, port), 0);
	return d;
}

static void test_pick_takes_the_nics_that_are_meant(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 1, .nodes = 1, .cores = 2 });
	struct stage s;

	(void)state;
	add_nic(inv, "a-slow", 1000, NULL);
	add_nic(inv, "b-none", DEVICE_UNKNOWN_U32, NULL);
	add_nic(inv, "c-fast", 100000, NULL);
	add_nic(inv, "d-slow-vf", 1000, "0000:01:00.0");
	add_nic(inv, "e-vf", DEVICE_UNKNOWN_U32, "0000:02:00.0");
	shape_add_pci(inv, add_nic(inv, "port", 50000, NULL), "0000:02:00.0", "");
	inventory_find(inv, "nic-port")->offerable = false;
	stage_open(&s, inv);
	expect_picked(&s, REQUEST(.devices[DEVICE_NIC] = 1), "nic-a-slow");
	expect_picked(&s, REQUEST(.devices[DEVICE_NIC] = 1, .nic.speed_mbps = 100000),
		      "nic-c-fast");
	expect_picked(&s, REQUEST(.devices[DEVICE_NIC] = 2, .nic.function = NIC_FUNCTION_VIRTUAL),
		      "nic-d-slow-vf nic-e-vf");
	expect_picked(&s,
		      REQUEST(.devices[DEVICE_NIC] = 1, .nic.function = NIC_FUNCTION_VIRTUAL,
			      .nic.speed_mbps = 25000),
		      "nic-e-vf");
	expect_picked(&s, REQUEST(.devices[DEVICE_NIC] = 3, .nic.function = NIC_FUNCTION_WHOLE),
		      "nic-a-slow nic-b-none nic-c-fast");
	stage_refuse(&s, REQUEST(.devices[DEVICE_NIC] = 1, .nic.speed_mbps = 100001),
		     "devices-short");
	stage_refuse(&s,
		     REQUEST(.devices[DEVICE_NIC] = 2, .nic.speed_mbps = 25000,
			     .nic.function = NIC_FUNCTION_VIRTUAL),
		     "devices-short");
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick_takes_whole_cores_with_all_their_threads),
		cmocka_unit_test(test_pick_fills_the_smallest_cache_that_fits),
		cmocka_unit_test(test_pick_takes_performance_cores_before_efficiency_cores),
		cmocka_unit_test(test_pick_counts_a_cpu_of_two_cores_once),
		cmocka_unit_test(test_pick_keeps_the_shared_pool_able_to_pay),
		cmocka_unit_test(test_pick_of_an_overdrawn_pool_still_serves_who_does_not_need_it),
		cmocka_unit_test(test_pick_takes_memory_near_the_cores_then_from_the_nearest),
		cmocka_unit_test(test_pick_never_takes_one_huge_page_twice),
		cmocka_unit_test(test_pick_makes_huge_pages_of_memory_that_no_one_holds),
		cmocka_unit_test(test_pick_takes_devices_near_the_cores),
		cmocka_unit_test(test_pick_takes_devices_behind_one_switch),
		cmocka_unit_test(test_pick_takes_the_nics_that_are_meant),
		cmocka_unit_test(test_pick_compares_bridges_as_wholes),
		cmocka_unit_test(test_pick_of_a_thousand_functions_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
