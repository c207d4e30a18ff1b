/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a resize: what is named changes, a count of 0 is an order, and what is wrong is
 * refused with a sentence. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "decode_resize.h"

#include "util/cleanup.h"

static int change_of(const char *text, struct resize_change *ret, struct fail *f)
{
	_cleanup_json_ json_t *object = NULL;
	int r = json_parse_object(text, strlen(text), &object, f);

	resize_change_init(ret);
	return r < 0 ? r : decode_resize(object, ret, f);
}

static void test_resize_is_read_in_full(void **state)
{
	struct resize_change c;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(
		change_of(
			"{\"cores\":3,\"shared_cpus\":0.029,\"memory\":\"4GiB\",\"processes_max\":"
			"9,\"hugepages\":[{\"size\":\"2MiB\",\"count\":0}],\"devices\":[{"
			"\"class\":\"gpu\",\"count\":0},{\"class\":\"disk\",\"count\":2}],"
			"\"keep\":{\"cpus\":\"1-2\",\"devices\":[\"gpu-a\",\"disk-b\"]},"
			"\"grace\":\"5s\"}",
			&c, &f),
		0);
	assert_true(c.cores == 3 && c.shared_millicpus == 29 && c.memory_bytes == 4ULL << 30);
	assert_true(c.processes_max == 9 && c.grace_usec == 5000000);
	assert_true(c.hugepages_count == 1 && c.hugepages[0].size_bytes == 2 << 20 &&
		    c.hugepages[0].count == 0);
	assert_true(c.devices[DEVICE_GPU] == 0 && c.devices[DEVICE_DISK] == 2 &&
		    c.devices[DEVICE_NIC] == RESIZE_SAME);
	assert_true(cpuset_count(c.keep_cpus) == 2 && cpuset_has(c.keep_cpus, 2));
	assert_int_equal(c.keep_devices_count, 2);
	assert_string_equal(c.keep_devices[1], "disk-b");
	resize_change_done(&c);
}

static void test_resize_without_members_changes_nothing(void **state)
{
	struct resize_change c;

	(void)state;
	assert_int_equal(change_of("{}", &c, NULL), 0);
	assert_true(c.cores == RESIZE_SAME && c.shared_millicpus == RESIZE_SAME &&
		    c.memory_bytes == RESIZE_SAME && c.processes_max == RESIZE_SAME &&
		    c.hugepages_count == 0 && !c.keep_cpus && c.grace_usec == 0);
	resize_change_done(&c);
}

static void test_resize_keeps_the_patch_of_limits(void **state)
{
	static const char *const vectors[] = {
		"{\"limits\":null}",
		"{\"limits\":{}}",
		"{\"limits\":{\"cpus_max\":null,\"io\":[],\"misc\":{\"sev\":null,\"a\":1}}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct resize_change c;

		assert_int_equal(change_of(vectors[i], &c, NULL), 0);
		assert_string_equal(c.limits, vectors[i]);
		resize_change_done(&c);
	}
}

static void test_resize_refuses_what_is_wrong(void **state)
{
	static const char *const wrong[] = {
		"{\"name\":\"b\"}",
		"{\"cores\":-1}",
		"{\"cores\":65537}",
		"{\"cores\":\"2\"}",
		"{\"cores\":1.5}",
		"{\"shared_cpus\":-0.5}",
		"{\"memory\":\"much\"}",
		"{\"memory\":-1}",
		"{\"processes_max\":0}",
		"{\"hugepages\":[{\"size\":3000000,\"count\":1}]}",
		"{\"hugepages\":[{\"size\":\"2MiB\"}]}",
		"{\"hugepages\":[{\"size\":\"2MiB\",\"count\":1},{\"size\":\"2MiB\",\"count\":2}]}",
		"{\"devices\":[{\"class\":\"core\",\"count\":1}]}",
		"{\"devices\":[{\"class\":\"gpu\",\"count\":1},{\"class\":\"gpu\",\"count\":1}]}",
		"{\"devices\":{}}",
		"{\"keep\":[]}",
		"{\"keep\":{\"cores\":\"1\"}}",
		"{\"keep\":{\"cpus\":\"3-1\"}}",
		"{\"keep\":{\"devices\":[1]}}",
		"{\"keep\":{\"devices\":[\"gpu-a\",\"\"]}}",
		"{\"limits\":[]}",
		"{\"limits\":7}",
		"{\"limits\":{\"cpus\":1}}",
		"{\"limits\":{\"cpus\":null}}",
		"{\"limits\":{\"burst\":-1}}",
		"{\"limits\":{\"io\":[{\"disk\":\"a\"}]}}",
		"{\"limits\":{\"misc\":{\"sev\":\"1\"}}}",
		"{\"grace\":\"2d\"}",
		"{\"grace\":-1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct resize_change c;
		struct fail f = { 0 };
		int r = change_of(wrong[i], &c, &f);

		if (r != -EINVAL && r != -ERANGE)
			fail_msg("%s gives %d", wrong[i], r);
		assert_true(*f.text);
		resize_change_done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resize_is_read_in_full),
		cmocka_unit_test(test_resize_without_members_changes_nothing),
		cmocka_unit_test(test_resize_keeps_the_patch_of_limits),
		cmocka_unit_test(test_resize_refuses_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
