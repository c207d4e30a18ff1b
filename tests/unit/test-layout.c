/* SPDX-License-Identifier: Apache-2.0 */
/* How cgroups are mounted, told from captured files, and where a process is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

struct machine {
	struct scratch scratch;
	struct host *host;
};

static void machine_open(struct machine *m)
{
	scratch_open(&m->scratch);
	assert_int_equal(mkdirat(m->scratch.fd, "proc", 0755), 0);
	assert_int_equal(mkdirat(m->scratch.fd, "proc/self", 0755), 0);
	assert_int_equal(mkdirat(m->scratch.fd, "proc/7", 0755), 0);
	assert_int_equal(mkdirat(m->scratch.fd, "sys", 0755), 0);
	assert_int_equal(mkdirat(m->scratch.fd, "sys/fs", 0755), 0);
	assert_int_equal(mkdirat(m->scratch.fd, "sys/fs/cgroup", 0755), 0);
	assert_int_equal(host_open(&m->host, m->scratch.path, NULL), 0);
}

static void machine_done(struct machine *m)
{
	host_free(m->host);
	scratch_done(&m->scratch);
}

#define V1 "35 31 0:32 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
#define V2 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:3 - cgroup2 cgroup2 rw\n"
#define OTHER "31 23 0:28 / /cgroup2 rw,relatime - tmpfs cgroup2 rw,mode=755\n"

static void test_layout_follows_the_mount_table(void **state)
{
	static const struct {
		const char *table;
		enum cg_layout layout;
	} vectors[] = {
		{ OTHER V1 V2, CG_LAYOUT_HYBRID },
		{ V2 OTHER, CG_LAYOUT_UNIFIED },
		{ V1 V1, CG_LAYOUT_LEGACY },
		{ OTHER, CG_LAYOUT_NONE },
		{ "", CG_LAYOUT_NONE },
		{ "\xff - \n - cgroup", CG_LAYOUT_NONE },
	};
	struct machine m;

	(void)state;
	machine_open(&m);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		put_file(m.host->proc_fd, "self/mountinfo", vectors[i].table);
		assert_int_equal(cg_layout_of(m.host), vectors[i].layout);
	}
	machine_done(&m);
}

static void test_layout_of_a_capture_without_mounts_follows_the_trees(void **state)
{
	struct machine m;

	(void)state;
	machine_open(&m);
	assert_int_equal(cg_layout_of(m.host), CG_LAYOUT_NONE);
	assert_int_equal(mkdirat(m.host->sys_fd, "fs/cgroup/memory", 0755), 0);
	assert_int_equal(cg_layout_of(m.host),
			 CG_LAYOUT_NONE); /* may be a v2 cgroup of that name */
	put_file(m.host->sys_fd, "fs/cgroup/memory/cgroup.clone_children", "0\n");
	assert_int_equal(cg_layout_of(m.host), CG_LAYOUT_LEGACY);
	assert_int_equal(mkdirat(m.host->sys_fd, "fs/cgroup/unified", 0755), 0);
	put_file(m.host->sys_fd, "fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
	assert_int_equal(cg_layout_of(m.host), CG_LAYOUT_HYBRID);
	put_file(m.host->sys_fd, "fs/cgroup/cgroup.controllers", "cpu\n");
	assert_int_equal(cg_layout_of(m.host), CG_LAYOUT_UNIFIED);
	machine_done(&m);
}

static void test_layout_of_this_machine_agrees_with_its_cgroup_root(void **state)
{
	struct host *host = NULL;
	enum cg_layout layout;
	bool v2;

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	layout = cg_layout_of(host);
	v2 = layout == CG_LAYOUT_UNIFIED || layout == CG_LAYOUT_HYBRID;
	assert_int_equal(v2, host->cgroup_fd >= 0);
	host_free(host);
}

static void test_layout_finds_the_path_of_a_process(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *path;
	} vectors[] = {
		{ "9:name=systemd:/\n4:memory:/a\n0::/user.slice/x\n", 0, "/user.slice/x" },
		{ "0::/\n", 0, "/" },
		{ "0::/a (deleted)\n", -ESTALE, NULL },
		{ "0::/../outside\n", 0, "/../outside" },
		{ "4:memory:/a\n", -ENOENT, NULL },
		{ "0::\n10::/x\n", -ENOENT, NULL },
		{ "", -ENOENT, NULL },
	};
	struct machine m;

	(void)state;
	machine_open(&m);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		char *path = NULL;

		put_file(m.host->proc_fd, "7/cgroup", vectors[i].text);
		assert_int_equal(cg_path_of(m.host, 7, &path), vectors[i].error);
		if (vectors[i].path)
			assert_string_equal(path, vectors[i].path);
		else
			assert_null(path);
		free(path);
	}
	machine_done(&m);
}

static void test_layout_tells_an_absent_process_from_an_absent_tree(void **state)
{
	struct host none = { .proc_fd = -1 };
	struct machine m;
	char *path = NULL;

	(void)state;
	machine_open(&m);
	assert_int_equal(cg_path_of(m.host, 8, &path), -ESRCH);
	assert_int_equal(cg_path_of(m.host, -1, &path), -EINVAL);
	assert_int_equal(cg_path_of(&none, 8, &path), -ENOENT);
	put_file(m.host->proc_fd, "self/cgroup", "0::/here\n");
	assert_int_equal(cg_path_of(m.host, 0, &path), 0);
	assert_string_equal(path, "/here");
	free(path);
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_follows_the_mount_table),
		cmocka_unit_test(test_layout_of_a_capture_without_mounts_follows_the_trees),
		cmocka_unit_test(test_layout_of_this_machine_agrees_with_its_cgroup_root),
		cmocka_unit_test(test_layout_finds_the_path_of_a_process),
		cmocka_unit_test(test_layout_tells_an_absent_process_from_an_absent_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
