/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA nodes of small machines: whose CPUs, which memory, what is never handed out. */
#include "tests/unit/small-machine.h"
#include "util/cleanup.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NODE "sys/devices/system/node/"

static const struct device *node(const struct inventory *inv, const char *id)
{
	const struct device *d = inventory_find(inv, id);

	assert_non_null(d);
	return d;
}

static void test_nodes_with_cpus_and_ram_are_offered(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover(small_machine_base, NULL);

	(void)state;
	assert_true(node(inv, "node-1")->offerable);
	assert_true(node(inv, "node-1")->memory.host_memory);
	assert_int_equal(node(inv, "node-1")->memory.memory_bytes, 4096 << 10);
	assert_true(cpuset_has(node(inv, "node-1")->memory.cpus, 3));
	assert_int_equal(node(inv, "node-1")->memory.distances.count, 0);
}

static void test_node_without_cpus_is_ram_of_the_host_and_not_offered(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, NODE "online = 0-2\n" NODE "node2/cpumap = 0\n" NODE
					 "node2/meminfo = Node 2 MemTotal: 4096 kB\n");
	struct inventory_summary s;

	(void)state;
	inventory_summarise(inv, &s);
	assert_int_equal(s.numa_nodes, 3);
	assert_true(node(inv, "node-2")->memory.host_memory);
	assert_false(node(inv, "node-2")->offerable);
	assert_non_null(strstr(node(inv, "node-2")->reason, "no CPUs of its own"));
}

static void test_memory_of_a_gpu_is_no_memory_of_the_host(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, NODE
		"online = 0-2\n" NODE "node2/cpumap = 0\n" NODE
		"node2/meminfo = Node 2 MemTotal: 4096 kB\n"
		"proc/driver/nvidia/gpus/0000:17:00.0/numa_status = Node: 2\\nStatus: online\n");
	struct inventory_summary s;

	(void)state;
	inventory_summarise(inv, &s);
	assert_int_equal(s.numa_nodes, 2);
	assert_false(node(inv, "node-2")->memory.host_memory);
	assert_false(node(inv, "node-2")->offerable);
	assert_string_equal(node(inv, "node-2")->memory.memory_kind, "gpu");
	assert_string_equal(node(inv, "node-2")->pci, "0000:17:00.0");
}

static void test_node_without_memory_is_counted_for_its_cpus_and_not_offered(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, NODE "node1/meminfo = Node 1 MemTotal: 0 kB\n");
	struct inventory_summary s;

	(void)state;
	inventory_summarise(inv, &s);
	assert_int_equal(s.numa_nodes, 2);
	assert_false(node(inv, "node-1")->memory.host_memory);
	assert_string_equal(node(inv, "node-1")->reason, "it has no memory");
}

static void test_a_cpu_is_given_to_one_node_only(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, NODE "node0/cpulist = 0-2\n" NODE "node1/cpulist = 2-3\n");

	(void)state;
	assert_true(cpuset_has(node(inv, "node-0")->memory.cpus, 2));
	assert_false(cpuset_has(node(inv, "node-1")->memory.cpus, 2));
	assert_int_equal(small_machine_notes(inv, "claims CPUs"), 1);
}

static void test_garbage_about_nodes_leaves_notes_and_hwlocs_view(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, NODE "node1/cpulist = 2-\n" NODE
					 "node0/hugepages/hugepages-2048kB/nr_hugepages = 4\n");

	(void)state;
	assert_int_equal(small_machine_notes(inv, "CPUs of node 1 is garbled"), 1);
	assert_int_equal(cpuset_count(node(inv, "node-1")->memory.cpus), 2);
	assert_int_equal(node(inv, "node-0")->memory.hugepages_count, 0); /* free ones untold */
}

static void test_distances_and_hmat_are_told_by_node(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base,
		NODE "node0/distance = 10 21\n" NODE "node1/distance = 31 10\n" NODE
		     "node1/access0/initiators/node1 -> ../../../node1\n" NODE
		     "node1/access0/initiators/read_bandwidth = 1000\n" NODE
		     "node1/access0/initiators/read_latency = 90\n");
	const struct device_node *far = &node(inv, "node-1")->memory;

	(void)state;
	assert_int_equal(far->distances.count, 2);
	assert_int_equal(far->distances.number[0], 0);
	assert_int_equal(far->distances.value[0], 31);
	assert_int_equal(far->distances.value[1], 10);
	assert_int_equal(far->read_bandwidth_mbps, 1000);
	assert_int_equal(far->read_latency_ns, 90);
	assert_int_equal(far->write_latency_ns, DEVICE_UNKNOWN_U32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_with_cpus_and_ram_are_offered),
		cmocka_unit_test(test_node_without_cpus_is_ram_of_the_host_and_not_offered),
		cmocka_unit_test(test_memory_of_a_gpu_is_no_memory_of_the_host),
		cmocka_unit_test(test_node_without_memory_is_counted_for_its_cpus_and_not_offered),
		cmocka_unit_test(test_a_cpu_is_given_to_one_node_only),
		cmocka_unit_test(test_garbage_about_nodes_leaves_notes_and_hwlocs_view),
		cmocka_unit_test(test_distances_and_hmat_are_told_by_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
