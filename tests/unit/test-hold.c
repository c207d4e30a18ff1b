/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what slices hold, with rows that only note that they were called: taken in order and
 * given back in reverse, up to the first that fails, and asked for all that is left. */
#include "hold.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct {
	char calls[512];
	const char *fails; /* name of the row that does */
	bool tells;	   /* with a sentence of its own */
} stage;

static int note(const char *what, const char *name)
{
	const size_t used = strlen(stage.calls);

	(void)snprintf(stage.calls + used, sizeof(stage.calls) - used, "%s%s ", what, name);
	return stage.fails && strcmp(stage.fails, name) == 0 ? -EIO : 0;
}

/* What is taken has a `give` and a `left`, unless it goes with the cgroup. */
#define TAKE_ROW(row)                                                                       \
	static int take_##row(struct slice *s, struct enforcements *rows, struct fail *f)   \
	{                                                                                   \
		int r = note("+", #row);                                                    \
                                                                                            \
		(void)s;                                                                    \
		(void)rows;                                                                 \
		return r < 0 && stage.tells ? fail_set(f, r, "the row's own sentence") : r; \
	}
#define ROW(row)                                                  \
	TAKE_ROW(row)                                             \
	static void give_##row(struct slice *s)                   \
	{                                                         \
		(void)s;                                          \
		(void)note("-", #row);                            \
	}                                                         \
	static int left_##row(struct slice *s, struct leaks *ret) \
	{                                                         \
		int r = note("?", #row);                          \
                                                                  \
		(void)s;                                          \
		return r < 0 ? r : leaks_add_note(ret, #row);     \
	}                                                         \
	const struct hold hold_##row = { #row, take_##row, give_##row, left_##row };
#define PASSING_ROW(row) \
	TAKE_ROW(row)    \
	const struct hold hold_##row = { #row, take_##row, NULL, NULL };

PASSING_ROW(parts)
PASSING_ROW(limits)
PASSING_ROW(part_cpus)
ROW(partition)
ROW(quiet)
PASSING_ROW(affinity)
PASSING_ROW(policy)
ROW(hugepages)
ROW(resctrl)
PASSING_ROW(devices)
ROW(cdi)
ROW(network)
PASSING_ROW(pressure)

static int set_up(void **state)
{
	(void)state;
	memset(&stage, 0, sizeof(stage));
	return 0;
}

static void test_hold_takes_in_order_and_gives_back_in_reverse(void **state)
{
	struct enforcements rows = { 0 };
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(hold_take_all(NULL, &rows, &f), 0);
	assert_string_equal(stage.calls, "+parts +limits +part_cpus +partition +quiet +affinity "
					 "+policy +hugepages +resctrl +devices +cdi +network "
					 "+pressure ");
	stage.calls[0] = 0;
	hold_give_all(NULL);
	assert_string_equal(stage.calls, "-network -cdi -resctrl -hugepages -quiet -partition ");
}

static void test_hold_stops_at_the_row_that_fails_and_says_which(void **state)
{
	struct enforcements rows = { 0 };
	struct fail f = { 0 };

	(void)state;
	stage.fails = "quiet";
	assert_int_equal(hold_take_all(NULL, &rows, &f), -EIO);
	assert_string_equal(stage.calls, "+parts +limits +part_cpus +partition +quiet ");
	assert_int_equal(f.error, -EIO);
	assert_string_equal(f.text, "the quiet cannot be set: Input/output error");
	assert_int_equal(hold_take_all(NULL, &rows, NULL), -EIO);
	f = (struct fail){ 0 };
	stage.tells = true;
	assert_int_equal(hold_take_all(NULL, &rows, &f), -EIO);
	assert_string_equal(f.text, "the row's own sentence");
}

static void test_hold_asks_every_row_what_is_left(void **state)
{
	_cleanup_(leaks_done) struct leaks leaks = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(hold_left_all(NULL, &leaks), 0);
	text = leaks_text(&leaks);
	assert_string_equal(text, "partition; quiet; hugepages; resctrl; cdi; network");
	leaks_done(&leaks);
	stage.fails = "hugepages";
	assert_int_equal(hold_left_all(NULL, &leaks), -EIO);
	assert_int_equal(leaks.count, 2); /* what was found before counts */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hold_takes_in_order_and_gives_back_in_reverse, set_up),
		cmocka_unit_test_setup(test_hold_stops_at_the_row_that_fails_and_says_which,
				       set_up),
		cmocka_unit_test_setup(test_hold_asks_every_row_what_is_left, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
