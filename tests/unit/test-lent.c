/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs that isolated partitions of slices took out of the agent's own cpuset stay the node's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "agent/discover.h" /* not the one beside this file */
#include "scratch.h"

struct tree {
	const char *name, *exclusive; /* of a cgroup at the root; NULL: none, no such file */
	const char *isolated;	      /* of the root */
	const char *expected;
};

static void check_tree(const struct tree *t)
{
	_cleanup_(cpuset_freep) struct cpuset *lent = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int cgroup = -1;
	struct scratch s;
	struct host host;

	scratch_open(&s);
	host = (struct host){ .cgroup_fd = s.fd };
	if (t->isolated)
		put_file(s.fd, "cpuset.cpus.isolated", t->isolated);
	if (t->name)
		assert_int_equal(cg_make(s.fd, t->name, &cgroup), 0);
	if (t->exclusive)
		put_file(cgroup, "cpuset.cpus.exclusive", t->exclusive);
	assert_int_equal(discover_lent(&host, &lent), 0);
	text = cpuset_format(lent);
	assert_string_equal(text, t->expected);
	scratch_done(&s);
}

static void test_lent_is_what_was_granted_and_is_isolated(void **state)
{
	static const struct tree trees[] = {
		{ NULL, NULL, NULL, "" },
		{ NULL, NULL, "2-5\n", "" }, /* somebody else's partition */
		{ "machine.slice", "2-5\n", "2-5\n", "" },
		{ "reeve.slice", "2-5\n", "2-5\n", "2-5" },
		{ "reeve-0123abcd", "2-5\n", "2-5\n", "2-5" },
		{ "reeve.slice", "2-5\n", "4-7\n", "4-5" },
		{ "reeve.slice", "2-5\n", "\n", "" },
		{ "reeve.slice", "2-5\n", NULL, "" },
		{ "reeve.slice", NULL, "2-5\n", "" },
		{ "reeve.slice", "\n", "2-5\n", "" },
		{ "reeve.slice", "garbage\n", "2-5\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++)
		check_tree(&trees[i]);
}

static void test_host_without_cgroups_lends_nothing(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *lent = NULL;
	const struct host host = { .cgroup_fd = -1 };

	(void)state;
	assert_int_equal(discover_lent(&host, &lent), 0);
	assert_true(cpuset_empty(lent));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lent_is_what_was_granted_and_is_isolated),
		cmocka_unit_test(test_host_without_cgroups_lends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
