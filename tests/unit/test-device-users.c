/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a device node open: a child of this test has, as the kernel tells, and so has a process
 * of a made-up /proc. */
#include "device_users.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define NODE "/dev/full" /* 1:7, which nobody keeps open */

static struct device_rule full = { false, 1, 7, DEVICE_ACCESS_USE };

static void test_process_that_has_the_node_open_is_found_until_it_ends(void **state)
{
	const struct device_rules nodes = { &full, 1 };
	_cleanup_close_ int proc = fs_open_dir(AT_FDCWD, "/proc"), own = open(NODE, O_RDWR);
	struct device_user user = { 0 };
	pid_t pid = start_user(NODE, O_RDWR);

	(void)state;
	assert_true(own >= 0); /* which does not count */
	assert_int_equal(device_users_find(proc, &nodes, &user), DEVICE_USERS_FOUND);
	assert_int_equal(user.pid, pid);
	assert_string_equal(user.command, "a user");
	assert_int_equal(user.node.minor, 7);
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)reap_signal(pid);
	assert_int_equal(device_users_find(proc, &nodes, &user), DEVICE_USERS_NONE);
}

static void link_at(int dirfd, const char *path, const char *target)
{
	assert_int_equal(symlinkat(target, dirfd, path), 0);
}

static void test_only_the_numbers_of_an_open_node_count(void **state)
{
	static const struct {
		struct device_rule rule;
		int found;
	} vectors[] = {
		{ { false, 1, 7, 0 }, DEVICE_USERS_FOUND },
		{ { false, 1, DEVICE_RULE_ANY, 0 }, DEVICE_USERS_FOUND },
		{ { false, DEVICE_RULE_ANY, 7, 0 }, DEVICE_USERS_FOUND },
		{ { true, 1, 7, 0 }, DEVICE_USERS_NONE },
		{ { false, 1, 8, 0 }, DEVICE_USERS_NONE },
		{ { false, 2, 7, 0 }, DEVICE_USERS_NONE },
	};
	struct device_user user = { .pid = -1 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "uptime", "1 1\n");
	assert_int_equal(mkdirat(s.fd, "0", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "11", 0755), 0); /* it has just ended */
	assert_int_equal(mkdirat(s.fd, "12", 0755), 0);
	assert_int_equal(mkdirat(s.fd, "12/fd", 0755), 0);
	link_at(s.fd, "12/fd/0", "socket:[1]");
	link_at(s.fd, "12/fd/1", "/proc");
	link_at(s.fd, "12/fd/2", NODE);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct device_rule rule = vectors[i].rule;

		assert_int_equal(device_users_find(s.fd, &(struct device_rules){ &rule, 1 }, &user),
				 vectors[i].found);
	}
	assert_int_equal(user.pid, 12);
	assert_string_equal(user.command, "");
	assert_int_equal(device_users_find(s.fd, &(struct device_rules){ 0 }, &user), 0);
	assert_true(device_users_find(-1, &(struct device_rules){ &full, 1 }, &user) < 0);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_that_has_the_node_open_is_found_until_it_ends),
		cmocka_unit_test(test_only_the_numbers_of_an_open_node_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
