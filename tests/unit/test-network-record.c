/* SPDX-License-Identifier: Apache-2.0 */
/* Records of networks: what is written is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network_record.h"
#include "scratch.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define LIST "\"list\":{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"p\"}]}"

static void test_network_record_is_read_as_it_was_written(void **state)
{
	_cleanup_(network_record_done) struct network_record r = {
		.container = strdup("web.one.00c0ffee"),
		.slice = strdup("web"),
		.task = strdup("one"),
		.phase = NETWORK_LEAVING,
		.list = json_pack("{s:s,s:s,s:[{s:s}]}", "name", "n", "cniVersion", "1.0.0",
				  "plugins", "type", "p"),
		.result = json_pack("{s:s}", "cniVersion", "1.0.0"),
	};
	_cleanup_(network_record_done) struct network_record back = { 0 };
	_cleanup_close_ int dir = -1;
	struct scratch s;
	char path[128];
	struct stat st;

	(void)state;
	scratch_open(&s);
	(void)snprintf(path, sizeof(path), "%s/a/b", s.path);
	assert_int_equal(network_record_write(path, &r, NULL), 0);
	dir = fs_open_dir(AT_FDCWD, path);
	assert_int_equal(fstatat(dir, "web.one.00c0ffee.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(network_record_read(dir, "web.one.00c0ffee.json", &back, NULL), 0);
	assert_string_equal(back.container, r.container);
	assert_string_equal(back.slice, "web");
	assert_string_equal(back.task, "one");
	assert_int_equal(back.phase, NETWORK_LEAVING);
	assert_true(json_equal(back.list, r.list) && json_equal(back.result, r.result));
	assert_string_equal(network_record_name(&back), "n");
	assert_int_equal(network_record_remove(path, &r), 0);
	assert_int_equal(network_record_remove(path, &r), 0);
	assert_false(fs_exists(dir, "web.one.00c0ffee.json"));
	scratch_done(&s);
	assert_true(network_record_write("/proc/nowhere", &r, NULL) < 0);
}

static const char *const bad[] = {
	"",
	"{}",
	"[]",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\"}",
	"{\"container\":\"y\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"never\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"../a\",\"task\":\"b\",\"phase\":\"joined\"," LIST "}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"more\":1," LIST
	"}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"list\":{}}",
	"{\"container\":\"x\",\"slice\":\"a\",\"task\":\"b\",\"phase\":\"joined\",\"result\":"
	"1," LIST "}",
};

static void test_network_record_that_is_none_is_refused(void **state)
{
	struct scratch s;

	(void)state;
	scratch_open(&s);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct network_record r = { 0 };
		struct fail f = { 0 };

		put_file(s.fd, "x.json", bad[i]);
		if (network_record_read(s.fd, "x.json", &r, &f) >= 0)
			fail_msg("%s was taken", bad[i]);
		assert_true(f.text[0] && !r.container && !r.list);
	}
	scratch_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_record_is_read_as_it_was_written),
		cmocka_unit_test(test_network_record_that_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
