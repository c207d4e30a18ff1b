/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions of small machines: paths, links, virtual functions, locality. */
#include "tests/unit/small-machine.h"
#include "util/cleanup.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCI "sys/bus/pci/devices/"
#define ROOT "sys/devices/pci0000:00/0000:00:01.0"

static const struct device *function(const struct inventory *inv, const char *id)
{
	const struct device *d = inventory_find(inv, id);

	assert_non_null(d);
	return d;
}

static void test_path_holds_the_bridges_from_the_root_port_down(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base,
		PCI "0000:00:01.0 -> ../../../devices/pci0000:00/0000:00:01.0\n" PCI
		    "0000:01:00.0 -> ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0\n" PCI
		    "0000:02:00.0 -> "
		    "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0\n" ROOT
		    "/0000:01:00.0/0000:02:00.0/class = 0x010802\n");

	(void)state;
	assert_null(function(inv, "pci-0000:00:01.0")->function.path);
	assert_string_equal(function(inv, "pci-0000:01:00.0")->function.path, "0000:00:01.0");
	assert_string_equal(function(inv, "pci-0000:02:00.0")->function.path,
			    "0000:00:01.0/0000:01:00.0");
	assert_string_equal(function(inv, "pci-0000:02:00.0")->function.class_name,
			    "Non-Volatile memory controller");
	assert_int_equal(small_machine_notes(inv, "does not tell its class"), 2);
	assert_false(function(inv, "pci-0000:02:00.0")->offerable);
}

static void test_link_and_virtual_functions_are_read_as_told(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base,
		PCI "0000:01:00.0/class = 0x020000\n" PCI
		    "0000:01:00.0/current_link_speed = 8.0 GT/s PCIe\n" PCI
		    "0000:01:00.0/max_link_speed = 16.0 GT/s PCIe\n" PCI
		    "0000:01:00.0/current_link_width = 8\n" PCI
		    "0000:01:00.0/max_link_width = 255\n" PCI "0000:01:00.0/sriov_numvfs = 2\n" PCI
		    "0000:01:00.0/sriov_totalvfs = 64\n" PCI "0000:01:00.1/class = 0x020000\n" PCI
		    "0000:01:00.1/physfn -> ../0000:01:00.0\n" PCI
		    "0000:01:00.1/iommu_group -> ../../../kernel/iommu_groups/9\n");
	const struct device_pci *physical = &function(inv, "pci-0000:01:00.0")->function;
	const struct device_pci *virtual = &function(inv, "pci-0000:01:00.1")->function;

	(void)state;
	assert_int_equal(physical->link_speed_mts, 8000);
	assert_int_equal(physical->link_speed_maximum_mts, 16000);
	assert_int_equal(physical->link_width, 8);
	assert_int_equal(physical->link_width_maximum, DEVICE_UNKNOWN_U32);
	assert_int_equal(physical->virtual_functions, 2);
	assert_int_equal(physical->virtual_functions_maximum, 64);
	assert_string_equal(virtual->physical_function, "0000:01:00.0");
	assert_string_equal(virtual->iommu_group, "9");
	assert_int_equal(virtual->virtual_functions, DEVICE_UNKNOWN_U32);
}

static void test_node_is_unknown_where_nobody_tells(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base,
		PCI "0000:01:00.0/class = 0x020000\n" PCI "0000:01:00.0/numa_node = -1\n" PCI
		    "0000:01:00.0/local_cpulist = 0-3\n" PCI "0000:02:00.0/class = 0x020000\n" PCI
		    "0000:02:00.0/numa_node = 1\n" PCI "0000:03:00.0/class = 0x020000\n" PCI
		    "0000:03:00.0/numa_node = 9\n");

	(void)state;
	assert_int_equal(function(inv, "pci-0000:01:00.0")->node, DEVICE_NO_NODE);
	assert_null(function(inv, "pci-0000:01:00.0")->local_cpus);
	assert_int_equal(function(inv, "pci-0000:02:00.0")->node, 1);
	assert_int_equal(cpuset_count(function(inv, "pci-0000:02:00.0")->local_cpus), 2);
	assert_int_equal(function(inv, "pci-0000:03:00.0")->node, DEVICE_NO_NODE);
	assert_int_equal(small_machine_notes(inv, "node 9, which does not exist"), 1);
}

static void test_names_that_are_no_address_are_passed_over(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover(small_machine_base, PCI "README/class = 0x020000\n" PCI
							       "0000:00/class = 0x020000\n" PCI
							       "0000:04:00.0 -> ../nowhere\n");
	size_t cursor = 0;

	(void)state;
	assert_non_null(inventory_next(inv, DEVICE_PCI, &cursor)); /* the link into nowhere */
	assert_null(inventory_next(inv, DEVICE_PCI, &cursor));
	assert_int_equal(small_machine_notes(inv, "0000:04:00.0 cannot be opened"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_holds_the_bridges_from_the_root_port_down),
		cmocka_unit_test(test_link_and_virtual_functions_are_read_as_told),
		cmocka_unit_test(test_node_is_unknown_where_nobody_tells),
		cmocka_unit_test(test_names_that_are_no_address_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
