/* SPDX-License-Identifier: Apache-2.0 */
/* Leftover files: a made-up /dev/shm, with what its users may put there. */
#include "leftover_files.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

enum { ROOM = 128 };

struct seen {
	struct leftover items[ROOM];
	unsigned count;
};

static int see(const struct leftover *l, void *userdata)
{
	struct seen *s = userdata;

	assert_true(s->count < ROOM);
	s->items[s->count] = *l;
	s->items[s->count].name = strdup(l->name);
	assert_non_null(s->items[s->count].name);
	s->count++;
	return 0;
}

static const struct leftover *seen_as(const struct seen *s, const char *name)
{
	for (unsigned i = 0; i < s->count; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return &s->items[i];
	return NULL;
}

static void forget(struct seen *s)
{
	for (unsigned i = 0; i < s->count; i++)
		free(s->items[i].name);
	*s = (struct seen){ 0 };
}

static void make_dir(int root, const char *path)
{
	assert_int_equal(mkdirat(root, path, 0755), 0);
}

static void places_open(struct scratch *s)
{
	scratch_open(s);
	make_dir(s->fd, "dev");
	make_dir(s->fd, "dev/shm");
}

static int walk(const struct scratch *s, size_t limit, struct seen *seen)
{
	return leftover_files_each(s->fd, limit, &(struct leftover_walk){ see, seen });
}

static void test_everything_is_seen_and_no_link_is_followed(void **state)
{
	struct leftover_places places;
	struct seen seen = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	assert_int_equal(walk(&s, 100, &seen), 0); /* no such places */
	leftover_places_find(s.fd, &places);
	assert_int_equal(places.count, 0);
	scratch_done(&s);
	places_open(&s);
	make_dir(s.fd, "outside");
	put_file(s.fd, "outside/precious", "x");
	put_file(s.fd, "dev/shm/a b\n\001", "12345");
	make_dir(s.fd, "dev/shm/job");
	put_file(s.fd, "dev/shm/job/rank0", "x");
	assert_int_equal(symlinkat("../../outside", s.fd, "dev/shm/link"), 0);
	assert_int_equal(symlinkat("/", s.fd, "dev/shm/job/root"), 0);
	assert_int_equal(mkfifoat(s.fd, "dev/shm/fifo", 0600), 0);
	assert_int_equal(walk(&s, 100, &seen), 0);
	assert_int_equal(seen.count, 6);
	assert_non_null(seen_as(&seen, "a b\n\001"));
	assert_non_null(seen_as(&seen, "job/rank0"));
	assert_non_null(seen_as(&seen, "job/root"));
	assert_non_null(seen_as(&seen, "link"));
	assert_non_null(seen_as(&seen, "fifo"));
	assert_true(seen_as(&seen, "job")->directory);
	assert_true(seen_as(&seen, "job") > seen_as(&seen, "job/rank0")); /* its files first */
	assert_int_equal(seen_as(&seen, "link")->kind, LEFTOVER_FILE);
	assert_int_equal(seen_as(&seen, "link")->creator, geteuid());
	assert_true(seen_as(&seen, "link")->born_usec > 0);
	leftover_places_find(s.fd, &places);
	assert_int_equal(places.count, 1);
	for (unsigned i = 0; i < seen.count; i++)
		assert_int_equal(leftover_files_remove(s.fd, &seen.items[i]), 0);
	forget(&seen);
	assert_int_equal(walk(&s, 100, &seen), 0);
	assert_int_equal(seen.count, 0);
	assert_true(fs_exists(s.fd, "outside/precious"));
	scratch_done(&s);
}

enum { NESTED = 66 };

static void clear_nested(int root)
{
	for (int depth = NESTED; depth > 0; depth--) {
		char path[16 + 2 * NESTED] = "dev/shm";

		for (int i = 0; i < depth; i++)
			strcat(path, "/d");
		assert_int_equal(unlinkat(root, path, AT_REMOVEDIR), 0);
	}
}

static void test_walk_is_bounded_in_number_and_depth(void **state)
{
	_cleanup_close_ int at = -1;
	struct seen seen = { 0 };
	struct scratch s;

	(void)state;
	places_open(&s);
	for (char name[] = "dev/shm/0"; name[8] <= '9'; name[8]++)
		put_file(s.fd, name, "");
	assert_int_equal(walk(&s, 9, &seen), -E2BIG);
	forget(&seen);
	assert_int_equal(walk(&s, 10, &seen), 0);
	assert_int_equal(seen.count, 10);
	forget(&seen);
	at = fs_open_dir(s.fd, "dev/shm");
	for (int depth = 0; depth < NESTED; depth++) {
		int next;

		make_dir(at, "d");
		next = fs_open_dir(at, "d");
		close_fd(at);
		at = next;
	}
	put_file(at, "deep", "");
	assert_int_equal(walk(&s, 1000, &seen), -E2BIG);
	assert_int_equal(seen.count, 10 + 65); /* whoever nests hides nothing but his own */
	forget(&seen);
	assert_int_equal(unlinkat(at, "deep", 0), 0);
	clear_nested(s.fd);
	scratch_done(&s);
}

static void test_another_in_its_place_is_not_removed(void **state)
{
	struct leftover_node node;
	struct seen seen = { 0 };
	struct leftover l;
	struct scratch s;

	(void)state;
	places_open(&s);
	put_file(s.fd, "dev/shm/x", "mine");
	make_dir(s.fd, "dev/shm/dir");
	put_file(s.fd, "dev/shm/dir/y", "mine");
	make_dir(s.fd, "outside");
	put_file(s.fd, "outside/y", "precious");
	assert_int_equal(walk(&s, 100, &seen), 0);

	put_file(s.fd, "dev/shm/new", "another");
	assert_int_equal(renameat(s.fd, "dev/shm/new", s.fd, "dev/shm/x"), 0);
	assert_int_equal(leftover_files_remove(s.fd, seen_as(&seen, "x")), -ESTALE);
	assert_file(s.fd, "dev/shm/x", "another");

	assert_int_equal(renameat(s.fd, "dev/shm/dir", s.fd, "dev/shm/old"), 0);
	assert_int_equal(leftover_files_remove(s.fd, seen_as(&seen, "dir/y")), -ENOENT);
	assert_int_equal(symlinkat("../../outside", s.fd, "dev/shm/dir"), 0);
	assert_true(leftover_files_remove(s.fd, seen_as(&seen, "dir/y")) < 0);
	assert_file(s.fd, "outside/y", "precious");
	assert_int_equal(unlinkat(s.fd, "dev/shm/dir", 0), 0);
	assert_int_equal(symlinkat("old", s.fd, "dev/shm/dir"), 0); /* to the very one */
	assert_true(leftover_files_remove(s.fd, seen_as(&seen, "dir/y")) < 0);
	assert_file(s.fd, "dev/shm/old/y", "mine");

	l = *seen_as(&seen, "dir/y");
	node = l.node;
	for (size_t i = 0; i < 3; i++) {
		static char paths[3][32] = { "../../outside/y", "/etc/passwd", "" };

		l.name = paths[i];
		l.node = node;
		assert_true(leftover_files_remove(s.fd, &l) < 0);
	}
	l.name = NULL;
	assert_int_equal(leftover_files_remove(s.fd, &l), -EINVAL);
	l = *seen_as(&seen, "dir/y");
	l.owner++;
	l.name = (char *)"old/y";
	assert_int_equal(leftover_files_remove(s.fd, &l), -ESTALE); /* given to another since */
	l.owner--;
	l.directory = false;
	assert_int_equal(leftover_files_remove(s.fd, &l), 0);
	forget(&seen);
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_seen_and_no_link_is_followed),
		cmocka_unit_test(test_walk_is_bounded_in_number_and_depth),
		cmocka_unit_test(test_another_in_its_place_is_not_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
