/* SPDX-License-Identifier: Apache-2.0 */
/* What would have been second: elsewhere, with another device, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/next_best.h"
#include "util/cleanup.h"

enum { MACHINES = 600 };

/* Three nodes of two cores; node 2 is farther from the others than they are from each other, and
 * from node 1 farthest. */
static struct inventory *machine(void)
{
	struct inventory *inv = shape_make((struct shape){ .packages = 3, .cores = 2 });

	shape_set_distance(inv, 0, 0, 10);
	shape_set_distance(inv, 0, 1, 15);
	shape_set_distance(inv, 0, 2, 20);
	shape_set_distance(inv, 1, 0, 15);
	shape_set_distance(inv, 1, 1, 10);
	shape_set_distance(inv, 1, 2, 30);
	return inv;
}

static int find(const struct stage *s, const struct request *q, struct next_best *ret)
{
	_cleanup_(allocation_freep) struct allocation *chosen = stage_place(s, q);
	int r = next_best_find(&s->view, q, chosen, ret);

	if (r != PLACEMENT_FITS)
		return r;
	assert_null(ret->allocation->slice);
	assert_true(score_compare(&ret->score, &ret->chosen) >= 0);
	assert_true((ret->field == SCORE_FIELDS) == !score_compare(&ret->score, &ret->chosen));
	return r;
}

static void test_next_best_of_alike_nodes_is_just_as_good(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct request q = { .cores = 2, .memory_bytes = GIB };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .packages = 2, .cores = 2 }));
	assert_int_equal(find(&s, &q, &n), PLACEMENT_FITS);
	expect_set(n.allocation->nodes, "1");
	assert_string_equal(n.without, "node 0");
	assert_int_equal(n.field, SCORE_FIELDS);
	stage_close(&s);
}

/* On nodes 0 and 1; without either it would reach over to node 2, from node 0 rather. */
static void test_next_best_tells_what_it_would_have_cost(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct request q = { .cores = 4 };
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(find(&s, &q, &n), PLACEMENT_FITS);
	assert_int_equal(n.chosen.value[SCORE_COST], 15);
	assert_int_equal(n.score.value[SCORE_COST], 20);
	assert_int_equal(n.allocation->cost, 20);
	assert_string_equal(n.without, "node 1");
	assert_int_equal(n.field, SCORE_COST);
	stage_close(&s);
}

static void test_next_best_is_with_another_device_of_the_same_node(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct request q = { .cores = 1, .devices = { [DEVICE_GPU] = 1 } };
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 2 });
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_GPU, "a", 0);
	(void)shape_add_device(inv, DEVICE_GPU, "b", 0);
	stage_open(&s, inv);
	assert_int_equal(find(&s, &q, &n), PLACEMENT_FITS);
	expect_devices(n.allocation, "gpu-b");
	expect_set(n.allocation->cpus, "0");
	assert_string_equal(n.without, "gpu-a");
	assert_int_equal(n.field, SCORE_FIELDS);
	stage_close(&s);
}

/* b is behind the NIC's bridge, and a is not. */
static void test_next_best_says_in_what_it_is_worse(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct request q = { .cores = 1, .devices = { [DEVICE_GPU] = 1, [DEVICE_NIC] = 1 } };
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 2 });
	struct stage s;

	(void)state;
	shape_add_pci(inv, shape_add_device(inv, DEVICE_GPU, "a", 0), "0000:01:00.0",
		      "0000:00:01.0");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_GPU, "b", 0), "0000:02:00.0",
		      "0000:00:02.0");
	shape_add_pci(inv, shape_add_device(inv, DEVICE_NIC, "x", 0), "0000:03:00.0",
		      "0000:00:02.0");
	stage_open(&s, inv);
	assert_int_equal(find(&s, &q, &n), PLACEMENT_FITS);
	expect_devices(n.allocation, "gpu-a nic-x");
	assert_string_equal(n.without, "gpu-b");
	assert_int_equal(n.field, SCORE_PATHS);
	stage_close(&s);
}

static void test_next_best_is_nothing_where_there_is_one_answer(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct request q = { .cores = 2 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .cores = 4 }));
	assert_int_equal(find(&s, &q, &n), PLACEMENT_NO_FIT);
	assert_null(n.allocation);
	stage_close(&s);
}

/* Of an offer of package 0 nothing of package 1 is an answer. */
static void test_next_best_keeps_to_the_offer(void **state)
{
	_cleanup_(next_best_done) struct next_best n = { 0 }, none = { 0 };
	_cleanup_(offers_done) struct offers offers = { 0 };
	_cleanup_(request_done) struct request wide = { .cores = 1 }, narrow = { .cores = 1 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .packages = 2, .nodes = 2, .cores = 2 }));
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_string_equal(offers.items[4].label, "package 0");
	assert_int_equal(offer_restrict(&offers.items[4], "o-1-1-4", false, &wide), 0);
	assert_int_equal(find(&s, &wide, &n), PLACEMENT_FITS);
	expect_set(n.allocation->nodes, "1");
	assert_int_equal(offer_restrict(&offers.items[0], "o-1-1-0", false, &narrow), 0);
	assert_int_equal(find(&s, &narrow, &none), PLACEMENT_NO_FIT);
	stage_close(&s);
}

/* xorshift64*: the same on every machine; 0..limit-1. */
static uint64_t draw(uint64_t *state, uint64_t limit)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ULL >> 11) % limit;
}

static struct inventory *random_machine(uint64_t *r)
{
	struct shape shape = { .packages = 1 + (unsigned)draw(r, 3),
			       .nodes = 1 + (unsigned)draw(r, 2),
			       .cores = 1 + (unsigned)draw(r, 6),
			       .threads = 1 + (unsigned)draw(r, 2),
			       .cores_of_l3 = (unsigned)draw(r, 4) };
	struct inventory *inv = shape_make(shape);

	for (unsigned i = (unsigned)draw(r, 7); i > 0; i--) {
		char name[16], pci[24], path[40];
		int node = (int)draw(r, shape.packages * shape.nodes);

		(void)snprintf(name, sizeof(name), "d%u", i);
		(void)snprintf(pci, sizeof(pci), "0000:%02x:00.0", i);
		(void)snprintf(path, sizeof(path), "0000:00:0%u.0/0000:a%u:00.0",
			       (unsigned)draw(r, 2), (unsigned)draw(r, 3));
		shape_add_pci(inv, shape_add_device(inv, DEVICE_GPU + draw(r, 2), name, node), pci,
			      path);
	}
	return inv;
}

/* It lacks a node or a device that the choice has, and it is not better. */
static bool play(uint64_t seed)
{
	_cleanup_(allocation_freep) struct allocation *chosen = NULL;
	_cleanup_(next_best_done) struct next_best n = { 0 };
	struct inventory *inv = random_machine(&seed);
	struct request q = { .cores = 1 + (uint32_t)draw(&seed, 6),
			     .memory_bytes = draw(&seed, 12 * GIB),
			     .devices = { [DEVICE_GPU] = (uint32_t)draw(&seed, 3),
					  [DEVICE_NIC] = (uint32_t)draw(&seed, 2) } };
	bool there = false;
	struct stage s;

	stage_open(&s, inv);
	if (stage_decide(&s, &q, &chosen, NULL) == PLACEMENT_FITS) {
		there = find(&s, &q, &n) == PLACEMENT_FITS;
		assert_true(!there || !allocation_has_device(n.allocation, n.without));
		assert_true(!there || strncmp(n.without, "node ", 5) != 0 ||
			    !cpuset_has(n.allocation->nodes,
					(unsigned)strtoul(n.without + 5, NULL, 10)));
	}
	stage_close(&s);
	return there;
}

static void test_next_best_is_never_better(void **state)
{
	unsigned found = 0;

	(void)state;
	for (uint64_t i = 1; i <= MACHINES; i++)
		found += play(i * 0x9e3779b97f4a7c15ULL);
	print_message("%u of %d have a next best\n", found, MACHINES);
	assert_true(found > MACHINES / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_best_of_alike_nodes_is_just_as_good),
		cmocka_unit_test(test_next_best_tells_what_it_would_have_cost),
		cmocka_unit_test(test_next_best_is_with_another_device_of_the_same_node),
		cmocka_unit_test(test_next_best_says_in_what_it_is_worse),
		cmocka_unit_test(test_next_best_is_nothing_where_there_is_one_answer),
		cmocka_unit_test(test_next_best_keeps_to_the_offer),
		cmocka_unit_test(test_next_best_is_never_better),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
