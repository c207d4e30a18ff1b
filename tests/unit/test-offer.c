/* SPDX-License-Identifier: Apache-2.0 */
/* Offers: what can be had now, in bundles, each of which can be taken as it is. */
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

static struct inventory *machine(void)
{
	return shape_make((struct shape){ .packages = 2, .nodes = 2, .cores = 2, .threads = 2 });
}

struct expected {
	const char *label, *cpus, *nodes;
	uint32_t cores, devices;
};

static void expect_offers(const struct stage *s, const struct expected *expected, size_t count)
{
	_cleanup_(offers_done) struct offers offers = { 0 };

	assert_int_equal(offers_make(&s->view, &offers), 0);
	for (size_t i = 0; i < offers.count && i < count; i++) {
		const struct offer *o = &offers.items[i];

		assert_string_equal(o->label, expected[i].label);
		expect_set(o->cpus, expected[i].cpus);
		expect_set(o->nodes, expected[i].nodes);
		assert_int_equal(o->cores, expected[i].cores);
		assert_int_equal(o->resources.cores, o->cores);
		assert_int_equal(o->resources.threads, cpuset_count(o->cpus));
		assert_int_equal(o->devices_count, expected[i].devices);
		assert_true(o->resources.memory_bytes == o->memory_bytes);
	}
	assert_int_equal(offers.count, count);
}

static void test_offers_are_nodes_packages_and_the_machine(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", "0-3", "0", 2, 0 },		{ "node 1", "4-7", "1", 2, 1 },
		{ "node 2", "8-11", "2", 2, 0 },	{ "node 3", "12-15", "3", 2, 0 },
		{ "package 0", "0-7", "0-1", 4, 1 },	{ "package 1", "8-15", "2-3", 4, 0 },
		{ "the machine", "0-15", "0-3", 8, 2 },
	};
	struct inventory *inv = machine();
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_GPU, "a", 1);
	(void)shape_add_device(inv, DEVICE_NIC, "b", -1); /* the machine's only */
	stage_open(&s, inv);
	expect_offers(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

static void test_offers_of_a_machine_of_one_node_are_one(void **state)
{
	static const struct expected expected[] = { { "node 0", "0-1", "0", 2, 1 } };
	struct inventory *inv = shape_make((struct shape){ .cores = 2 });
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_NIC, "b", -1);
	stage_open(&s, inv);
	expect_offers(&s, expected, 1);
	stage_close(&s);
}

static void test_offers_of_full_nodes_with_equal_remains_are_both_made(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", "", "0", 0, 1 },
		{ "node 1", "", "1", 0, 1 },
		{ "the machine", "", "0-1", 0, 2 },
	};
	struct inventory *inv = shape_make((struct shape){ .packages = 2 });
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_GPU, "a", 0);
	(void)shape_add_device(inv, DEVICE_GPU, "b", 1);
	stage_open(&s, inv);
	stage_hold(&s, "x", "0-1");
	expect_offers(&s, expected, ARRAY_SIZE(expected));
	for (int i = 0; i < 2; i++) /* and where only devices are left */
		shape_node(inv, (unsigned)i)->memory.memory_bytes = 0;
	expect_offers(&s,
		      (const struct expected[]){ { "node 0", "", "", 0, 1 },
						 { "node 1", "", "", 0, 1 },
						 { "the machine", "", "", 0, 2 } },
		      3);
	stage_close(&s);
}

static void test_offers_of_equal_memory_on_two_nodes_are_both_made(void **state)
{
	static const struct expected expected[] = {
		{ "node 0", "", "0", 0, 0 },
		{ "node 1", "", "1", 0, 0 },
		{ "the machine", "", "0-1", 0, 0 },
	};
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .packages = 2 }));
	stage_hold(&s, "x", "0-1");
	expect_offers(&s, expected, ARRAY_SIZE(expected));
	stage_close(&s);
}

static void test_offers_of_nothing_are_not_made(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 2 });
	struct stage s;

	(void)state;
	shape_node(inv, 0)->memory.memory_bytes = 0;
	stage_open(&s, inv);
	stage_hold(&s, "x", "0-1");
	expect_offers(&s, NULL, 0);
	stage_close(&s);
}

static void test_offers_count_huge_pages_even_where_nothing_else_is_left(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	_cleanup_(request_done) struct request q = { 0 };
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct inventory *inv = shape_make((struct shape){ .cores = 1, .memory_bytes = 64 * MIB });
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 32);
	stage_open(&s, inv);
	stage_hold(&s, "x", "0");
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(offers.count, 1);
	assert_int_equal(offers.items[0].resources.hugepages_count, 1);
	assert_int_equal(offers.items[0].resources.hugepages[0].count, 32);
	assert_int_equal(offer_restrict(&offers.items[0], "o-1", true, &q), 0);
	a = stage_place(&s, &q);
	assert_int_equal(a->hugepages[0].count, 32);
	stage_close(&s);
}

static void test_offers_leave_the_shared_pool_what_it_promised(void **state)
{
	static const struct expected expected[] = { { "node 0", "0-1", "0", 2, 0 } };
	struct request share = { .shared_millicpus = 1200 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .cores = 4 }));
	(void)stage_take(&s, "x", &share);
	expect_offers(&s, expected, 1);
	stage_close(&s);
}

static void test_offer_taken_whole_asks_for_all_of_it(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	struct inventory *inv = machine();
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_GPU, "a", 1);
	(void)shape_add_device(inv, DEVICE_NIC, "b", -1);
	shape_add_hugepages(inv, 3, 2 * MIB, 5);
	stage_open(&s, inv);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	for (size_t i = 0; i < offers.count; i++) {
		_cleanup_(request_done) struct request q = { .hugepages_count = 8 };
		const struct offer *o = &offers.items[i];
		_cleanup_(allocation_freep) struct allocation *a = NULL;

		assert_int_equal(offer_restrict(o, "o-9", true, &q), 0);
		assert_string_equal(q.offer, "o-9");
		assert_int_equal(q.cores, o->cores);
		assert_int_equal(q.align, o->level);
		assert_int_equal(q.align_required, o->level != ALIGN_NONE);
		assert_int_equal(q.hugepages_count, o->resources.hugepages_count);
		a = stage_place(&s, &q);
		assert_true(cpuset_equal(a->cpus, o->cpus));
		assert_true(allocation_memory_total(a) == o->memory_bytes);
		assert_int_equal(a->devices_count, o->devices_count);
	}
	stage_close(&s);
}

static void test_offer_taken_in_part_keeps_the_request_and_its_bounds(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	_cleanup_(request_done) struct request q = { .cores = 1, .align = ALIGN_PACKAGE };
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(offer_restrict(&offers.items[2], "o-2", false, &q), 0);
	assert_int_equal(q.cores, 1);
	assert_int_equal(q.align, ALIGN_PACKAGE);
	assert_true(q.memory_bytes == 0 && q.hugepages_count == 0);
	a = stage_place(&s, &q);
	expect_set(a->cpus, "8-9");
	q.cores = 3;
	stage_refuse(&s, &q, "cores-short");
	stage_close(&s);
}

static void test_offer_that_was_taken_by_another_is_refused(void **state)
{
	_cleanup_(offers_done) struct offers offers = { 0 };
	_cleanup_(request_done) struct request first = { 0 }, second = { 0 };
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(offer_restrict(&offers.items[0], "o-0", true, &first), 0);
	assert_int_equal(offer_restrict(&offers.items[0], "o-0", true, &second), 0);
	(void)stage_take(&s, "x", &first);
	stage_refuse(&s, &second, "cores-short");
	stage_close(&s);
}

static void test_offers_on_absurd_machines_can_still_be_had(void **state)
{
	struct shape shape = { .packages = 2, .cores = 2, .memory_bytes = UINT64_MAX - 1 };
	_cleanup_(offers_done) struct offers offers = { 0 };
	struct inventory *inv = shape_make(shape);
	struct stage s;

	(void)state;
	stage_open(&s, inv);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_int_equal(offers.count, 3);
	for (size_t i = 0; i < offers.count; i++) {
		_cleanup_(request_done) struct request q = { 0 };
		_cleanup_(allocation_freep) struct allocation *a = NULL;

		assert_int_equal(offer_restrict(&offers.items[i], "o", true, &q), 0);
		a = stage_place(&s, &q);
		assert_true(allocation_memory_total(a) == offers.items[i].memory_bytes);
	}
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers_are_nodes_packages_and_the_machine),
		cmocka_unit_test(test_offers_of_a_machine_of_one_node_are_one),
		cmocka_unit_test(test_offers_of_full_nodes_with_equal_remains_are_both_made),
		cmocka_unit_test(test_offers_of_equal_memory_on_two_nodes_are_both_made),
		cmocka_unit_test(test_offers_of_nothing_are_not_made),
		cmocka_unit_test(test_offers_count_huge_pages_even_where_nothing_else_is_left),
		cmocka_unit_test(test_offers_leave_the_shared_pool_what_it_promised),
		cmocka_unit_test(test_offer_taken_whole_asks_for_all_of_it),
		cmocka_unit_test(test_offer_taken_in_part_keeps_the_request_and_its_bounds),
		cmocka_unit_test(test_offer_that_was_taken_by_another_is_refused),
		cmocka_unit_test(test_offers_on_absurd_machines_can_still_be_had),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
