/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the drivers, against a table of its own. */
#include "drivers/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What the drivers of this test did, in order, and what was noted. */
struct record {
	char order[16];
	char note[128];
	int notes;
	int note_answer;
};

static int take_note(void *sink, const char *driver, const char *text)
{
	struct record *r = sink;

	(void)snprintf(r->note, sizeof(r->note), "%s: %s", driver, text);
	r->notes++;
	return r->note_answer;
}

static const struct discovery_sink into_record = { .note = take_note };

static int step(struct discovery *d, char what)
{
	struct record *r = d->sink;

	r->order[strlen(r->order)] = what;
	return 0;
}

static int probe_io(struct discovery *d, struct fail *f)
{
	(void)f;
	return step(d, 'i');
}

static int probe_cpu(struct discovery *d, struct fail *f)
{
	(void)f;
	return step(d, 'c');
}

static int probe_failing(struct discovery *d, struct fail *f)
{
	step(d, 'f');
	return fail_set(f, -EIO, "the bus is gone");
}

static int probe_mute(struct discovery *d, struct fail *f)
{
	(void)f;
	step(d, 'm');
	return -ENODEV;
}

static bool never(const struct discovery *d)
{
	(void)d;
	return false;
}

static const struct driver io = { .name = "io", .phase = DRIVER_PHASE_IO, .probe = probe_io };
static const struct driver cpu = { .name = "cpu", .phase = DRIVER_PHASE_CPU, .probe = probe_cpu };
static const struct driver failing = { .name = "failing",
				       .phase = DRIVER_PHASE_PCI,
				       .probe = probe_failing };
static const struct driver mute = { .name = "mute",
				    .phase = DRIVER_PHASE_ANNOTATE,
				    .probe = probe_mute };
static const struct driver absent = {
	.name = "absent", .phase = DRIVER_PHASE_CPU, .match = never, .probe = probe_failing
};

/* Wins over the archive's table.c at link time. */
const struct driver *const drivers[] = { &io, &failing, &mute, &absent, &cpu, NULL };

static void test_discovery_runs_drivers_by_phase_and_skips_those_that_do_not_match(void **state)
{
	struct record r = { 0 };
	struct discovery d = { .to = &into_record, .sink = &r };

	(void)state;
	assert_int_equal(discovery_run(&d), 0);
	assert_string_equal(r.order, "cfim");
}

static void test_discovery_turns_a_failing_driver_into_a_note(void **state)
{
	struct record r = { 0 };
	struct discovery d = { .to = &into_record, .sink = &r };

	(void)state;
	assert_int_equal(discovery_run(&d), 0);
	assert_int_equal(r.notes, 2);
	assert_string_equal(r.note, "mute: the probe failed: no-device");
}

static void test_discovery_stops_when_notes_cannot_be_taken(void **state)
{
	struct record r = { .note_answer = -ENOMEM };
	struct discovery d = { .to = &into_record, .sink = &r };

	(void)state;
	assert_int_equal(discovery_run(&d), -ENOMEM);
	assert_string_equal(r.order, "cf");
	assert_string_equal(r.note, "failing: the bus is gone");
}

static void test_discovery_note_cuts_what_is_too_long(void **state)
{
	struct record r = { 0 };
	struct discovery d = { .to = &into_record, .sink = &r };
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(discovery_note(&d, "cpu", "%s", text), 0);
	assert_int_equal(strncmp(r.note, "cpu: xxx", 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_discovery_runs_drivers_by_phase_and_skips_those_that_do_not_match),
		cmocka_unit_test(test_discovery_turns_a_failing_driver_into_a_note),
		cmocka_unit_test(test_discovery_stops_when_notes_cannot_be_taken),
		cmocka_unit_test(test_discovery_note_cuts_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
