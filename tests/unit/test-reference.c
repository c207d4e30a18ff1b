/* SPDX-License-Identifier: Apache-2.0 */
/* The reference itself: what it leaves out is shown to be no better on tiny machines, where all
 * allocations can be tried. The seed is printed; REEVE_TEST_SEED plays one machine again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random-machine.h"
#include "reference.h"
#include "util/cleanup.h"

enum { MACHINES = 8000, REQUESTS = 4, LIMIT = 1000000 };

static const struct random_size sizes[] = {
	{ 2, 4, 3, 2, true },
	{ 3, 3, 4, 3, true },
	{ 4, 2, 4, 2, true },
	{ 1, 9, 2, 1, true }, /* caches */
};

static struct tally {
	unsigned long alike, refused;
} tally;

static void expect_same(const struct placement_score *a, const struct placement_score *b)
{
	for (int i = 0; i < SCORE_FIELDS; i++)
		if (a->value[i] != b->value[i])
			fail_msg("%s: %llu of the reference, %llu by trying all",
				 score_field_to_string((enum score_field)i),
				 (unsigned long long)a->value[i], (unsigned long long)b->value[i]);
}

static void compare(const struct stage *s, const struct request *q)
{
	struct placement_score a = { 0 }, b = { 0 };
	int answer = reference_best(&s->view, q, LIMIT, &a);

	assert_int_not_equal(answer, REFERENCE_GIVEN_UP);
	assert_int_equal(reference_brute(&s->view, q, &b), answer);
	tally.refused += answer == PLACEMENT_NO_FIT;
	tally.alike += answer == PLACEMENT_FITS;
	if (answer == PLACEMENT_FITS)
		expect_same(&a, &b);
}

/* Amounts in whole MiB: the score rounds to KiB, node by node. */
static struct request whole(struct request q)
{
	q.memory_bytes &= ~(MIB - 1);
	return q;
}

static void play(uint64_t seed)
{
	const struct random_size *size = &sizes[seed % ARRAY_SIZE(sizes)];
	struct random r = random_of(seed);
	struct stage s;

	stage_open(&s, random_machine(&r, size));
	random_host(&r, &s);
	s.reserve.memory_bytes &= ~(MIB - 1);
	for (unsigned i = 0; i < REQUESTS; i++) {
		_cleanup_(request_done) struct request q = whole(random_request(&r, size));
		_cleanup_(allocation_freep) struct allocation *a = NULL;
		struct fail why;
		char name[16];

		random_policy(&r, s.inventory, &q);
		compare(&s, &q);
		if (stage_decide(&s, &q, &a, &why) != PLACEMENT_FITS)
			continue;
		(void)snprintf(name, sizeof(name), "s%u", i);
		a->slice = strdup(name);
		assert_int_equal(ledger_take(s.ledger, &a), 0);
	}
	stage_close(&s);
}

/* Runs also when a machine failed: then *state still has its seed. */
static int tell_seed(void **state)
{
	const uint64_t *seed = *state;

	if (seed && *seed)
		print_error("play it again with REEVE_TEST_SEED=%llu\n", (unsigned long long)*seed);
	return 0;
}

static void test_reference_finds_what_trying_all_finds(void **state)
{
	static uint64_t seed; /* outlives the jump out of a failing assertion */
	const char *one = getenv("REEVE_TEST_SEED");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : MACHINES;

	*state = &seed;
	for (seed = first; seed < first + count; seed++)
		play(seed);
	seed = 0;
	print_message("%lu alike, %lu not to be had\n", tally.alike, tally.refused);
	assert_true(one || tally.alike > MACHINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_reference_finds_what_trying_all_finds, tell_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
