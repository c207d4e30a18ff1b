/* SPDX-License-Identifier: Apache-2.0 */
/* What is set by system call for a process and read back of it, in children; users and groups of
 * tasks; capabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pin.h"
#include "privs.h"
#include "tests/unit/scratch.h"
#include "user.h"

#include <sys/capability.h>

/* A child that pins itself and waits; the pipe tells when it has. */
static pid_t start_pinned(const struct pin *pin, int *ret_error)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r = pin_self(pin);

		(void)!write(ends[1], &r, sizeof(r));
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], ret_error, sizeof(*ret_error)), sizeof(*ret_error));
	close_fd(ends[0]);
	close_fd(ends[1]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(reap_signal(pid), SIGKILL);
}

static struct cpuset *own_cpus(void)
{
	struct cpuset *s = NULL;

	assert_int_equal(pin_read_cpus(0, &s), 0);
	assert_false(cpuset_empty(s));
	return s;
}

static struct cpuset *only(int number)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_new(&s), 0);
	assert_int_equal(cpuset_add(s, (unsigned)number), 0);
	return s;
}

static void test_affinity_is_set_and_read_back_for_each_cpu(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *all = own_cpus();
	_cleanup_(host_freep) struct host *host = NULL;

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	cpuset_each (cpu, all) {
		_cleanup_(cpuset_freep) struct cpuset *one = only(cpu), *seen = NULL, *back = NULL;
		int error = 1;
		pid_t pid = start_pinned(&(struct pin){ .cpus = one }, &error);

		assert_int_equal(error, 0);
		assert_int_equal(pin_read_cpus(pid, &seen), 0);
		assert_true(cpuset_equal(seen, one));
		assert_int_equal(pin_process(host, pid, all), 0);
		assert_int_equal(pin_read_cpus(pid, &back), 0);
		assert_true(cpuset_equal(back, all));
		end(pid);
	}
}

static void test_nothing_asked_for_changes_nothing(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *all = own_cpus(), *seen = NULL, *none = NULL;
	int error = 1;
	pid_t pid;

	(void)state;
	assert_int_equal(cpuset_new(&none), 0);
	pid = start_pinned(&(struct pin){ .cpus = none, .nodes = NULL }, &error);
	assert_int_equal(error, 0);
	assert_int_equal(pin_read_cpus(pid, &seen), 0);
	assert_true(cpuset_equal(seen, all));
	end(pid);
}

static void test_cpus_that_do_not_exist_are_refused(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *far = only(8000), *beyond = only(60000);
	int error = 0;

	(void)state;
	end(start_pinned(&(struct pin){ .cpus = far }, &error));
	assert_int_equal(error, -EINVAL);
	end(start_pinned(&(struct pin){ .cpus = beyond }, &error));
	assert_int_equal(error, -EINVAL);
}

static void test_memory_policy_is_set_and_read_back(void **state)
{
	static const struct {
		bool only;
		const char *begins;
	} vectors[] = { { true, "bind:0" }, { false, "prefer" } };
	_cleanup_(cpuset_freep) struct cpuset *node = only(0);
	_cleanup_(host_freep) struct host *host = NULL;

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *policy = NULL;
		int error = 1, r;
		pid_t pid = start_pinned(
			&(struct pin){ .nodes = node, .nodes_only = vectors[i].only }, &error);

		r = pin_read_policy(host, pid, &policy);
		end(pid);
		if (error < 0 || r < 0) {
			print_message("skipped: no memory policies here: %s\n",
				      strerror(error < 0 ? -error : -r));
			skip();
		}
		if (strncmp(policy, vectors[i].begins, strlen(vectors[i].begins)) != 0)
			fail_msg("the policy is %s", policy);
	}
}

static void test_process_that_is_gone_is_no_error_to_pin(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *all = own_cpus(), *seen = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	pid_t pid = start_sleeper();

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	end(pid);
	assert_int_equal(pin_process(host, pid, all), 0);
	assert_int_equal(pin_read_cpus(pid, &seen), -ESRCH);
	assert_null(seen);
}

static int resolve(struct task_spec *s, const char *user, const char *group, uid_t caller,
		   struct fail *f)
{
	task_spec_init(s);
	s->user = user ? strdup(user) : NULL;
	s->group = group ? strdup(group) : NULL;
	return user_resolve(s, caller, caller, f);
}

static void test_users_and_groups_become_numbers(void **state)
{
	static const struct {
		const char *user, *group;
		uid_t caller, uid;
		gid_t gid;
	} vectors[] = {
		{ NULL, NULL, 0, 0, 0 },
		{ "root", NULL, 0, 0, 0 },
		{ "0", NULL, 0, 0, 0 },
		{ "root", "1234567", 0, 0, 1234567 },
		{ NULL, "root", 0, 0, 0 },
		{ "1234567", NULL, 0, 1234567, 1234567 },
		{ "1234567", "root", 0, 1234567, 0 },
		{ NULL, NULL, 1234567, 1234567, 1234567 },
		{ "root", NULL, 1234567, 0, 0 }, /* whether it may is asked elsewhere */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct task_spec s;
		struct fail f = { 0 };

		if (resolve(&s, vectors[i].user, vectors[i].group, vectors[i].caller, &f) < 0)
			fail_msg("%s", f.text);
		assert_int_equal(s.uid, vectors[i].uid);
		assert_int_equal(s.gid, vectors[i].gid);
		task_spec_done(&s);
	}
}

static void test_supplementary_groups_of_a_known_user_are_taken(void **state)
{
	struct task_spec s;
	struct fail f = { 0 };
	bool own = false;

	(void)state;
	assert_int_equal(resolve(&s, "root", NULL, 0, &f), 0);
	assert_true(s.groups_count >= 1);
	for (size_t i = 0; i < s.groups_count; i++)
		own |= s.groups[i] == s.gid;
	assert_true(own);
	task_spec_done(&s);
}

static void test_unknown_users_and_groups_are_refused(void **state)
{
	static const struct {
		const char *user, *group, *code;
	} vectors[] = {
		{ "no-such-user-here", NULL, "no-such-user" },
		{ "", NULL, "no-such-user" },
		{ "-1", NULL, "no-such-user" },
		{ "4294967295", NULL, "no-such-user" }, /* "leave it" to setresuid(2) */
		{ "4294967296", NULL, "no-such-user" },
		{ "root", "no-such-group-here", "no-such-group" },
		{ "root", "4294967295", "no-such-group" },
		{ "root", "", "no-such-group" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct task_spec s;
		struct fail f = { 0 };

		assert_int_equal(resolve(&s, vectors[i].user, vectors[i].group, 0, &f), -EINVAL);
		assert_string_equal(f.code, vectors[i].code);
		task_spec_done(&s);
	}
}

static bool has(cap_value_t value)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set = CAP_CLEAR;

	assert_int_equal(cap_get_flag(caps, value, CAP_EFFECTIVE, &set), 0);
	(void)cap_free(caps);
	return set == CAP_SET;
}

/* In a child: what is dropped does not come back. */
static int drop_in_child(void)
{
	bool kill_before = has(CAP_KILL);
	struct fail f = { 0 };

	if (privs_drop(&f) < 0)
		return 1;
	if (has(CAP_SYS_MODULE) || has(CAP_SYS_BOOT))
		return 2;
	return has(CAP_KILL) == kill_before ? 0 : 3;
}

static void test_capabilities_that_are_not_needed_are_dropped(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(drop_in_child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_missing_capabilities_are_named(void **state)
{
	_cleanup_free_ char *text = privs_missing_text();
	const char *names[64];
	unsigned count = privs_missing(names, ARRAY_SIZE(names));

	(void)state;
	assert_non_null(text);
	assert_null(names[count]);
	assert_int_equal(count == 0, *text == 0);
	for (unsigned i = 0; i < count; i++) {
		char upper[64] = "CAP_";

		for (size_t k = 0; names[i][k] && k < 50; k++)
			upper[4 + k] = (char)(names[i][k] >= 'a' ? names[i][k] - 32 : names[i][k]);
		if (!strstr(text, upper))
			fail_msg("%s is not in \"%s\"", upper, text);
	}
	assert_int_equal(privs_missing(names, 1), 0);
	assert_null(names[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_affinity_is_set_and_read_back_for_each_cpu),
		cmocka_unit_test(test_nothing_asked_for_changes_nothing),
		cmocka_unit_test(test_cpus_that_do_not_exist_are_refused),
		cmocka_unit_test(test_memory_policy_is_set_and_read_back),
		cmocka_unit_test(test_process_that_is_gone_is_no_error_to_pin),
		cmocka_unit_test(test_users_and_groups_become_numbers),
		cmocka_unit_test(test_supplementary_groups_of_a_known_user_are_taken),
		cmocka_unit_test(test_unknown_users_and_groups_are_refused),
		cmocka_unit_test(test_capabilities_that_are_not_needed_are_dropped),
		cmocka_unit_test(test_missing_capabilities_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
