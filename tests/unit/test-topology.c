/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the live host and captured roots, and what the environment may not do to it. */
#include "drivers/topology.h"

#include "model/device.h"
#include "tests/unit/small-machine.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct topology *load(struct host *host)
{
	struct topology *t = NULL;
	struct fail f = { 0 };

	if (topology_load(&t, host, NULL, &f) < 0)
		fail_msg("%s", f.text);
	return t;
}

static void test_captured_root_is_loaded_and_not_this_machine(void **state)
{
	struct host *host = small_machine_open(small_machine_base, NULL);
	_cleanup_(topology_freep) struct topology *t = load(host);
	hwloc_topology_t h = topology_hwloc(t);

	(void)state;
	assert_false(topology_is_xml(t));
	assert_int_equal(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PU), 4);
	assert_int_equal(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PACKAGE), 2);
	assert_int_equal(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_NUMANODE), 2);
	/* cpuid of the machine that runs this would put its model here. */
	assert_null(hwloc_obj_get_info_by_name(hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 0),
					       "CPUModel"));
	small_machine_close(host);
}

static void test_load_obeys_no_variable_and_leaves_all_as_they_were(void **state)
{
	struct host *host = small_machine_open(small_machine_base, NULL);
	_cleanup_(topology_freep) struct topology *t = NULL;

	(void)state;
	assert_int_equal(setenv("HWLOC_SYNTHETIC", "pack:8 core:2 pu:1", 1), 0);
	assert_int_equal(setenv("HWLOC_FSROOT", "/nowhere", 1), 0);
	assert_int_equal(unsetenv("HWLOC_COMPONENTS"), 0);
	t = load(host);
	assert_int_equal(hwloc_get_nbobjs_by_type(topology_hwloc(t), HWLOC_OBJ_PU), 4);
	assert_string_equal(getenv("HWLOC_SYNTHETIC"), "pack:8 core:2 pu:1");
	assert_string_equal(getenv("HWLOC_FSROOT"), "/nowhere");
	assert_null(getenv("HWLOC_COMPONENTS"));
	assert_int_equal(unsetenv("HWLOC_SYNTHETIC"), 0);
	assert_int_equal(unsetenv("HWLOC_FSROOT"), 0);
	small_machine_close(host);
}

static void test_live_host_is_loaded(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_(topology_freep) struct topology *t = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(host_open(&host, "/", &f), 0);
	t = load(host);
	assert_true(hwloc_get_nbobjs_by_type(topology_hwloc(t), HWLOC_OBJ_PU) >= 1);
	assert_true(hwloc_get_nbobjs_by_type(topology_hwloc(t), HWLOC_OBJ_NUMANODE) >= 1);
}

/* hwloc aborts on a node list that is there and empty. */
static void test_root_that_makes_hwloc_abort_is_refused_with_a_sentence(void **state)
{
	struct host *host =
		small_machine_open(small_machine_base, "sys/devices/system/node/online = \n");
	struct topology *t = NULL;
	struct fail f = { 0 };
	int r = topology_load(&t, host, NULL, &f);

	(void)state;
	if (r == 0) { /* an hwloc that takes it is as good */
		topology_free(t);
	} else {
		assert_int_equal(r, -EBADMSG);
		assert_non_null(strstr(f.text, host->root));
	}
	small_machine_close(host);
}

static void test_xml_that_is_not_there_is_refused_with_its_name(void **state)
{
	const struct host none = { .sys_fd = -1, .proc_fd = -1, .root_fd = -1, .cgroup_fd = -1 };
	struct topology *t = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(topology_load(&t, &none, "/nowhere/at-all.xml", &f), -ENOENT);
	assert_non_null(strstr(f.text, "/nowhere/at-all.xml"));
	assert_null(t);
}

static void test_locality_is_unknown_only_where_there_are_several_nodes(void **state)
{
	struct host *host = small_machine_open(small_machine_base, NULL);
	_cleanup_(topology_freep) struct topology *t = load(host);
	_cleanup_(cpuset_freep) struct cpuset *whole = NULL, *half = NULL;
	hwloc_topology_t h = topology_hwloc(t);
	int32_t node = 99;

	(void)state;
	assert_int_equal(topology_locality(t, hwloc_get_root_obj(h), &node, &whole), 0);
	assert_int_equal(node, DEVICE_NO_NODE);
	assert_null(whole);
	assert_int_equal(
		topology_locality(t, hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 1), &node, &half),
		0);
	assert_int_equal(node, 1);
	assert_int_equal(cpuset_count(half), 2);
	assert_true(cpuset_has(half, 2));
	small_machine_close(host);
}

static void test_pci_address_is_written_as_the_kernel_does(void **state)
{
	union hwloc_obj_attr_u attributes = { 0 };
	struct hwloc_obj object = { .type = HWLOC_OBJ_PCI_DEVICE, .attr = &attributes };
	char room[32];

	(void)state;
	attributes.pcidev.bus = 0x17;
	attributes.pcidev.dev = 0x1f;
	attributes.pcidev.func = 7;
	topology_pci_address(&object, room);
	assert_string_equal(room, "0000:17:1f.7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captured_root_is_loaded_and_not_this_machine),
		cmocka_unit_test(test_load_obeys_no_variable_and_leaves_all_as_they_were),
		cmocka_unit_test(test_live_host_is_loaded),
		cmocka_unit_test(test_root_that_makes_hwloc_abort_is_refused_with_a_sentence),
		cmocka_unit_test(test_xml_that_is_not_there_is_refused_with_its_name),
		cmocka_unit_test(test_locality_is_unknown_only_where_there_are_several_nodes),
		cmocka_unit_test(test_pci_address_is_written_as_the_kernel_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
