/* SPDX-License-Identifier: Apache-2.0 */
/* Untrusted text: nothing that steers a terminal gets through, nothing harmless is lost. */
#include "ctl-fixture.h"
#include "ctl/text.h"

struct vector {
	const char *in, *utf8, *ascii;
	unsigned columns;
};

static const struct vector vectors[] = {
	{ "", "", "", 0 },
	{ "plain text", "plain text", "plain text", 10 },
	{ "\033[31mred", "?[31mred", "?[31mred", 8 },
	{ "bell\a del\x7f", "bell? del?", "bell? del?", 10 },
	{ "two\nlines\tand\rmore", "two lines and more", "two lines and more", 18 },
	{ "\xc2\x9b"
	  "2J",
	  "?2J", "?2J", 3 }, /* C1 CSI */
	{ "\xe2\x80\xae"
	  "evil",
	  "?evil", "?evil", 5 }, /* right-to-left override */
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr??", 4 },
	{ "\xe6\x9c\xba", "\xe6\x9c\xba", "?", 2 }, /* wide */
	{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd", "??", 2 },
	{ "cut \xe6\x9c", "cut \xef\xbf\xbd\xef\xbf\xbd", "cut ??", 6 },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", "??", 2 },		      /* overlong */
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "???", 3 }, /* surrogate */
	{ "\xf0\x9f\x96\xa5", "\xf0\x9f\x96\xa5", "?", 2 },
};

static void test_text_shows_nothing_that_steers_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct buf utf8 = { 0 }, ascii = { 0 };

		text_safe(&utf8, vectors[i].in, true);
		text_safe(&ascii, vectors[i].in, false);
		assert_string_equal(utf8.data ? utf8.data : "", vectors[i].utf8);
		assert_string_equal(ascii.data ? ascii.data : "", vectors[i].ascii);
		assert_int_equal(text_columns(vectors[i].in), vectors[i].columns);
		buf_done(&utf8);
		buf_done(&ascii);
	}
}

static void test_text_of_null_is_nothing(void **state)
{
	struct buf b = { 0 };

	(void)state;
	text_safe(&b, NULL, true);
	text_xml(&b, NULL);
	text_json(&b, NULL);
	text_lines(&b, NULL);
	assert_int_equal(b.size, 0);
	assert_int_equal(text_columns(NULL), 0);
}

static void test_text_xml_escapes_all_five(void **state)
{
	struct buf b = { 0 };

	(void)state;
	text_xml(&b, "<a href=\"x\" b='y'>&\001");
	assert_string_equal(b.data, "&#60;a href=&#34;x&#34; b=&#39;y&#39;&#62;&#38;?");
	buf_done(&b);
}

static void test_text_json_stays_the_same_document(void **state)
{
	json_t *before = json_pack("{s:s}", "k", "\xc2\x9b\xe2\x80\xae\x7f\xc3\xbc"), *after;
	char *compact = json_dumps(before, 0);
	struct buf b = { 0 };

	(void)state;
	text_json(&b, compact);
	assert_null(strstr(b.data, "\xc2\x9b"));
	assert_null(strstr(b.data, "\xe2\x80\xae"));
	assert_null(strchr(b.data, 0x7f));
	assert_non_null(strstr(b.data, "\xc3\xbc"));
	after = json_loads(b.data, 0, NULL);
	assert_true(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	free(compact);
	buf_done(&b);
}

static void test_text_lines_keeps_lines_and_drops_escapes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	text_lines(&b, "a\tb\nc\033[2J\n");
	assert_string_equal(b.data, "a\tb\nc?[2J\n");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_shows_nothing_that_steers_a_terminal),
		cmocka_unit_test(test_text_of_null_is_nothing),
		cmocka_unit_test(test_text_xml_escapes_all_five),
		cmocka_unit_test(test_text_json_stays_the_same_document),
		cmocka_unit_test(test_text_lines_keeps_lines_and_drops_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
