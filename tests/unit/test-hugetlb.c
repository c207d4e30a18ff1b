/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the hugetlb controller: their names, and what they say. */
#include "cgroups/hugetlb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

static void test_hugetlb_names_files_as_the_kernel_does(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *name;
	} vectors[] = {
		{ 64 << 10, "hugetlb.64KB.max" },
		{ 2 << 20, "hugetlb.2MB.max" },
		{ 512 << 20, "hugetlb.512MB.max" },
		{ 1 << 30, "hugetlb.1GB.max" },
		{ 16ULL << 30, "hugetlb.16GB.max" },
		{ 1023, NULL },
		{ 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *name = NULL;

		assert_int_equal(cg_hugetlb_file(vectors[i].bytes, "max", &name),
				 vectors[i].name ? 0 : -EINVAL);
		assert_true(vectors[i].name ? strcmp(name, vectors[i].name) == 0 : !name);
	}
}

static void test_hugetlb_tells_use_by_node(void **state)
{
	static const struct {
		const char *text;
		uint32_t node;
		int result;
		uint64_t bytes;
	} vectors[] = {
		{ "total=4194304 N0=0 N1=4194304\n", 1, 0, 4194304 },
		{ "total=4194304 N0=0 N1=4194304\n", 0, 0, 0 },
		{ "total=4194304 N0=4194304\n", 7, 0, 0 }, /* no such node */
		{ "total=2 N1=1 N10=2\n", 10, 0, 2 },
		{ "\n", 0, 0, 0 },
		{ "total\n", 0, -EBADMSG, 9 },
		{ "total=1 N0=-1\n", 0, -EBADMSG, 9 },
		{ "total=1 N0=x N1=1\n", 1, -EBADMSG, 9 },
	};
	struct scratch s;
	uint64_t bytes;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_hugetlb_node(s.fd, 2 << 20, 0, &bytes), -ENOENT);
	assert_int_equal(cg_hugetlb_current(s.fd, 2 << 20, &bytes), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		bytes = 9;
		put_file(s.fd, "hugetlb.2MB.numa_stat", vectors[i].text);
		assert_int_equal(cg_hugetlb_node(s.fd, 2 << 20, vectors[i].node, &bytes),
				 vectors[i].result);
		assert_true(bytes == vectors[i].bytes);
	}
	put_file(s.fd, "hugetlb.2MB.current", "4194304\n");
	assert_int_equal(cg_hugetlb_current(s.fd, 2 << 20, &bytes), 0);
	assert_true(bytes == 4194304);
	scratch_done(&s);
}

static void test_hugetlb_reserved_pages_are_claimed_as_used_ones_are(void **state)
{
	uint64_t bytes = 9;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_hugetlb_claimed(s.fd, 2 << 20, &bytes), -ENOENT);
	assert_true(bytes == 9);
	put_file(s.fd, "hugetlb.2MB.current", "4194304\n");
	assert_int_equal(cg_hugetlb_claimed(s.fd, 2 << 20, &bytes), 0); /* before Linux 5.7 */
	assert_true(bytes == 4194304);
	put_file(s.fd, "hugetlb.2MB.rsvd.current", "8388608\n");
	assert_int_equal(cg_hugetlb_claimed(s.fd, 2 << 20, &bytes), 0);
	assert_true(bytes == 8388608);
	put_file(s.fd, "hugetlb.2MB.rsvd.current", "0\n");
	assert_int_equal(cg_hugetlb_claimed(s.fd, 2 << 20, &bytes), 0);
	assert_true(bytes == 4194304);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hugetlb_names_files_as_the_kernel_does),
		cmocka_unit_test(test_hugetlb_tells_use_by_node),
		cmocka_unit_test(test_hugetlb_reserved_pages_are_claimed_as_used_ones_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
