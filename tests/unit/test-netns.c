/* SPDX-License-Identifier: Apache-2.0 */
/* Pinned network namespaces, where this process may make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/netns.h"
#include "scratch.h"
#include "util/cleanup.h"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>

static bool is_here(int fd)
{
	struct stat there, here;

	assert_int_equal(fstat(fd, &there), 0);
	assert_int_equal(stat("/proc/self/ns/net", &here), 0);
	return there.st_ino == here.st_ino;
}

static void test_netns_is_pinned_apart_and_unpinned(void **state)
{
	_cleanup_close_ int fd = -1, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct fail f = { 0 };
	struct scratch s;
	char path[128];

	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("skipped: no mount namespace can be made: %s\n", strerror(errno));
		skip();
	}
	scratch_open(&s);
	(void)snprintf(path, sizeof(path), "%s/netns/one", s.path);
	assert_int_equal(netns_make(path, &f), 0);
	assert_true(is_here(home)); /* who makes one is not in it */
	fd = netns_open(path);
	assert_true(fd >= 0);
	assert_false(is_here(fd));
	assert_true(netns_make(path, &f) < 0); /* it is taken */
	assert_true(is_here(home));
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	assert_int_equal(close(socket(AF_INET, SOCK_DGRAM, 0)), 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	assert_int_equal(netns_unpin(path), 0);
	assert_int_equal(netns_unpin(path), 0);
	assert_int_equal(netns_open(path), -ENOENT);
	scratch_done(&s);
}

static void test_netns_is_not_what_merely_is_a_file(void **state)
{
	char path[128];
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "file", "");
	assert_int_equal(symlinkat("/proc/self/ns/net", s.fd, "link"), 0);
	(void)snprintf(path, sizeof(path), "%s/file", s.path);
	assert_int_equal(netns_open(path), -ENOENT);
	assert_int_equal(netns_unpin(path), 0); /* left by one that was killed before the mount */
	assert_false(fs_exists(s.fd, "file"));
	(void)snprintf(path, sizeof(path), "%s/link", s.path);
	assert_true(netns_open(path) < 0);
	assert_int_equal(netns_open("/proc/self/ns/mnt"), -ELOOP);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netns_is_pinned_apart_and_unpinned),
		cmocka_unit_test(test_netns_is_not_what_merely_is_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
