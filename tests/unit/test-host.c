/* SPDX-License-Identifier: Apache-2.0 */
/* Which trees a root offers: a captured one, one that is packed in a single folder, one that is no
 * machine at all, and the live host. */
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/host.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	char *path = strdup("/tmp/reeve-host-XXXXXX");

	assert_non_null(path);
	assert_non_null(mkdtemp(path));
	*state = path;
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(fs_remove_tree(AT_FDCWD, *state), 0);
	free(*state);
	return 0;
}

static void make(const char *root, const char *below)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, below);
	assert_int_equal(fs_make_dirs(path, 0700), 0);
}

static void test_host_opens_a_captured_root_with_what_it_has(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	struct fail f = { 0 };

	make(*state, "sys/devices");
	assert_int_equal(host_open(&h, *state, &f), 0);
	assert_false(h->live);
	assert_true(h->root_fd >= 0);
	assert_true(h->sys_fd >= 0);
	assert_int_equal(h->proc_fd, -1);
	assert_int_equal(h->cgroup_fd, -1);
	assert_null(h->cgroup_path);
	assert_true(fs_exists(h->sys_fd, "devices"));
}

static void test_host_finds_the_captured_cgroup_tree(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;
	char path[256];

	make(*state, "sys/fs/cgroup");
	(void)snprintf(path, sizeof(path), "%s/sys/fs/cgroup/cgroup.controllers", (char *)*state);
	assert_int_equal(fs_replace(AT_FDCWD, path, "cpu\n", 4, 0600), 0);
	assert_int_equal(host_open(&h, *state, NULL), 0);
	assert_string_equal(h->cgroup_path, "/sys/fs/cgroup");
	assert_true(fs_exists(h->cgroup_fd, "cgroup.controllers"));
}

static void test_host_steps_into_the_only_folder_of_an_archive(void **state)
{
	_cleanup_(host_freep) struct host *h = NULL;

	make(*state, "machine-1/proc");
	assert_int_equal(host_open(&h, *state, NULL), 0);
	assert_non_null(strstr(h->root, "/machine-1"));
	assert_true(h->proc_fd >= 0);
	assert_int_equal(h->sys_fd, -1);
}

static void test_host_refuses_a_folder_without_a_machine(void **state)
{
	struct host *h = NULL;
	struct fail f = { 0 };
	char path[256];

	assert_int_equal(host_open(&h, *state, &f), -ENOENT);
	make(*state, "one");
	make(*state, "two/sys");
	assert_int_equal(host_open(&h, *state, &f), -ENOENT);
	assert_non_null(strstr(f.text, *state));
	(void)snprintf(path, sizeof(path), "%s/file", (char *)*state);
	assert_int_equal(fs_replace(AT_FDCWD, path, "", 0, 0600), 0);
	assert_int_equal(host_open(&h, path, &f), -ENOTDIR);
	assert_int_equal(host_open(&h, "/nowhere/at/all", &f), -ENOENT);
	assert_int_equal(host_open(&h, "", &f), -ENOENT);
	assert_null(h);
	assert_null(host_free(NULL));
}

static void test_host_live_is_the_root_and_its_clocks_move(void **state)
{
	_cleanup_(host_freep) struct host *by_null = NULL, *by_name = NULL;
	uint64_t first;

	(void)state;
	assert_int_equal(host_open(&by_null, NULL, NULL), 0);
	assert_int_equal(host_open(&by_name, "/", NULL), 0);
	assert_true(by_null->live && by_name->live);
	assert_string_equal(by_null->root, "/");
	assert_true(fs_exists(by_null->proc_fd, "self/status"));
	first = by_null->monotonic_usec(by_null);
	assert_true(by_null->monotonic_usec(by_null) >= first);
	assert_true(by_null->realtime_usec(by_null) > 1600000000000000ULL); /* September 2020 */
	assert_true((by_null->cgroup_fd >= 0) == (by_null->cgroup_path != NULL));
	if (by_null->cgroup_fd >= 0)
		assert_true(fs_exists(by_null->cgroup_fd, "cgroup.procs"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_host_opens_a_captured_root_with_what_it_has),
		TEST(test_host_finds_the_captured_cgroup_tree),
		TEST(test_host_steps_into_the_only_folder_of_an_archive),
		TEST(test_host_refuses_a_folder_without_a_machine),
		cmocka_unit_test(test_host_live_is_the_root_and_its_clocks_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
