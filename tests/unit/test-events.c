/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.events and memory.events: whole, older, newer, and garbled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scratch.h"

static void test_events_read_both_states(void **state)
{
	bool populated = false, frozen = true;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "cgroup.events", "populated 1\nfrozen 0\nthawing 17\n");
	assert_int_equal(cg_populated(s.fd, &populated), 0);
	assert_int_equal(cg_frozen(s.fd, &frozen), 0);
	assert_true(populated);
	assert_false(frozen);
	scratch_done(&s);
}

static void test_events_refuse_what_does_not_say(void **state)
{
	static const char *const garbage[] = { "",
					       "populated\n",
					       "populated 2\n",
					       "populated x\n",
					       "populated -1\n",
					       "populated 1 1\n",
					       "frozen 0\n" };
	bool populated = true;
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_populated(s.fd, &populated), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		put_file(s.fd, "cgroup.events", garbage[i]);
		assert_int_equal(cg_populated(s.fd, &populated), -EBADMSG);
		assert_true(populated);
	}
	scratch_done(&s);
}

static void test_events_count_out_of_memory_kills(void **state)
{
	struct cg_memory_events events = { .oom = 99 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(cg_memory_events(s.fd, &events), -ENOENT);
	assert_int_equal(events.oom, 99);
	put_file(s.fd, "memory.events",
		 "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\nsock_throttled 7\n");
	assert_int_equal(cg_memory_events(s.fd, &events), 0);
	assert_int_equal(events.low, 1);
	assert_int_equal(events.high, 2);
	assert_int_equal(events.max, 3);
	assert_int_equal(events.oom, 4);
	assert_int_equal(events.oom_kill, 5);
	assert_int_equal(events.oom_group_kill, 6);
	put_file(s.fd, "memory.events", "oom 1\noom_kill 1\n"); /* before 5.17 */
	assert_int_equal(cg_memory_events(s.fd, &events), 0);
	assert_int_equal(events.oom_group_kill, 0);
	put_file(s.fd, "memory.events", "oom 99999999999999999999999\n");
	assert_int_equal(cg_memory_events(s.fd, &events), -EBADMSG);
	assert_int_equal(events.oom, 1);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_read_both_states),
		cmocka_unit_test(test_events_refuse_what_does_not_say),
		cmocka_unit_test(test_events_count_out_of_memory_kills),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
