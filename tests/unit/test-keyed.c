/* SPDX-License-Identifier: Apache-2.0 */
/* Flat keyed files: what a table takes from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "cgroups/keyed.h"

struct pair {
	uint64_t a, b;
};
static const struct keyed keys[] = {
	{ "a", offsetof(struct pair, a) },
	{ "b", offsetof(struct pair, b) },
};

static void test_keyed_leaves_members_alone_that_are_not_in_the_file(void **state)
{
	struct pair p = { 8, 9 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "f", "c 5\na 18446744073709551615\naa 3\n");
	assert_int_equal(keyed_read(s.fd, "f", keys, ARRAY_SIZE(keys), &p), 0);
	assert_true(p.a == UINT64_MAX);
	assert_int_equal(p.b, 9);
	assert_int_equal(keyed_read(s.fd, "none", keys, ARRAY_SIZE(keys), &p), -ENOENT);
	scratch_done(&s);
}

static void test_keyed_refuses_garbage_and_endless_files(void **state)
{
	static const char *const garbage[] = { "a\n", "a \n", "a 1x\n", "b 1\nb", "a  1\n" };
	struct pair p = { 8, 9 };
	char *huge = malloc(20001);
	struct scratch s;

	(void)state;
	assert_non_null(huge);
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		put_file(s.fd, "f", garbage[i]);
		assert_int_equal(keyed_read(s.fd, "f", keys, ARRAY_SIZE(keys), &p), -EBADMSG);
	}
	memset(huge, 'a', 20000);
	huge[20000] = 0;
	put_file(s.fd, "f", huge);
	assert_int_equal(keyed_read(s.fd, "f", keys, ARRAY_SIZE(keys), &p), -E2BIG);
	free(huge);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keyed_leaves_members_alone_that_are_not_in_the_file),
		cmocka_unit_test(test_keyed_refuses_garbage_and_endless_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
