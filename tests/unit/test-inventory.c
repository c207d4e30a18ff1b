/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories: order, what is found, what is counted, and what differs. */
#include <errno.h>
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

static struct device *made(enum device_kind kind, const char *name)
{
	struct device *d = NULL;

	assert_int_equal(device_new(&d, kind, name), 0);
	return d;
}

static struct inventory *of(const char *const *disks, size_t count)
{
	struct inventory *inv = NULL;

	assert_int_equal(inventory_new(&inv), 0);
	for (size_t i = 0; i < count; i++) {
		struct device *d = made(DEVICE_DISK, disks[i]);

		assert_int_equal(inventory_add(inv, &d), 0);
		assert_null(d);
	}
	return inv;
}

static void test_inventory_refuses_an_id_that_is_there(void **state)
{
	static const char *const names[] = { "a", "b" };
	_cleanup_(inventory_freep) struct inventory *inv = of(names, 2);
	_cleanup_(device_freep) struct device *again = made(DEVICE_DISK, "a");
	struct device *other = made(DEVICE_NIC, "a");

	(void)state;
	assert_int_equal(inventory_add(inv, &again), -EEXIST);
	assert_non_null(again); /* the caller's still */
	assert_int_equal(inv->count, 2);
	assert_int_equal(inventory_add(inv, &other), 0);
	assert_ptr_not_equal(inventory_find(inv, "disk-a"), again);
	assert_non_null(inventory_find(inv, "nic-a"));
	assert_null(inventory_find(inv, "disk-c"));
	assert_null(inventory_find(inv, ""));
}

static void test_inventory_is_sealed_by_kind_and_in_natural_order(void **state)
{
	static const char *const names[] = { "b10", "b9", "a", "b1" };
	static const char *const sorted[] = { "core-2",	 "core-10", "disk-a",
					      "disk-b1", "disk-b9", "disk-b10" };
	_cleanup_(inventory_freep) struct inventory *inv = of(names, 4);
	struct device *ten = made(DEVICE_CORE, "10"), *two = made(DEVICE_CORE, "2");
	size_t n = 0;

	(void)state;
	assert_int_equal(inventory_add(inv, &ten), 0);
	assert_int_equal(inventory_add(inv, &two), 0);
	inventory_each (d, inv, DEVICE_DISK)
		n += d->kind == DEVICE_DISK; /* before it is sealed, too */
	assert_int_equal(n, 4);
	inventory_seal(inv);
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		assert_string_equal(inv->devices[i]->id, sorted[i]);
	for (n = 0; n < inv->count; n++)
		assert_ptr_equal(inventory_find(inv, sorted[n]), inv->devices[n]);
	n = 2;
	inventory_each (d, inv, DEVICE_DISK)
		assert_string_equal(d->id, sorted[n++]);
	assert_int_equal(n, 6);
	inventory_each (d, inv, DEVICE_GPU)
		fail_msg("there is no %s", d->id);
}

static void test_inventory_may_be_empty(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = of(NULL, 0), *same = of(NULL, 0);
	struct inventory_summary s;
	size_t cursor = 0;

	(void)state;
	inventory_seal(inv);
	inventory_seal(same);
	for (int kind = 0; kind < DEVICE_KINDS; kind++)
		assert_null(inventory_next(inv, (enum device_kind)kind, &cursor));
	inventory_summarise(inv, &s);
	assert_int_equal(
		s.packages + s.numa_nodes + s.cores + s.threads + s.gpus + s.nics + s.disks, 0);
	assert_int_equal(inventory_diff(inv, same, NULL, NULL), 0); /* calls back for nothing */
	assert_null(inventory_free(NULL));
}

static void test_inventory_keeps_notes_but_not_without_end(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = of(NULL, 0);
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (int i = 0; i < 1500; i++)
		assert_int_equal(inventory_note(inv, "nic", i ? text : "first"), 0);
	assert_int_equal(inv->notes_count, 1000);
	assert_string_equal(inv->notes[0].text, "first");
	assert_string_equal(inv->notes[0].driver, "nic");
	assert_int_equal(strlen(inv->notes[1].text), 1000);
}

static void test_inventory_counts_what_can_be_used(void **state)
{
	struct shape shape = {
		.packages = 2, .nodes = 2, .cores = 3, .threads = 2, .node_step = 4
	};
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(shape);
	struct inventory_summary s;
	struct device *d;

	(void)state;
	(void)shape_add_memory(inv, 1, "gpu", false, 80 * GIB);
	(void)shape_add_memory(inv, 2, "cxl", true, 64 * GIB);
	(void)shape_add_memory(inv, 3, "dram", true, 0);
	(void)shape_add_memory(inv, 5, "dram", true, DEVICE_UNKNOWN_U64);
	(void)shape_add_device(inv, DEVICE_GPU, "computes", 0);
	d = shape_add_device(inv, DEVICE_GPU, "displays", 0);
	d->gpu.compute = false;
	(void)shape_add_device(inv, DEVICE_NIC, "eth0", -1);
	d = shape_add_device(inv, DEVICE_NIC, "br0", -1);
	d->nic.physical = false;
	(void)shape_add_device(inv, DEVICE_DISK, "sda", -1);
	d = made(DEVICE_PACKAGE, "9"); /* all its CPUs are offline */
	assert_int_equal(inventory_add(inv, &d), 0);
	d = made(DEVICE_CORE, "99");
	assert_int_equal(inventory_add(inv, &d), 0);
	for (int sealed = 0; sealed < 2; sealed++) {
		inventory_summarise(inv, &s);
		assert_int_equal(s.packages, 2);
		assert_int_equal(s.numa_nodes, 5);
		assert_int_equal(s.cores, 12);
		assert_int_equal(s.threads, 24);
		assert_int_equal(s.gpus, 1);
		assert_int_equal(s.nics, 1);
		assert_int_equal(s.disks, 1);
		if (!sealed)
			inventory_seal(inv);
	}
}

struct told {
	char text[1000];
	unsigned stop_after; /* 0: never */
};

static int tell(enum change_kind change, const struct device *before, const struct device *after,
		const struct device_field *field, void *userdata)
{
	struct told *told = userdata;
	size_t used = strlen(told->text);

	assert_true((change == CHANGE_ADDED) == !before && (change == CHANGE_REMOVED) == !after);
	assert_true((change == CHANGE_CHANGED) == (field != NULL));
	(void)snprintf(told->text + used, sizeof(told->text) - used, "%s%s %s%s%s",
		       used ? "; " : "", change_kind_to_string(change),
		       after ? after->id : before->id, field ? " " : "", field ? field->name : "");
	return told->stop_after && --told->stop_after == 0 ? -ECANCELED : 0;
}

static void test_inventory_tells_what_moved_and_nothing_else(void **state)
{
	static const char *const old_names[] = { "a", "b", "c", "z" };
	static const char *const new_names[] = { "0", "b", "c", "d" };
	_cleanup_(inventory_freep) struct inventory *before = of(old_names, 4),
						    *after = of(new_names, 4);
	struct told told = { 0 }, none = { 0 }, cut = { .stop_after = 2 };
	struct device *c = inventory_find(after, "disk-c");

	(void)state;
	c->disk.size_bytes = 5;
	c->disk.rotational = true;
	c->offerable = false;
	assert_int_equal(device_set_string(&c->reason, "worn"), 0);
	inventory_seal(before);
	inventory_seal(after);
	assert_int_equal(inventory_diff(before, after, tell, &told), 0);
	assert_string_equal(told.text, "added disk-0; removed disk-a; changed disk-c offerable; "
				       "changed disk-c reason; changed disk-c size_bytes; "
				       "changed disk-c rotational; added disk-d; removed disk-z");
	assert_int_equal(inventory_diff(after, after, tell, &none), 0);
	assert_string_equal(none.text, "");
	assert_int_equal(inventory_diff(before, after, tell, &cut), -ECANCELED);
	assert_string_equal(cut.text, "added disk-0; removed disk-a");
}

static void test_inventory_changes_have_names(void **state)
{
	(void)state;
	assert_string_equal(change_kind_to_string(CHANGE_ADDED), "added");
	assert_string_equal(change_kind_to_string(CHANGE_REMOVED), "removed");
	assert_int_equal(change_kind_from_string("changed"), CHANGE_CHANGED);
	assert_int_equal(change_kind_from_string("moved"), -1);
}

static void test_inventory_of_two_equal_machines_is_equal(void **state)
{
	struct shape shape = { .packages = 2, .nodes = 2, .cores = 4, .threads = 2 };
	_cleanup_(inventory_freep) struct inventory *a = shape_make(shape), *b = shape_make(shape);
	struct told told = { 0 };

	(void)state;
	shape_add_hugepages(a, 1, 2 * MIB, 8);
	shape_add_hugepages(b, 1, 2 * MIB, 8);
	shape_set_distance(a, 0, 1, 21);
	shape_set_distance(b, 0, 1, 22);
	inventory_seal(a);
	inventory_seal(b);
	assert_int_equal(inventory_diff(a, b, tell, &told), 0);
	assert_string_equal(told.text, "changed node-0 distances");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inventory_refuses_an_id_that_is_there),
		cmocka_unit_test(test_inventory_is_sealed_by_kind_and_in_natural_order),
		cmocka_unit_test(test_inventory_may_be_empty),
		cmocka_unit_test(test_inventory_keeps_notes_but_not_without_end),
		cmocka_unit_test(test_inventory_counts_what_can_be_used),
		cmocka_unit_test(test_inventory_tells_what_moved_and_nothing_else),
		cmocka_unit_test(test_inventory_changes_have_names),
		cmocka_unit_test(test_inventory_of_two_equal_machines_is_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
