/* SPDX-License-Identifier: Apache-2.0 */
/* Ways and classes: what a request gets, what is left, what is refused. */
#include "model/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "util/cleanup.h"

#include <string.h>

/* Two caches of 12 ways and 24 MiB, four CPUs each; devices share the upper two ways. */
static struct cache_control two_caches(void)
{
	struct cache_control c = { .ways = true,
				   .bandwidth = true,
				   .mask = 0xfff,
				   .shareable = 0xc00,
				   .ways_minimum = 1,
				   .classes = 15,
				   .bandwidth_minimum = 10,
				   .bandwidth_step = 10 };
	_cleanup_(cpuset_freep) struct cpuset *first = set_of("0-3"), *second = set_of("4-7");

	assert_int_equal(
		cache_control_add(
			&c, &(struct cache_domain){ .id = 0, .cpus = first, .bytes = 24 * MIB }),
		0);
	assert_int_equal(
		cache_control_add(
			&c, &(struct cache_domain){ .id = 4, .cpus = second, .bytes = 24 * MIB }),
		0);
	return c;
}

/* What a test starts from: nothing of it is taken. */
struct bench {
	struct cache_control c;
	struct cache_use u;
};

static void bench_open(struct bench *b)
{
	b->c = two_caches();
	assert_int_equal(cache_use_new(&b->c, &b->u), 0);
}

static void bench_close(struct bench *b)
{
	cache_use_done(&b->u);
	cache_control_done(&b->c);
}

struct want {
	const char *cpus;
	struct cache_request request;
};

static int pick(const struct bench *b, struct want want, struct cache_shares *ret,
		char why[CACHE_WHY_ROOM])
{
	_cleanup_(cpuset_freep) struct cpuset *set = set_of(want.cpus);

	return cache_pick(&b->c, &b->u,
			  &(struct cache_wish){ .request = &want.request, .cpus = set }, ret, why);
}

static void take(struct bench *b, const char *cpus, struct cache_request request, uint64_t expected)
{
	_cleanup_(cache_shares_done) struct cache_shares s = { 0 };
	char why[CACHE_WHY_ROOM] = "";

	if (pick(b, (struct want){ cpus, request }, &s, why) != 0)
		fail_msg("%s", why);
	assert_true(s.items[0].ways == expected);
	cache_use_add(&b->c, &s, &b->u);
}

static void refuse(const struct bench *b, struct cache_request request, int answer,
		   const char *words)
{
	struct cache_shares s = { 0 };
	char why[CACHE_WHY_ROOM] = "";

	assert_int_equal(pick(b, (struct want){ "0", request }, &s, why), answer);
	assert_int_equal(s.count, 0);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void test_cache_ways_are_in_a_row_and_no_one_elses(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	take(&b, "0-1", (struct cache_request){ .ways = 4 }, 0x3c0); /* not the devices' ways */
	take(&b, "2", (struct cache_request){ .ways = 4 }, 0x03c);
	assert_true(cache_default(b.c.mask, b.u.ways[0]) == 0xc00 || /* either end has two */
		    cache_default(b.c.mask, b.u.ways[0]) == 0x003);
	take(&b, "3", (struct cache_request){ .ways = 2 }, 0x003);
	assert_true(cache_default(b.c.mask, b.u.ways[0]) == 0xc00);
	assert_int_equal(cache_ways_free(&b.c, &b.u, 0), 1);
	take(&b, "3", (struct cache_request){ .ways = 1 }, 0x800); /* the devices' as a last */
	refuse(&b, (struct cache_request){ .ways = 1 }, CACHE_SHORT,
	       "cache 0 has 0 ways free of 12, 1 are asked for");
	take(&b, "5", (struct cache_request){ .ways = 10 }, 0x3ff); /* the other one is whole */
	bench_close(&b);
}

static void test_cache_of_both_domains_is_taken_in_both(void **state)
{
	_cleanup_(cache_shares_done) struct cache_shares s = { 0 };
	char why[CACHE_WHY_ROOM];
	struct bench b;

	(void)state;
	bench_open(&b);
	b.u.ways[0] = 0x200;
	assert_int_equal(pick(&b, (struct want){ "3-4", { .ways = 2 } }, &s, why), 0);
	assert_int_equal(s.count, 2);
	assert_true(s.items[0].domain == 0 && s.items[0].ways == 0x180);
	assert_true(s.items[1].domain == 4 && s.items[1].ways == 0x300);
	bench_close(&b);
}

static void test_cache_bytes_are_whole_ways_rounded_up(void **state)
{
	static const struct {
		uint64_t bytes;
		uint32_t ways;
	} vectors[] = { { 1, 1 },	  { 2 * MIB, 1 },  { 2 * MIB + 1, 2 }, { 20 * MIB, 10 },
			{ 21 * MIB, 11 }, { 24 * MIB, 0 }, { 1ULL << 40, 0 } };
	struct bench b;

	(void)state;
	bench_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(cache_shares_done) struct cache_shares s = { 0 };
		char why[CACHE_WHY_ROOM];
		int r = pick(&b, (struct want){ "0", { .bytes = vectors[i].bytes } }, &s, why);

		assert_int_equal(r, vectors[i].ways ? 0 : CACHE_SHORT);
		assert_int_equal(r ? 0 : cache_ways(s.items[0].ways), vectors[i].ways);
	}
	b.c.domains[0].bytes = 0; /* unknown: no number of ways is known to be enough */
	refuse(&b, (struct cache_request){ .bytes = 1 }, CACHE_SHORT, "13 are asked for");
	bench_close(&b);
}

static void test_cache_bandwidth_is_a_step_of_the_hardware(void **state)
{
	static const uint32_t vectors[][2] = {
		{ 1, 10 }, { 10, 10 }, { 11, 20 }, { 55, 60 }, { 100, 100 }
	};
	struct bench b;

	(void)state;
	bench_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(cache_shares_done) struct cache_shares s = { 0 };
		char why[CACHE_WHY_ROOM];

		assert_int_equal(pick(&b,
				      (struct want){ "0", { .bandwidth_percent = vectors[i][0] } },
				      &s, why),
				 0);
		assert_int_equal(s.bandwidth_percent, vectors[i][1]);
		assert_true(s.count == 1 && s.items[0].ways == 0);
	}
	b.c.bandwidth_step = 0; /* a machine that lies */
	b.c.bandwidth_minimum = 200;
	take(&b, "0", (struct cache_request){ .bandwidth_percent = 50 }, 0);
	bench_close(&b);
}

static void test_cache_classes_are_scarce(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	b.c.classes = 3;
	b.c.classes_foreign = 1;
	assert_int_equal(cache_classes_free(&b.c, &b.u), 2);
	take(&b, "0", (struct cache_request){ .ways = 1 }, 0x200);
	take(&b, "4", (struct cache_request){ .bandwidth_percent = 50 }, 0);
	refuse(&b, (struct cache_request){ .ways = 1 }, CACHE_SHORT, "no class");
	b.c.classes_foreign = 9;
	assert_int_equal(cache_classes_free(&b.c, &b.u), 0);
	bench_close(&b);
}

static void test_cache_keeps_off_ways_of_other_classes(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	b.c.domains[0].foreign = 0x3f0;
	take(&b, "0", (struct cache_request){ .ways = 4 }, 0x00f);
	b.c.domains[1].foreign = 0xfff; /* of all: that cannot be kept off */
	take(&b, "4", (struct cache_request){ .ways = 4 }, 0x3c0);
	bench_close(&b);
}

static void test_cache_leaves_the_default_class_its_least(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	b.c.shareable = 0;
	b.c.ways_minimum = 2;
	assert_int_equal(cache_ways_free(&b.c, &b.u, 0), 10);
	take(&b, "0", (struct cache_request){ .ways = 1 }, 0xc00); /* one is two here */
	refuse(&b, (struct cache_request){ .ways = 9 }, CACHE_SHORT, "8 ways free");
	take(&b, "0", (struct cache_request){ .ways = 8 }, 0x3fc);
	assert_true(cache_default(b.c.mask, b.u.ways[0]) == 0x003);
	bench_close(&b);
}

static void test_cache_says_what_this_machine_has_not(void **state)
{
	struct bench none = { 0 };

	(void)state;
	assert_int_equal(cache_use_new(&none.c, &none.u), 0);
	refuse(&none, (struct cache_request){ .ways = 1 }, CACHE_UNSUPPORTED,
	       "no cache allocation");
	refuse(&none, (struct cache_request){ .bytes = 1 }, CACHE_UNSUPPORTED,
	       "no cache allocation");
	refuse(&none, (struct cache_request){ .bandwidth_percent = 1 }, CACHE_UNSUPPORTED,
	       "no memory bandwidth");
	none.c.ways = true;
	none.c.mask = 0xf;
	none.c.classes = 1;
	refuse(&none, (struct cache_request){ .ways = 1 }, CACHE_UNSUPPORTED, "none of its CPUs");
	cache_use_done(&none.u);
}

static void test_cache_of_64_ways_and_of_one(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	b.c.shareable = 0;
	b.c.mask = UINT64_MAX;
	assert_int_equal(cache_ways_free(&b.c, &b.u, 0), 63);
	take(&b, "0", (struct cache_request){ .ways = 63 }, UINT64_MAX << 1);
	b.c.mask = 1; /* the default class has it */
	assert_int_equal(cache_ways_free(&b.c, &b.u, 1), 0);
	bench_close(&b);
}

/* What a slice holds is not offered to the next, and required isolation is refused by name. */
static void test_cache_is_placed_and_offered(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .cores = 4, .packages = 2 });
	struct request wants = { .cores = 1,
				 .isolation = ISOLATION_REQUIRED,
				 .align = ALIGN_NODE,
				 .align_required = true,
				 .cache = { .ways = 10 } };
	struct offers offers = { 0 };
	const struct allocation *a;
	struct stage s;

	(void)state;
	inv->cache = two_caches();
	stage_open(&s, inv);
	a = stage_take(&s, "a", &wants);
	assert_true(a->cache.count == 1 && a->cache.items[0].ways == 0x3ff);
	a = stage_take(&s, "b", &wants); /* the cache of the other node */
	assert_true(a->cache.items[0].domain != ledger_find(s.ledger, "a")->cache.items[0].domain);
	stage_refuse(&s, &wants, "cache-short");
	wants.isolation = ISOLATION_BEST_EFFORT;
	a = stage_take(&s, "c", &wants);
	assert_int_equal(a->cache.count, 0);
	assert_int_equal(offers_make(&s.view, &offers), 0);
	assert_true(offers.count >= 2 && offers.items[0].cache.classes == 13);
	assert_true(offers.items[0].cache.count == 1 && offers.items[0].cache.rooms[0].ways == 1 &&
		    offers.items[0].cache.rooms[0].bytes == 2 * MIB);
	offers_done(&offers);
	stage_close(&s);
	stage_open(&s, shape_make((struct shape){ .cores = 1 }));
	wants.isolation = ISOLATION_REQUIRED;
	stage_refuse(&s, &wants, "isolation-unavailable");
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_ways_are_in_a_row_and_no_one_elses),
		cmocka_unit_test(test_cache_of_both_domains_is_taken_in_both),
		cmocka_unit_test(test_cache_bytes_are_whole_ways_rounded_up),
		cmocka_unit_test(test_cache_bandwidth_is_a_step_of_the_hardware),
		cmocka_unit_test(test_cache_classes_are_scarce),
		cmocka_unit_test(test_cache_keeps_off_ways_of_other_classes),
		cmocka_unit_test(test_cache_leaves_the_default_class_its_least),
		cmocka_unit_test(test_cache_says_what_this_machine_has_not),
		cmocka_unit_test(test_cache_of_64_ways_and_of_one),
		cmocka_unit_test(test_cache_is_placed_and_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
