/* SPDX-License-Identifier: Apache-2.0 */
/* New sizes for slices that live: what is kept, what is added, what goes, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/resize_change.h"
#include "model/resizing.h"
#include "util/cleanup.h"

/* Two nodes of four cores with two threads: core n has CPUs 2n and 2n+1. */
static void open_stage(struct stage *s)
{
	struct inventory *inv = shape_make((struct shape){ .nodes = 2, .cores = 4, .threads = 2 });

	(void)shape_add_device(inv, DEVICE_GPU, "a", 0);
	(void)shape_add_device(inv, DEVICE_GPU, "b", 1);
	(void)shape_add_device(inv, DEVICE_GPU, "c", 1);
	stage_open(s, inv);
}

static int resize(struct stage *s, const struct resize_wish *wish, struct fail *why)
{
	_cleanup_(allocation_freep) struct allocation *next = NULL;
	int r = resize_decide(&s->view, ledger_find(s->ledger, "a"), wish, &next, why);

	if (r == PLACEMENT_FITS) {
		next->slice = strdup("a");
		assert_int_equal(ledger_replace(s->ledger, &next), 0);
	}
	return r;
}

static void expect_size(struct stage *s, const struct resize_wish *wish, const char *cpus)
{
	struct fail why = { 0 };

	assert_int_equal(resize(s, wish, &why), PLACEMENT_FITS);
	expect_set(ledger_find(s->ledger, "a")->cpus, cpus);
	expect_set(ledger_cpus(s->ledger), cpus);
}

static void expect_refusal(struct stage *s, const struct resize_wish *wish, const char *code)
{
	struct fail why = { 0 };

	assert_int_equal(resize(s, wish, &why), PLACEMENT_NO_FIT);
	assert_string_equal(why.code, code);
	assert_true(*why.text && why.error < 0);
}

static void test_cores_are_added_near_and_given_up_far(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *keep = set_of("8");
	struct request q = { .cores = 2 };
	struct resize_wish wish = { .wanted = &q };
	struct stage s;

	(void)state;
	open_stage(&s);
	(void)stage_take(&s, "a", &q);
	expect_size(&s, &wish, "0-3");
	q.cores = 4;
	expect_size(&s, &wish, "0-7"); /* the rest of its node first */
	q.cores = 5;
	expect_size(&s, &wish, "0-9"); /* then the other node's */
	q.cores = 4;
	expect_size(&s, &wish, "0-7"); /* who is alone over there goes first */
	q.cores = 5;
	expect_size(&s, &wish, "0-9");
	wish.keep_cpus = keep;
	q.cores = 1;
	expect_size(&s, &wish, "8-9"); /* unless it is to be kept */
	stage_close(&s);
}

static void test_devices_that_are_far_from_the_cores_go_first(void **state)
{
	char *kept[] = { (char *)"gpu-a" };
	struct request q = { .cores = 1, .devices = { [DEVICE_GPU] = 3 } };
	struct resize_wish wish = { .wanted = &q };
	struct stage s;

	(void)state;
	open_stage(&s);
	stage_hold(&s, "x", "8-15");   /* or its core would be where two of the GPUs are */
	(void)stage_take(&s, "a", &q); /* on node 0 */
	ledger_release(s.ledger, "x");
	q.devices[DEVICE_GPU] = 1;
	expect_size(&s, &wish, "0-1");
	expect_devices(ledger_find(s.ledger, "a"), "gpu-a");
	q.devices[DEVICE_GPU] = 2;
	wish.keep_devices = kept;
	wish.keep_devices_count = 1;
	expect_size(&s, &wish, "0-1");
	expect_devices(ledger_find(s.ledger, "a"), "gpu-a gpu-b");
	q.devices[DEVICE_GPU] = 0;
	expect_refusal(&s, &wish, "keep-too-much");
	assert_string_equal(ledger_device_holder(s.ledger, "gpu-b"), "a");
	assert_null(ledger_device_holder(s.ledger, "gpu-c"));
	stage_close(&s);
}

static void test_memory_stays_on_its_nodes(void **state)
{
	struct request q = { .cores = 1, .memory_bytes = 6 * GIB };
	struct resize_wish wish = { .wanted = &q };
	const struct allocation *a;
	struct stage s;

	(void)state;
	open_stage(&s);
	(void)stage_take(&s, "a", &q);
	q.memory_bytes = 9 * GIB; /* a node has eight */
	expect_refusal(&s, &wish, "memory-short");
	q.memory_bytes = 8 * GIB;
	expect_size(&s, &wish, "0-1");
	q.memory_bytes = GIB;
	expect_size(&s, &wish, "0-1");
	a = ledger_find(s.ledger, "a");
	assert_int_equal(a->memory_count, 1);
	assert_true(a->memory[0].node == 0 && a->memory[0].bytes == GIB);
	expect_set(a->nodes, "0");
	stage_close(&s);
}

static void test_shares_of_the_caches_stay(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = set_of("0-7");
	struct request q = { .cores = 2, .cache = { .ways = 4, .bandwidth_percent = 50 } };
	struct cache_domain domain = { .id = 7, .cpus = cpus, .bytes = 24 * MIB };
	struct resize_wish wish = { .wanted = &q };
	struct cache_control *c;
	const struct allocation *a;
	struct stage s;

	(void)state;
	open_stage(&s);
	c = &s.inventory->cache;
	assert_int_equal(cache_control_add(c, &domain), 0);
	c->ways = c->bandwidth = true;
	c->mask = 0xfff;
	c->classes = 1;
	(void)stage_take(&s, "a", &q);
	for (q.cores = 1; q.cores < 4; q.cores++) { /* down, the same, and up */
		assert_int_equal(resize(&s, &wish, NULL), PLACEMENT_FITS);
		a = ledger_find(s.ledger, "a");
		assert_int_equal(cpuset_count(a->cores), q.cores);
		assert_int_equal(a->cache.count, 1);
		assert_int_equal(a->cache.items[0].domain, 7);
		assert_true(a->cache.items[0].ways == 0xf00);
		assert_int_equal(a->cache.bandwidth_percent, 50);
	}
	stage_close(&s);
}

static void test_memory_goes_where_no_task_uses_it(void **state)
{
	const struct allocation_memory used[] = { { .node = 1, .bytes = 3 * GIB } };
	struct request q = { .memory_bytes = 12 * GIB };
	struct resize_wish wish = { .wanted = &q, .used = used, .used_count = 1 };
	const struct allocation *a;
	struct stage s;

	(void)state;
	open_stage(&s);
	(void)stage_take(&s, "a", &q); /* 8 GiB on node 0, 4 on node 1 */
	q.memory_bytes = 4 * GIB;
	expect_size(&s, &wish, "");
	a = ledger_find(s.ledger, "a");
	for (size_t i = 0; i < a->memory_count; i++)
		assert_true(a->memory[i].node != 1 || a->memory[i].bytes >= 3 * GIB);
	expect_set(a->nodes, "0-1");
	stage_close(&s);
}

static void test_what_cannot_be_is_refused(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *foreign = set_of("15"), *own = set_of("0-3");
	struct request q = { .cores = 2, .align = ALIGN_NODE, .align_required = true };
	struct resize_wish wish = { .wanted = &q };
	struct stage s;

	(void)state;
	open_stage(&s);
	(void)stage_take(&s, "a", &q);
	stage_hold(&s, "b", "4-5");
	q.cores = 4; /* its node has one core less now */
	expect_refusal(&s, &wish, "cores-short");
	q.align_required = false;
	assert_int_equal(resize(&s, &wish, NULL), PLACEMENT_FITS);
	q.align_required = true;
	q.cores = 5;
	expect_refusal(&s, &wish, "align-lost");
	q.cores = 9;
	q.align_required = false;
	expect_refusal(&s, &wish, "cores-short");
	q.cores = 1;
	wish.keep_cpus = own;
	expect_refusal(&s, &wish, "keep-too-much");
	wish.keep_cpus = foreign;
	expect_refusal(&s, &wish, "keep-unknown");
	q.cores = 0;
	wish.keep_cpus = NULL;
	expect_refusal(&s, &wish, "nothing-asked");
	stage_close(&s);
}

static void test_a_change_leaves_what_it_does_not_name(void **state)
{
	struct request q = { .cores = 2,
			     .memory_bytes = GIB,
			     .hugepages = { { 2 * MIB, 8 }, { GIB, 1 }, { 2 * MIB, 1 } },
			     .hugepages_count = 3 };
	struct amounts a = amounts_of(&q), before = a;
	struct resize_change c;

	(void)state;
	resize_change_init(&c);
	assert_int_equal(amounts_change(&a, &c), 0);
	assert_true(amounts_equal(&a, &before));
	c.cores = 0;
	c.devices[DEVICE_GPU] = 2;
	c.hugepages[0] = (struct request_hugepages){ 2 * MIB, 0 };
	c.hugepages_count = 1;
	assert_int_equal(amounts_change(&a, &c), 0);
	assert_false(amounts_equal(&a, &before));
	assert_true(a.cores == 0 && a.memory_bytes == GIB && a.devices[DEVICE_GPU] == 2);
	assert_true(a.hugepages_count == 1 && a.hugepages[0].size_bytes == GIB);
	amounts_put(&q, &a);
	assert_true(q.cores == 0 && q.hugepages_count == 1);
	c.hugepages_count = 0;
	for (unsigned i = 0; i < REQUEST_HUGEPAGES_MAX; i++)
		c.hugepages[c.hugepages_count++] = (struct request_hugepages){ 4096ULL << i, 1 };
	assert_int_equal(amounts_change(&a, &c), -E2BIG);
	resize_change_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cores_are_added_near_and_given_up_far),
		cmocka_unit_test(test_devices_that_are_far_from_the_cores_go_first),
		cmocka_unit_test(test_memory_stays_on_its_nodes),
		cmocka_unit_test(test_shares_of_the_caches_stay),
		cmocka_unit_test(test_memory_goes_where_no_task_uses_it),
		cmocka_unit_test(test_what_cannot_be_is_refused),
		cmocka_unit_test(test_a_change_leaves_what_it_does_not_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
