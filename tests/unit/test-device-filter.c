/* SPDX-License-Identifier: Apache-2.0 */
/* Device programs on a cgroup of the real kernel: children go into it and open nodes of their own
 * making. Programs of others are made by the test itself, with another name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cgroups/device_filter.h"
#include "cgroups/device_program.h"
#include "scratch.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/sysmacros.h>

enum { R = DEVICE_ACCESS_READ, W = DEVICE_ACCESS_WRITE, M = DEVICE_ACCESS_MKNOD };

static const struct device_rule null_only[] = { { false, 1, 3, R | W | M } },
				null_and_zero[] = { { false, 1, 3, R | W | M },
						    { false, 1, 5, R } },
				zero_only[] = { { false, 1, 5, R | W } };

static struct device_rules rules_of(const struct device_rule *items, size_t count)
{
	return (struct device_rules){ (struct device_rule *)items, count };
}
#define RULES(array) rules_of(array, ARRAY_SIZE(array))

static void load_and_apply(int cgroup, const struct device_rules *rules,
			   struct cg_device_filter *ret)
{
	struct cg_device_program p;

	assert_int_equal(cg_device_load(rules, &p), 0);
	cg_device_apply(cgroup, &p, ret);
	if (ret->holds)
		assert_string_equal(p.tag, ret->actual);
	cg_device_unload(&p);
	assert_int_equal(p.fd, -1);
}

/* A node made by the test, on a file system where one can be opened: /tmp and /dev/shm are often
 * mounted so that none can. Asserts nothing: errno of mknod() or open(), 0 when it is open. */
static int with_node(const char *dir, unsigned type, dev_t number, char path[64])
{
	int fd, error;

	(void)snprintf(path, 64, "%s/reeve-test-node-%d", dir, (int)getpid());
	if (mknod(path, type | 0600, number) < 0)
		return errno;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? errno : 0;
	close_fd(fd);
	return error;
}

static const char *node_dir(void)
{
	static const char *const dirs[] = { "/dev", "/var/tmp", "/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[64];
		int error = with_node(dirs[i], S_IFCHR, makedev(1, 3), path);

		(void)unlink(path); /* it may not have been made */
		if (error == 0)
			return dirs[i];
	}
	return NULL;
}

struct rig {
	struct kernel_cgroup cgroup;
	bool usable;
};

/* Whether the cgroup takes a device program, or a printed reason. */
static bool takes_programs(const struct kernel_cgroup *k)
{
	const struct device_rules rules = RULES(null_only);
	struct cg_device_filter f;

	load_and_apply(k->fd, &rules, &f);
	if (!f.holds || !node_dir()) {
		print_message("skipped: %s\n",
			      f.holds ? "no device node of ours can be opened here" : f.reason);
		return false;
	}
	assert_int_equal(cg_device_remove(k->fd), 0);
	return true;
}

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	*state = r;
	r->usable = kernel_cgroup_open(&r->cgroup) && takes_programs(&r->cgroup);
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	kernel_cgroup_done(&r->cgroup);
	free(r);
	return 0;
}

/* The first call of a test: where it cannot be had, the test is skipped. */
static struct kernel_cgroup *cgroup_of(void **state)
{
	struct rig *r = *state;

	if (!r->usable)
		skip();
	return &r->cgroup;
}

/* What open() of a node with that number says to a child in the cgroup. */
static int try_open(const struct kernel_cgroup *k, unsigned type, dev_t number, int flags)
{
	char path[64];
	int status;
	pid_t child;

	(void)with_node(node_dir(), type, number, path); /* the device itself may be absent */
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (cg_attach(k->fd, getpid()) < 0)
			_exit(255);
		_exit(open(path, flags | O_CLOEXEC) >= 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(unlink(path), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 255);
	return WEXITSTATUS(status);
}

static int try_char(const struct kernel_cgroup *k, unsigned major, unsigned minor, int flags)
{
	return try_open(k, S_IFCHR, makedev(major, minor), flags);
}

static void apply(const struct kernel_cgroup *k, const struct device_rules *rules,
		  struct cg_device_filter *ret)
{
	load_and_apply(k->fd, rules, ret);
	if (!ret->holds)
		fail_msg("it does not hold: %s", ret->reason);
	assert_int_equal(strlen(ret->actual), CG_DEVICE_TAG_SIZE - 1);
	assert_int_equal(ret->error, 0);
	assert_string_equal(ret->reason, "");
	assert_true(cg_device_holds(k->fd, ret->id));
}

static unsigned attached(const struct kernel_cgroup *k)
{
	uint32_t ids[64], count = ARRAY_SIZE(ids);

	assert_int_equal(bpf_prog_query(k->fd, BPF_CGROUP_DEVICE, 0, NULL, ids, &count), 0);
	return count;
}

/* Somebody else's program that allows everything (or nothing, without rules). */
static int put_foreign(const struct kernel_cgroup *k, const struct device_rules *rules,
		       const char *name, uint32_t flags)
{
	_cleanup_free_ struct bpf_insn *items = NULL;
	size_t count;
	int program;

	assert_int_equal(cg_device_assemble(rules, &items, &count), 0);
	program = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, name, "GPL", items, count, NULL);
	assert_true(program >= 0);
	assert_int_equal(bpf_prog_attach(program, k->fd, BPF_CGROUP_DEVICE, flags), 0);
	return program;
}

static void test_filter_lets_open_what_is_listed_and_nothing_else(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules rules = RULES(null_and_zero);
	struct cg_device_filter f;

	assert_int_equal(try_char(k, 1, 7, O_RDONLY), 0);
	apply(k, &rules, &f);
	assert_int_equal(try_char(k, 1, 3, O_RDWR), 0);
	assert_int_equal(try_char(k, 1, 5, O_RDONLY), 0);
	assert_int_equal(try_char(k, 1, 5, O_RDWR), EPERM); /* read alone is listed */
	assert_int_equal(try_char(k, 1, 7, O_RDONLY), EPERM);
	assert_int_equal(try_char(k, 10, 229, O_RDONLY), EPERM);
	assert_int_equal(try_open(k, S_IFBLK, makedev(7, 0), O_RDONLY), EPERM);
	assert_int_equal(try_open(k, S_IFBLK, makedev(1, 3), O_RDONLY), EPERM);
	assert_int_equal(cg_device_remove(k->fd), 0);
	assert_int_equal(try_char(k, 1, 7, O_RDONLY), 0);
}

static void test_filter_holds_in_cgroups_made_below_it_later(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules rules = RULES(null_only);
	struct cg_device_filter f;
	struct kernel_cgroup below = *k;

	apply(k, &rules, &f);
	assert_int_equal(cg_make(k->fd, "task", &below.fd), 0);
	assert_int_equal(try_char(&below, 1, 3, O_RDWR), 0);
	assert_int_equal(try_char(&below, 1, 5, O_RDONLY), EPERM);
	close_fd(below.fd);
}

static void test_filter_that_is_right_stays_and_another_is_replaced(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules one = RULES(null_only), two = RULES(null_and_zero);
	struct cg_device_filter first, again, other;

	apply(k, &one, &first);
	apply(k, &one, &again);
	assert_int_equal(again.id, first.id);
	assert_int_equal(attached(k), 1);
	apply(k, &two, &other);
	assert_int_not_equal(other.id, first.id);
	assert_string_not_equal(other.actual, first.actual);
	assert_int_equal(attached(k), 1);
	assert_false(cg_device_holds(k->fd, first.id));
	assert_int_equal(try_char(k, 1, 5, O_RDONLY), 0);
}

static void test_filter_is_loaded_once_for_many_cgroups(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules rules = RULES(null_only);
	struct cg_device_filter one, two;
	struct cg_device_program p;
	struct kernel_cgroup a = *k, b = *k;

	assert_int_equal(cg_make(k->fd, "a", &a.fd), 0);
	assert_int_equal(cg_make(k->fd, "b", &b.fd), 0);
	assert_int_equal(cg_device_load(&rules, &p), 0);
	cg_device_apply(a.fd, &p, &one);
	cg_device_apply(b.fd, &p, &two);
	cg_device_unload(&p);
	assert_true(one.holds && two.holds);
	assert_int_equal(one.id, two.id);
	assert_int_equal(cg_device_remove(a.fd), 0);
	assert_false(cg_device_holds(a.fd, one.id));
	assert_true(cg_device_holds(b.fd, one.id));
	assert_int_equal(try_char(&b, 1, 5, O_RDONLY), EPERM);
	close_fd(a.fd);
	close_fd(b.fd);
}

static void test_filter_leaves_the_programs_of_others_and_they_bind_too(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules ours = RULES(null_and_zero), theirs = RULES(zero_only);
	struct cg_device_filter f;
	int foreign = put_foreign(k, &theirs, "sd_devices", BPF_F_ALLOW_MULTI);

	apply(k, &ours, &f);
	assert_int_equal(attached(k), 2);
	assert_int_equal(try_char(k, 1, 5, O_RDONLY), 0);
	assert_int_equal(try_char(k, 1, 3, O_RDONLY), EPERM); /* theirs refuses */
	assert_int_equal(cg_device_remove(k->fd), 0);
	assert_int_equal(attached(k), 1);
	assert_int_equal(cg_device_remove(k->fd), 0);
	assert_int_equal(attached(k), 1);
	close_fd(foreign);
}

static void test_filter_outlives_a_program_of_others_that_goes(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules ours = RULES(null_only), theirs = RULES(null_and_zero);
	struct cg_device_filter f;
	int foreign = put_foreign(k, &theirs, "sd_devices", BPF_F_ALLOW_MULTI);

	apply(k, &ours, &f);
	assert_int_equal(bpf_prog_detach2(foreign, k->fd, BPF_CGROUP_DEVICE), 0);
	close_fd(foreign);
	assert_true(cg_device_holds(k->fd, f.id));
	assert_int_equal(try_char(k, 1, 5, O_RDONLY), EPERM);
}

static void test_filter_of_which_there_are_two_becomes_one(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules one = RULES(null_only), two = RULES(zero_only);
	struct cg_device_filter f;

	close_fd(put_foreign(k, &one, CG_DEVICE_NAME, BPF_F_ALLOW_MULTI));
	close_fd(put_foreign(k, &two, CG_DEVICE_NAME, BPF_F_ALLOW_MULTI));
	assert_int_equal(attached(k), 2);
	apply(k, &one, &f);
	assert_int_equal(attached(k), 1);
	assert_int_equal(try_char(k, 1, 3, O_RDWR), 0);
}

static void test_filter_says_so_where_a_program_above_allows_no_other(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules rules = RULES(null_only);
	struct cg_device_filter f;
	int below, foreign = put_foreign(k, &rules, "alone", 0);

	assert_int_equal(cg_make(k->fd, "below", &below), 0);
	load_and_apply(below, &rules, &f);
	assert_false(f.holds);
	assert_int_equal(f.error, -EPERM);
	assert_non_null(strstr(f.reason, "no other"));
	assert_string_equal(f.actual, "");
	assert_int_equal(f.id, 0);
	close_fd(below);
	close_fd(foreign);
}

static void test_filter_of_too_many_rules_is_refused_and_the_old_one_stays(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	_cleanup_(device_rules_done) struct device_rules many = { 0 };
	const struct device_rules one = RULES(null_only);
	struct cg_device_filter first, f;

	for (uint32_t i = 0; i < DEVICE_RULES_MAX; i++)
		assert_int_equal(device_rules_add(&many, &(struct device_rule){ true, 8, i, R }),
				 0);
	apply(k, &one, &first);
	load_and_apply(k->fd, &many, &f);
	assert_false(f.holds);
	assert_int_equal(f.error, -E2BIG);
	assert_non_null(strstr(f.reason, "1024 rules"));
	assert_string_equal(f.actual, first.actual);
	assert_int_equal(try_char(k, 1, 5, O_RDONLY), EPERM);
}

static void test_filter_of_the_most_rules_is_taken_by_the_kernel(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	_cleanup_(device_rules_done) struct device_rules many = { 0 };
	struct cg_device_filter f;

	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(device_rules_add(&many, &(struct device_rule){ false, 1, i, R }),
				 0);
	apply(k, &many, &f);
	assert_int_equal(try_char(k, 1, 7, O_RDONLY), 0);
	assert_int_equal(try_char(k, 1, 7, O_RDWR), EPERM);
}

/* The child gives up every right, as an agent that is not root has none. */
static void test_filter_says_so_without_the_right_to_load(void **state)
{
	struct kernel_cgroup *k = cgroup_of(state);
	const struct device_rules rules = RULES(null_only);
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct cg_device_program p;
		struct cg_device_filter f;

		if (setuid(65534) < 0 || cg_device_load(&rules, &p) < 0)
			_exit(1);
		cg_device_apply(k->fd, &p, &f);
		if (f.holds || f.error != -EPERM || !strstr(f.reason, "CAP_BPF"))
			_exit(2);
		_exit(cg_device_holds(k->fd, 1) ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_filter_of_no_cgroup_is_refused_with_a_sentence(void **state)
{
	const struct device_rules rules = RULES(null_only);
	struct cg_device_filter f;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	load_and_apply(s.fd, &rules, &f);
	assert_false(f.holds);
	assert_true(f.error < 0);
	assert_true(strlen(f.reason) > 0);
	assert_true(cg_device_remove(s.fd) < 0);
	assert_false(cg_device_holds(-1, 1));
	assert_false(cg_device_holds(s.fd, 0));
	scratch_done(&s);
}

#define IN_CGROUP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_CGROUP(test_filter_lets_open_what_is_listed_and_nothing_else),
		IN_CGROUP(test_filter_holds_in_cgroups_made_below_it_later),
		IN_CGROUP(test_filter_that_is_right_stays_and_another_is_replaced),
		IN_CGROUP(test_filter_is_loaded_once_for_many_cgroups),
		IN_CGROUP(test_filter_leaves_the_programs_of_others_and_they_bind_too),
		IN_CGROUP(test_filter_outlives_a_program_of_others_that_goes),
		IN_CGROUP(test_filter_of_which_there_are_two_becomes_one),
		IN_CGROUP(test_filter_says_so_where_a_program_above_allows_no_other),
		IN_CGROUP(test_filter_of_too_many_rules_is_refused_and_the_old_one_stays),
		IN_CGROUP(test_filter_of_the_most_rules_is_taken_by_the_kernel),
		IN_CGROUP(test_filter_says_so_without_the_right_to_load),
		cmocka_unit_test(test_filter_of_no_cgroup_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
