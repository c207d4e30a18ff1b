/* SPDX-License-Identifier: Apache-2.0 */
/* Names that makers give: what is kept, what says nothing. */
#include "drivers/label.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *clean;
} vectors[] = {
	{ "PowerEdge R910", "PowerEdge R910" },
	{ "  ST9250610NS \t", "ST9250610NS" },
	{ "Gr\xc3\xb6\x01\xdf", "Gr????" },
	{ "To Be Filled By O.E.M.", "" },
	{ "TO BE FILLED BY O.E.M", "" },
	{ "Not Specified", "" },
	{ " Not Specified ", "" },
	{ "NOT SPECIFIED YET", "NOT SPECIFIED YET" },
	{ "0123456789", "" },
	{ "01234567890", "01234567890" },
	{ "........", "" },
	{ "\xff\xff\xff\xff", "" },
	{ "None", "" },
	{ "", "" },
	{ "   ", "" },
};

static void test_label_keeps_names_and_drops_placeholders(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char room[64];

		label_clean(vectors[i].text, strlen(vectors[i].text), room, sizeof(room));
		assert_string_equal(room, vectors[i].clean);
	}
}

static void test_label_stays_within_its_room_and_length(void **state)
{
	char room[8];

	(void)state;
	label_clean("abcdefghijkl", 12, room, sizeof(room));
	assert_string_equal(room, "abcdefg");
	label_clean("abcdef", 3, room, sizeof(room));
	assert_string_equal(room, "abc");
	label_clean("abc", 3, room, 1);
	assert_string_equal(room, "");
}

static void test_label_that_says_nothing_leaves_the_field(void **state)
{
	_cleanup_free_ char *field = NULL;

	(void)state;
	assert_int_equal(label_set(&field, "Acme"), 0);
	assert_int_equal(label_set(&field, "N/A"), 0);
	assert_int_equal(label_set(&field, NULL), 0);
	assert_string_equal(field, "Acme");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label_keeps_names_and_drops_placeholders),
		cmocka_unit_test(test_label_stays_within_its_room_and_length),
		cmocka_unit_test(test_label_that_says_nothing_leaves_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
