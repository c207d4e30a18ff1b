/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what is put is there again, and a file that cannot be used is set aside, not lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store.h"
#include "tests/unit/scratch.h"
#include "util/buf.h"

#include <sqlite3.h>
#include <stdlib.h>

static struct store *open_store(const struct scratch *dir, bool expect_set_aside)
{
	struct store *s = NULL;
	bool set_aside = !expect_set_aside;
	struct fail f = { 0 };

	if (store_open(&s, dir->path, &set_aside, &f) < 0)
		fail_msg("%s", f.text);
	assert_int_equal(set_aside, expect_set_aside);
	return s;
}

static int on_record(const char *slice, const char *task, const char *record, void *userdata)
{
	return buf_format(userdata, "%s%s%s=%s;", slice, task ? "/" : "", task ? task : "", record);
}

static void assert_slices(struct store *s, const char *expected)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	buf_text(&b, "");
	assert_int_equal(store_each_slice(s, on_record, &b), 0);
	assert_string_equal(b.data, expected);
}

static void assert_tasks(struct store *s, const char *slice, const char *expected)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	buf_text(&b, "");
	assert_int_equal(store_each_task(s, slice, on_record, &b), 0);
	assert_string_equal(b.data, expected);
}

static void fill(struct store *s)
{
	assert_int_equal(store_put_slice(s, "b", "2", NULL), 0);
	assert_int_equal(store_put_slice(s, "a", "1", NULL), 0);
	assert_int_equal(store_put_task(s, "a", "y", "{}", NULL), 0);
	assert_int_equal(store_put_task(s, "a", "x", "old", NULL), 0);
	assert_int_equal(store_put_task(s, "a", "x", "new", NULL), 0);
	assert_int_equal(store_put_task(s, "b", "x", "'\";--", NULL), 0);
	assert_int_equal(store_set_sequence(s, 1ULL << 40), 0);
}

static void test_records_are_there_again_in_order(void **state)
{
	struct scratch dir;
	struct store *s;

	(void)state;
	scratch_open(&dir);
	s = open_store(&dir, false);
	assert_int_equal(store_sequence(s), 0);
	assert_slices(s, "");
	fill(s);
	for (int run = 0; run < 2; run++) {
		assert_slices(s, "a=1;b=2;");
		assert_tasks(s, "a", "a/x=new;a/y={};");
		assert_tasks(s, "b", "b/x='\";--;");
		assert_tasks(s, "c", "");
		assert_int_equal(store_sequence(s), 1ULL << 40);
		store_free(s);
		s = open_store(&dir, false);
	}
	store_free(s);
	scratch_done(&dir);
}

static void test_slice_goes_with_its_tasks(void **state)
{
	struct scratch dir;
	struct store *s;

	(void)state;
	scratch_open(&dir);
	s = open_store(&dir, false);
	fill(s);
	assert_int_equal(store_remove_task(s, "a", "y"), 0);
	assert_tasks(s, "a", "a/x=new;");
	assert_int_equal(store_remove_slice(s, "a"), 0);
	assert_slices(s, "b=2;");
	assert_tasks(s, "a", "");
	assert_tasks(s, "b", "b/x='\";--;");
	assert_int_equal(store_remove_slice(s, "a"), 0); /* absent is fine */
	assert_int_equal(store_remove_task(s, "nobody", "x"), 0);
	store_free(s);
	scratch_done(&dir);
}

static int stop_at_first(const char *slice, const char *task, const char *record, void *userdata)
{
	(void)slice;
	(void)task;
	(void)record;
	++*(unsigned *)userdata;
	return -ECANCELED;
}

/* Adoption walks and writes at the same time. */
static int write_while_walking(const char *slice, const char *task, const char *record,
			       void *userdata)
{
	(void)task;
	(void)record;
	assert_int_equal(store_put_task(userdata, slice, "z", "w", NULL), 0);
	assert_int_equal(store_set_sequence(userdata, 5), 0);
	return 0;
}

static void test_walk_stops_when_told_and_allows_writes(void **state)
{
	struct scratch dir;
	unsigned calls = 0;
	struct store *s;

	(void)state;
	scratch_open(&dir);
	s = open_store(&dir, false);
	fill(s);
	assert_int_equal(store_each_slice(s, stop_at_first, &calls), -ECANCELED);
	assert_int_equal(calls, 1);
	assert_int_equal(store_each_slice(s, write_while_walking, s), 0);
	assert_tasks(s, "b", "b/x='\";--;b/z=w;");
	assert_slices(s, "a=1;b=2;");
	store_free(s);
	scratch_done(&dir);
}

static void test_damaged_file_is_set_aside(void **state)
{
	static const char damaged[] = "this is no data base, and long enough to be seen as none";
	struct scratch dir;
	struct store *s;

	(void)state;
	scratch_open(&dir);
	put_file(dir.fd, "reeve.db", damaged);
	s = open_store(&dir, true);
	assert_file(dir.fd, "reeve.db.bad", damaged);
	fill(s);
	store_free(s);
	s = open_store(&dir, false);
	assert_slices(s, "a=1;b=2;");
	store_free(s);
	scratch_done(&dir);
}

static void run_sql(const struct scratch *dir, const char *sql)
{
	char path[96];
	sqlite3 *db = NULL;

	(void)snprintf(path, sizeof(path), "%s/reeve.db", dir->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_store_of_another_making_is_set_aside(void **state)
{
	static const char *const makings[] = {
		"UPDATE meta SET value = 99 WHERE key = 'version'", /* of a later reeve */
		"UPDATE meta SET value = -1 WHERE key = 'sequence'",
		"UPDATE meta SET value = 9223372036854775807 WHERE key = 'sequence'",
		"DROP TABLE slice; CREATE TABLE slice (something TEXT)",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(makings); i++) {
		struct scratch dir;
		struct store *s;

		scratch_open(&dir);
		s = open_store(&dir, false);
		fill(s);
		store_free(s);
		run_sql(&dir, makings[i]);
		s = open_store(&dir, true);
		assert_slices(s, "");
		assert_int_equal(store_sequence(s), 0);
		store_free(s);
		assert_true(fs_exists(dir.fd, "reeve.db.bad"));
		scratch_done(&dir);
	}
}

static void test_store_that_cannot_be_made_is_told(void **state)
{
	static const char *const places[] = { "/nonexistent/place", "/proc", "/dev/null" };
	char *path = malloc(6000);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct store *s = NULL;
		struct fail f = { 0 };
		bool set_aside;

		assert_true(store_open(&s, places[i], &set_aside, &f) < 0);
		assert_null(s);
		assert_non_null(strstr(f.text, "store"));
	}
	memset(path, 'x', 5999);
	path[5999] = 0;
	assert_int_equal(store_open(&(struct store *){ NULL }, path, &(bool){ false }, NULL),
			 -ENAMETOOLONG);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_are_there_again_in_order),
		cmocka_unit_test(test_slice_goes_with_its_tasks),
		cmocka_unit_test(test_walk_stops_when_told_and_allows_writes),
		cmocka_unit_test(test_damaged_file_is_set_aside),
		cmocka_unit_test(test_store_of_another_making_is_set_aside),
		cmocka_unit_test(test_store_that_cannot_be_made_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
