/* SPDX-License-Identifier: Apache-2.0 */
/* Failure sentences: what is kept, what is cut, and that what comes out is always one line that a
 * JSON string can hold. */
#include "util/fail.h"
#include "util/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_fail_set_returns_the_error_and_derives_its_code(void **state)
{
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(fail_set(&f, -EBUSY, "cpu %u is held by slice %s", 3, "a"), -EBUSY);
	assert_int_equal(f.error, -EBUSY);
	assert_string_equal(f.code, "busy");
	assert_string_equal(f.text, "cpu 3 is held by slice a");
}

static void test_fail_code_states_its_own_code(void **state)
{
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(fail_code(&f, -EBUSY, "cpu-held", "no"), -EBUSY);
	assert_string_equal(f.code, "cpu-held");
}

static void test_fail_takes_no_place_to_write_to(void **state)
{
	(void)state;
	assert_int_equal(fail_set(NULL, -EIO, "x"), -EIO);
	assert_int_equal(fail_code(NULL, -EIO, "c", "x"), -EIO);
	assert_int_equal(fail_prefix(NULL, "x"), 0);
}

static void test_fail_prefix_goes_before_the_sentence_and_keeps_error_and_code(void **state)
{
	struct fail f = { 0 };

	(void)state;
	fail_code(&f, -ENOENT, "offer-gone", "it was taken");
	assert_int_equal(fail_prefix(&f, "offer %s", "o-1"), -ENOENT);
	assert_string_equal(f.text, "offer o-1: it was taken");
	assert_string_equal(f.code, "offer-gone");
}

static void test_fail_cuts_a_huge_sentence_and_stays_terminated(void **state)
{
	char huge[4096];
	struct fail f;

	(void)state;
	memset(&f, 0x55, sizeof(f));
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = 0;
	fail_set(&f, -EINVAL, "%s", huge);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
	fail_prefix(&f, "%s", huge);
	assert_int_equal(strlen(f.text), sizeof(f.text) - 1);
}

static void test_fail_text_is_one_line_of_valid_utf8_whatever_is_quoted(void **state)
{
	char long_umlauts[2048];
	struct fail f = { 0 };

	(void)state;
	fail_set(&f, -EINVAL, "key \"%s\" is unknown", "a\nreeve: error: b\x1b[31m\xff");
	assert_string_equal(f.text, "key \"a?reeve: error: b?[31m?\" is unknown");
	for (size_t i = 0; i < sizeof(long_umlauts); i += 2)
		memcpy(long_umlauts + i, "\xc3\xbc", 2);
	long_umlauts[sizeof(long_umlauts) - 2] = 0;
	fail_set(&f, -EINVAL, "%s", long_umlauts); /* 511 bytes cut the last one in half */
	assert_true(parse_utf8_valid(f.text, strlen(f.text)));
	fail_prefix(&f, "no: ");
	assert_true(parse_utf8_valid(f.text, strlen(f.text)));
}

static void test_fail_code_of_errno_knows_both_signs_and_never_is_null(void **state)
{
	(void)state;
	assert_string_equal(fail_code_of_errno(-ENOENT), "not-found");
	assert_string_equal(fail_code_of_errno(ENOENT), "not-found");
	assert_string_equal(fail_code_of_errno(-EPERM), fail_code_of_errno(-EACCES));
	assert_string_equal(fail_code_of_errno(0), "internal");
	assert_string_equal(fail_code_of_errno(-99999), "internal");
	for (int error = -200; error <= 200; error++)
		assert_non_null(fail_code_of_errno(error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_set_returns_the_error_and_derives_its_code),
		cmocka_unit_test(test_fail_code_states_its_own_code),
		cmocka_unit_test(test_fail_takes_no_place_to_write_to),
		cmocka_unit_test(
			test_fail_prefix_goes_before_the_sentence_and_keeps_error_and_code),
		cmocka_unit_test(test_fail_cuts_a_huge_sentence_and_stays_terminated),
		cmocka_unit_test(test_fail_text_is_one_line_of_valid_utf8_whatever_is_quoted),
		cmocka_unit_test(test_fail_code_of_errno_knows_both_signs_and_never_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
