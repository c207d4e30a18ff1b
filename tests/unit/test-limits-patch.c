/* SPDX-License-Identifier: Apache-2.0 */
/* Other limits for a slice that lives: what a patch leaves of those that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decode.h"
#include "document.h"
#include "limits_patch.h"

#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static const char there[] =
	"{\"cpus_max\":1.5,\"burst\":\"50ms\",\"memory_low\":4096,\"swap_max\":0,"
	"\"io\":[{\"disk\":\"disk-a\",\"weight\":200}],\"misc\":{\"sev\":4,\"sev_es\":1}}";

static json_t *parse(const char *text)
{
	json_t *object = NULL;

	assert_int_equal(json_parse_object(text, strlen(text), &object, NULL), 0);
	return object;
}

static void limits_of(const char *text, struct request_limits *ret)
{
	_cleanup_json_ json_t *object = parse(text);

	*ret = (struct request_limits){ 0 };
	assert_int_equal(decode_request_limits(object, ret, NULL), 0);
}

static void test_patch_changes_what_it_names_and_no_more(void **state)
{
	static const struct {
		const char *patch, *after;
		bool changed;
	} vectors[] = {
		{ "{\"limits\":{}}", there, false },
		{ "{\"limits\":{\"memory_high\":null,\"memory_low\":\"4KiB\"}}", there, false },
		{ "{\"limits\":null}", "{}", true },
		{ "{\"limits\":{\"burst\":null,\"swap_max\":null,\"misc\":null,\"io\":null}}",
		  "{\"cpus_max\":1.5,\"memory_low\":4096}", true },
		{ "{\"limits\":{\"misc\":{\"sev\":null,\"x\":2},\"cpus_max\":2,\"io\":[]}}",
		  ("{\"cpus_max\":2,\"burst\":\"50ms\",\"memory_low\":4096,\"swap_max\":0,"
		   "\"misc\":{\"sev_es\":1,\"x\":2}}"),
		  true },
		{ "{\"limits\":{\"io\":[{\"class\":\"all\",\"weight\":1}],\"misc\":{}}}",
		  ("{\"cpus_max\":1.5,\"burst\":\"50ms\",\"memory_low\":4096,\"swap_max\":0,"
		   "\"io\":[{\"class\":\"all\",\"weight\":1}],\"misc\":{\"sev\":4,\"sev_es\":1}}"),
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(limits_done) struct request_limits now, wanted, after = { 0 };
		_cleanup_json_ json_t *got = NULL, *expected = NULL;
		bool changed = !vectors[i].changed;

		limits_of(there, &now);
		limits_of(vectors[i].after, &wanted);
		assert_int_equal(limits_patch(&now, vectors[i].patch, &after, &changed, NULL), 0);
		assert_int_equal(changed, vectors[i].changed);
		got = document_limits(&after);
		expected = document_limits(&wanted);
		if (!json_equal(got, expected))
			fail_msg("%s", vectors[i].patch);
	}
}

static void test_patch_that_makes_no_sense_leaves_all_untouched(void **state)
{
	static const char *const wrong[] = {
		"{\"limits\":{\"cpus\":1}}",
		"{\"limits\":{\"memory_low\":\"much\"}}",
		"{\"limits\":{\"misc\":{\"sev\":-1}}}",
		"{\"limits\":7}",
		"",
	};
	_cleanup_(limits_done) struct request_limits now;

	(void)state;
	limits_of(there, &now);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct request_limits after = { .burst_usec = 7 };
		struct fail f = { 0 };
		bool changed = true;

		assert_int_equal(limits_patch(&now, wrong[i], &after, &changed, &f), -EINVAL);
		assert_true(*f.text);
		assert_int_equal(after.burst_usec, 7);
	}
	assert_int_equal(now.io_count, 1);
}

static void test_rows_of_limits_are_known_by_name(void **state)
{
	(void)state;
	assert_true(limits_patch_names("cpu_quota") && limits_patch_names("device_memory_max"));
	assert_false(limits_patch_names("memory_max") || limits_patch_names("cpus"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch_changes_what_it_names_and_no_more),
		cmocka_unit_test(test_patch_that_makes_no_sense_leaves_all_untouched),
		cmocka_unit_test(test_rows_of_limits_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
