/* SPDX-License-Identifier: Apache-2.0 */
/* Small files relative to a directory fd, in a temporary folder: absent, empty, huge, binary, a
 * FIFO or a folder where a file should stand, links that lead astray. */
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct folder {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	(void)strcpy(folder->path, "/tmp/reeve-fs-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = fs_open_dir(AT_FDCWD, folder->path);
	assert_true(folder->fd >= 0);
	*state = folder;
	return 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	close_fd(folder->fd);
	assert_int_equal(fs_remove_tree(AT_FDCWD, folder->path), 0);
	assert_false(fs_exists(AT_FDCWD, folder->path));
	free(folder);
	return 0;
}

static int folder_of(void **state)
{
	return ((struct folder *)*state)->fd;
}

static void put(int dirfd, const char *path, const char *text)
{
	assert_int_equal(fs_replace(dirfd, path, text, strlen(text), 0600), 0);
}

static void test_fs_read_gives_the_whole_file_and_its_size(void **state)
{
	int dir = folder_of(state);
	_cleanup_free_ char *text = NULL, *empty = NULL;
	size_t size = 99;

	assert_int_equal(fs_replace(dir, "f", "a\0b\n", 4, 0600), 0);
	assert_int_equal(fs_read(dir, "f", 4, &text, &size), 0);
	assert_int_equal(size, 4);
	assert_memory_equal(text, "a\0b\n", 5);
	put(dir, "empty", "");
	assert_int_equal(fs_read(dir, "empty", 1, &empty, NULL), 0);
	assert_string_equal(empty, "");
}

static void test_fs_read_is_bounded(void **state)
{
	char *text = NULL;

	put(folder_of(state), "f", "12345");
	assert_int_equal(fs_read(folder_of(state), "f", 4, &text, NULL), -E2BIG);
	assert_int_equal(fs_read(AT_FDCWD, "/dev/zero", 1 << 20, &text, NULL), -E2BIG);
	assert_null(text);
}

static void test_fs_read_never_blocks_and_tells_why_not(void **state)
{
	int dir = folder_of(state);
	_cleanup_free_ char *nothing = NULL;
	char *text = NULL;

	assert_int_equal(fs_read(dir, "absent", 9, &text, NULL), -ENOENT);
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(fs_read(dir, "d", 9, &text, NULL), -EISDIR);
	assert_int_equal(symlinkat("loop", dir, "loop"), 0);
	assert_int_equal(fs_read(dir, "loop", 9, &text, NULL), -ELOOP);
	assert_null(text);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(fs_read(dir, "fifo", 9, &nothing, NULL), 0);
	assert_string_equal(nothing, "");
}

static void test_fs_read_line_cuts_at_the_newline_and_trailing_blanks(void **state)
{
	static const char *const vectors[][2] = {
		{ "abc\n", "abc" },	  { "abc", "abc" }, { "", "" },	    { "\n", "" },
		{ "a b \t\r\nc", "a b" }, { " a\n", " a" }, { "  \n", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_free_ char *heap = NULL;
		char line[16];

		put(folder_of(state), "f", vectors[i][0]);
		assert_int_equal(fs_read_line(folder_of(state), "f", line, sizeof(line)), 0);
		assert_string_equal(line, vectors[i][1]);
		assert_int_equal(fs_read_line_new(folder_of(state), "f", &heap), 0);
		assert_string_equal(heap, vectors[i][1]);
	}
}

static void test_fs_read_line_never_gives_half_a_line(void **state)
{
	char text[5001], line[8192] = "before";

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	put(folder_of(state), "f", text);
	assert_int_equal(fs_read_line(folder_of(state), "f", line, sizeof(line)), -E2BIG);
	put(folder_of(state), "f", "12345678\n");
	assert_int_equal(fs_read_line(folder_of(state), "f", line, 8), -E2BIG);
	assert_string_equal(line, "before");
	assert_int_equal(fs_read_line(folder_of(state), "f", line, 9), 0);
	assert_string_equal(line, "12345678");
}

static void test_fs_read_numbers_are_strict(void **state)
{
	int dir = folder_of(state);
	uint64_t number = 7;
	int32_t small = 7;

	put(dir, "f", "42\n");
	assert_int_equal(fs_read_u64(dir, "f", &number), 0);
	assert_int_equal(number, 42);
	put(dir, "f", "-1\n");
	assert_int_equal(fs_read_i32(dir, "f", &small), 0);
	assert_int_equal(small, -1);
	assert_int_equal(fs_read_u64(dir, "f", &number), -EINVAL);
	put(dir, "f", "0x0300ff\n");
	assert_int_equal(fs_read_hex(dir, "f", &number), 0);
	assert_int_equal(number, 0x0300ff);
	put(dir, "f", "");
	assert_int_equal(fs_read_u64(dir, "f", &number), -EINVAL);
	put(dir, "f", "max\n");
	assert_int_equal(fs_read_u64(dir, "f", &number), -EINVAL);
	assert_int_equal(fs_read_i32(dir, "absent", &small), -ENOENT);
	assert_int_equal(number, 0x0300ff);
}

static void test_fs_write_wants_a_file_that_is_there(void **state)
{
	int dir = folder_of(state);
	char huge[5000], line[16];

	assert_int_equal(fs_write(dir, "f", "x"), -ENOENT);
	put(dir, "f", "");
	assert_int_equal(fs_write_format(dir, "f", "%d-%s", 1, "two"), 0);
	assert_int_equal(fs_read_line(dir, "f", line, sizeof(line)), 0);
	assert_string_equal(line, "1-two");
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = 0;
	assert_int_equal(fs_write_format(dir, "f", "%s", huge), -E2BIG);
	assert_int_equal(fs_write(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

static void test_fs_replace_leaves_nothing_beside_the_file(void **state)
{
	int dir = folder_of(state);
	_cleanup_(fs_names_freep) char **names = NULL;
	char line[16];
	size_t count;

	put(dir, "f", "old");
	put(dir, "f", "new");
	assert_int_equal(fs_read_line(dir, "f", line, sizeof(line)), 0);
	assert_string_equal(line, "new");
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(fs_replace(dir, "d", "x", 1, 0600), -EISDIR);
	assert_int_equal(fs_list(dir, ".", &names, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "d");
	assert_string_equal(names[1], "f");
}

static void test_fs_replace_does_not_write_through_a_link(void **state)
{
	int dir = folder_of(state);
	char line[16];

	put(dir, "victim", "safe");
	assert_int_equal(symlinkat("victim", dir, "f.new"), 0);
	assert_int_equal(fs_replace(dir, "f", "x", 1, 0600), -ELOOP);
	assert_int_equal(fs_read_line(dir, "victim", line, sizeof(line)), 0);
	assert_string_equal(line, "safe");
}

static void test_fs_list_sorts_numbers_as_numbers(void **state)
{
	static const char *const expected[] = { ".hidden", "cpu2", "cpu10", "cpu100" };
	int dir = folder_of(state);
	_cleanup_(fs_names_freep) char **names = NULL, **none = NULL;
	char **untouched = NULL;
	size_t count;

	for (size_t i = ARRAY_SIZE(expected); i > 0; i--)
		put(dir, expected[i - 1], "");
	assert_int_equal(fs_list(dir, ".", &names, &count), 0);
	assert_int_equal(count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(names[i], expected[i]);
	assert_null(names[count]);
	assert_int_equal(mkdirat(dir, "empty", 0700), 0);
	assert_int_equal(fs_list(dir, "empty", &none, NULL), 0);
	assert_null(none[0]);
	assert_int_equal(fs_list(dir, "cpu2", &untouched, NULL), -ENOTDIR);
	assert_int_equal(fs_list(dir, "absent", &untouched, NULL), -ENOENT);
	assert_null(untouched);
	assert_null(fs_names_free(NULL));
}

static void test_fs_links_are_read_not_followed(void **state)
{
	int dir = folder_of(state);
	_cleanup_free_ char *target = NULL, *name = NULL, *plain = NULL;
	char *untouched = NULL;

	assert_int_equal(symlinkat("../../bus/pci/drivers/nvme", dir, "driver"), 0);
	assert_int_equal(symlinkat("plain", dir, "short"), 0);
	assert_true(fs_exists(dir, "driver")); /* a dangling link is there */
	assert_int_equal(fs_readlink(dir, "driver", &target), 0);
	assert_string_equal(target, "../../bus/pci/drivers/nvme");
	assert_int_equal(fs_link_name(dir, "driver", &name), 0);
	assert_string_equal(name, "nvme");
	assert_int_equal(fs_link_name(dir, "short", &plain), 0);
	assert_string_equal(plain, "plain");
	put(dir, "file", "");
	assert_int_equal(fs_readlink(dir, "file", &untouched), -EINVAL);
	assert_int_equal(fs_link_name(dir, "absent", &untouched), -ENOENT);
	assert_null(untouched);
}

static void test_fs_make_dirs_makes_what_is_missing_and_no_more(void **state)
{
	const struct folder *folder = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/a/b//c/", folder->path);
	assert_int_equal(fs_make_dirs(path, 0700), 0);
	assert_int_equal(fs_make_dirs(path, 0700), 0);
	assert_true(fs_exists(folder->fd, "a/b/c"));
	put(folder->fd, "file", "");
	(void)snprintf(path, sizeof(path), "%s/file", folder->path);
	assert_int_equal(fs_make_dirs(path, 0700), -ENOTDIR);
	(void)snprintf(path, sizeof(path), "%s/file/d", folder->path);
	assert_int_equal(fs_make_dirs(path, 0700), -ENOTDIR);
	assert_int_equal(fs_make_dirs("", 0700), -ENOENT);
	assert_int_equal(fs_make_dirs("/", 0700), 0);
}

static void test_fs_remove_tree_takes_the_link_and_leaves_where_it_points(void **state)
{
	const struct folder *folder = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/tree/deep/er", folder->path);
	assert_int_equal(fs_make_dirs(path, 0700), 0);
	put(folder->fd, "kept", "");
	assert_int_equal(symlinkat("../../kept", folder->fd, "tree/deep/link"), 0);
	assert_int_equal(symlinkat("..", folder->fd, "tree/up"), 0);
	assert_int_equal(fs_remove_tree(folder->fd, "tree"), 0);
	assert_false(fs_exists(folder->fd, "tree"));
	assert_true(fs_exists(folder->fd, "kept"));
	assert_int_equal(fs_remove_tree(folder->fd, "tree"), 0);
}

static void test_fs_remove_tree_gives_up_on_a_bottomless_one(void **state)
{
	const struct folder *folder = *state;
	char path[400];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/t", folder->path);

	for (int i = 0; i < 80; i++)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/d");
	assert_int_equal(fs_make_dirs(path, 0700), 0);
	assert_int_equal(fs_remove_tree(folder->fd, "t"), -ELOOP);
	assert_int_equal(fs_remove_tree(folder->fd, "t/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d"),
			 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fs_read_gives_the_whole_file_and_its_size),
		TEST(test_fs_read_is_bounded),
		TEST(test_fs_read_never_blocks_and_tells_why_not),
		TEST(test_fs_read_line_cuts_at_the_newline_and_trailing_blanks),
		TEST(test_fs_read_line_never_gives_half_a_line),
		TEST(test_fs_read_numbers_are_strict),
		TEST(test_fs_write_wants_a_file_that_is_there),
		TEST(test_fs_replace_leaves_nothing_beside_the_file),
		TEST(test_fs_replace_does_not_write_through_a_link),
		TEST(test_fs_list_sorts_numbers_as_numbers),
		TEST(test_fs_links_are_read_not_followed),
		TEST(test_fs_make_dirs_makes_what_is_missing_and_no_more),
		TEST(test_fs_remove_tree_takes_the_link_and_leaves_where_it_points),
		TEST(test_fs_remove_tree_gives_up_on_a_bottomless_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
