/* SPDX-License-Identifier: Apache-2.0 */
/* enum <-> string tables: both directions, holes, and values from outside of the table. */
#include "util/strtab.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum colour { COLOUR_RED, COLOUR_HOLE, COLOUR_BLUE };
STRTAB_DECLARE(colour, enum colour);
STRTAB_DEFINE(colour, enum colour, [COLOUR_RED] = "red", [COLOUR_BLUE] = "blue");

static void test_strtab_gives_back_what_it_was_given(void **state)
{
	(void)state;
	assert_int_equal(colour_from_string("red"), COLOUR_RED);
	assert_int_equal(colour_from_string("blue"), COLOUR_BLUE);
	assert_string_equal(colour_to_string(COLOUR_BLUE), "blue");
}

static void test_strtab_knows_no_other_name(void **state)
{
	static const char *const bad[] = { "", "Red", "red ", "re", "green" };

	(void)state;
	assert_int_equal(colour_from_string(NULL), -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(colour_from_string(bad[i]), -1);
}

static void test_strtab_has_no_name_for_holes_and_strangers(void **state)
{
	(void)state;
	assert_null(colour_to_string(COLOUR_HOLE));
	assert_null(colour_to_string((enum colour)3));
	assert_null(strtab_name(NULL, 0, 0));
	assert_null(strtab_name(NULL, 0, -1));
	assert_null(strtab_name(NULL, 0, INT_MIN));
	assert_int_equal(strtab_value(NULL, 0, "red"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strtab_gives_back_what_it_was_given),
		cmocka_unit_test(test_strtab_knows_no_other_name),
		cmocka_unit_test(test_strtab_has_no_name_for_holes_and_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
