/* SPDX-License-Identifier: Apache-2.0 */
/* The string map: order of insertion, holes, growth, and a random run against a plain array. */
#include "util/cleanup.h"
#include "util/map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void map_freep(struct map **m)
{
	map_free(*m);
}

static void *value_of(size_t i)
{
	return (void *)(uintptr_t)(i + 1);
}

static void test_map_empty_has_nothing(void **state)
{
	_cleanup_(map_freep) struct map *m = NULL;
	size_t cursor = 0;

	(void)state;
	assert_null(map_free(NULL));
	assert_int_equal(map_new(&m), 0);
	assert_int_equal(map_count(m), 0);
	assert_null(map_get(m, "a"));
	assert_null(map_remove(m, "a"));
	assert_null(map_next(m, &cursor, NULL));
}

static void test_map_put_refuses_a_key_it_has(void **state)
{
	_cleanup_(map_freep) struct map *m = NULL;

	(void)state;
	assert_int_equal(map_new(&m), 0);
	assert_int_equal(map_put(m, "a", value_of(1)), 0);
	assert_int_equal(map_put(m, "a", value_of(2)), -EEXIST);
	assert_ptr_equal(map_get(m, "a"), value_of(1));
	assert_int_equal(map_put(m, "", value_of(3)), 0);
	assert_ptr_equal(map_get(m, ""), value_of(3));
	assert_int_equal(map_count(m), 2);
}

static void test_map_owns_its_keys(void **state)
{
	_cleanup_(map_freep) struct map *m = NULL;
	char key[] = "one";

	(void)state;
	assert_int_equal(map_new(&m), 0);
	assert_int_equal(map_put(m, key, value_of(1)), 0);
	(void)strcpy(key, "two");
	assert_ptr_equal(map_get(m, "one"), value_of(1));
	assert_null(map_get(m, "two"));
}

static void test_map_is_walked_in_the_order_of_insertion_around_holes(void **state)
{
	static const char *const keys[] = { "d", "a", "c", "b", "e" };
	static const char *const left[] = { "d", "c", "e", "a" };
	_cleanup_(map_freep) struct map *m = NULL;
	size_t cursor = 0, n = 0;
	const char *key = NULL;

	(void)state;
	assert_int_equal(map_new(&m), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_int_equal(map_put(m, keys[i], value_of(i)), 0);
	assert_ptr_equal(map_remove(m, "a"), value_of(1));
	assert_ptr_equal(map_remove(m, "b"), value_of(3));
	assert_int_equal(map_put(m, "a", value_of(9)), 0);
	while (map_next(m, &cursor, &key))
		assert_string_equal(key, left[n++]);
	assert_int_equal(n, ARRAY_SIZE(left));
}

static void test_map_current_item_may_go_while_it_is_walked(void **state)
{
	_cleanup_(map_freep) struct map *m = NULL;
	size_t cursor = 0, n = 0;
	const char *key = NULL;
	char text[16];

	(void)state;
	assert_int_equal(map_new(&m), 0);
	for (size_t i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof(text), "%zu", i);
		assert_int_equal(map_put(m, text, value_of(i)), 0);
	}
	for (void *value; (value = map_next(m, &cursor, &key)); n++)
		assert_ptr_equal(map_remove(m, key), value);
	assert_int_equal(n, 100);
	assert_int_equal(map_count(m), 0);
}

/* Puts and removes at random among few keys, so that growth, holes and reuse all happen. */
static void test_map_agrees_with_an_array_over_a_random_run(void **state)
{
	enum { KEYS = 97, STEPS = 20000 };
	_cleanup_(map_freep) struct map *m = NULL;
	void *expected[KEYS] = { 0 };
	uint32_t random = 20240229;
	size_t live = 0;
	char key[16];

	(void)state;
	assert_int_equal(map_new(&m), 0);
	for (size_t step = 1; step <= STEPS; step++) {
		size_t k;

		random = random * 1664525 + 1013904223;
		k = (random >> 16) % KEYS;
		(void)snprintf(key, sizeof(key), "key-%zu", k);
		assert_ptr_equal(map_get(m, key), expected[k]);
		if (expected[k]) {
			assert_ptr_equal(map_remove(m, key), expected[k]);
			expected[k] = NULL;
			live--;
		} else {
			assert_int_equal(map_put(m, key, value_of(step)), 0);
			expected[k] = value_of(step);
			live++;
		}
		assert_int_equal(map_count(m), live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_empty_has_nothing),
		cmocka_unit_test(test_map_put_refuses_a_key_it_has),
		cmocka_unit_test(test_map_owns_its_keys),
		cmocka_unit_test(test_map_is_walked_in_the_order_of_insertion_around_holes),
		cmocka_unit_test(test_map_current_item_may_go_while_it_is_walked),
		cmocka_unit_test(test_map_agrees_with_an_array_over_a_random_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
