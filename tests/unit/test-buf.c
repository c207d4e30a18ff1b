/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded buffer: growth, the sticky error, and text that is always terminated. */
#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_buf_grows_and_stays_terminated(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	buf_init(&b, 0);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_append(&b, "ab", 2), 0);
	assert_int_equal(b.size, 200000);
	assert_int_equal(strlen(b.data), 200000);
	assert_int_equal(buf_error(&b), 0);
}

static void test_buf_keeps_nul_bytes_as_they_are(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_append(&b, "a\0b", 3), 0);
	assert_int_equal(b.size, 3);
	assert_memory_equal(b.data, "a\0b", 4);
}

static void test_buf_appending_nothing_gives_an_empty_text(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(buf_text(&b, ""), 0);
	assert_int_equal(b.size, 0);
	assert_string_equal(b.data, "");
}

static void test_buf_fills_its_limit_to_the_byte_and_refuses_the_next(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_text(&b, "abcd"), 0);
	assert_int_equal(buf_text(&b, "e"), -E2BIG);
	assert_string_equal(b.data, "abcd");
}

static void test_buf_first_failure_sticks_until_it_is_cleared(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_text(&b, "abcde"), -E2BIG);
	assert_int_equal(buf_text(&b, "a"), -E2BIG);
	assert_int_equal(buf_format(&b, "%d", 1), -E2BIG);
	assert_int_equal(buf_error(&b), -E2BIG);
	assert_null(buf_steal(&b));
	buf_clear(&b);
	assert_int_equal(buf_text(&b, "a"), 0);
	assert_string_equal(b.data, "a");
}

static void test_buf_refuses_a_size_that_would_wrap(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	assert_int_equal(buf_text(&b, "x"), 0);
	assert_int_equal(buf_append(&b, "", SIZE_MAX), -E2BIG);
	assert_int_equal(b.size, 1);
}

static void test_buf_formats_longer_than_its_room(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	char wide[3000];

	(void)state;
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = 0;
	assert_int_equal(buf_format(&b, "%s-%d", wide, 7), 0);
	assert_int_equal(b.size, 3001);
	assert_string_equal(b.data + 2999, "-7");
}

static void test_buf_consumes_from_the_front(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	(void)state;
	buf_consume(&b, 0);
	buf_text(&b, "hello");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "llo");
	buf_consume(&b, 3);
	assert_int_equal(b.size, 0);
	assert_string_equal(b.data, "");
}

static void test_buf_steal_hands_over_and_leaves_a_usable_buffer(void **state)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	_cleanup_free_ char *first = NULL, *empty = NULL;

	(void)state;
	buf_text(&b, "first");
	first = buf_steal(&b);
	assert_string_equal(first, "first");
	assert_int_equal(b.size, 0);
	empty = buf_steal(&b);
	assert_string_equal(empty, "");
	assert_int_equal(buf_text(&b, "next"), 0);
	assert_string_equal(b.data, "next");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_grows_and_stays_terminated),
		cmocka_unit_test(test_buf_keeps_nul_bytes_as_they_are),
		cmocka_unit_test(test_buf_appending_nothing_gives_an_empty_text),
		cmocka_unit_test(test_buf_fills_its_limit_to_the_byte_and_refuses_the_next),
		cmocka_unit_test(test_buf_first_failure_sticks_until_it_is_cleared),
		cmocka_unit_test(test_buf_refuses_a_size_that_would_wrap),
		cmocka_unit_test(test_buf_formats_longer_than_its_room),
		cmocka_unit_test(test_buf_consumes_from_the_front),
		cmocka_unit_test(test_buf_steal_hands_over_and_leaves_a_usable_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
