/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: what counts as asking for nothing, and what they own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/request.h"
#include "util/cleanup.h"

static void test_request_words_have_names_both_ways(void **state)
{
	static const char *const levels[] = { "node", "package", "none", "switch" };
	static const char *const isolations[] = { "best-effort", "required" };

	(void)state;
	assert_int_equal(ARRAY_SIZE(levels), ALIGN_LEVELS);
	for (int i = 0; i < ALIGN_LEVELS; i++) {
		assert_string_equal(align_level_to_string((enum align_level)i), levels[i]);
		assert_int_equal(align_level_from_string(levels[i]), i);
	}
	for (int i = 0; i < 2; i++) {
		assert_string_equal(isolation_to_string((enum isolation)i), isolations[i]);
		assert_int_equal(isolation_from_string(isolations[i]), i);
	}
	assert_int_equal(align_level_from_string("Node"), -1);
	assert_int_equal(isolation_from_string("nod"), -1);
	assert_null(isolation_to_string((enum isolation)2));
}

static void test_request_is_empty_until_it_asks_for_something(void **state)
{
	struct request r;

	(void)state;
	request_init(&r);
	assert_true(request_empty(&r));
	r.processes_max = 5;
	r.align_required = true;
	r.isolation = ISOLATION_REQUIRED;
	assert_true(request_empty(&r));
	r.cores = 1;
	assert_false(request_empty(&r));
	r = (struct request){ .shared_millicpus = 1 };
	assert_false(request_empty(&r));
	r = (struct request){ .memory_bytes = 1 };
	assert_false(request_empty(&r));
	r = (struct request){ .hugepages = { { 4096, 1 } }, .hugepages_count = 1 };
	assert_false(request_empty(&r));
	for (int kind = 0; kind < DEVICE_KINDS; kind++) {
		r = (struct request){ 0 };
		r.devices[kind] = 1;
		assert_false(request_empty(&r));
	}
}

static void test_request_for_no_huge_pages_of_some_size_is_empty(void **state)
{
	struct request r = { .hugepages = { { 4096, 0 }, { 8192, 0 } }, .hugepages_count = 2 };

	(void)state;
	assert_true(request_empty(&r));
	r.hugepages[1].count = 1;
	assert_false(request_empty(&r));
}

static void test_request_frees_all_that_it_owns(void **state)
{
	struct request r;

	(void)state;
	request_init(&r);
	r.name = strdup("n");
	r.owner = strdup("o");
	r.role = strdup("r");
	r.offer = strdup("o-1");
	r.labels = calloc(2, sizeof(*r.labels));
	r.labels_count = 2; /* the second is half built */
	r.labels[0] = (struct request_label){ strdup("k"), strdup("v") };
	r.labels[1].key = strdup("k2");
	r.within_devices = calloc(1, sizeof(char *));
	r.within_devices[0] = strdup("gpu-x");
	r.within_devices_count = 1;
	assert_int_equal(cpuset_new(&r.within_cpus), 0);
	assert_int_equal(cpuset_new(&r.within_nodes), 0);
	request_done(&r); /* the leak checker of sanitized builds looks on */
	assert_null(r.name);
	assert_int_equal(r.labels_count, 0);
	request_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_words_have_names_both_ways),
		cmocka_unit_test(test_request_is_empty_until_it_asks_for_something),
		cmocka_unit_test(test_request_for_no_huge_pages_of_some_size_is_empty),
		cmocka_unit_test(test_request_frees_all_that_it_owns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
