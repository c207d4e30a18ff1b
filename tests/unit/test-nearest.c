/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest requests that would fit: by hand for made machines, and on random ones that each of
 * them fits and that of what is counted one more does not. The seed is printed; REEVE_TEST_SEED
 * plays one again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/nearest.h"
#include "util/cleanup.h"

enum { MACHINES = 2000 };

/* Two nodes of 8 cores and 16 GiB; a GPU and a NIC on each. */
static struct inventory *machine(void)
{
	struct inventory *inv =
		shape_make((struct shape){ .packages = 2, .cores = 8, .memory_bytes = 16 * GIB });

	(void)shape_add_device(inv, DEVICE_GPU, "a", 0);
	(void)shape_add_device(inv, DEVICE_GPU, "b", 1);
	(void)shape_add_device(inv, DEVICE_NIC, "x", 0);
	shape_add_hugepages(inv, 0, 2 * MIB, 64);
	return inv;
}

static void expect_texts(const struct stage *s, const struct request *q,
			 const char *const expected[], size_t count)
{
	struct nearest found;

	assert_int_equal(nearest_find(&s->view, q, &found), 0);
	for (size_t i = 0; i < found.count && i < count; i++)
		assert_string_equal(found.items[i].text, expected[i]);
	assert_int_equal(found.count, count);
}

static void test_nearest_is_less_of_what_is_short(void **state)
{
	static const struct {
		struct request request;
		const char *texts[3];
	} rows[] = {
		{ { .cores = 96 }, { "16 cores instead of 96" } },
		{ { .cores = 1, .memory_bytes = 64 * GIB },
		  { "31.8 GiB of memory instead of 64 GiB" } },
		{ { .cores = 1, .devices = { [DEVICE_GPU] = 3 } }, { "2 GPUs instead of 3" } },
		{ { .cores = 1, .devices = { [DEVICE_GPU] = 1, [DEVICE_DISK] = 1 } },
		  { "0 disks instead of 1" } },
		{ { .cores = 1, .hugepages = { { 2 * MIB, 65 } }, .hugepages_count = 1 },
		  { "64 huge pages instead of 65" } },
		{ { .shared_millicpus = 20000 }, { "16 shared CPUs instead of 20" } },
		{ { .cores = 10, .align = ALIGN_NODE, .align_required = true },
		  { "8 cores instead of 10", "anywhere, not nearer",
		    "CPUs shared with others, not cores of its own" } },
		{ { .cores = 1,
		    .devices = { [DEVICE_NIC] = 1 },
		    .nic = { .function = NIC_FUNCTION_VIRTUAL } },
		  { "any NICs", "0 NICs instead of 1" } },
	};
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t count = 0;

		while (count < 3 && rows[i].texts[count])
			count++;
		expect_texts(&s, &rows[i].request, rows[i].texts, count);
	}
	stage_close(&s);
}

/* A node for itself and two GPUs of it: neither alone helps. */
static void test_nearest_is_less_of_several_where_one_is_not_enough(void **state)
{
	const struct request q = { .cores = 32,
				   .memory_bytes = 64 * GIB,
				   .devices = { [DEVICE_GPU] = 4 } };
	struct nearest found;
	struct stage s;

	(void)state;
	stage_open(&s, machine());
	assert_int_equal(nearest_find(&s.view, &q, &found), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.items[0].text,
			    "16 cores instead of 32, 31.8 GiB of memory instead of 64 GiB, "
			    "2 GPUs instead of 4");
	assert_int_equal(found.items[0].change_permille, 500 + 501 + 500);
	allocation_free(stage_place(&s, &found.items[0].request));
	stage_close(&s);
}

static void test_nearest_keeps_to_the_limits_of_the_request(void **state)
{
	struct request q = { .cores = 96, .limits.cpus_max_millicpus = 50000 };

	struct stage s;

	(void)state;
	stage_open(&s, machine());
	/* 16 cores are there, and cannot run for 50 */
	expect_texts(&s, &q, NULL, 0);
	q.limits.cpus_max_millicpus = 16000;
	expect_texts(&s, &q, (const char *const[]){ "16 cores instead of 96" }, 1);
	stage_close(&s);
}

static void test_nearest_is_nothing_on_a_full_machine_and_of_nothing(void **state)
{
	const struct request nothing = { 0 }, cores = { .cores = 4 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .cores = 2 }));
	expect_texts(&s, &nothing, NULL, 0);
	stage_hold(&s, "x", "0-1");
	expect_texts(&s, &cores, NULL, 0);
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

static void random_stage(uint64_t *r, struct stage *s)
{
	struct shape shape = { .packages = 1 + (unsigned)draw(r, 2),
			       .nodes = 1 + (unsigned)draw(r, 2),
			       .cores = 1 + (unsigned)draw(r, 9),
			       .threads = 1 + (unsigned)draw(r, 2),
			       .memory_bytes = (1 + draw(r, 64)) << 28 };
	struct inventory *inv = shape_make(shape);

	for (unsigned i = (unsigned)draw(r, 6); i > 0; i--) {
		char name[16];

		(void)snprintf(name, sizeof(name), "d%u", i);
		(void)shape_add_device(inv, DEVICE_GPU + draw(r, 2), name,
				       (int)draw(r, shape.packages * shape.nodes));
	}
	stage_open(s, inv);
}

static struct request random_request(uint64_t *r)
{
	return (struct request){ .cores = (uint32_t)draw(r, 40),
				 .shared_millicpus = draw(r, 4) ? 0 : (uint32_t)draw(r, 40000),
				 .memory_bytes = draw(r, 3) ? draw(r, 40 * GIB) : 0,
				 .devices = { [DEVICE_GPU] = (uint32_t)draw(r, 5),
					      [DEVICE_NIC] = (uint32_t)draw(r, 3) },
				 .align = (enum align_level)draw(r, ALIGN_NONE + 1),
				 .align_required = draw(r, 2) };
}

/* With one more of the one thing that it has less of it is refused again. */
static void check_most(const struct stage *s, const struct request *q,
		       const struct nearest_item *item)
{
	struct request more = item->request;
	struct allocation *a;

	if (more.cores < q->cores && more.shared_millicpus == q->shared_millicpus)
		more.cores++;
	else if (more.memory_bytes < q->memory_bytes)
		more.memory_bytes += MIB;
	else if (more.devices[DEVICE_GPU] < q->devices[DEVICE_GPU])
		more.devices[DEVICE_GPU]++;
	else if (more.devices[DEVICE_NIC] < q->devices[DEVICE_NIC])
		more.devices[DEVICE_NIC]++;
	else
		return;
	assert_int_equal(stage_decide(s, &more, &a, NULL), PLACEMENT_NO_FIT);
}

static void play(uint64_t seed, unsigned long *refused, unsigned long *helped)
{
	struct nearest found;
	struct request q;
	struct allocation *a;
	struct stage s;

	random_stage(&seed, &s);
	q = random_request(&seed);
	if (stage_decide(&s, &q, &a, NULL) == PLACEMENT_FITS) {
		allocation_free(a);
		stage_close(&s);
		return;
	}
	++*refused;
	assert_int_equal(nearest_find(&s.view, &q, &found), 0);
	for (size_t i = 0; i < found.count; i++) {
		const struct nearest_item *item = &found.items[i];

		allocation_free(stage_place(&s, &item->request));
		assert_true(item->change_permille > 0 || item->text[0]);
		assert_true(i == 0 || item[-1].change_permille <= item->change_permille);
		check_most(&s, &q, item);
	}
	*helped += found.count > 0;
	stage_close(&s);
}

static void test_each_of_the_nearest_fits_and_one_more_does_not(void **state)
{
	const char *given = getenv("REEVE_TEST_SEED");
	unsigned long refused = 0, helped = 0;

	(void)state;
	for (uint64_t i = 1; i <= (given ? 1 : MACHINES); i++) {
		uint64_t seed = given ? strtoull(given, NULL, 10) : i * 0x9e3779b97f4a7c15ULL;

		print_message("seed %llu\n", (unsigned long long)seed);
		play(seed, &refused, &helped);
	}
	print_message("%lu refused, %lu of them told of another\n", refused, helped);
	assert_true(given || (refused > MACHINES / 4 && helped > refused * 9 / 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest_is_less_of_what_is_short),
		cmocka_unit_test(test_nearest_is_less_of_several_where_one_is_not_enough),
		cmocka_unit_test(test_nearest_keeps_to_the_limits_of_the_request),
		cmocka_unit_test(test_nearest_is_nothing_on_a_full_machine_and_of_nothing),
		cmocka_unit_test(test_each_of_the_nearest_fits_and_one_more_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
