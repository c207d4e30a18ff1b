/* SPDX-License-Identifier: Apache-2.0 */
/* System V leftovers: the kernel's tables as they are, with what may be wrong with them. */
#include "leftover_sysv.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define SHM_HEAD                                                                                   \
	"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  " \
	"cgid      atime      dtime      ctime                   rss                  swap\n"
#define SEM_HEAD \
	"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n"
#define MSG_HEAD                                                                                  \
	"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid " \
	"     stime      rtime      ctime\n"
#define SHM_ROW                                                                                    \
	"-559038737      32769   600              52428800  4711  4712      3  1000   100  1001  " \
	" "                                                                                        \
	"100          0          0 1790000000              4096000                 8192\n"

struct seen {
	struct leftover last;
	unsigned count, stop_at;
};

static int see(const struct leftover *l, void *userdata)
{
	struct seen *s = userdata;

	s->last = *l;
	return ++s->count == s->stop_at ? 7 : 0;
}

static int parse(enum leftover_kind kind, const char *text, struct seen *s)
{
	_cleanup_free_ char *copy = strdup(text);

	assert_non_null(copy);
	return leftover_sysv_parse(kind, copy, &(struct leftover_walk){ see, s });
}

static void test_segment_is_read_with_all_that_is_known_of_it(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(parse(LEFTOVER_SHM, SHM_HEAD SHM_ROW, &s), 0);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.last.kind, LEFTOVER_SHM);
	assert_int_equal(s.last.key, 0xdeadbeef);
	assert_int_equal(s.last.id, 32769);
	assert_int_equal(s.last.owner, 1000);
	assert_int_equal(s.last.creator, 1001);
	assert_int_equal(s.last.bytes, 4096000 + 8192);
	assert_int_equal(s.last.made_by, 4711);
	assert_int_equal(s.last.attached, 3);
	assert_true(s.last.born_usec == UINT64_C(1790000000) * 1000000);
	assert_null(s.last.name);
}

static void test_other_kinds_are_read_by_their_own_columns(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(parse(LEFTOVER_SEM,
			       SEM_HEAD "         0          3   644         16 4294967295   100 "
					"2147483648   100          0 1790000001\n",
			       &s),
			 0);
	assert_int_equal(s.last.id, 3);
	assert_int_equal(s.last.owner, UINT32_MAX);
	assert_int_equal(s.last.creator, 2147483648);
	assert_int_equal(s.last.bytes, 0);
	assert_int_equal(s.last.attached, 0);
	assert_int_equal(parse(LEFTOVER_MSG,
			       MSG_HEAD "        42          9   600         129          2  501  "
					" 502  1000   100  1000   100 1 2 1790000002\n",
			       &s),
			 0);
	assert_int_equal(s.last.bytes, 129);
	assert_int_equal(s.last.used_by[0], 501);
	assert_int_equal(s.last.used_by[1], 502);
	assert_int_equal(s.last.made_by, 0);
}

/* Columns came at the end with kernels; an old one has fewer, a new one may have more. */
static void test_columns_are_found_by_their_names(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(parse(LEFTOVER_SHM,
			       "key shmid perms size cpid lpid nattch uid gid cuid cgid atime "
			       "dtime ctime\n1 2 600 4096 5 6 0 7 8 9 10 11 12 13\n",
			       &s),
			 0);
	assert_int_equal(s.last.bytes, 4096);
	assert_int_equal(s.last.creator, 9);
	assert_int_equal(parse(LEFTOVER_SEM, "new key semid uid cuid ctime\n1 2 3 4 5 6\n", &s), 0);
	assert_int_equal(s.last.id, 3);
	assert_int_equal(s.last.owner, 4);
}

static void test_tables_that_are_damaged_are_refused(void **state)
{
	static const struct {
		enum leftover_kind kind;
		const char *text;
		int result;
		unsigned count;
	} vectors[] = {
		{ LEFTOVER_SHM, SHM_HEAD, 0, 0 },
		{ LEFTOVER_SHM, "", -EBADMSG, 0 },
		{ LEFTOVER_SHM, "\n", -EBADMSG, 0 },
		{ LEFTOVER_SHM, SEM_HEAD, -EBADMSG, 0 },
		{ LEFTOVER_SHM, SHM_ROW, -EBADMSG, 0 },
		{ LEFTOVER_SHM, "garbage\001\377 \t x\n", -EBADMSG, 0 },
		{ LEFTOVER_SHM, SHM_HEAD SHM_ROW SHM_ROW, 0, 2 },
		{ LEFTOVER_SHM, SHM_HEAD SHM_ROW "1 2 3\n", -EBADMSG, 1 },
		{ LEFTOVER_SHM, SHM_HEAD SHM_ROW "       key", -EBADMSG, 1 },
		{ LEFTOVER_SEM, SEM_HEAD "1 -2 3 4 5 6 7 8 9 10\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 99999999999 3 4 5 6 7 8 9 10\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 2 3 4 five 6 7 8 9 10\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 2 3 4 5 6 7 8 9 -10\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 2 3 4 5 6 7 8 9 18446744073709551615\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 2 3 4 5 6 7 8 9 99999999999999999999\n", -EBADMSG, 0 },
		{ LEFTOVER_SEM, SEM_HEAD "1 2 3 4 5 6 7 8 9 10 11\n", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct seen s = { 0 };
		int r = parse(vectors[i].kind, vectors[i].text, &s);

		if (r != vectors[i].result || s.count != vectors[i].count)
			fail_msg("vector %zu: %d after %u", i, r, s.count);
	}
}

static void test_hundred_thousand_segments_are_read_or_refused_by_their_size(void **state)
{
	enum { ROWS = 100000 };
	struct seen s = { 0 };
	struct leftover_walk walk = { see, &s };
	struct scratch dir;
	FILE *file;

	(void)state;
	scratch_open(&dir);
	assert_int_equal(leftover_sysv_each(dir.fd, 1 << 20, &walk), 0); /* a kernel without */
	assert_int_equal(mkdirat(dir.fd, "sysvipc", 0700), 0);
	file = fdopen(openat(dir.fd, "sysvipc/shm", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "w");
	assert_non_null(file);
	assert_true(fputs(SHM_HEAD, file) >= 0);
	for (int i = 0; i < ROWS; i++)
		assert_true(fputs(SHM_ROW, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(leftover_sysv_each(dir.fd, 64 << 10, &walk), -E2BIG);
	assert_int_equal(s.count, 0);
	assert_int_equal(leftover_sysv_each(dir.fd, 64 << 20, &walk), 0);
	assert_int_equal(s.count, ROWS);
	s = (struct seen){ .stop_at = 3 };
	assert_int_equal(leftover_sysv_each(dir.fd, 64 << 20, &walk), 7);
	assert_int_equal(s.count, 3);
	scratch_done(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_is_read_with_all_that_is_known_of_it),
		cmocka_unit_test(test_other_kinds_are_read_by_their_own_columns),
		cmocka_unit_test(test_columns_are_found_by_their_names),
		cmocka_unit_test(test_tables_that_are_damaged_are_refused),
		cmocka_unit_test(test_hundred_thousand_segments_are_read_or_refused_by_their_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
