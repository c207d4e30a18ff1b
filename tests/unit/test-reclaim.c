/* SPDX-License-Identifier: Apache-2.0 */
/* Taking memory back: which files are asked, what of them counts, and what becomes of garbage. */
#include "cgroups/reclaim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

#include "cgroups/usage.h"

static void test_reclaim_asks_the_kernel_for_bytes(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_false(cg_can_reclaim(s.fd));
	assert_false(cg_can_reclaim(-1));
	assert_int_equal(cg_reclaim(s.fd, 4096), -ENOENT);
	put_file(s.fd, "memory.reclaim", "");
	assert_true(cg_can_reclaim(s.fd));
	assert_int_equal(cg_reclaim(s.fd, 314572800), 0);
	assert_file(s.fd, "memory.reclaim", "314572800\n");
	scratch_done(&s);
}

static void test_reclaim_knows_what_is_charged(void **state)
{
	uint64_t bytes = 7;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_charged(s.fd, &bytes), -ENOENT);
	put_file(s.fd, "memory.current", "many\n");
	assert_true(cg_charged(s.fd, &bytes) < 0);
	assert_true(bytes == 7);
	put_file(s.fd, "memory.current", "4096\n");
	assert_int_equal(cg_charged(s.fd, &bytes), 0);
	assert_true(bytes == 4096);
	scratch_done(&s);
}

static void test_reclaim_waits_for_what_is_dirty_or_being_written(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} vectors[] = {
		{ "anon 1\nfile 9000\nfile_dirty 4096\nfile_writeback 8192\n", 0, 12288 },
		{ "anon 1\nfile 9000\n", 0, 0 },
		{ "", 0, 0 },
		{ "file_dirty -1\n", -EBADMSG, 7 },
		{ "file_dirty\n", -EBADMSG, 7 },
	};
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint64_t bytes = 7;

		put_file(s.fd, "memory.stat", vectors[i].text);
		assert_int_equal(cg_dirty(s.fd, &bytes), vectors[i].result);
		assert_true(bytes == vectors[i].bytes);
	}
	scratch_done(&s);
}

static void test_reclaim_tells_page_cache_of_a_node(void **state)
{
	static const char text[] = "anon N0=1 N1=2\nfile N0=400 N1=800\nshmem N0=0 N1=100\n"
				   "inactive_file N0=300 N1=500 N11=9\nactive_file N0=100 N1=200\n"
				   "inactive_filer N1=7\n";
	uint64_t bytes = 7;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_cache_on_node(s.fd, 1, &bytes), -ENOENT);
	put_file(s.fd, "memory.numa_stat", text);
	assert_int_equal(cg_cache_on_node(s.fd, 1, &bytes), 0);
	assert_true(bytes == 700); /* shared memory is no cache */
	assert_int_equal(cg_cache_on_node(s.fd, 11, &bytes), 0);
	assert_true(bytes == 9);
	assert_int_equal(cg_cache_on_node(s.fd, 5, &bytes), 0);
	assert_true(bytes == 0);
	assert_int_equal(cg_usage_on_node(s.fd, 1, &bytes), 0);
	assert_true(bytes == 802);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reclaim_asks_the_kernel_for_bytes),
		cmocka_unit_test(test_reclaim_knows_what_is_charged),
		cmocka_unit_test(test_reclaim_waits_for_what_is_dirty_or_being_written),
		cmocka_unit_test(test_reclaim_tells_page_cache_of_a_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
