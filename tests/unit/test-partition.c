/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions in a directory that plays cgroups: what is written where, in the slice's own cgroup
 * and in those above it, and that a refusal keeps nothing else from being given back. */
#include "cgroups/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define OWN "top/mine"

static const char *const written[] = {
	OWN "/cpuset.cpus.partition",
	OWN "/cpuset.cpus.exclusive",
	"top/cpuset.cpus.exclusive",
};

static struct cpuset *set_of(const char *text)
{
	struct cpuset *set = NULL;

	assert_int_equal(cpuset_parse(text, &set), 0);
	return set;
}

static void open_cgroups(struct scratch *s, const char *kind)
{
	scratch_open(s);
	assert_int_equal(mkdirat(s->fd, "top", 0755), 0);
	assert_int_equal(mkdirat(s->fd, OWN, 0755), 0);
	put_file(s->fd, OWN "/cpuset.cpus", "2-3\n");
	put_file(s->fd, written[0], kind);
	put_file(s->fd, written[1], "2-3\n");
	put_file(s->fd, written[2], "2-3,6\n");
}

static void test_partition_is_made_and_followed_and_undone(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *own = set_of("2-3"), *more = set_of("2-4"),
					      *all = set_of("2-3,6"), *wide = set_of("2-4,6"),
					      *rest = set_of("6"), *granted = NULL;
	struct cg_partition p = { 0 };
	const char *kind = NULL;
	struct scratch s;

	(void)state;
	open_cgroups(&s, "member\n");
	assert_int_equal(cg_partition_make(s.fd, "/" OWN,
					   &(struct cg_partition_wish){ "isolated", own, all }, &p),
			 0);
	assert_true(p.holds && !p.reason);
	cg_partition_done(&p);
	assert_int_equal(
		cg_partition_move(s.fd, OWN, &(struct cg_partition_change){ all, wide, more }, &p),
		0);
	assert_true(p.holds && !p.stopped);
	cg_partition_done(&p);
	assert_file(s.fd, OWN "/cpuset.cpus", "2-4");
	assert_file(s.fd, written[1], "2-4");
	assert_file(s.fd, written[2], "2-4,6");
	assert_int_equal(cg_partition_kind(s.fd, OWN, &kind), 0);
	assert_string_equal(kind, "isolated");
	assert_int_equal(cg_partition_undo(s.fd, OWN, rest), 0);
	assert_file(s.fd, written[0], "member");
	assert_file(s.fd, written[1], "\n");
	assert_int_equal(cg_partition_granted(s.fd, OWN, &granted), 0);
	assert_true(cpuset_equal(granted, rest));
	assert_int_equal(cg_partition_kind(s.fd, OWN, &kind), 0);
	assert_null(kind);
	scratch_done(&s);
}

static void test_partition_that_is_undone_gives_back_all_that_is_not_refused(void **state)
{
	static const char *const after[] = { "member", "\n", "6" };
	_cleanup_(cpuset_freep) struct cpuset *rest = set_of("6");

	(void)state;
	for (size_t refused = 0; refused < ARRAY_SIZE(written); refused++) {
		struct scratch s;

		open_cgroups(&s, "isolated\n");
		assert_int_equal(unlinkat(s.fd, written[refused], 0), 0);
		assert_int_equal(cg_partition_undo(s.fd, OWN, rest), -ENOENT);
		for (size_t i = 0; i < ARRAY_SIZE(written); i++)
			if (i != refused)
				assert_file(s.fd, written[i], after[i]);
		scratch_done(&s);
	}
}

static void test_partition_that_is_refused_is_said_and_a_plain_cpuset(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *own = set_of("2-3");
	struct cg_partition p = { 0 };
	struct scratch s;

	(void)state;
	open_cgroups(&s, "member\n");
	assert_int_equal(unlinkat(s.fd, written[2], 0), 0);
	assert_int_equal(
		cg_partition_make(s.fd, OWN, &(struct cg_partition_wish){ "root", own, own }, &p),
		0);
	assert_false(p.holds);
	assert_string_equal(p.actual, "member");
	assert_non_null(strstr(p.reason, "cpuset.cpus.exclusive of the cgroups above: No such"));
	assert_file(s.fd, written[1], "\n");
	cg_partition_done(&p);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partition_is_made_and_followed_and_undone),
		cmocka_unit_test(test_partition_that_is_undone_gives_back_all_that_is_not_refused),
		cmocka_unit_test(test_partition_that_is_refused_is_said_and_a_plain_cpuset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
