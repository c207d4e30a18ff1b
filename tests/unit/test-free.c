/* SPDX-License-Identifier: Apache-2.0 */
/* What is free: less what is held, reserved, withdrawn, or no RAM of the host. */
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

static const struct shape two_nodes = { .packages = 2, .cores = 4, .threads = 2 };

static void expect_reserve(const struct inventory *inv, uint32_t cores, const char *listed,
			   const char *expected)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = listed ? set_of(listed) : NULL, *set = NULL;

	assert_int_equal(reserve_of(inv, cores, cpus, &set), 0);
	expect_set(set, expected);
}

static void test_free_reserve_is_whole_cores(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(two_nodes);

	(void)state;
	inventory_seal(inv);
	expect_reserve(inv, 0, NULL, "");
	expect_reserve(inv, 1, NULL, "0-1");
	expect_reserve(inv, 3, NULL, "0-5");
	expect_reserve(inv, 1000, NULL, "0-15");
	expect_reserve(inv, 0, "3,12", "2-3,12-13"); /* with their siblings */
	expect_reserve(inv, 0, "77", "");
	expect_reserve(inv, 1, "0", "0-3");
}

static void test_free_reserve_skips_cores_without_cpus(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inv = shape_make(two_nodes);

	(void)state;
	cpuset_remove(shape_core(inv, 0)->core.cpus, 0);
	cpuset_remove(shape_core(inv, 0)->core.cpus, 1);
	inventory_seal(inv);
	expect_reserve(inv, 1, NULL, "2-3");
}

static void test_free_core_is_not_held_reserved_ill_or_refused(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct stage s;

	(void)state;
	shape_core(inv, 5)->offerable = false;
	stage_open(&s, inv);
	s.reserve.cpus = set_of("0");
	stage_hold(&s, "a", "3"); /* one thread of core 1 */
	stage_feel(&s, "core-2", VERDICT_FAILED);
	stage_feel(&s, "core-3", VERDICT_DEGRADED);
	stage_feel(&s, "core-4", VERDICT_UNKNOWN);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(view_core_free(&s.view, shape_core(inv, i)), i >= 3 && i != 5);
	s.view.health = NULL;
	assert_true(view_core_free(&s.view, shape_core(inv, 2)));
	stage_close(&s);
}

static void test_free_device_is_not_held_ill_or_refused(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct device *a = shape_add_device(inv, DEVICE_GPU, "a", 0),
		      *b = shape_add_device(inv, DEVICE_GPU, "b", 0);
	struct request one = { .devices[DEVICE_GPU] = 1 };
	struct stage s;

	(void)state;
	stage_open(&s, inv);
	(void)stage_take(&s, "x", &one);
	assert_false(view_device_free(&s.view, a));
	assert_true(view_device_free(&s.view, b));
	stage_feel(&s, "gpu-b", VERDICT_FAILED);
	assert_false(view_device_free(&s.view, b));
	ledger_release(s.ledger, "x");
	assert_true(view_device_free(&s.view, a));
	a->offerable = false;
	assert_false(view_device_free(&s.view, a));
	stage_close(&s);
}

static struct device *add_nic(struct inventory *inv, const char *name, const char *pci,
			      const char *port)
{
	struct device *d = shape_add_device(inv, DEVICE_NIC, name, 0);

	d->nic.physical = !port;
	assert_int_equal(device_set_string(&d->pci, pci), 0);
	assert_int_equal(device_set_string(&d->nic.physical_function, port), 0);
	return d;
}

static void test_free_function_is_not_of_a_port_that_is_held(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct device *port = add_nic(inv, "a", "0000:02:00.0", NULL),
		      *function = add_nic(inv, "v", "0000:02:10.0", "0000:02:00.0"),
		      *other = add_nic(inv, "w", "0000:03:10.0", "0000:03:00.0");
	struct request one = { .devices[DEVICE_NIC] = 1, .nic.function = NIC_FUNCTION_WHOLE };
	struct stage s;

	(void)state;
	stage_open(&s, inv);
	(void)stage_take(&s, "x", &one);
	assert_false(view_device_free(&s.view, port));
	port->offerable = false; /* now it has functions */
	assert_false(view_device_free(&s.view, function));
	assert_true(view_device_free(&s.view, other));
	ledger_release(s.ledger, "x");
	assert_true(view_device_free(&s.view, function));
	stage_close(&s);
}

static void test_free_memory_is_less_huge_pages_reserve_and_holders(void **state)
{
	struct inventory *inv = shape_make(two_nodes); /* 8 GiB each */
	struct request q = { .memory_bytes = GIB, .cores = 1 };
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 512);
	shape_add_hugepages(inv, 0, GIB, 2);
	stage_open(&s, inv);
	assert_true(view_memory_free(&s.view, shape_node(inv, 0)) == 5 * GIB);
	s.reserve.memory_bytes = 6 * GIB; /* at most half of a node, then the next */
	assert_true(view_memory_free(&s.view, shape_node(inv, 0)) == GIB);
	assert_true(view_memory_free(&s.view, shape_node(inv, 1)) == 6 * GIB);
	(void)stage_take(&s, "x", &q);
	assert_true(view_memory_free(&s.view, shape_node(inv, 0)) == 0);
	s.reserve.memory_bytes = UINT64_MAX;
	assert_true(view_memory_free(&s.view, shape_node(inv, 0)) == 0);
	assert_true(view_memory_free(&s.view, shape_node(inv, 1)) == 4 * GIB);
	s.reserve.memory_bytes = 0;
	stage_feel(&s, "node-1", VERDICT_FAILED);
	assert_true(view_memory_free(&s.view, shape_node(inv, 1)) == 0);
	stage_close(&s);
}

static void test_free_memory_of_no_host_is_none(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct device *gpu = shape_add_memory(inv, 7, "gpu", false, 80 * GIB),
		      *cxl = shape_add_memory(inv, 8, "cxl", true, 80 * GIB),
		      *odd = shape_add_memory(inv, 9, "dram", true, DEVICE_UNKNOWN_U64);
	struct stage s;

	(void)state;
	cxl->offerable = false;
	shape_add_hugepages(inv, 7, 2 * MIB, 5);
	shape_add_hugepages(inv, 8, 2 * MIB, 5);
	stage_open(&s, inv);
	assert_true(view_memory_free(&s.view, gpu) == 0);
	assert_true(view_memory_free(&s.view, cxl) == 0);
	assert_true(view_memory_free(&s.view, odd) == 0);
	assert_true(view_hugepages_free(&s.view, gpu, 2 * MIB) == 0);
	assert_true(view_hugepages_free(&s.view, cxl, 2 * MIB) == 0);
	stage_close(&s);
}

static void test_free_absurd_huge_pages_leave_no_ordinary_memory(void **state)
{
	static const uint64_t absurd[][2] = { { 1ULL << 40, 1ULL << 32 },
					      { UINT64_MAX, UINT64_MAX },
					      { 1ULL << 32, 1ULL << 32 },
					      { 2, UINT64_MAX } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
		struct inventory *inv = shape_make(two_nodes);
		struct stage s;

		shape_add_hugepages(inv, 0, absurd[i][0], absurd[i][1]);
		stage_open(&s, inv);
		assert_true(view_memory_free(&s.view, shape_node(inv, 0)) == 0);
		assert_true(view_hugepages_free(&s.view, shape_node(inv, 0), absurd[i][0]) ==
			    absurd[i][1]);
		stage_close(&s);
	}
}

static void test_free_huge_pages_are_counted_by_size(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct request q = { .hugepages = { { 2 * MIB, 3 } }, .hugepages_count = 1 };
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 8);
	shape_add_hugepages(inv, 0, GIB, 1);
	stage_open(&s, inv);
	(void)stage_take(&s, "x", &q);
	assert_true(view_hugepages_free(&s.view, shape_node(inv, 0), 2 * MIB) == 5);
	assert_true(view_hugepages_free(&s.view, shape_node(inv, 0), GIB) == 1);
	assert_true(view_hugepages_free(&s.view, shape_node(inv, 0), 4096) == 0);
	assert_true(view_hugepages_free(&s.view, shape_node(inv, 1), 2 * MIB) == 0);
	stage_close(&s);
}

static void expect_pool(const struct stage *s, const char *expected)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;

	assert_int_equal(view_shared_pool(&s->view, &pool), 0);
	expect_set(pool, expected);
}

static void test_free_shared_pool_leaves_out_isolated_and_exclusive_cpus(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct request share = { .shared_millicpus = 2500 };
	struct stage s;

	(void)state;
	shape_core(inv, 7)->core.isolated = true;
	assert_int_equal(cpuset_add(inv->machine.isolated, 12), 0); /* one thread of core 6 */
	stage_open(&s, inv);
	expect_pool(&s, "0-11,13");
	stage_hold(&s, "a", "0-9");
	expect_pool(&s, "10-11,13");
	assert_int_equal(view_shared_free(&s.view), 3000);
	(void)stage_take(&s, "b", &share);
	assert_int_equal(view_shared_free(&s.view), 500);
	stage_hold(&s, "c", "10-13");
	expect_pool(&s, "");
	assert_int_equal(view_shared_free(&s.view), -2500); /* overdrawn */
	stage_close(&s);
}

static void test_free_shared_pool_leaves_out_what_is_kept_for_the_host(void **state)
{
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(two_nodes));
	s.reserve.cpus = set_of("0-1");
	expect_pool(&s, "2-15");
	assert_int_equal(view_shared_free(&s.view), 14000);
	stage_close(&s);
}

static void test_free_cores_leave_the_pool_what_it_promised(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct request share = { .shared_millicpus = 2001 };
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	uint32_t cores = 0;
	struct resources r;
	struct stage s;

	(void)state;
	shape_core(inv, 7)->core.isolated = true;
	stage_open(&s, inv);
	view_free(&s.view, &r);
	assert_int_equal(r.cores, 8);
	(void)stage_take(&s, "a", &share);
	assert_int_equal(view_cores_free(&s.view, NULL, &cpus, &cores), 0);
	assert_int_equal(cores, 6); /* two stay for the pool; the isolated one was never in it */
	expect_set(cpus, "0-9,14-15");
	view_free(&s.view, &r);
	assert_int_equal(r.cores, 8); /* no one holds them */
	assert_int_equal(r.threads, 16);
	stage_close(&s);
}

static void test_free_cores_that_share_a_cpu_count_once(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct resources r;
	struct stage s;

	(void)state;
	assert_int_equal(cpuset_add(shape_core(inv, 1)->core.cpus, 1), 0);
	stage_open(&s, inv);
	view_free(&s.view, &r);
	assert_int_equal(r.cores, 7);
	assert_int_equal(r.threads, 14);
	stage_close(&s);
}

static void test_free_and_used_add_up(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct request q = { .cores = 2,
			     .memory_bytes = 3 * GIB,
			     .hugepages_count = 1,
			     .hugepages = { { 2 * MIB, 4 } },
			     .devices[DEVICE_DISK] = 1,
			     .devices[DEVICE_NIC] = 1 };
	struct resources before, now, used;
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 8);
	shape_add_hugepages(inv, 1, 2 * MIB, 8);
	(void)shape_add_device(inv, DEVICE_DISK, "a", 0);
	(void)shape_add_device(inv, DEVICE_NIC, "a", 0);
	stage_open(&s, inv);
	view_free(&s.view, &before);
	(void)stage_take(&s, "x", &q);
	view_free(&s.view, &now);
	view_used(&s.view, &used);
	assert_int_equal(used.cores, 2);
	assert_int_equal(used.threads, 4);
	assert_int_equal(now.cores + used.cores, before.cores);
	assert_int_equal(now.threads + used.threads, before.threads);
	assert_true(now.memory_bytes + used.memory_bytes == before.memory_bytes);
	assert_true(used.hugepages_count == 1 && used.hugepages[0].count == 4);
	assert_true(now.hugepages[0].count == 12);
	assert_true(used.disks == 1 && used.nics == 1 && used.gpus == 0);
	assert_true(now.disks == 0 && now.nics == 0);
	ledger_release(s.ledger, "x");
	view_free(&s.view, &now);
	assert_true(resources_equal(&now, &before));
	stage_close(&s);
}

static void test_free_sums_stop_at_the_limit_instead_of_wrapping(void **state)
{
	struct shape shape = { .packages = 4, .memory_bytes = UINT64_MAX - 1 };
	struct inventory *inv = shape_make(shape);
	struct resources r;
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 1, UINT64_MAX - 1);
	shape_add_hugepages(inv, 1, 1, UINT64_MAX - 1);
	stage_open(&s, inv);
	view_free(&s.view, &r);
	assert_true(r.memory_bytes == UINT64_MAX);
	assert_true(r.hugepages[0].count == UINT64_MAX);
	stage_close(&s);
}

static void test_free_more_page_sizes_than_there_are_is_survived(void **state)
{
	struct inventory *inv = shape_make(two_nodes);
	struct resources r;
	struct stage s;

	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		shape_add_hugepages(inv, 0, 4096 + i, 1);
	stage_open(&s, inv);
	view_free(&s.view, &r);
	assert_int_equal(r.hugepages_count, ARRAY_SIZE(r.hugepages));
	stage_close(&s);
}

static void test_free_device_that_was_unplugged_under_its_holder_is_not_counted(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	struct resources used;
	struct stage s;

	(void)state;
	stage_open(&s, shape_make(two_nodes));
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup("x");
	assert_int_equal(allocation_add_device(a, "gpu-gone"), 0);
	assert_int_equal(ledger_take(s.ledger, &a), 0);
	view_used(&s.view, &used);
	assert_int_equal(used.gpus, 0);
	stage_close(&s);
}

/* Promised pages are the node's memory before the pool has grown, and the pool's afterwards. */
static void test_free_counts_promised_huge_pages_once(void **state)
{
	struct request q = { .hugepages = { { 2 * MIB, 8 } }, .hugepages_count = 1 };
	struct inventory *inv = shape_make((struct shape){ .cores = 1 });
	struct device *node;
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 3);
	stage_open(&s, inv);
	node = shape_node(inv, 0);
	s.view.hugepages_grow = true;
	assert_true(view_memory_free(&s.view, node) == 8 * GIB - 6 * MIB);
	assert_true(view_hugepages_growth(&s.view, node, 2 * MIB, NULL) == 4096 - 3);
	(void)stage_take(&s, "x", &q);
	assert_true(view_memory_free(&s.view, node) == 8 * GIB - 16 * MIB);
	assert_true(view_hugepages_free(&s.view, node, 2 * MIB) == 0);
	node->memory.hugepages[0].total = 8; /* the pool has grown */
	assert_true(view_memory_free(&s.view, node) == 8 * GIB - 16 * MIB);
	ledger_release(s.ledger, "x");
	assert_true(view_memory_free(&s.view, node) == 8 * GIB - 16 * MIB);
	node->memory.hugepages[0].total = 3; /* and shrunk again */
	assert_true(view_memory_free(&s.view, node) == 8 * GIB - 6 * MIB);
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_reserve_is_whole_cores),
		cmocka_unit_test(test_free_reserve_skips_cores_without_cpus),
		cmocka_unit_test(test_free_core_is_not_held_reserved_ill_or_refused),
		cmocka_unit_test(test_free_device_is_not_held_ill_or_refused),
		cmocka_unit_test(test_free_function_is_not_of_a_port_that_is_held),
		cmocka_unit_test(test_free_memory_is_less_huge_pages_reserve_and_holders),
		cmocka_unit_test(test_free_memory_of_no_host_is_none),
		cmocka_unit_test(test_free_absurd_huge_pages_leave_no_ordinary_memory),
		cmocka_unit_test(test_free_huge_pages_are_counted_by_size),
		cmocka_unit_test(test_free_shared_pool_leaves_out_isolated_and_exclusive_cpus),
		cmocka_unit_test(test_free_shared_pool_leaves_out_what_is_kept_for_the_host),
		cmocka_unit_test(test_free_cores_leave_the_pool_what_it_promised),
		cmocka_unit_test(test_free_cores_that_share_a_cpu_count_once),
		cmocka_unit_test(test_free_and_used_add_up),
		cmocka_unit_test(test_free_sums_stop_at_the_limit_instead_of_wrapping),
		cmocka_unit_test(test_free_more_page_sizes_than_there_are_is_survived),
		cmocka_unit_test(
			test_free_device_that_was_unplugged_under_its_holder_is_not_counted),
		cmocka_unit_test(test_free_counts_promised_huge_pages_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
