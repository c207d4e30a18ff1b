/* SPDX-License-Identifier: Apache-2.0 */
/* Taking from the tasks of a slice and giving back exactly, on plain files that play cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

#include "relief.h"

/* As long as what is written over them: plain files keep the tail of what was longer. */
#define HIGH "99999999"
#define CPUS "990000 50000"

enum { ALL = RELIEF_MEMORY | RELIEF_CPU | RELIEF_FREEZE, EVIDENCE = 1024 };

struct rig {
	struct scratch scratch;
	struct relief *relief;
	struct relief_target target;
	char evidence[EVIDENCE];
};

static void put_leaf(struct rig *r, const char *name, const char *high, const char *cpu)
{
	_cleanup_close_ int leaf = -1;

	assert_int_equal(mkdirat(r->target.cgroup, name, 0755), 0);
	leaf = fs_open_dir(r->target.cgroup, name);
	put_file(leaf, "memory.high", high);
	put_file(leaf, "memory.current", "40960000\n");
	put_file(leaf, "cpu.max", cpu);
	put_file(leaf, "cgroup.freeze", "0");
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .target.millicpus = 2000 };
	scratch_open(&r->scratch);
	assert_int_equal(mkdirat(r->scratch.fd, "cgroup", 0755), 0);
	assert_int_equal(mkdirat(r->scratch.fd, "run", 0755), 0);
	r->target.cgroup = fs_open_dir(r->scratch.fd, "cgroup");
	put_leaf(r, "init", HIGH, CPUS);
	put_leaf(r, "one", HIGH, CPUS);
}

static void renew(struct rig *r) /* another agent */
{
	char dir[128];

	r->relief = relief_free(r->relief);
	(void)snprintf(dir, sizeof(dir), "%s/run", r->scratch.path);
	assert_int_equal(relief_new(&r->relief, dir), 0);
}

static void rig_done(struct rig *r)
{
	r->relief = relief_free(r->relief);
	close_fd(r->target.cgroup);
	scratch_done(&r->scratch);
}

static void assert_leaf(struct rig *r, const char *name, const char *high, const char *cpu,
			const char *frozen)
{
	_cleanup_close_ int leaf = fs_open_dir(r->target.cgroup, name);
	char text[64];

	assert_int_equal(fs_read_line(leaf, "memory.high", text, sizeof(text)), 0);
	assert_string_equal(text, high);
	assert_int_equal(fs_read_line(leaf, "cpu.max", text, sizeof(text)), 0);
	assert_string_equal(text, cpu);
	assert_int_equal(fs_read_line(leaf, "cgroup.freeze", text, sizeof(text)), 0);
	assert_string_equal(text, frozen);
}

static int set(struct rig *r, unsigned bits)
{
	return relief_set(r->relief, &r->target, bits, r->evidence, sizeof(r->evidence));
}

static void write_leaf(struct rig *r, const char *name, const char *file, const char *text)
{
	_cleanup_close_ int leaf = fs_open_dir(r->target.cgroup, name);

	put_file(leaf, file, text);
}

static void test_relief_takes_from_tasks_and_not_from_init(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	assert_int_equal(set(&r, RELIEF_MEMORY | RELIEF_FREEZE), 0);
	assert_int_equal(relief_bits(r.relief), RELIEF_MEMORY | RELIEF_FREEZE);
	assert_leaf(&r, "one", "40960000", CPUS, "1");
	assert_leaf(&r, "init", HIGH, CPUS, "0");
	assert_string_equal(r.evidence, "one/memory.high: 99999999 -> 40960000, "
					"one/cgroup.freeze: 0 -> 1");
	assert_true(fs_exists(r.scratch.fd, "run/pressure"));
	assert_int_equal(set(&r, RELIEF_MEMORY), 0); /* thawed, and still held */
	assert_leaf(&r, "one", "40960000", CPUS, "0");
	assert_string_equal(r.evidence, "one/cgroup.freeze: 1 -> 0");
	assert_int_equal(set(&r, 0), 0);
	assert_leaf(&r, "one", HIGH, CPUS, "0");
	assert_int_equal(relief_bits(r.relief), 0);
	assert_false(fs_exists(r.scratch.fd, "run/pressure"));
	assert_int_equal(set(&r, 0), 0);
	assert_string_equal(r.evidence, "");
	rig_done(&r);
}

static void test_relief_divides_a_quarter_of_the_cpus_among_tasks(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	put_leaf(&r, "two", HIGH, "10000 100000"); /* has less already */
	assert_int_equal(set(&r, RELIEF_CPU), 0);
	assert_string_equal(r.evidence, "one/cpu.max: " CPUS " -> 25000 100000");
	assert_leaf(&r, "two", HIGH, "10000 100000", "0");
	assert_int_equal(set(&r, 0), 0);
	assert_leaf(&r, "one", HIGH, CPUS, "0");
	assert_int_equal(fs_remove_tree(r.target.cgroup, "two"), 0);
	r.target.millicpus = 1; /* never less than the kernel's least */
	write_leaf(&r, "one", "cpu.max", "9000 100000");
	assert_int_equal(set(&r, RELIEF_CPU), 0);
	assert_leaf(&r, "one", HIGH, "1000 100000", "0");
	rig_done(&r);
}

static void test_relief_reaches_tasks_that_came_later(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	put_leaf(&r, "late", HIGH, CPUS);
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	assert_string_equal(r.evidence, "late/cgroup.freeze: 0 -> 1");
	assert_leaf(&r, "late", HIGH, CPUS, "1");
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	assert_string_equal(r.evidence, "");
	assert_int_equal(fs_remove_tree(r.target.cgroup, "late"), 0); /* its task ended */
	assert_int_equal(set(&r, 0), 0);
	assert_leaf(&r, "one", HIGH, CPUS, "0");
	rig_done(&r);
}

static bool is_late(const char *leaf, const void *userdata)
{
	assert_string_equal(userdata, "known");
	return strcmp(leaf, "late") == 0;
}

static void test_relief_freezes_a_task_that_is_starting_when_it_runs(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	put_leaf(&r, "late", HIGH, CPUS);
	r.target.spares = is_late;
	r.target.userdata = "known";
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	assert_string_equal(r.evidence, "one/cgroup.freeze: 0 -> 1");
	assert_leaf(&r, "late", HIGH, CPUS, "0");
	assert_int_equal(set(&r, RELIEF_FREEZE | RELIEF_MEMORY), 0); /* of that it is not spared */
	assert_leaf(&r, "late", "40960000", CPUS, "0");
	r.target.spares = NULL;
	assert_int_equal(set(&r, RELIEF_FREEZE | RELIEF_MEMORY), 0);
	assert_string_equal(r.evidence, "late/cgroup.freeze: 0 -> 1");
	assert_int_equal(set(&r, 0), 0);
	assert_leaf(&r, "late", HIGH, CPUS, "0");
	rig_done(&r);
}

static void test_relief_leaves_what_others_have_set(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	put_leaf(&r, "frozen", "4096", CPUS);
	write_leaf(&r, "frozen", "cgroup.freeze", "1"); /* by its owner, before */
	assert_int_equal(set(&r, RELIEF_MEMORY | RELIEF_FREEZE), 0);
	write_leaf(&r, "one", "memory.high", "12288123"); /* by its owner, meanwhile */
	assert_int_equal(set(&r, 0), 0);
	assert_leaf(&r, "one", "12288123", CPUS, "0");
	assert_leaf(&r, "frozen", "4096", CPUS, "1");
	rig_done(&r);
}

static void test_relief_of_an_agent_that_died_is_undone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	renew(&r);
	assert_int_equal(relief_recover(r.relief, r.target.cgroup), 0);
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	renew(&r);
	assert_leaf(&r, "one", HIGH, CPUS, "1");
	assert_int_equal(relief_recover(r.relief, r.target.cgroup), 1);
	assert_leaf(&r, "one", HIGH, CPUS, "0");
	assert_int_equal(relief_bits(r.relief), 0);
	assert_false(fs_exists(r.scratch.fd, "run/pressure"));
	rig_done(&r);
}

static void test_relief_passes_over_a_record_that_is_none(void **state)
{
	static const char *const garbage[] = {
		"",
		"\n\n\n",
		"one",
		"one\tcgroup.freeze\t0",
		"one\tcgroup.procs\t0\t1\n",
		"../one\tcgroup.freeze\t5\t0\n",
		"\tcgroup.freeze\t5\t0\n",
		"none\tcgroup.freeze\t5\t0\n",
		"one\tcgroup.freeze\t5\t7\n", /* 7 is not what is there */
		("one\tcgroup.freeze\t"
		 "00000000000000000000000000000000000000000000000000000000000000000000000\t0\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		struct rig r;

		rig_open(&r);
		renew(&r);
		put_file(r.scratch.fd, "run/pressure", garbage[i]);
		assert_int_equal(relief_recover(r.relief, r.target.cgroup), 1);
		assert_leaf(&r, "one", HIGH, CPUS, "0");
		assert_false(fs_exists(r.scratch.fd, "run/pressure"));
		rig_done(&r);
	}
}

static void test_relief_touches_nothing_that_it_could_not_undo(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(relief_new(&r.relief, "/nonexistent/run"), 0);
	assert_int_equal(set(&r, ALL), -ENOENT);
	assert_leaf(&r, "one", HIGH, CPUS, "0");
	assert_int_equal(relief_bits(r.relief), 0);
	rig_done(&r);
}

static void test_relief_stops_and_starts_real_tasks(void **state)
{
	struct kernel_cgroup k;
	struct rig r;
	int leaf = -1;
	pid_t pid;

	(void)state;
	if (!kernel_cgroup_open(&k)) {
		kernel_cgroup_done(&k);
		return;
	}
	rig_open(&r);
	renew(&r);
	assert_int_equal(cg_make(k.fd, "one", &leaf), 0);
	pid = start_sleeper();
	assert_int_equal(cg_attach(leaf, pid), 0);
	r.target = (struct relief_target){ .cgroup = k.fd, .millicpus = 1000 };
	assert_int_equal(set(&r, RELIEF_FREEZE), 0);
	await(leaf, cg_frozen, true);
	assert_int_equal(set(&r, 0), 0);
	await(leaf, cg_frozen, false);
	assert_int_equal(cg_kill(leaf), 0);
	assert_int_equal(reap_signal(pid), SIGKILL);
	close_fd(leaf);
	r.target.cgroup = fs_open_dir(r.scratch.fd, "cgroup");
	rig_done(&r);
	kernel_cgroup_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relief_takes_from_tasks_and_not_from_init),
		cmocka_unit_test(test_relief_divides_a_quarter_of_the_cpus_among_tasks),
		cmocka_unit_test(test_relief_reaches_tasks_that_came_later),
		cmocka_unit_test(test_relief_freezes_a_task_that_is_starting_when_it_runs),
		cmocka_unit_test(test_relief_leaves_what_others_have_set),
		cmocka_unit_test(test_relief_of_an_agent_that_died_is_undone),
		cmocka_unit_test(test_relief_passes_over_a_record_that_is_none),
		cmocka_unit_test(test_relief_touches_nothing_that_it_could_not_undo),
		cmocka_unit_test(test_relief_stops_and_starts_real_tasks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
