/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions in a directory that plays the hierarchy: who is granted which CPUs on the way down to
 * one that is the slice itself, and to one that is a part of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgroups/partition.h"
#include "scratch.h"

static const char *const folders[] = { "all", "all/slice", "all/slice/scope",
				       "all/slice/scope/part" };

struct rig {
	struct scratch scratch;
	struct cpuset *own, *granted, *others, *wider, *granted_wider;
};

static struct cpuset *set(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

static void rig_open(struct rig *r)
{
	char name[80];

	scratch_open(&r->scratch);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		assert_int_equal(mkdirat(r->scratch.fd, folders[i], 0755), 0);
		(void)snprintf(name, sizeof(name), "%s/cpuset.cpus", folders[i]);
		put_file(r->scratch.fd, name, "\n");
		(void)snprintf(name, sizeof(name), "%s/cpuset.cpus.exclusive", folders[i]);
		put_file(r->scratch.fd, name, "\n");
		(void)snprintf(name, sizeof(name), "%s/cpuset.cpus.partition", folders[i]);
		put_file(r->scratch.fd, name, "member");
	}
	r->own = set("2-3");
	r->granted = set("2-3,8");
	r->others = set("8");
	r->wider = set("3-5");
	r->granted_wider = set("3-5,8");
}

static void rig_close(struct rig *r)
{
	cpuset_free(r->own);
	cpuset_free(r->granted);
	cpuset_free(r->others);
	cpuset_free(r->wider);
	cpuset_free(r->granted_wider);
	scratch_done(&r->scratch);
}

static void assert_granted(const struct rig *r, const char *const expected[ARRAY_SIZE(folders)])
{
	char name[80];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		(void)snprintf(name, sizeof(name), "%s/cpuset.cpus.exclusive", folders[i]);
		assert_file(r->scratch.fd, name, expected[i]);
	}
}

static void make(const struct rig *r, const char *path, const char *top, const char *type)
{
	const struct cg_partition_wish wish = {
		.type = type, .cpus = r->own, .granted = r->granted, .top = top
	};
	struct cg_partition p;

	assert_int_equal(cg_partition_make(r->scratch.fd, path, &wish, &p), 0);
	assert_true(p.holds);
	assert_null(p.reason);
	assert_string_equal(p.actual, type);
	cg_partition_done(&p);
}

static void test_part_is_granted_what_its_slice_has_alone(void **state)
{
	static const char *const made[] = { "2-3,8", "2-3", "2-3", "2-3" }, *const undone[] = {
		"8", "\n", "\n", "\n"
	};
	const char *kind = NULL;
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, "/all/slice/scope/part", "/all/slice", "root");
	assert_granted(&r, made);
	assert_int_equal(cg_partition_kind(r.scratch.fd, "/all/slice/scope/part", &kind), 0);
	assert_string_equal(kind, "root");
	assert_int_equal(
		cg_partition_undo(r.scratch.fd, "/all/slice/scope/part", "/all/slice", r.others),
		0);
	assert_granted(&r, undone);
	assert_file(r.scratch.fd, "all/slice/scope/part/cpuset.cpus.partition", "member");
	rig_close(&r);
}

static void test_slice_itself_is_granted_its_own_below_all(void **state)
{
	static const char *const made[] = { "2-3,8", "2-3", "\n", "\n" }, *const undone[] = {
		"8", "\n", "\n", "\n"
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, "/all/slice", NULL, "isolated");
	assert_granted(&r, made);
	assert_int_equal(cg_partition_undo(r.scratch.fd, "/all/slice", "/all/slice", r.others), 0);
	assert_granted(&r, undone);
	rig_close(&r);
}

static void test_part_moves_and_all_above_with_it(void **state)
{
	static const char *const moved[] = { "3-5,8", "3-5", "3-5", "3-5" };
	struct cg_partition p;
	struct rig r;

	(void)state;
	rig_open(&r);
	make(&r, "/all/slice/scope/part", "/all/slice", "isolated");
	const struct cg_partition_change change = { .granted_before = r.granted,
						    .granted = r.granted_wider,
						    .cpus_before = r.own,
						    .cpus = r.wider,
						    .top = "/all/slice" };
	assert_int_equal(cg_partition_move(r.scratch.fd, "/all/slice/scope/part", &change, &p), 0);
	assert_true(p.holds);
	assert_false(p.stopped);
	assert_granted(&r, moved);
	assert_file(r.scratch.fd, "all/slice/scope/part/cpuset.cpus", "3-5");
	cg_partition_done(&p);
	rig_close(&r);
}

static void test_partition_that_is_undone_gives_back_all_that_is_not_refused(void **state)
{
	static const struct {
		const char *file, *after;
	} written[] = {
		{ "all/slice/cpuset.cpus.partition", "member" },
		{ "all/slice/cpuset.cpus.exclusive", "\n" },
		{ "all/cpuset.cpus.exclusive", "8" },
	};

	(void)state;
	for (size_t refused = 0; refused < ARRAY_SIZE(written); refused++) {
		struct rig r;

		rig_open(&r);
		make(&r, "/all/slice", "/all/slice", "isolated");
		assert_int_equal(unlinkat(r.scratch.fd, written[refused].file, 0), 0);
		assert_int_equal(
			cg_partition_undo(r.scratch.fd, "/all/slice", "/all/slice", r.others),
			-ENOENT);
		for (size_t i = 0; i < ARRAY_SIZE(written); i++)
			if (i != refused)
				assert_file(r.scratch.fd, written[i].file, written[i].after);
		rig_close(&r);
	}
}

/* Linux before 6.7 has no such file: the cgroup is left an ordinary one. */
static void test_kernel_without_exclusive_cpus_is_told(void **state)
{
	const char *path = "/all/slice/scope/part";
	struct cg_partition p;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(unlinkat(r.scratch.fd, "all/slice/scope/cpuset.cpus.exclusive", 0), 0);
	const struct cg_partition_wish wish = {
		.type = "isolated", .cpus = r.own, .granted = r.granted, .top = "/all/slice"
	};
	assert_int_equal(cg_partition_make(r.scratch.fd, path, &wish, &p), 0);
	assert_false(p.holds);
	assert_string_equal(
		p.reason, "cpuset.cpus.exclusive of the cgroups above: No such file or directory");
	assert_file(r.scratch.fd, "all/slice/scope/part/cpuset.cpus.partition", "member");
	assert_file(r.scratch.fd, "all/slice/cpuset.cpus.exclusive", "\n");
	cg_partition_done(&p);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_is_granted_what_its_slice_has_alone),
		cmocka_unit_test(test_slice_itself_is_granted_its_own_below_all),
		cmocka_unit_test(test_part_moves_and_all_above_with_it),
		cmocka_unit_test(test_partition_that_is_undone_gives_back_all_that_is_not_refused),
		cmocka_unit_test(test_kernel_without_exclusive_cpus_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
