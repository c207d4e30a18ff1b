/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs, packages and cores of small machines: what each file of the kernel changes. */
#include "tests/unit/small-machine.h"
#include "util/cleanup.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CPU "sys/devices/system/cpu/"

static const struct device *core(const struct inventory *inv, const char *id)
{
	const struct device *d = inventory_find(inv, id);

	assert_non_null(d);
	return d;
}

static void test_cores_know_their_package_and_node(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover(small_machine_base, NULL);

	(void)state;
	assert_int_equal(core(inv, "core-0")->core.package, 0);
	assert_int_equal(core(inv, "core-3")->core.package, 1);
	assert_int_equal(core(inv, "core-0")->node, 0);
	assert_int_equal(core(inv, "core-3")->node, 1);
	assert_int_equal(core(inv, "core-0")->core.base_mhz, DEVICE_UNKNOWN_U32);
	assert_null(core(inv, "core-0")->core.core_kind);
	assert_false(inv->machine.smt);
}

static void test_frequencies_are_kilohertz_in_cpufreq_and_megahertz_in_cppc(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, CPU "cpu0/cpufreq/base_frequency = 2100000\n" CPU
					"cpu0/cpufreq/cpuinfo_max_freq = 3700000\n" CPU
					"cpu1/acpi_cppc/nominal_freq = 2450\n" CPU
					"cpu2/acpi_cppc/nominal_freq = 0\n" CPU
					"cpu3/cpufreq/cpuinfo_max_freq = fast\n");

	(void)state;
	assert_int_equal(core(inv, "core-0")->core.base_mhz, 2100);
	assert_int_equal(core(inv, "core-0")->core.maximum_mhz, 3700);
	assert_int_equal(core(inv, "core-1")->core.base_mhz, 2450);
	assert_int_equal(core(inv, "core-2")->core.base_mhz, DEVICE_UNKNOWN_U32);
	assert_int_equal(core(inv, "core-3")->core.maximum_mhz, DEVICE_UNKNOWN_U32);
}

static void test_kinds_come_from_frequencies_that_differ(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, CPU "cpu{0-1}/cpufreq/cpuinfo_max_freq = 5000000\n" CPU
					"cpu{2-3}/cpufreq/cpuinfo_max_freq = 3900000\n");

	(void)state;
	assert_string_equal(core(inv, "core-0")->core.core_kind, "performance");
	assert_string_equal(core(inv, "core-2")->core.core_kind, "efficiency");
}

/* Some server processors run chosen cores at a higher base frequency: they are no other kind. */
static void test_base_frequencies_alone_make_no_kinds(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, CPU "cpu{0-3}/cpufreq/cpuinfo_max_freq = 3900000\n" CPU
					"cpu{0-1}/cpufreq/base_frequency = 2700000\n" CPU
					"cpu{2-3}/cpufreq/base_frequency = 2100000\n");

	(void)state;
	assert_null(core(inv, "core-0")->core.core_kind);
	assert_null(core(inv, "core-2")->core.core_kind);
}

static void test_isolated_cores_are_marked(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover(small_machine_base, CPU "isolated = 1,3\n");

	(void)state;
	assert_false(core(inv, "core-0")->core.isolated);
	assert_true(core(inv, "core-1")->core.isolated);
	assert_true(core(inv, "core-3")->core.isolated);
}

static void test_a_cpuset_takes_cores_away_and_keeps_the_numbers_of_others(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, "proc/self/cpuset = /job\n"
				    "proc/mounts = cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
				    "sys/fs/cgroup/cgroup.controllers = cpuset cpu\n"
				    "sys/fs/cgroup/job/cpuset.cpus.effective = 2-3\n"
				    "sys/fs/cgroup/job/cpuset.mems.effective = 1\n");
	struct inventory_summary s;

	(void)state;
	inventory_summarise(inv, &s);
	assert_int_equal(s.cores, 2);
	assert_int_equal(s.threads, 2);
	assert_int_equal(s.packages, 1);
	assert_int_equal(s.numa_nodes, 1);
	assert_null(inventory_find(inv, "core-0"));
	assert_true(cpuset_has(core(inv, "core-2")->core.cpus, 2));
	assert_false(core(inv, "package-0")->offerable);
	assert_string_equal(core(inv, "package-0")->reason, "none of its CPUs may be used");
	assert_false(core(inv, "node-0")->memory.host_memory);
}

static void test_a_cpu_without_a_core_is_a_core(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv =
		small_machine_discover(NULL, "proc/meminfo = MemTotal: 4096 kB\n" CPU
					     "online = 0-1\n" CPU "cpu{0-1}/online = 1\n");
	struct inventory_summary s;

	(void)state;
	inventory_summarise(inv, &s);
	assert_true(s.cores == s.threads);
	assert_int_equal(small_machine_notes(inv, "does not tell where its CPUs are"), 1);
	assert_null(inv->machine.architecture); /* and not that of the machine that runs this */
	assert_int_equal(core(inv, "core-0")->core.l3, DEVICE_UNKNOWN_U32);
}

static void test_lists_that_are_garbage_leave_a_note(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = small_machine_discover(
		small_machine_base, CPU "present = 0-x\n" CPU "isolated = ,\n");

	(void)state;
	assert_int_equal(small_machine_notes(inv, "cpu/present is garbled"), 1);
	assert_int_equal(small_machine_notes(inv, "cpu/isolated is garbled"), 1);
	assert_true(cpuset_empty(inv->machine.isolated));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cores_know_their_package_and_node),
		cmocka_unit_test(test_frequencies_are_kilohertz_in_cpufreq_and_megahertz_in_cppc),
		cmocka_unit_test(test_kinds_come_from_frequencies_that_differ),
		cmocka_unit_test(test_base_frequencies_alone_make_no_kinds),
		cmocka_unit_test(test_isolated_cores_are_marked),
		cmocka_unit_test(test_a_cpuset_takes_cores_away_and_keeps_the_numbers_of_others),
		cmocka_unit_test(test_a_cpu_without_a_core_is_a_core),
		cmocka_unit_test(test_lists_that_are_garbage_leave_a_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
