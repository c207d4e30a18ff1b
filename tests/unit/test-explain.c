/* SPDX-License-Identifier: Apache-2.0 */
/* What is said beside a decision: what would have been second, what would fit; and that a request
 * that is named is one that can be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "explain.h"
#include "model-fixture.h"
#include "util/cleanup.h"

static const char *text_at(const json_t *document, const char *key)
{
	const char *text = json_string_value(json_object_get(document, key));

	assert_non_null(text);
	return text;
}

static void test_next_best_is_told_with_its_cost_and_place(void **state)
{
	_cleanup_(allocation_freep) struct allocation *chosen = NULL;
	_cleanup_json_ json_t *document = json_object();
	const struct request q = { .cores = 2, .memory_bytes = GIB };
	const json_t *next;
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .packages = 2, .cores = 2 }));
	chosen = stage_place(&s, &q);
	assert_int_equal(explain_next_best(&s.view, &q, chosen, document), 0);
	next = json_object_get(document, "next_best");
	assert_string_equal(text_at(next, "without"), "node 0");
	assert_string_equal(text_at(next, "why"),
			    "without node 0 there is another place that is just as good");
	assert_int_equal(json_integer_value(json_object_get(next, "cost")), 10);
	assert_string_equal(text_at(json_object_get(next, "resources"), "nodes"), "1");
	stage_close(&s);
}

static void test_next_best_says_in_what_it_is_worse(void **state)
{
	_cleanup_(allocation_freep) struct allocation *chosen = NULL;
	_cleanup_json_ json_t *document = json_object();
	const struct request q = { .cores = 2 };
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 2 });
	struct stage s;

	(void)state;
	(void)shape_add_device(inv, DEVICE_GPU, "a", 0); /* that a request without it leaves */
	stage_open(&s, inv);
	chosen = stage_place(&s, &q);
	expect_set(chosen->cpus, "2-3");
	assert_int_equal(explain_next_best(&s.view, &q, chosen, document), 0);
	assert_string_equal(text_at(json_object_get(document, "next_best"), "why"),
			    "without node 1 more GPUs that it does not ask for would be left on "
			    "its nodes (gpus-left 1 instead of 0)");
	stage_close(&s);
}

static void test_next_best_is_absent_where_there_is_none(void **state)
{
	_cleanup_(allocation_freep) struct allocation *chosen = NULL;
	_cleanup_json_ json_t *document = json_object();
	const struct request q = { .cores = 1 };
	struct stage s;

	(void)state;
	stage_open(&s, shape_make((struct shape){ .cores = 2 }));
	chosen = stage_place(&s, &q);
	assert_int_equal(explain_next_best(&s.view, &q, chosen, document), 0);
	assert_int_equal(json_object_size(document), 0);
	stage_close(&s);
}

/* Each is read again as a request, and that one fits. */
static void check_rows(const struct stage *s, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		_cleanup_(request_done) struct request again = { 0 };
		const json_t *row = json_array_get(rows, i);
		struct fail f = { 0 };

		if (decode_request(json_object_get(row, "request"), &again, &f) < 0)
			fail_msg("%s: %s", text_at(row, "detail"), f.text);
		allocation_free(stage_place(s, &again));
	}
}

static void test_what_would_fit_can_be_sent(void **state)
{
	_cleanup_json_ json_t *document = json_object(), *none = json_object();
	struct request q = { .name = (char *)"train",
			     .cores = 9,
			     .memory_bytes = GIB,
			     .hugepages = { { 2 * MIB, 4 } },
			     .hugepages_count = 1,
			     .align = ALIGN_PACKAGE,
			     .align_required = true,
			     .limits.memory_high_bytes = GIB / 2 };
	struct inventory *inv = shape_make((struct shape){ .packages = 2, .cores = 8 });
	const json_t *rows, *first;
	struct stage s;

	(void)state;
	shape_add_hugepages(inv, 0, 2 * MIB, 8);
	stage_open(&s, inv);
	assert_int_equal(explain_nearest(&s.view, &q, document), 0);
	rows = json_object_get(document, "would_fit");
	assert_int_equal(json_array_size(rows), 3);
	first = json_array_get(rows, 0);
	assert_string_equal(text_at(first, "detail"), "8 cores instead of 9");
	assert_true(json_number_value(json_object_get(first, "relative_change")) < 0.12);
	assert_true(json_equal(json_object_get(first, "request"),
			       json_object_get(document, "nearest")));
	assert_string_equal(text_at(json_object_get(document, "nearest"), "name"), "train");
	check_rows(&s, rows);
	stage_hold(&s, "x", "0-15");
	assert_int_equal(explain_nearest(&s.view, &q, none), 0);
	assert_int_equal(json_object_size(none), 0);
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_best_is_told_with_its_cost_and_place),
		cmocka_unit_test(test_next_best_says_in_what_it_is_worse),
		cmocka_unit_test(test_next_best_is_absent_where_there_is_none),
		cmocka_unit_test(test_what_would_fit_can_be_sent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
