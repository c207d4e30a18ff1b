/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, records, getters and units: aligned, and not to be upset by what an agent sends. */
#include "ctl-fixture.h"
#include "ctl/look.h"
#include "ctl/show.h"
#include "ctl/unit.h"
#include "ctl/writer.h"

#include <time.h>

static const struct screen plain = { .utf8 = true, .columns = 80 };

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_TEXT, NULL },	   { "SIZE", "size", COLUMN_BYTES, NULL },
	{ "N", "deep.er.n", COLUMN_NUMBER, NULL }, { "STATE", "state", COLUMN_VERDICT, NULL },
	{ "WORDS", "words", COLUMN_LIST, NULL },   { 0 },
};

static void test_table_is_aligned(void **state)
{
	json_t *rows =
		fixture_json("[{\"name\":\"a\",\"size\":1073741824,\"deep\":{\"er\":{\"n\":7}},"
			     "\"state\":\"ok\",\"words\":[\"x\",1]},"
			     "{\"name\":\"longer\",\"size\":512,\"state\":\"failed\"}]");
	struct buf b = { 0 };

	(void)state;
	writer_table(&b, &plain, columns, rows, NULL);
	assert_string_equal(b.data, "NAME     SIZE  N  STATE   WORDS\n"
				    "a       1 GiB  7  ok      x 1\n"
				    "longer  512 B     failed\n");
	json_decref(rows);
	buf_done(&b);
}

static void test_table_of_nothing_says_so(void **state)
{
	json_t *rows = json_array();
	struct buf b = { 0 };

	(void)state;
	writer_table(&b, &plain, columns, rows, "(none)");
	writer_table(&b, &plain, columns, NULL, "(none)");
	writer_table(&b, &plain, columns, rows, NULL);
	assert_string_equal(b.data, "(none)\n(none)\n");
	json_decref(rows);
	buf_done(&b);
}

static void test_table_survives_wrong_types_and_escapes(void **state)
{
	json_t *rows = fixture_json("[null,5,[],{\"name\":[1],\"size\":\"\\u001b[2J\",\"deep\":3,"
				    "\"state\":{},\"words\":\"w\"},{\"name\":\"\\u009b\\u202e\","
				    "\"size\":-1,\"words\":{\"k\":null}}]");
	struct buf b = { 0 };

	(void)state;
	writer_table(&b, &plain, columns, rows, NULL);
	writer_record(&b, &plain, columns, json_array_get(rows, 3));
	writer_record(&b, &plain, columns, NULL);
	assert_int_equal(b.error, 0);
	assert_null(strchr(b.data, '\033'));
	assert_null(strstr(b.data, "\xc2\x9b"));
	assert_non_null(strstr(b.data, "??"));
	json_decref(rows);
	buf_done(&b);
}

static void test_colours_only_where_they_may_be(void **state)
{
	const struct screen coloured = { .utf8 = true, .columns = 80, .colour = true };
	json_t *rows = fixture_json("[{\"name\":\"a\",\"state\":\"failed\"}]");
	struct buf with = { 0 }, without = { 0 };

	(void)state;
	writer_table(&with, &coloured, columns, rows, NULL);
	writer_table(&without, &plain, columns, rows, NULL);
	assert_non_null(strstr(with.data, "\033[1;31mfailed\033[0m"));
	assert_null(strchr(without.data, '\033'));
	json_decref(rows);
	buf_done(&with);
	buf_done(&without);
}

static void test_slice_shows_what_enforces_each_limit(void **state)
{
	json_t *document = fixture_load("server-2-sockets.json");
	json_t *slice = json_array_get(look_array(document, "slices.slices"), 0);
	struct buf b = { 0 };

	(void)state;
	show_slice_text(&b, &plain, slice);
	assert_non_null(strstr(b.data, "slice           train-1\n"));
	assert_non_null(strstr(b.data, "memory by node  node 0: 48 GiB\n"));
	assert_non_null(strstr(b.data, "LIMIT  MECHANISM  FILE         ASKED      KERNEL SAYS  "
				       "REASON\n"
				       "cpus   partition  cpuset.cpus  2-5,18-21  2-5,18-21\n"));
	assert_non_null(strstr(b.data, "why it is there\none NUMA node has all of it\n"));
	json_decref(document);
	buf_done(&b);
}

static void test_look_finds_only_what_is_of_its_type(void **state)
{
	json_t *o =
		fixture_json("{\"a\":{\"b\":\"text\",\"n\":-1,\"t\":true,\"big\":5,\"z\":null}}");
	uint64_t n = 77;

	(void)state;
	assert_string_equal(look_text(o, "a.b"), "text");
	assert_null(look_text(o, "a.n"));
	assert_null(look_text(o, "a.b.c"));
	assert_null(look_text(NULL, "a"));
	assert_null(look(o, "a.z"));
	assert_null(look_array(o, "a"));
	assert_non_null(look_object(o, "a"));
	assert_false(look_u64(o, "a.n", &n));
	assert_int_equal(n, 77);
	assert_true(look_u64(o, "a.big", &n));
	assert_int_equal(n, 5);
	assert_int_equal(look_u64_or(o, "a.b", 9), 9);
	assert_true(look_true(o, "a.t"));
	assert_false(look_true(o, "a.b"));
	assert_null(look(
		o, "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	json_decref(o);
}

static void test_units_are_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} vectors[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ UINT64_C(4) << 30, "4 GiB" },
		{ UINT64_C(3) << 29, "1.5 GiB" },
		{ (UINT64_C(1) << 30) - 1, "1024 MiB" },
		{ UINT64_C(251) << 30, "251 GiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		buf_clear(&b);
		unit_bytes(&b, vectors[i].bytes);
		assert_string_equal(b.data, vectors[i].text);
	}
	buf_clear(&b);
	unit_rate(&b, 25000);
	unit_size(&b, 3840755982336);
	assert_string_equal(b.data, "25 Gb/s3.8 TB");
	buf_done(&b);
}

static void test_times_are_local_and_garbage_is_passed_on_safely(void **state)
{
	struct buf b = { 0 };

	(void)state;
	setenv("TZ", "XYZ-2", 1);
	tzset();
	unit_time(&b, "2026-03-01T23:30:00.123456Z");
	assert_string_equal(b.data, "2026-03-02 01:30:00");
	buf_clear(&b);
	unit_time(&b, "2026-03-01T23:30:00Z");
	assert_string_equal(b.data, "2026-03-02 01:30:00");
	buf_clear(&b);
	unit_time(&b, "yesterday\033[0m");
	assert_string_equal(b.data, "yesterday?[0m");
	buf_clear(&b);
	unit_time(&b, NULL);
	assert_int_equal(b.size, 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_aligned),
		cmocka_unit_test(test_table_of_nothing_says_so),
		cmocka_unit_test(test_table_survives_wrong_types_and_escapes),
		cmocka_unit_test(test_colours_only_where_they_may_be),
		cmocka_unit_test(test_slice_shows_what_enforces_each_limit),
		cmocka_unit_test(test_look_finds_only_what_is_of_its_type),
		cmocka_unit_test(test_units_are_for_people),
		cmocka_unit_test(test_times_are_local_and_garbage_is_passed_on_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
