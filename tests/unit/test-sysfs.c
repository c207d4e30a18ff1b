/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes into fields: what is absent or garbage leaves them as they are. */
#include "drivers/sysfs.h"

#include "model/device.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int folder(void **state)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "number", "42\n" },
		{ "hex", "0x8086\n" },
		{ "empty", "" },
		{ "blank", "\n" },
		{ "largest", "4294967295\n" },
		{ "huge", "99999999999999999999\n" },
		{ "text", "  some words \nmore\n" },
		{ "list", "0-2,8\n" },
		{ "list-bad", "0-2,x\n" },
		{ "mask", "00000001,0000000f\n" },
		{ "mask-bad", "123456789\n" },
		{ "mask-sign", "-1\n" },
		{ "mask-far", "f,00000000,00000000\n" },
	};
	char *path = strdup("/tmp/reeve-sysfs-XXXXXX");
	int fd;

	assert_non_null(mkdtemp(path));
	fd = fs_open_dir(AT_FDCWD, path);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_int_equal(
			fs_replace(fd, files[i].name, files[i].text, strlen(files[i].text), 0644),
			0);
	assert_int_equal(symlinkat("../../drivers/nvme", fd, "driver"), 0);
	close_fd(fd);
	*state = path;
	return 0;
}

static int remove_folder(void **state)
{
	(void)fs_remove_tree(AT_FDCWD, *state);
	free(*state);
	return 0;
}

static void test_sysfs_u32_takes_numbers_and_nothing_else(void **state)
{
	static const char *const none[] = { "hex",  "empty", "blank",  "largest",
					    "huge", "text",  "absent", "." };
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, *state);
	uint32_t value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		sysfs_u32(fd, none[i], &value);
	assert_int_equal(value, 7);
	sysfs_u32(fd, "number", &value);
	assert_int_equal(value, 42);
	sysfs_hex(fd, "hex", &value);
	assert_int_equal(value, 0x8086);
}

static void test_sysfs_string_is_the_first_line_trimmed(void **state)
{
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, *state);
	_cleanup_free_ char *text = NULL;

	assert_int_equal(sysfs_string(fd, "absent", &text), 0);
	assert_null(text);
	assert_int_equal(sysfs_string(fd, "text", &text), 0);
	assert_string_equal(text, "some words");
	assert_int_equal(sysfs_link_name(fd, "driver", &text), 0);
	assert_string_equal(text, "nvme");
	assert_int_equal(sysfs_link_name(fd, "absent", &text), 0);
	assert_string_equal(text, "nvme");
}

static void test_sysfs_list_tells_absent_from_garbage(void **state)
{
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, *state);
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(sysfs_list(fd, "absent", &set), SYSFS_ABSENT);
	assert_int_equal(sysfs_list(-1, "list", &set), SYSFS_ABSENT);
	assert_int_equal(sysfs_list(fd, "list-bad", &set), SYSFS_GARBAGE);
	assert_null(set);
	assert_int_equal(sysfs_list(fd, "list", &set), SYSFS_FOUND);
	text = cpuset_format(set);
	assert_string_equal(text, "0-2,8");
}

static void test_sysfs_mask_reads_words_of_32_bits(void **state)
{
	static const char *const garbage[] = { "mask-bad", "mask-sign", "empty", "text" };
	_cleanup_close_ int fd = fs_open_dir(AT_FDCWD, *state);
	_cleanup_(cpuset_freep) struct cpuset *set = NULL, *far = NULL;
	_cleanup_free_ char *text = NULL, *far_text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(sysfs_mask(fd, garbage[i], &set), SYSFS_GARBAGE);
	assert_null(set);
	assert_int_equal(sysfs_mask(fd, "mask", &set), SYSFS_FOUND);
	text = cpuset_format(set);
	assert_string_equal(text, "0-3,32");
	assert_int_equal(sysfs_mask(fd, "mask-far", &far), SYSFS_FOUND);
	far_text = cpuset_format(far);
	assert_string_equal(far_text, "64-67");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sysfs_u32_takes_numbers_and_nothing_else),
		cmocka_unit_test(test_sysfs_string_is_the_first_line_trimmed),
		cmocka_unit_test(test_sysfs_list_tells_absent_from_garbage),
		cmocka_unit_test(test_sysfs_mask_reads_words_of_32_bits),
	};

	return cmocka_run_group_tests(tests, folder, remove_folder);
}
