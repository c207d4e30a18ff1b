/* SPDX-License-Identifier: Apache-2.0 */
/* A site's list of devices: which lists are good, and what their names stand for on this host. */
#include "device_allow.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int error;
	size_t count;
} vectors[] = {
	{ "", 0, 0 },
	{ " \t", 0, 0 },
	{ "/dev/kvm", 0, 1 },
	{ "/dev/kvm r", 0, 1 },
	{ " /dev/vhost-* rw ,\tc 10:200 rwm, b 259:* r ", 0, 3 },
	{ "/dev/dri/renderD*", 0, 1 },
	{ "/dev/kvm,", -EINVAL, 0 },
	{ ",/dev/kvm", -EINVAL, 0 },
	{ "/dev/kvm,,/dev/fuse", -EINVAL, 0 },
	{ "/dev/", -EINVAL, 0 },
	{ "/dev", -EINVAL, 0 },
	{ "/etc/passwd", -EINVAL, 0 },
	{ "/dev/../etc/*", -EINVAL, 0 },
	{ "/dev/kvm x", -EINVAL, 0 },
	{ "/dev/kvm r w", -EINVAL, 0 },
	{ "dev/kvm", -EINVAL, 0 },
	{ "kvm", -EINVAL, 0 },
	{ "c 10:200", -EINVAL, 0 },
	{ "a *:* rwm", -EINVAL, 0 },
	{ "c 9999:0 r", -ERANGE, 0 },
};

static void test_list_is_taken_whole_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(device_allow_done) struct device_allow allow = { 0 };

		assert_int_equal(device_allow_parse("c 1:3 r, /dev/x", &allow), 0);
		if (device_allow_parse(vectors[i].text, &allow) != vectors[i].error)
			fail_msg("\"%s\" is not answered as it should be", vectors[i].text);
		assert_int_equal(allow.count, vectors[i].error ? 2 : vectors[i].count);
	}
}

static void test_list_has_an_end(void **state)
{
	_cleanup_(device_allow_done) struct device_allow allow = { 0 };
	char text[DEVICE_ALLOW_MAX * 8 + 16] = "c 1:3 r";

	(void)state;
	for (unsigned i = 1; i < DEVICE_ALLOW_MAX; i++)
		strcat(text, ",c 1:3 r");
	assert_int_equal(device_allow_parse(text, &allow), 0);
	assert_int_equal(allow.count, DEVICE_ALLOW_MAX);
	strcat(text, ",c 1:3 r");
	assert_int_equal(device_allow_parse(text, &allow), -ERANGE);
}

static void test_rules_are_as_written(void **state)
{
	_cleanup_(device_allow_done) struct device_allow allow = { 0 };
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(device_allow_parse("c 10:200 rwm, b 259:* r", &allow), 0);
	assert_int_equal(device_allow_rules(&allow, &rules), 0);
	text = device_rules_text(&rules);
	assert_string_equal(text, "c 10:200 rwm, b 259:* r");
}

static void test_names_stand_for_the_nodes_that_are_there(void **state)
{
	_cleanup_(device_allow_done) struct device_allow allow = { 0 };
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };
	struct stat s;

	(void)state;
	assert_int_equal(stat("/dev/null", &s), 0);
	assert_int_equal(device_allow_parse("/dev/nul[l] r, /dev/none-of-this-name*, /dev/shm, "
					    "/dev/null w",
					    &allow),
			 0);
	assert_int_equal(device_allow_rules(&allow, &rules), 0);
	assert_int_equal(rules.count, 1);
	assert_false(rules.items[0].block);
	assert_int_equal(rules.items[0].major, major(s.st_rdev));
	assert_int_equal(rules.items[0].minor, minor(s.st_rdev));
	assert_int_equal(rules.items[0].access, DEVICE_ACCESS_USE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_is_taken_whole_or_refused),
		cmocka_unit_test(test_list_has_an_end),
		cmocka_unit_test(test_rules_are_as_written),
		cmocka_unit_test(test_names_stand_for_the_nodes_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
