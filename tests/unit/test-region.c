/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: the parts of a machine, what is in them, how far they spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/region.h"
#include "util/cleanup.h"

struct expected {
	const char *label, *cpus, *nodes;
};

static void expect_regions(const struct inventory *inv, enum align_level level,
			   const struct expected *expected, size_t expected_count)
{
	struct region *regions = NULL;
	size_t count = 0;

	assert_int_equal(region_list(inv, level, &regions, &count), 0);
	assert_int_equal(count, expected_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(regions[i].level, level);
		assert_string_equal(regions[i].label, expected[i].label);
		expect_set(regions[i].cpus, expected[i].cpus);
		expect_set(regions[i].nodes, expected[i].nodes);
	}
	region_free_all(regions, count);
}

static void test_region_levels_are_nodes_packages_and_the_machine(void **state)
{
	static const struct expected nodes[] = { { "node 0", "0-1", "0" },
						 { "node 4", "2-3", "4" },
						 { "node 8", "4-5", "8" },
						 { "node 12", "6-7", "12" } };
	static const struct expected packages[] = { { "package 0", "0-3", "0,4" },
						    { "package 1", "4-7", "8,12" } };
	static const struct expected machine[] = { { "the machine", "0-7", "0-1,4,8,12" } };
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 2, .node_step = 4 };
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(shape);

	(void)state;
	(void)shape_add_memory(inv, 1, "cxl", true, GIB); /* no CPUs: no region of its own */
	inventory_seal(inv);
	expect_regions(inv, ALIGN_NODE, nodes, 4);
	expect_regions(inv, ALIGN_PACKAGE, packages, 2);
	expect_regions(inv, ALIGN_NONE, machine, 1);
}

static void test_region_of_a_machine_without_anything_is_the_machine(void **state)
{
	static const struct expected machine[] = { { "the machine", "", "" } };
	_cleanup_(inventory_freep) struct inventory *inv = NULL;

	(void)state;
	assert_int_equal(inventory_new(&inv), 0);
	inventory_seal(inv);
	expect_regions(inv, ALIGN_NODE, NULL, 0);
	expect_regions(inv, ALIGN_PACKAGE, NULL, 0);
	expect_regions(inv, ALIGN_NONE, machine, 1);
	region_free_all(NULL, 0);
}

static void test_region_labels_have_room_for_the_largest_number(void **state)
{
	static const struct expected packages[] = { { "package 4294967295", "0", "0" } };
	_cleanup_(inventory_freep) struct inventory *inv = shape_make((struct shape){ 0 });

	(void)state;
	inventory_find(inv, "package-0")->package.number = UINT32_MAX;
	inventory_seal(inv);
	expect_regions(inv, ALIGN_PACKAGE, packages, 1);
}

static void expect_has(const struct inventory *inv, const struct device *d, const char *expected)
{
	char found[64] = "";

	for (enum align_level level = ALIGN_NODE; level < ALIGN_LEVELS; level++) {
		struct region *regions = NULL;
		size_t count = 0;

		assert_int_equal(region_list(inv, level, &regions, &count), 0);
		for (size_t i = 0; i < count; i++) {
			bool unknown = true, has = region_has_device(&regions[i], inv, d, &unknown);

			(void)strcat(found, !has ? "-" : unknown ? "?" : "+");
		}
		region_free_all(regions, count);
	}
	assert_string_equal(found, expected);
}

static void test_region_has_the_devices_of_its_nodes(void **state)
{
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 1 };
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(shape);
	struct device *known = shape_add_device(inv, DEVICE_GPU, "a", 2),
		      *unknown = shape_add_device(inv, DEVICE_GPU, "b", -1),
		      *nowhere = shape_add_device(inv, DEVICE_GPU, "c", -1);

	(void)state;
	nowhere->node = 99; /* a node that the machine does not have */
	inventory_seal(inv);
	expect_has(inv, known, "--+--++");
	expect_has(inv, unknown, "???????");
	expect_has(inv, nowhere, "------+");
}

static void test_region_of_a_machine_of_one_node_has_no_unknown_places(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = shape_make((struct shape){ .cores = 2 });
	struct device *d = shape_add_device(inv, DEVICE_NIC, "a", -1);

	(void)state;
	(void)shape_add_memory(inv, 5, "gpu", false, GIB); /* is no second place */
	inventory_seal(inv);
	expect_has(inv, d, "+++");
}

static void expect_spread(const struct inventory *inv, const char *nodes, uint32_t expected)
{
	_cleanup_(cpuset_freep) struct cpuset *set = set_of(nodes);

	assert_int_equal(region_spread(inv, set), expected);
}

static void test_region_spread_is_the_largest_distance_within(void **state)
{
	struct shape shape = { .packages = 2, .nodes = 2 };
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(shape);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++)
			shape_set_distance(inv, i, k, i == k ? 10 : i / 2 == k / 2 ? 12 : 32);
	inventory_seal(inv);
	expect_spread(inv, "", 10);
	expect_spread(inv, "3", 10);
	expect_spread(inv, "2-3", 12);
	expect_spread(inv, "1-2", 32);
	expect_spread(inv, "0-3", 32);
	expect_spread(inv, "0,99", 20); /* not told */
}

static void test_region_spread_without_distances_is_the_kernels_default(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		shape_make((struct shape){ .packages = 2 });

	(void)state;
	inventory_seal(inv);
	expect_spread(inv, "0", 10);
	expect_spread(inv, "0-1", 20);
}

static void test_region_spread_of_a_lying_table_is_bounded(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		shape_make((struct shape){ .packages = 2 });

	(void)state;
	shape_set_distance(inv, 0, 1, UINT32_MAX);
	shape_set_distance(inv, 1, 0, 3);
	inventory_seal(inv);
	expect_spread(inv, "0-1", 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region_levels_are_nodes_packages_and_the_machine),
		cmocka_unit_test(test_region_of_a_machine_without_anything_is_the_machine),
		cmocka_unit_test(test_region_labels_have_room_for_the_largest_number),
		cmocka_unit_test(test_region_has_the_devices_of_its_nodes),
		cmocka_unit_test(test_region_of_a_machine_of_one_node_has_no_unknown_places),
		cmocka_unit_test(test_region_spread_is_the_largest_distance_within),
		cmocka_unit_test(test_region_spread_without_distances_is_the_kernels_default),
		cmocka_unit_test(test_region_spread_of_a_lying_table_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
