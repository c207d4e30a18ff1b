/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's files about interrupts, below made trees: holes, garbage, what refuses, and what a
 * device has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "discover.h"
#include "irq.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)

static void expect(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(s);

	assert_string_equal(text, expected);
}

static struct host *open_tree(char *root)
{
	struct host *host = NULL;

	assert_int_equal(host_open(&host, root, NULL), 0);
	return host;
}

static void test_irq_list_knows_numbers_alone(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_cpuset_ struct cpuset *irqs = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/irq/0/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/31/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/70000/smp_affinity_list", "0-3\n"); /* above what a set holds */
	tree_file(root, "proc/irq/-1/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/x7/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/default_smp_affinity", "f\n");
	host = open_tree(root);
	assert_int_equal(irq_list(host, &irqs), 0);
	expect(irqs, "0,31");
	tree_remove(root);
}

static void test_irq_list_says_that_there_are_none(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	struct cpuset *irqs = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/uptime", "1 1\n");
	host = open_tree(root);
	assert_int_equal(irq_list(host, &irqs), -ENOENT);
	assert_null(irqs);
	tree_remove(root);
}

static void test_irq_affinity_is_read_strictly(void **state)
{
	static const struct {
		const char *text, *expected; /* NULL: -EBADMSG */
	} vectors[] = {
		{ "0-3,8\n", "0-3,8" }, { "\n", "" },	   { "7", "7" },
		{ "three\n", NULL },	{ "3-1\n", NULL }, { "0-99999999\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(host_freep) struct host *host = NULL;
		_cleanup_cpuset_ struct cpuset *cpus = NULL;
		char *root = tree_new();
		int r;

		tree_file(root, "proc/irq/9/smp_affinity_list", vectors[i].text);
		host = open_tree(root);
		r = irq_read(host, 9, &cpus);
		assert_int_equal(r, vectors[i].expected ? 0 : -EBADMSG);
		if (r == 0)
			expect(cpus, vectors[i].expected);
		tree_remove(root);
	}
}

static void test_irq_effective_affinity_is_the_affinity_where_none_is_told(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_cpuset_ struct cpuset *told = NULL, *untold = NULL;
	struct cpuset *gone = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/irq/1/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/1/effective_affinity_list", "2\n");
	tree_file(root, "proc/irq/2/smp_affinity_list", "0-3\n");
	host = open_tree(root);
	assert_int_equal(irq_read_effective(host, 1, &told), 0);
	expect(told, "2");
	assert_int_equal(irq_read_effective(host, 2, &untold), 0);
	expect(untold, "0-3");
	assert_int_equal(irq_read_effective(host, 3, &gone), -ENOENT);
	assert_null(gone);
	tree_remove(root);
}

static void test_irq_is_in_use_when_it_has_an_action(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/irq/1/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/2/smp_affinity_list", "0-3\n");
	tree_file(root, "proc/irq/2/virtio0-input.0/x", "");
	host = open_tree(root);
	assert_false(irq_in_use(host, 1));
	assert_true(irq_in_use(host, 2));
	assert_false(irq_in_use(host, 3));
	tree_remove(root);
}

static void test_irq_default_is_a_mask_and_stays_one(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_cpuset_ struct cpuset *cpus = NULL, *again = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/irq/default_smp_affinity", "ff,ffffffff\n");
	host = open_tree(root);
	assert_int_equal(irq_read_default(host, &cpus), 0);
	expect(cpus, "0-39");
	cpuset_remove(cpus, 35);
	assert_int_equal(irq_write_default(host, cpus), 0);
	assert_int_equal(irq_read_default(host, &again), 0);
	expect(again, "0-34,36-39");
	tree_file(root, "proc/irq/default_smp_affinity", "0-39\n");
	assert_int_equal(irq_read_default(host, &again), -EBADMSG);
	tree_remove(root);
}

static void test_irq_node_is_unknown_where_it_is_garbage(void **state)
{
	static const struct {
		const char *node, *expected;
	} vectors[] = { { "1\n", "4-7" }, { "-1\n", "" }, { "9\n", "" }, { "many\n", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(host_freep) struct host *host = NULL;
		_cleanup_cpuset_ struct cpuset *cpus = NULL;
		char *root = tree_new();

		tree_file(root, "proc/irq/5/node", vectors[i].node);
		tree_file(root, "sys/devices/system/node/node1/cpulist", "4-7\n");
		host = open_tree(root);
		assert_int_equal(irq_read_node(host, 5, &cpus), 0);
		expect(cpus, vectors[i].expected);
		tree_remove(root);
	}
}

static void test_irq_of_device_are_its_message_interrupts(void **state)
{
	_cleanup_(host_freep) struct host *host = NULL;
	_cleanup_cpuset_ struct cpuset *irqs = NULL;
	char *root = tree_new(), longer[400];

	(void)state;
	tree_file(root, "sys/bus/pci/devices/0000:01:00.0/msi_irqs/31", "msix\n");
	tree_file(root, "sys/bus/pci/devices/0000:01:00.0/msi_irqs/32", "msix\n");
	tree_file(root, "sys/bus/pci/devices/0000:02:00.0/irq", "11\n");
	tree_file(root, "proc/uptime", "1 1\n");
	host = open_tree(root);
	assert_int_equal(cpuset_new(&irqs), 0);
	assert_int_equal(irq_of_device(host, "0000:01:00.0", irqs), 0);
	assert_int_equal(irq_of_device(host, "0000:02:00.0", irqs), 0); /* a shared line */
	assert_int_equal(irq_of_device(host, "0000:03:00.0", irqs), 0); /* gone */
	expect(irqs, "31-32");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(irq_of_device(host, longer, irqs), -ENAMETOOLONG);
	tree_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_irq_list_knows_numbers_alone),
		cmocka_unit_test(test_irq_list_says_that_there_are_none),
		cmocka_unit_test(test_irq_affinity_is_read_strictly),
		cmocka_unit_test(test_irq_effective_affinity_is_the_affinity_where_none_is_told),
		cmocka_unit_test(test_irq_is_in_use_when_it_has_an_action),
		cmocka_unit_test(test_irq_default_is_a_mask_and_stays_one),
		cmocka_unit_test(test_irq_node_is_unknown_where_it_is_garbage),
		cmocka_unit_test(test_irq_of_device_are_its_message_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
