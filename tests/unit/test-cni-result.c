/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins say: results and errors, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cni_result.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

#define V "\"cniVersion\":\"1.0.0\""

static const struct {
	const char *text;
	int error;
} results[] = {
	{ "{" V "}", 0 },
	{ "{" V ",\"ips\":null,\"interfaces\":[]}", 0 },
	{ "{" V ",\"ips\":[{\"address\":\"10.1.2.3/24\",\"gateway\":\"10.1.2.1\"},{\"address\":"
	  "\"fd00::5/64\",\"gateway\":\"\"}]}",
	  0 },
	{ "{" V ",\"ips\":[{\"address\":\"10.1.2.3\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":\"10.1.2.3/33\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":\"10.1.2.300/24\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":\"fd00::5/129\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":\"/24\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":7}]}", -EBADMSG },
	{ "{" V ",\"ips\":[{\"address\":\"10.1.2.3/24\",\"gateway\":\"x\"}]}", -EBADMSG },
	{ "{" V ",\"ips\":{}}", -EBADMSG },
	{ "{" V ",\"interfaces\":[{\"name\":\"\"}]}", -EBADMSG },
	{ "{" V ",\"interfaces\":[7]}", -EBADMSG },
	{ "{\"ips\":[]}", -EBADMSG },
	{ "[]", -EBADMSG },
	{ "", -EBADMSG },
	{ "{" V "} trailing", -EBADMSG },
};

static void test_cni_result_is_read_strictly_where_it_is_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		_cleanup_json_ json_t *result = NULL;
		struct fail f = { 0 };
		int r = cni_result_parse(results[i].text, strlen(results[i].text), &result, &f);

		if (r != results[i].error)
			fail_msg("%s: %d %s", results[i].text, r, f.text);
		assert_true(r == 0 ? result != NULL : (!result && f.text[0]));
	}
}

static void test_cni_summary_has_what_a_tasks_owner_wants_to_know(void **state)
{
	_cleanup_json_ json_t *result = json_loads(
		"{" V
		",\"interfaces\":[{\"name\":\"br0\",\"mac\":\"1\"},{\"name\":\"eth0\",\"mac\":"
		"\"2\",\"sandbox\":\"/x\"}],\"ips\":[{\"address\":\"10.0.0.2/8\",\"gateway\":"
		"\"10.0.0.1\"},{\"address\":\"fd00::5/64\"}],\"dns\":{},\"routes\":[]}",
		0, NULL);
	_cleanup_json_ json_t *full = cni_result_summary("n", "eth0", result),
			      *bare = cni_result_summary("n", "eth0", NULL);
	_cleanup_free_ char *text = json_text(full), *bare_text = json_text(bare);

	(void)state;
	assert_string_equal(text, "{\"cni\":\"n\",\"interface\":\"eth0\",\"addresses\":["
				  "\"10.0.0.2/8\",\"fd00::5/64\"],\"gateways\":[\"10.0.0.1\"],"
				  "\"mac\":\"2\"}");
	assert_string_equal(bare_text, "{\"cni\":\"n\"}");
}

static void test_cni_error_is_a_sentence_of_the_plugins_words(void **state)
{
	static const struct {
		const char *text;
		int status, error;
		const char *sentence;
	} vectors[] = {
		{ "{\"code\":11,\"msg\":\"later\",\"details\":\"busy\"}", 1 << 8, -EAGAIN,
		  "p: later (CNI error 11: busy)" },
		{ "{\"code\":7,\"msg\":\"no\"}", 1 << 8, -EIO, "p: no (CNI error 7)" },
		{ "{\"code\":7,\"msg\":\"a\\u0007b\"}", 1 << 8, -EIO, "p: a?b (CNI error 7)" },
		{ "", 3 << 8, -EIO, "p ended with status 3 and did not say why" },
		{ "oops", 1 << 8, -EIO, "p ended with status 1 and did not say why" },
		{ "{}", 1 << 8, -EIO, "p ended with status 1 and did not say why" },
		{ "", 9, -EIO, "p was killed by signal 9 (Killed)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct fail f = { 0 };

		assert_int_equal(cni_error("p", vectors[i].text, strlen(vectors[i].text),
					   vectors[i].status, &f),
				 vectors[i].error);
		assert_string_equal(f.text, vectors[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cni_result_is_read_strictly_where_it_is_used),
		cmocka_unit_test(test_cni_summary_has_what_a_tasks_owner_wants_to_know),
		cmocka_unit_test(test_cni_error_is_a_sentence_of_the_plugins_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
