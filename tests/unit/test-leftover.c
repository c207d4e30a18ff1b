/* SPDX-License-Identifier: Apache-2.0 */
/* Leftovers: what may be a slice's, and what of it goes with it. */
#include "model/leftover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SINCE (UINT64_C(1000) * 1000000 + 500000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct leftover_use uses[] = {
	{ { 0, 27, UINT64_MAX }, 1000 },
	{ { 0, 27, 4711 }, 1000 },
	{ { 0, 27, 4712 }, 33 },
	{ { 0, 27, 4711 }, 33 },
};

static void claim_open(struct leftover_claim *c)
{
	*c = (struct leftover_claim){ 0 };
	assert_int_equal(leftover_claim_user(c, 1000, SINCE), 0);
	assert_int_equal(leftover_claim_user(c, 0, SINCE), 0);
	assert_int_equal(leftover_claim_other(c, 2000), 0);
	assert_int_equal(leftover_claim_user(c, 2000, SINCE), 0);
	assert_int_equal(leftover_claim_process(c, 77, SINCE + 1000000), 0);
	assert_int_equal(leftover_claim_process(c, 11, SINCE + 1000000), 0);
	assert_int_equal(leftover_claim_process(c, 42, SINCE + 9000000), 0);
	for (size_t i = 0; i < COUNT(uses); i++)
		assert_int_equal(leftover_claim_use(c, &uses[i]), 0);
	leftover_claim_sort(c);
}

static void test_only_what_its_users_made_since_may_be_of_a_slice(void **state)
{
	static const struct {
		enum leftover_kind kind;
		uint32_t creator;
		uint64_t born;
		bool matches;
	} vectors[] = {
		{ LEFTOVER_SHM, 1000, SINCE + 1, true },
		{ LEFTOVER_SHM, 1000, UINT64_C(1000) * 1000000, true }, /* in that second */
		{ LEFTOVER_SHM, 1000, UINT64_C(999) * 1000000, false },
		{ LEFTOVER_SEM, 1000, UINT64_MAX, true },
		{ LEFTOVER_MSG, 0, SINCE, true },
		{ LEFTOVER_SHM, 1001, SINCE + 1, false },
		{ LEFTOVER_SHM, UINT32_MAX, SINCE + 1, false },
		{ LEFTOVER_FILE, 1000, SINCE, true },
		{ LEFTOVER_FILE, 1000, SINCE - 9999, true },
		{ LEFTOVER_FILE, 1000, SINCE - 10000, false },
		{ LEFTOVER_QUEUE, 1000, UINT64_C(1000) * 1000000, true },
		{ LEFTOVER_QUEUE, 1000, UINT64_C(999) * 1000000, false },
		{ LEFTOVER_QUEUE, 1000, 0, false },
	};
	struct leftover_claim c, nobody = { 0 };

	(void)state;
	claim_open(&c);
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const struct leftover l = { .kind = vectors[i].kind,
					    .creator = vectors[i].creator,
					    .born_usec = vectors[i].born };

		assert_int_equal(leftover_matches(&c, &l), vectors[i].matches);
		assert_false(leftover_matches(&nobody, &l));
	}
	leftover_claim_done(&c);
}

#define NEW .creator = 1000, .owner = 1000, .born_usec = SINCE + 2000000

static void test_what_may_be_somebody_elses_is_not_removed(void **state)
{
	static const struct {
		struct leftover l;
		struct leftover_signs signs;
		const char *why; /* in it; NULL: it goes */
	} vectors[] = {
		{ { .kind = LEFTOVER_SHM, NEW }, { 0 }, NULL },
		{ { .kind = LEFTOVER_FILE, NEW }, { 0 }, NULL },
		{ { .kind = LEFTOVER_SHM, NEW }, { .in_use = true }, "uses it" },
		{ { .kind = LEFTOVER_FILE, NEW }, { .unsure = true }, "could not be found out" },
		{ { .kind = LEFTOVER_SEM, NEW }, { .user_outside = true }, "run as its user" },
		{ { .kind = LEFTOVER_SHM, .creator = 2000, .owner = 2000, .born_usec = SINCE },
		  { 0 },
		  "another slice" },
		{ { .kind = LEFTOVER_SHM, .creator = 1000, .owner = 33, .born_usec = SINCE },
		  { 0 },
		  "given to another" },
		/* A process of the slice made it, and it is not its number given again. */
		{ { .kind = LEFTOVER_SHM, NEW, .made_by = 11 }, { .user_outside = true }, NULL },
		{ { .kind = LEFTOVER_SHM, NEW, .made_by = 77 }, { .user_outside = true }, NULL },
		{ { .kind = LEFTOVER_SHM, NEW, .made_by = 42 },
		  { .user_outside = true },
		  "run as its user" },
		{ { .kind = LEFTOVER_SHM, NEW, .made_by = 12 },
		  { .user_outside = true },
		  "run as its user" },
		{ { .kind = LEFTOVER_SHM, NEW, .made_by = 11 }, { .in_use = true }, "uses it" },
		/* A process of the slice wrote to it, and nobody else has it. */
		{ { .kind = LEFTOVER_FILE, NEW, .node = { 0, 27, 4711 } },
		  { .user_outside = true },
		  NULL },
		{ { .kind = LEFTOVER_FILE, NEW, .node = { 1, 27, 4711 } },
		  { .user_outside = true },
		  "run as its user" },
		{ { .kind = LEFTOVER_FILE, NEW, .node = { 0, 27, 4711 } },
		  { .in_use = true },
		  "uses it" },
		/* One of another user had it: it was handed that, and is not its maker. */
		{ { .kind = LEFTOVER_FILE, NEW, .node = { 0, 27, 4712 } },
		  { .user_outside = true },
		  "run as its user" },
		/* Numbers of System V are no nodes. */
		{ { .kind = LEFTOVER_SEM, NEW, .node = { 0, 27, 4711 } },
		  { .user_outside = true },
		  "run as its user" },
	};
	struct leftover_claim c;

	(void)state;
	claim_open(&c);
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const char *why = leftover_judge(&c, &vectors[i].l, &vectors[i].signs);

		if (!vectors[i].why && why)
			fail_msg("vector %zu: it stays, since %s", i, why);
		if (vectors[i].why && (!why || !strstr(why, vectors[i].why)))
			fail_msg("vector %zu: %s", i, why ? why : "it goes");
	}
	leftover_claim_done(&c);
}

static void test_claim_has_a_user_once_and_bounded_many(void **state)
{
	struct leftover_claim c = { 0 };

	(void)state;
	assert_int_equal(leftover_claim_user(&c, 5, 100), 0);
	assert_int_equal(leftover_claim_user(&c, 5, 50), 0);
	assert_int_equal(leftover_claim_user(&c, 5, 70), 0);
	assert_int_equal(c.users_count, 1);
	assert_int_equal(c.users[0].since_usec, 50);
	for (uint32_t i = 1; i < LEFTOVER_USERS_MAX; i++)
		assert_int_equal(leftover_claim_user(&c, 1000 + i, 1), 0);
	assert_int_equal(leftover_claim_user(&c, 999, 1), -E2BIG);
	assert_int_equal(leftover_claim_user(&c, 1001, 1), 0);
	assert_int_equal(c.users_count, LEFTOVER_USERS_MAX);
	assert_int_equal(leftover_claim_other(&c, 7), 0);
	assert_int_equal(leftover_claim_other(&c, 7), 0);
	assert_int_equal(c.others_count, 1);
	leftover_claim_sort(&c);
	leftover_claim_done(&c);
	leftover_claim_done(&c);
	for (enum leftover_kind kind = 0; kind < LEFTOVER_KINDS; kind++)
		assert_int_equal(leftover_kind_from_string(leftover_kind_to_string(kind)), kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_its_users_made_since_may_be_of_a_slice),
		cmocka_unit_test(test_what_may_be_somebody_elses_is_not_removed),
		cmocka_unit_test(test_claim_has_a_user_once_and_bounded_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
