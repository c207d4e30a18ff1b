/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered events: the ring, its readers, and the numbers over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal.h"
#include "store.h"
#include "tests/unit/scratch.h"
#include "wire/json.h"

enum { KEPT = 16 };

struct rig {
	struct host *host;
	struct journal *journal;
	unsigned wakes;
};

static uint64_t fixed_time(const struct host *host)
{
	(void)host;
	return 1700000000123456;
}

static void rig_open(struct rig *r, struct store *store)
{
	*r = (struct rig){ 0 };
	assert_int_equal(host_open(&r->host, NULL, NULL), 0);
	r->host->realtime_usec = fixed_time;
	assert_int_equal(journal_new(&r->journal, r->host, store, KEPT, NULL), 0);
}

static void rig_done(struct rig *r)
{
	journal_free(r->journal);
	host_free(r->host);
}

static void report(struct rig *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(journal_report(r->journal, EVENT_SLICE_CREATED,
						&(struct event_about){ .slice = "a" }, "{\"x\":1}"),
				 0);
}

static void on_wake(void *userdata)
{
	struct rig *r = userdata;

	r->wakes++;
}

static struct journal_reader *read_after(struct rig *r, uint64_t after)
{
	struct journal_reader *reader = NULL;

	assert_int_equal(journal_reader_new(&reader, r->journal, after, on_wake, r), 0);
	return reader;
}

static void assert_next(struct journal_reader *reader, uint64_t seq)
{
	struct journal_record record = { 0 };
	uint64_t from = 0;

	assert_int_equal(journal_reader_peek(reader, &record, &from), JOURNAL_RECORD);
	assert_int_equal(record.seq, seq);
	assert_int_equal(strlen(record.text), record.size);
	journal_reader_advance(reader);
}

static void assert_lost(struct journal_reader *reader, uint64_t first_gone, uint64_t resume)
{
	struct journal_record record = { 0 };
	uint64_t from = 0;

	assert_int_equal(journal_reader_peek(reader, &record, &from), JOURNAL_LOST);
	assert_int_equal(from, first_gone);
	assert_int_equal(record.seq, resume);
	journal_reader_advance(reader);
}

static void assert_nothing(struct journal_reader *reader)
{
	struct journal_record record = { 0 };
	uint64_t from = 0;

	assert_int_equal(journal_reader_peek(reader, &record, &from), JOURNAL_NOTHING);
	journal_reader_advance(reader); /* moves nowhere */
	assert_int_equal(journal_reader_peek(reader, &record, &from), JOURNAL_NOTHING);
}

static void test_event_is_one_line_of_json(void **state)
{
	_cleanup_json_ json_t *event = NULL;
	struct journal_reader *reader;
	struct journal_record record;
	uint64_t from;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	reader = read_after(&r, 0);
	assert_nothing(reader);
	assert_int_equal(journal_report(r.journal, EVENT_TASK_EXITED,
					&(struct event_about){ .slice = "a\"b", .task = "t" },
					"{\"code\":0}"),
			 0);
	assert_int_equal(r.wakes, 1);
	assert_int_equal(journal_reader_peek(reader, &record, &from), JOURNAL_RECORD);
	assert_string_equal(record.slice, "a\"b");
	assert_null(strchr(record.text, '\n'));
	assert_int_equal(json_parse_object(record.text, record.size, &event, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(event, "seq")), 1);
	assert_string_equal(json_string_value(json_object_get(event, "time")),
			    "2023-11-14T22:13:20.123456Z");
	assert_string_equal(json_string_value(json_object_get(event, "kind")), "task.exited");
	assert_string_equal(json_string_value(json_object_get(event, "slice")), "a\"b");
	assert_string_equal(json_string_value(json_object_get(event, "task")), "t");
	assert_null(json_object_get(event, "device"));
	assert_true(json_is_object(json_object_get(event, "data")));
	journal_reader_free(reader);
	rig_done(&r);
}

static void test_readers_each_have_their_own_place(void **state)
{
	struct journal_reader *all, *late, *future;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	report(&r, 3);
	all = read_after(&r, 0);
	late = read_after(&r, 2);
	future = read_after(&r, 1000); /* of another store: it reads from here on */
	assert_nothing(future);
	for (uint64_t seq = 1; seq <= 3; seq++)
		assert_next(all, seq);
	assert_next(late, 3);
	assert_nothing(late);
	report(&r, 1);
	assert_int_equal(r.wakes, 3);
	assert_next(all, 4);
	assert_next(late, 4);
	assert_next(future, 4);
	assert_nothing(future);
	journal_reader_free(all);
	report(&r, 1); /* the one that left is not woken */
	assert_int_equal(r.wakes, 5);
	journal_reader_free(late);
	journal_reader_free(future);
	rig_done(&r);
}

static void test_slow_reader_is_told_what_it_lost_and_goes_on(void **state)
{
	struct journal_reader *reader;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	reader = read_after(&r, 0);
	report(&r, KEPT);
	assert_int_equal(journal_first(r.journal), 1);
	report(&r, 5);
	assert_int_equal(journal_first(r.journal), 6);
	assert_int_equal(journal_last(r.journal), KEPT + 5);
	assert_lost(reader, 1, 6);
	for (uint64_t seq = 6; seq <= KEPT + 5; seq++)
		assert_next(reader, seq);
	assert_nothing(reader);
	report(&r, 10 * KEPT);
	assert_lost(reader, KEPT + 6, 10 * KEPT + 6);
	assert_next(reader, 10 * KEPT + 6);
	journal_reader_free(reader);
	rig_done(&r);
}

/* A reader may be anywhere when the ring turns under it. */
static void test_reader_at_any_place_sees_every_number_once(void **state)
{
	for (unsigned step = 1; step < 3 * KEPT; step++) {
		struct journal_reader *reader;
		struct journal_record record;
		uint64_t from, wanted = 1;
		struct rig r;

		(void)state;
		rig_open(&r, NULL);
		reader = read_after(&r, 0);
		for (unsigned turn = 0; turn < 8; turn++) {
			enum journal_answer answer;

			report(&r, step);
			while ((answer = journal_reader_peek(reader, &record, &from)) !=
			       JOURNAL_NOTHING) {
				assert_int_equal(answer == JOURNAL_LOST ? from : record.seq,
						 wanted);
				wanted = answer == JOURNAL_LOST ? record.seq : wanted + 1;
				journal_reader_advance(reader);
			}
			assert_int_equal(wanted, journal_last(r.journal) + 1);
		}
		journal_reader_free(reader);
		rig_done(&r);
	}
}

static void test_unnumbered_carries_the_last_number(void **state)
{
	_cleanup_json_ json_t *event = NULL;
	_cleanup_free_ char *text = NULL;
	struct rig r;

	(void)state;
	rig_open(&r, NULL);
	report(&r, 7);
	text = journal_render_unnumbered(r.journal, EVENT_HEARTBEAT, NULL);
	assert_int_equal(json_parse_object(text, strlen(text), &event, NULL), 0);
	assert_int_equal(json_integer_value(json_object_get(event, "seq")), 7);
	assert_string_equal(json_string_value(json_object_get(event, "kind")), "heartbeat");
	assert_null(json_object_get(event, "data"));
	assert_int_equal(journal_last(r.journal), 7);
	rig_done(&r);
}

/* A restart never hands a number out twice, and who asks for old ones is told that they are gone.
 */
static void test_numbers_go_on_over_restarts(void **state)
{
	struct scratch dir;
	uint64_t last = 0;

	(void)state;
	scratch_open(&dir);
	for (unsigned run = 0; run < 4; run++) {
		struct journal_reader *reader;
		struct store *store = NULL;
		bool set_aside = false;
		struct rig r;

		assert_int_equal(store_open(&store, dir.path, &set_aside, NULL), 0);
		rig_open(&r, store);
		assert_true(journal_last(r.journal) >= last);
		report(&r, 1 + run * 900); /* also over the end of a block of numbers */
		assert_true(journal_last(r.journal) > last);
		assert_true(store_sequence(store) >= journal_last(r.journal));
		reader = read_after(&r, 0);
		if (journal_first(r.journal) > 1)
			assert_lost(reader, 1, journal_first(r.journal));
		assert_next(reader, journal_first(r.journal));
		last = journal_last(r.journal);
		journal_reader_free(reader);
		rig_done(&r);
		assert_int_equal(store_sequence(store), last); /* an orderly end: no hole */
		store_free(store);
	}
	scratch_done(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_is_one_line_of_json),
		cmocka_unit_test(test_readers_each_have_their_own_place),
		cmocka_unit_test(test_slow_reader_is_told_what_it_lost_and_goes_on),
		cmocka_unit_test(test_reader_at_any_place_sees_every_number_once),
		cmocka_unit_test(test_unnumbered_carries_the_last_number),
		cmocka_unit_test(test_numbers_go_on_over_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
