/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what was before: it survives its own text, another boot's counts for nothing, and
 * garbage is refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quiet_record.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

static void expect(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = s ? cpuset_format(s) : strdup("none");

	assert_string_equal(text, expected);
}

static void put(struct cpuset **place, const char *text)
{
	cpuset_free(*place);
	*place = set_of(text);
}

static void fill(struct quiet_record *r)
{
	static const unsigned numbers[] = { 40, 31, 1000, 32 };

	put(&r->cpus, "2-3");
	put(&r->seen, "0-40,1000");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct quiet_irq *irq = NULL;

		assert_int_equal(quiet_record_add_irq(r, numbers[i], &irq), 0);
		irq->kept.original = set_of("0-7");
		irq->kept.written = set_of("0-1,4-7");
	}
	r->irq_default.original = set_of("0-255");
	r->irq_default.written = set_of("0-1,4-255");
	r->workqueues.original = set_of("0-7");
	r->irqbalance = 4711;
	put(&r->balance_cpus, "7");
	put(&r->balance_irqs, "9");
	put(&r->balance_asked, "31-32");
	r->units[0].name = strdup("system.slice");
	r->units[0].allowed = set_of("");
	r->units[1].name = strdup("init.scope");
	r->units[1].allowed = set_of("0-3");
	r->units_count = 2;
}

static void test_record_is_the_same_after_its_text(void **state)
{
	_cleanup_(quiet_record_done) struct quiet_record a = { 0 }, b = { 0 };
	_cleanup_free_ char *text = NULL, *again = NULL;

	(void)state;
	assert_int_equal(quiet_record_init(&a), 0);
	fill(&a);
	text = quiet_record_text(&a, "boot-1");
	assert_int_equal(quiet_record_parse(text, "boot-1", &b, NULL), 0);
	again = quiet_record_text(&b, "boot-1");
	assert_string_equal(again, text);
	assert_int_equal(b.irqs_count, 4);
	assert_int_equal(b.irqs[0].irq, 31); /* by number */
	assert_int_equal(b.irqs[3].irq, 1000);
	expect(quiet_record_irq(&b, 40)->kept.original, "0-7");
	assert_null(quiet_record_irq(&b, 41));
	expect(b.irq_default.written, "0-1,4-255");
	expect(b.workqueues.written, "none");
	assert_int_equal(b.irqbalance, 4711);
	assert_string_equal(b.units[1].name, "init.scope");
	expect(b.units[1].allowed, "0-3");
	assert_false(quiet_record_empty(&b));
}

static void test_record_of_another_boot_is_empty(void **state)
{
	_cleanup_(quiet_record_done) struct quiet_record a = { 0 }, b = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(quiet_record_init(&a), 0);
	fill(&a);
	text = quiet_record_text(&a, "boot-1");
	assert_int_equal(quiet_record_parse(text, "boot-2", &b, NULL), 0);
	assert_true(quiet_record_empty(&b));
	expect(b.cpus, "");
}

/* Each place of a good text is broken in turn. */
static void test_record_refuses_garbage_whole(void **state)
{
	static const char *const breaks[][2] = {
		{ "\"form\":1", "\"form\":2" },
		{ "\"form\":1", "\"from\":1" },
		{ "\"cpus\":\"2-3\"", "\"cpus\":\"3-2\"" },
		{ "\"cpus\":\"2-3\"", "\"cpus\":7" },
		{ "[31,", "[-31," },
		{ "[31,", "[32," }, /* twice */
		{ "[31,", "[70000," },
		{ "[31,\"0-7\"", "[31,null" },
		{ "[31,\"0-7\"", "[31,\"0-7,\"" },
		{ "[31,\"0-7\"", "[31" },
		{ "\"irqbalance\":4711", "\"irqbalance\":-1" },
		{ "\"irqbalance\":4711", "\"irqbalance\":99999999999" },
		{ "\"system.slice\":\"\"", "\"system.slice\":null" },
		{ "}", "" },
	};
	_cleanup_(quiet_record_done) struct quiet_record a = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(quiet_record_init(&a), 0);
	fill(&a);
	text = quiet_record_text(&a, "boot-1");
	for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
		_cleanup_(quiet_record_done) struct quiet_record b = { 0 };
		char *at = strstr(text, breaks[i][0]), broken[4096];
		struct fail why = { 0 };

		assert_non_null(at);
		(void)snprintf(broken, sizeof(broken), "%.*s%s%s", (int)(at - text), text,
			       breaks[i][1], at + strlen(breaks[i][0]));
		assert_int_equal(quiet_record_parse(broken, "boot-1", &b, &why), -EBADMSG);
		assert_true(why.text[0]);
		assert_null(b.cpus); /* untouched */
	}
	assert_int_equal(quiet_record_parse("", "boot-1", &a, NULL), -EBADMSG);
	assert_int_equal(a.irqs_count, 4);
}

static void test_record_forgets_what_is_as_it_was(void **state)
{
	_cleanup_(quiet_record_done) struct quiet_record r = { 0 };

	(void)state;
	assert_int_equal(quiet_record_init(&r), 0);
	fill(&r);
	quiet_kept_done(&quiet_record_irq(&r, 32)->kept);
	quiet_kept_done(&quiet_record_irq(&r, 1000)->kept);
	quiet_record_tidy(&r);
	assert_int_equal(r.irqs_count, 2);
	assert_int_equal(r.irqs[1].irq, 40);
}

/* Of a setting: first looked at, narrowed, widened again; and what somebody else wrote meanwhile is
 * what is put back. */
static void test_kept_setting_knows_what_is_its_own(void **state)
{
	_cleanup_(quiet_kept_done) struct quiet_kept k = { 0 };
	_cleanup_(cpuset_freep) struct cpuset *first = set_of("0-7"), *narrow = set_of("0-5"),
					      *theirs = set_of("1");
	struct cpuset *want = set_of("0-5");

	(void)state;
	assert_int_equal(quiet_kept_begin(&k, first), 0);
	assert_int_equal(quiet_kept_aim(&k, first, &want), 1);
	assert_null(want);
	quiet_kept_end(&k, first, 0);
	expect(k.original, "0-7");
	assert_int_equal(quiet_kept_begin(&k, narrow), 0); /* our own */
	expect(k.original, "0-7");
	want = set_of("0-3");
	assert_int_equal(quiet_kept_aim(&k, narrow, &want), 1);
	assert_int_equal(quiet_kept_begin(&k, narrow), 0); /* killed before the write */
	expect(k.original, "0-7");
	assert_int_equal(quiet_kept_begin(&k, theirs), 0);
	expect(k.original, "1");
	want = set_of("1");
	assert_int_equal(quiet_kept_aim(&k, theirs, &want), 0);
	expect(k.original, "none"); /* nothing to put back */
}

static void test_kept_setting_that_was_refused_leaves_nothing(void **state)
{
	_cleanup_(quiet_kept_done) struct quiet_kept k = { 0 };
	_cleanup_(cpuset_freep) struct cpuset *now = set_of("2");
	struct cpuset *want = set_of("0");

	(void)state;
	assert_int_equal(quiet_kept_begin(&k, now), 0);
	assert_int_equal(quiet_kept_aim(&k, now, &want), 1);
	quiet_kept_end(&k, now, -EIO);
	expect(k.original, "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_is_the_same_after_its_text),
		cmocka_unit_test(test_record_of_another_boot_is_empty),
		cmocka_unit_test(test_record_refuses_garbage_whole),
		cmocka_unit_test(test_record_forgets_what_is_as_it_was),
		cmocka_unit_test(test_kept_setting_knows_what_is_its_own),
		cmocka_unit_test(test_kept_setting_that_was_refused_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
