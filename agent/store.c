/* SPDX-License-Identifier: Apache-2.0 */
/* The store; see store.h. Statements are prepared once. One agent owns it, so the lock is kept:
 * that saves every commit its locking. WAL with synchronous=NORMAL: a commit costs no fsync, and a
 * power cut loses at most the last records, never the file (sqlite.org/wal.html).
 */
#include "store.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_VERSION = 1, BUSY_MSEC = 2000 };
#define SEQUENCE_MAX (1ULL << 62) /* numbers rise from here without ever leaving int64_t */

enum statement {
	PUT_META,
	GET_META,
	PUT_SLICE,
	PUT_TASK,
	REMOVE_TASK,
	REMOVE_SLICE,
	EACH_SLICE,
	EACH_TASK,
	STATEMENTS,
};

static const char *const statement_text[] = {
	[PUT_META] = "INSERT OR REPLACE INTO meta VALUES (?1, ?2)",
	[GET_META] = "SELECT value FROM meta WHERE key = ?1",
	[PUT_SLICE] = "INSERT OR REPLACE INTO slice VALUES (?1, ?2)",
	[PUT_TASK] = "INSERT OR REPLACE INTO task VALUES (?1, ?2, ?3)",
	[REMOVE_TASK] = "DELETE FROM task WHERE slice = ?1 AND name = ?2",
	[REMOVE_SLICE] = "DELETE FROM slice WHERE id = ?1",
	[EACH_SLICE] = "SELECT id, NULL, record FROM slice ORDER BY id",
	[EACH_TASK] = "SELECT slice, name, record FROM task WHERE slice = ?1 ORDER BY name",
};

static const char schema[] =
	"PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -256;"
	"CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS slice (id TEXT PRIMARY KEY, record TEXT) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS task (slice TEXT, name TEXT, record TEXT,"
	" PRIMARY KEY (slice, name)) WITHOUT ROWID;"
	"CREATE TRIGGER IF NOT EXISTS slice_gone AFTER DELETE ON slice"
	" BEGIN DELETE FROM task WHERE slice = OLD.id; END;";

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t sequence;
};

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	default:
		return -EIO;
	}
}

/* Binds the texts in order, up to the first NULL. */
static sqlite3_stmt *bind(struct store *s, enum statement which, const char *const *texts)
{
	sqlite3_stmt *statement = s->statements[which];

	sqlite3_reset(statement);
	for (int i = 0; texts[i]; i++)
		sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_TRANSIENT);
	return statement;
}

static int run(struct store *s, enum statement which, const char *const *texts, struct fail *f)
{
	sqlite3_stmt *statement = bind(s, which, texts);
	int r = to_errno(sqlite3_step(statement));

	if (r < 0)
		fail_code(f, r, "store", "the store cannot be written: %s", sqlite3_errmsg(s->db));
	sqlite3_reset(statement);
	return r;
}

static int get_number(struct store *s, const char *key, uint64_t *ret)
{
	sqlite3_stmt *statement = bind(s, GET_META, (const char *const[]){ key, NULL });
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return to_errno(code);
}

static int put_number(struct store *s, const char *key, uint64_t value)
{
	sqlite3_stmt *statement = bind(s, PUT_META, (const char *const[]){ key, NULL });
	int r;

	sqlite3_bind_int64(statement, 2, (sqlite3_int64)value);
	r = to_errno(sqlite3_step(statement));
	sqlite3_reset(statement);
	return r;
}

static int prepare(struct store *s)
{
	int code = sqlite3_exec(s->db, schema, NULL, NULL, NULL);

	for (int i = 0; code == SQLITE_OK && i < STATEMENTS; i++)
		code = sqlite3_prepare_v3(s->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT,
					  &s->statements[i], NULL);
	/* Our own statements fail only on tables that are not ours. */
	return code == SQLITE_ERROR ? -EBADMSG : to_errno(code);
}

static int check_version(struct store *s)
{
	uint64_t version = 0;
	int r = get_number(s, "version", &version);

	if (r < 0)
		return r;
	if (version > STORE_VERSION)
		return -EBADMSG; /* written by a later reeve */
	r = get_number(s, "sequence", &s->sequence);
	if (r == 0 && s->sequence > SEQUENCE_MAX)
		return -EBADMSG; /* no agent lives to report that many */
	return r < 0 ? r : put_number(s, "version", STORE_VERSION);
}

static int try_open(struct store **ret, const char *path, struct fail *f)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fail_set(f, -ENOMEM, "out of memory");
	r = to_errno(
		sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	if (r == 0) {
		sqlite3_busy_timeout(s->db, BUSY_MSEC);
		r = prepare(s);
	}
	if (r == 0)
		r = check_version(s);
	if (r < 0)
		return fail_code(f, r, "store", "cannot open the store %s: %s", path,
				 s->db ? sqlite3_errmsg(s->db) : "out of memory");
	*ret = TAKE_PTR(s);
	return 0;
}

/* reeve.db -> reeve.db.bad, with its write-ahead log. */
static void set_aside(const char *dir)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, dir);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(suffixes); i++) {
		char from[32], to[32];

		(void)snprintf(from, sizeof(from), "reeve.db%s", suffixes[i]); /* fits */
		(void)snprintf(to, sizeof(to), "reeve.db.bad%s", suffixes[i]); /* fits */
		(void)renameat(fd, from, fd, to); /* what is not there needs no moving */
	}
}

int store_open(struct store **ret, const char *dir, bool *ret_set_aside, struct fail *f)
{
	char path[PATH_MAX];
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s/reeve.db", dir) > sizeof(path) - 16)
		return fail_set(f, -ENAMETOOLONG, "the state directory's path is too long");
	*ret_set_aside = false;
	r = try_open(ret, path, f);
	if (r != -EBADMSG)
		return r;
	set_aside(dir);
	*ret_set_aside = true;
	return try_open(ret, path, f);
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	free(s);
	return NULL;
}

uint64_t store_sequence(const struct store *s)
{
	return s->sequence;
}

int store_set_sequence(struct store *s, uint64_t sequence)
{
	int r = put_number(s, "sequence", sequence);

	if (r == 0)
		s->sequence = sequence;
	return r;
}

int store_put_slice(struct store *s, const char *slice, const char *record, struct fail *f)
{
	return run(s, PUT_SLICE, (const char *const[]){ slice, record, NULL }, f);
}

int store_put_task(struct store *s, const char *slice, const char *task, const char *record,
		   struct fail *f)
{
	return run(s, PUT_TASK, (const char *const[]){ slice, task, record, NULL }, f);
}

int store_remove_task(struct store *s, const char *slice, const char *task)
{
	return run(s, REMOVE_TASK, (const char *const[]){ slice, task, NULL }, NULL);
}

int store_remove_slice(struct store *s, const char *slice)
{
	return run(s, REMOVE_SLICE, (const char *const[]){ slice, NULL }, NULL);
}

static int each(sqlite3_stmt *statement, store_visit visit, void *userdata)
{
	int r = 0, code = SQLITE_DONE;

	while (r >= 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *slice = (const char *)sqlite3_column_text(statement, 0);
		const char *task = (const char *)sqlite3_column_text(statement, 1);
		const char *record = (const char *)sqlite3_column_text(statement, 2);

		if (slice && record)
			r = visit(slice, task, record, userdata);
	}
	sqlite3_reset(statement);

	return r < 0 ? r : to_errno(code);
}

int store_each_slice(struct store *s, store_visit visit, void *userdata)
{
	return each(bind(s, EACH_SLICE, (const char *const[]){ NULL }), visit, userdata);
}

int store_each_task(struct store *s, const char *slice, store_visit visit, void *userdata)
{
	return each(bind(s, EACH_TASK, (const char *const[]){ slice, NULL }), visit, userdata);
}
