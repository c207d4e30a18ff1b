/* SPDX-License-Identifier: Apache-2.0 */
/* Usage of a cgroup with all controllers, with few, and from the real kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "cgroups/usage.h"

static void test_usage_reads_every_file(void **state)
{
	struct cg_usage u;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cpu.stat",
		 "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 1\nthrottled_usec 4\n");
	put_file(s.fd, "memory.current", "4096\n");
	put_file(s.fd, "memory.peak", "8192\n");
	put_file(s.fd, "memory.swap.current", "0\n");
	put_file(s.fd, "pids.current", "3\n");
	assert_int_equal(cg_usage(s.fd, &u), 0);
	assert_int_equal(u.cpu_usec, 30);
	assert_int_equal(u.cpu_user_usec, 20);
	assert_int_equal(u.cpu_system_usec, 10);
	assert_int_equal(u.cpu_throttled_usec, 4);
	assert_int_equal(u.memory_bytes, 4096);
	assert_int_equal(u.memory_peak_bytes, 8192);
	assert_int_equal(u.swap_bytes, 0);
	assert_int_equal(u.pids, 3);
	scratch_done(&s);
}

static void test_usage_is_unknown_where_a_file_is_absent_or_garbled(void **state)
{
	struct cg_usage u;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cpu.stat", "usage_usec 30\nuser_usec twenty\n");
	put_file(s.fd, "memory.current", "12 monkeys\n");
	assert_int_equal(cg_usage(s.fd, &u), 0);
	assert_int_equal(u.cpu_usec, 30);
	assert_true(u.cpu_user_usec == CG_UNKNOWN);
	assert_true(u.memory_bytes == CG_UNKNOWN);
	assert_true(u.pids == CG_UNKNOWN);
	assert_true(cg_usage(-1, &u) < 0);
	scratch_done(&s);
}

static void test_usage_of_the_real_kernel_ends_with_the_cgroup(void **state)
{
	struct cg_usage u;
	struct kernel_cgroup k;

	(void)state;
	if (kernel_cgroup_open(&k)) {
		assert_int_equal(cg_usage(k.fd, &u), 0);
		assert_int_equal(u.cpu_usec, 0);
		assert_int_equal(cg_remove(k.host->cgroup_fd, k.name), 0);
		u.pids = 77;
		assert_int_equal(cg_usage(k.fd, &u), -ENODEV);
		assert_int_equal(u.pids, 77);
	}
	kernel_cgroup_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage_reads_every_file),
		cmocka_unit_test(test_usage_is_unknown_where_a_file_is_absent_or_garbled),
		cmocka_unit_test(test_usage_of_the_real_kernel_ends_with_the_cgroup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
