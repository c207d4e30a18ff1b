/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup directories: masks and lists of fake files, and trees of the real kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

static void test_tree_knows_each_controller_by_the_kernels_name(void **state)
{
	(void)state;
	for (int i = 0; i < CG_CONTROLLERS; i++)
		assert_int_equal(
			cg_controller_from_string(cg_controller_to_string((enum cg_controller)i)),
			i);
	assert_int_equal(cg_controller_from_string("cpu,cpuacct"), -1);
}

static void test_tree_reads_masks_and_skips_unknown_controllers(void **state)
{
	static const struct {
		const char *text;
		uint32_t mask;
	} vectors[] = {
		{ "", 0 },
		{ "\n", 0 },
		{ "cpuset cpu io memory hugetlb pids rdma misc dmem\n",
		  (1u << CG_CONTROLLERS) - 1 },
		{ "cpu quantum memory\n", CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY) },
		{ "cpucpu \xff\xfe", 0 },
	};
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint32_t mask = 99;

		put_file(s.fd, "cgroup.controllers", vectors[i].text);
		assert_int_equal(cg_available(s.fd, &mask), 0);
		assert_int_equal(mask, vectors[i].mask);
	}
	scratch_done(&s);
}

static void test_tree_says_what_is_enabled_and_not_what_was_asked(void **state)
{
	uint32_t mask = 99;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_enable(s.fd, CG_BIT(CG_CPU), &mask), -ENOENT);
	assert_int_equal(mask, 99);
	put_file(s.fd, "cgroup.subtree_control", "cpu memory\n");
	assert_int_equal(cg_enable(s.fd, CG_BIT(CG_CPU), &mask), 0);
	assert_int_equal(mask, CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY));
	assert_file(s.fd, "cgroup.subtree_control", "cpu memory\n"); /* was on: not written */
	put_file(s.fd, "cgroup.subtree_control", "");
	assert_int_equal(cg_enable(s.fd, CG_BIT(CG_PIDS), &mask), 0);
	assert_file(s.fd, "cgroup.subtree_control", "+pids");
	assert_int_equal(mask, 0); /* "+pids" is no controller: only the kernel would say "pids" */
	scratch_done(&s);
}

static void test_tree_makes_once_and_refuses_names_that_are_paths(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/a" };
	int fd = -1, again = -1;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_make(s.fd, "one", &fd), 0);
	assert_int_equal(cg_make(s.fd, "one", &again), -EEXIST);
	assert_int_equal(again, -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(cg_make(s.fd, bad[i], &again), -EINVAL);
		assert_int_equal(cg_remove(s.fd, bad[i]), -EINVAL);
	}
	close_fd(fd);
	scratch_done(&s);
}

static void test_tree_opens_only_what_is_below(void **state)
{
	uint64_t there, same;
	int fd = -1;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(mkdirat(s.fd, "a", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "a/..b", 0755), 0);
	assert_int_equal(cg_open(s.fd, "/a/..b", &fd), 0);
	close_fd(fd);
	assert_int_equal(cg_open(s.fd, "/", &fd), 0);
	assert_int_equal(cg_identity(fd, &there), 0);
	assert_int_equal(cg_identity(s.fd, &same), 0);
	assert_true(there == same);
	fd = close_fd(fd);
	assert_int_equal(cg_open(s.fd, "..", &fd), -EINVAL);
	assert_int_equal(cg_open(s.fd, "a/../..", &fd), -EINVAL);
	assert_int_equal(cg_open(s.fd, "none", &fd), -ENOENT);
	assert_int_equal(fd, -1);
	scratch_done(&s);
}

static void test_tree_removes_deepest_first_and_never_through_a_link(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_remove(s.fd, "absent"), 0);
	assert_int_equal(mkdirat(s.fd, "top", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "top/left", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "top/right", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "top/right/leaf", 0755), 0);
	assert_int_equal(cg_remove(s.fd, "top"), 0);
	assert_false(fs_exists(s.fd, "top"));

	assert_int_equal(mkdirat(s.fd, "outside", 0755), 0);
	assert_int_equal(symlinkat("outside", s.fd, "link"), 0);
	assert_int_equal(cg_remove(s.fd, "link"), -ENOTDIR);
	assert_true(fs_exists(s.fd, "outside"));
	scratch_done(&s);
}

static void test_tree_gives_up_on_a_bottomless_tree(void **state)
{
	char path[256] = "d";
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(mkdirat(s.fd, path, 0755), 0);
		strcat(path, "/d");
	}
	assert_int_equal(cg_remove(s.fd, "d"), -E2BIG);
	scratch_done(&s);
}

static void test_tree_lists_children_and_not_files(void **state)
{
	char **names = NULL;
	size_t count = 9;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.procs", "");
	assert_int_equal(cg_children(s.fd, &names, &count), 0);
	assert_int_equal(count, 0);
	assert_null(names[0]);
	names = fs_names_free(names);
	assert_int_equal(mkdirat(s.fd, "child", 0755), 0);
	assert_int_equal(cg_children(s.fd, &names, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(names[0], "child");
	assert_null(names[1]);
	fs_names_free(names);
	scratch_done(&s);
}

static void test_tree_reads_pids_and_skips_those_of_other_namespaces(void **state)
{
	static const char *const garbage[] = { "x\n", "-4\n", "12 13\n", "99999999999\n",
					       "1\n\xff" };
	pid_t *pids = NULL;
	size_t count = 9;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_pids(s.fd, &pids, &count), -ENOENT);
	put_file(s.fd, "cgroup.procs", "17\n0\n4194303\n");
	assert_int_equal(cg_pids(s.fd, &pids, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(pids[0], 17);
	assert_int_equal(pids[1], 4194303);
	free(TAKE_PTR(pids));
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		put_file(s.fd, "cgroup.procs", garbage[i]);
		assert_int_equal(cg_pids(s.fd, &pids, &count), -EBADMSG);
		assert_null(pids);
	}
	scratch_done(&s);
}

static void test_tree_attaches_only_a_real_pid(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.procs", "");
	assert_int_equal(cg_attach(s.fd, 0), -EINVAL); /* the kernel would take it for ourselves */
	assert_int_equal(cg_attach(s.fd, -1), -EINVAL);
	assert_int_equal(cg_attach(s.fd, 123), 0);
	assert_file(s.fd, "cgroup.procs", "123");
	scratch_done(&s);
}

static void test_tree_holds_processes_of_the_real_kernel(void **state)
{
	struct kernel_cgroup k;

	(void)state;
	if (kernel_cgroup_open(&k)) {
		pid_t *pids = NULL, child = start_sleeper();
		char expected[64], *path = NULL;
		size_t count;
		int leaf;

		assert_int_equal(cg_make(k.fd, "leaf", &leaf), 0);
		assert_int_equal(cg_attach(leaf, child), 0);
		assert_int_equal(cg_pids(leaf, &pids, &count), 0);
		assert_int_equal(count, 1);
		assert_int_equal(pids[0], child);
		(void)snprintf(expected, sizeof(expected), "/%s/leaf", k.name);
		assert_int_equal(cg_path_of(k.host, child, &path), 0);
		assert_string_equal(path, expected);
		assert_int_equal(cg_remove(k.host->cgroup_fd, k.name), -EBUSY);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(reap_signal(child), SIGKILL);
		close_fd(leaf);
		free(path);
		free(pids);
	}
	kernel_cgroup_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_knows_each_controller_by_the_kernels_name),
		cmocka_unit_test(test_tree_reads_masks_and_skips_unknown_controllers),
		cmocka_unit_test(test_tree_says_what_is_enabled_and_not_what_was_asked),
		cmocka_unit_test(test_tree_makes_once_and_refuses_names_that_are_paths),
		cmocka_unit_test(test_tree_opens_only_what_is_below),
		cmocka_unit_test(test_tree_removes_deepest_first_and_never_through_a_link),
		cmocka_unit_test(test_tree_gives_up_on_a_bottomless_tree),
		cmocka_unit_test(test_tree_lists_children_and_not_files),
		cmocka_unit_test(test_tree_reads_pids_and_skips_those_of_other_namespaces),
		cmocka_unit_test(test_tree_attaches_only_a_real_pid),
		cmocka_unit_test(test_tree_holds_processes_of_the_real_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
