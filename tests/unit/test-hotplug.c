/* SPDX-License-Identifier: Apache-2.0 */
/* Following the hardware: real changes of interfaces in a network namespace of this process, to one
 * call a burst. */
#include "tests/unit/netns.h"

#include "agent/discover.h"
#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND = 1000 * 1000 };

struct rig {
	const char *missing; /* why there is no namespace; NULL: there is */
	sd_event *loop;
	struct discover_watch *watch;
	unsigned calls, turns;
};

static uint64_t now_usec(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

static void on_changed(void *userdata)
{
	struct rig *r = userdata;

	r->calls++;
}

/* Turns the loop for so long, or until it has called once more; how long that took. */
static uint64_t turn(struct rig *r, uint64_t limit_usec, bool until_called)
{
	uint64_t begin = now_usec(), now = begin;
	unsigned before = r->calls;

	while (now - begin < limit_usec && !(until_called && r->calls > before)) {
		assert_true(sd_event_run(r->loop, limit_usec - (now - begin)) >= 0);
		r->turns++;
		now = now_usec();
	}
	return now - begin;
}

static int rig_enter(void **state)
{
	static struct rig rig;

	rig.missing = netns_enter();
	*state = &rig;
	return 0;
}

static void rig_open(struct rig *r)
{
	struct fail f = { 0 };

	if (r->missing) {
		print_message("skipped: %s\n", r->missing);
		skip();
	}
	assert_int_equal(sd_event_new(&r->loop), 0);
	if (discover_watch_new(&r->watch, r->loop, on_changed, r, &f) < 0)
		fail_msg("%s", f.text);
	r->calls = r->turns = 0;
}

static void rig_close(struct rig *r)
{
	r->watch = discover_watch_free(r->watch);
	r->loop = sd_event_unref(r->loop);
}

/* Until nothing has happened for longer than the pauses of a storm last. */
static void quieten(struct rig *r)
{
	unsigned before;

	for (int i = 0; i < 20; i++) {
		before = r->turns;
		turn(r, 5 * SECOND / 2, false);
		if (r->turns <= before + 1) /* the end of the time */
			return;
	}
	fail_msg("it does not become quiet");
}

static void make_cable(struct rig *r)
{
	netns_cable("hot0", "hot1");
	netns_set_up("hot0", true);
	netns_set_up("hot1", true);
	turn(r, 2 * SECOND, false);
	quieten(r); /* duplicate detection takes a while, on a busy machine a long one */
	assert_true(r->calls > 0);
	r->calls = r->turns = 0;
}

static void await_call(struct rig *r)
{
	unsigned before = r->calls;
	uint64_t took = turn(r, 5 * SECOND, true);

	assert_int_equal(r->calls, before + 1);
	assert_true(took < SECOND);
}

static void test_hotplug_calls_within_a_second_of_a_carrier_lost_and_back(void **state)
{
	struct rig *r = *state;

	rig_open(r);
	make_cable(r);
	netns_set_up("hot1", false);
	await_call(r);
	netns_set_up("hot1", true);
	await_call(r);
	netns_remove("hot0");
	rig_close(r);
}

static void test_hotplug_sleeps_while_nothing_happens_that_matters(void **state)
{
	const struct netns_address local = { "hot0", "169.254.1.1/16", 0 };
	struct rig *r = *state;

	rig_open(r);
	make_cable(r);
	turn(r, 2 * SECOND, false);
	assert_true(r->turns <= 1); /* the end of the time */
	netns_add(&local);
	turn(r, SECOND, false);
	assert_int_equal(r->calls, 0);
	netns_remove("hot0");
	rig_close(r);
}

/* Interfaces come, go and change without end, hundreds of messages a second. */
static void test_hotplug_makes_no_storm_of_a_storm(void **state)
{
	struct rig *r = *state;
	uint64_t begin, lasted;

	rig_open(r);
	make_cable(r);
	begin = now_usec();
	while ((lasted = now_usec() - begin) < 4 * SECOND) {
		netns_cable("storm0", "storm1");
		netns_set_up("storm0", true);
		netns_set_up("storm1", true);
		netns_remove("storm0");
		turn(r, 20000, false);
	}
	/* After 0.2, 0.4, then every 0.7 s: as many as fit, and the look goes on. */
	print_message("%u looks in a storm of %.1f s\n", r->calls, (double)lasted / SECOND);
	assert_true(r->calls <= 3 + lasted / DISCOVER_SETTLE_MAX_USEC);
	assert_true(r->calls >= 3);
	turn(r, 2 * SECOND, false);
	r->calls = 0;
	turn(r, 3 * SECOND, false); /* it is over */
	assert_int_equal(r->calls, 0);
	netns_set_up("hot1", false);
	await_call(r);
	netns_remove("hot0");
	rig_close(r);
}

/* With one descriptor more each time there is no bell at all, then udev's alone. */
static void test_hotplug_does_with_the_bells_that_can_be_had(void **state)
{
	struct rig *r = *state;
	struct rlimit before, few;
	int k = -EMFILE;

	rig_open(r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	r->watch = discover_watch_free(r->watch);
	few = before;
	for (few.rlim_cur = 3; k < 0; few.rlim_cur++) {
		struct fail f = { 0 };

		assert_true(few.rlim_cur < 64);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		k = discover_watch_new(&r->watch, r->loop, on_changed, r, &f);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		assert_true(k == 0 || strstr(f.text, "hotplug events"));
	} /* the first that succeeds has room for udev's alone */
	netns_cable("few0", "few1");
	assert_true(turn(r, 5 * SECOND, true) < SECOND);
	netns_remove("few0");
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hotplug_calls_within_a_second_of_a_carrier_lost_and_back),
		cmocka_unit_test(test_hotplug_sleeps_while_nothing_happens_that_matters),
		cmocka_unit_test(test_hotplug_makes_no_storm_of_a_storm),
		cmocka_unit_test(test_hotplug_does_with_the_bells_that_can_be_had),
	};

	return cmocka_run_group_tests(tests, rig_enter, NULL);
}
