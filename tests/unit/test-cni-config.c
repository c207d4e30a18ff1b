/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of networks: which file is taken, what is refused, and what a plugin reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cni_config.h"
#include "scratch.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static void test_cni_name_is_of_the_form_of_the_specification(void **state)
{
	static const char *const good[] = { "a", "0", "net_1.a-b", "A.." };
	static const char *const bad[] = { "", ".a", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xa9" };
	char long_one[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(cni_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(cni_name_valid(bad[i]));
	memset(long_one, 'a', sizeof(long_one));
	long_one[129] = 0;
	assert_false(cni_name_valid(long_one));
	long_one[128] = 0;
	assert_true(cni_name_valid(long_one));
	assert_false(cni_name_valid(NULL));
}

#define P "\"plugins\":[{\"type\":\"p\"}]"

static const struct {
	const char *text;
	int error;
	const char *version;
} documents[] = {
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\"," P "}", 0, "1.0.0" },
	{ "{\"name\":\"n\",\"cniVersion\":\"0.3.1\",\"type\":\"p\"}", 0, "0.3.1" },
	{ "{\"name\":\"n\",\"cniVersion\":\"0.4.0\",\"cniVersions\":[\"1.0.0\",\"9.9.9\",\"0.3.0\"]"
	  "," P "}",
	  0, "1.0.0" },
	{ "{\"name\":\"n\",\"cniVersions\":[\"1.1.0\"]," P "}", 0, "1.1.0" },
	{ "{\"name\":\"n\"," P "}", -ENOTSUP, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"0.2.0\"," P "}", -ENOTSUP, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"2.0.0\"," P "}", -ENOTSUP, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":1," P "}", -ENOTSUP, NULL },
	{ "{\"cniVersion\":\"1.0.0\"," P "}", -EINVAL, NULL },
	{ "{\"name\":\"../n\",\"cniVersion\":\"1.0.0\"," P "}", -EINVAL, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[]}", -EINVAL, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":{}}", -EINVAL, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{}]}", -EINVAL, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[7]}", -EINVAL, NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"../sh\"}]}", -EINVAL,
	  NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"..\"}]}", -EINVAL,
	  NULL },
	{ "{\"name\":\"n\",\"cniVersion\":\"1.0.0\"}", -EINVAL, NULL },
};

static void test_cni_config_chooses_a_version_and_refuses_what_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		_cleanup_json_ json_t *document = json_loads(documents[i].text, 0, NULL);
		_cleanup_json_ json_t *list = NULL;
		struct fail f = { 0 };

		assert_non_null(document);
		if (cni_config_of(document, &list, &f) != documents[i].error)
			fail_msg("%s: %s", documents[i].text, f.text);
		assert_true(documents[i].error == 0 || (f.text[0] && !list));
		if (documents[i].error == 0)
			assert_string_equal(json_string_value(json_object_get(list, "cniVersion")),
					    documents[i].version);
	}
}

static void test_cni_config_is_of_the_first_file_by_name(void **state)
{
	_cleanup_json_ json_t *list = NULL;
	struct fail f = { 0 };
	struct scratch s;

	(void)state;
	scratch_open(&s);
	put_file(s.fd, "00-no.txt", "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"type\":\"a\"}");
	put_file(s.fd, "05-bad.conflist", "{");
	put_file(s.fd, "10-other.conf", "{\"name\":\"m\",\"cniVersion\":\"1.0.0\",\"type\":\"b\"}");
	put_file(s.fd, "20-n.conflist",
		 "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":"
		 "[{\"type\":\"c\"},{\"type\":\"d\"}]}");
	put_file(s.fd, "30-n.json", "{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"type\":\"e\"}");
	assert_int_equal(cni_config_find(s.path, "n", &list, &f), 0);
	assert_int_equal(cni_config_count(list), 2);
	assert_string_equal(cni_config_type(list, 1), "d");
	assert_true(cni_config_find(s.path, "none", &list, &f) < 0);
	assert_string_equal(f.code, "no-such-network");
	assert_non_null(strstr(f.text, "05-bad.conflist")); /* it may be that one */
	scratch_done(&s);
	assert_int_equal(cni_config_find(s.path, "n", &list, &f), -EINVAL);
	assert_non_null(strstr(f.text, "cannot be read"));
}

static void test_cni_plugin_reads_its_own_part_with_the_lists_name_and_version(void **state)
{
	_cleanup_json_ json_t *document =
		json_loads("{\"name\":\"n\",\"cniVersion\":\"1.0.0\",\"plugins\":[{\"type\":\"p\","
			   "\"name\":\"own\",\"capabilities\":{\"x\":true},\"mtu\":1500}]}",
			   0, NULL);
	_cleanup_json_ json_t *list = NULL, *result = json_pack("{s:s}", "cniVersion", "1.0.0");
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	assert_int_equal(cni_config_of(document, &list, NULL), 0);
	first = cni_config_input(list, 0, NULL);
	second = cni_config_input(list, 0, result);
	assert_string_equal(
		first, "{\"type\":\"p\",\"name\":\"n\",\"mtu\":1500,\"cniVersion\":\"1.0.0\"}");
	assert_non_null(strstr(second, "\"prevResult\":{\"cniVersion\":\"1.0.0\"}"));
	assert_true(cni_config_keeps_result(list));
	json_object_set_new(list, "cniVersion", json_string("0.3.1"));
	assert_false(cni_config_keeps_result(list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cni_name_is_of_the_form_of_the_specification),
		cmocka_unit_test(test_cni_config_chooses_a_version_and_refuses_what_is_none),
		cmocka_unit_test(test_cni_config_is_of_the_first_file_by_name),
		cmocka_unit_test(
			test_cni_plugin_reads_its_own_part_with_the_lists_name_and_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
