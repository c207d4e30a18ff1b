/* SPDX-License-Identifier: Apache-2.0 */
/* Loading on probation: every way in which a child can end. */
#include "drivers/topology-trial.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int load_returns(void *argument)
{
	return *(int *)argument;
}

static int load_raises(void *argument)
{
	(void)raise(*(int *)argument);
	return 0;
}

/* By mmap: a sanitizer's malloc takes from what it reserved at the start. */
static int load_allocates(void *argument)
{
	size_t bytes = (size_t) * (int *)argument << 20;
	void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? -errno : 0;
}

static int load_exits(void *argument)
{
	_exit(*(int *)argument);
}

static int trial(int (*load)(void *), int value, struct fail *f)
{
	*f = (struct fail){ 0 };
	return topology_trial(load, &value, f);
}

static void test_trial_answers_what_the_child_returned(void **state)
{
	struct fail f;

	(void)state;
	assert_int_equal(trial(load_returns, 0, &f), 0);
	assert_int_equal(trial(load_returns, -EINVAL, &f), -EINVAL);
	assert_int_equal(f.error, 0);
}

/* The agent has the kernel reap its children. */
static void test_trial_does_not_depend_on_who_reaps_children(void **state)
{
	const struct sigaction reaped = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	struct sigaction before, after;
	struct fail f;

	(void)state;
	assert_int_equal(sigaction(SIGCHLD, &reaped, &before), 0);
	assert_int_equal(trial(load_returns, -EINVAL, &f), -EINVAL);
	assert_int_equal(sigaction(SIGCHLD, &before, &after), 0);
	assert_true(after.sa_flags & SA_NOCLDWAIT); /* left as it was */
}

static void test_trial_tells_of_a_crash_in_a_sentence(void **state)
{
	struct fail f;

	(void)state;
	assert_int_equal(trial(load_raises, SIGSEGV, &f), -EBADMSG);
	assert_non_null(strstr(f.text, "Segmentation fault"));
	assert_int_equal(trial(load_raises, SIGABRT, &f), -EBADMSG);
	assert_int_equal(trial(load_raises, SIGALRM, &f), -EBADMSG);
	assert_int_equal(trial(load_returns, 1, &f), -EBADMSG);
	assert_int_equal(trial(load_exits, 127, &f), -EBADMSG);
}

static void test_trial_bounds_the_memory_of_the_child(void **state)
{
	struct fail f;

	(void)state;
	assert_int_equal(trial(load_allocates, 16, &f), 0);
	assert_int_equal(trial(load_allocates, 1024, &f), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trial_answers_what_the_child_returned),
		cmocka_unit_test(test_trial_does_not_depend_on_who_reaps_children),
		cmocka_unit_test(test_trial_tells_of_a_crash_in_a_sentence),
		cmocka_unit_test(test_trial_bounds_the_memory_of_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
