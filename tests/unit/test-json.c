/* SPDX-License-Identifier: Apache-2.0 */
/* JSON at the door: good objects are read, everything else gets a sentence. */
#include "wire/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct order {
	const char *owner, *name;
	uint64_t cores, memory_bytes, grace_usec;
	int64_t nice;
	bool required;
	double shared;
	int restart;
	const json_t *argv, *labels;
};

static int restart_from_string(const char *name)
{
	static const char *const names[] = { "never", "always" };

	for (int i = 0; i < 2; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

#define FIELD(member) .offset = offsetof(struct order, member)
static const struct json_field fields[] = {
	{ .key = "owner", .kind = JSON_KIND_STRING, FIELD(owner), .maximum = 8 },
	{ .key = "name", .kind = JSON_KIND_NAME, FIELD(name), .maximum = 40 },
	{ .key = "cores", .kind = JSON_KIND_U64, FIELD(cores), .minimum = 1, .maximum = 65536 },
	{ .key = "memory", .kind = JSON_KIND_BYTES, FIELD(memory_bytes), .minimum = 4096 },
	{ .key = "grace", .kind = JSON_KIND_DURATION, FIELD(grace_usec), .maximum = 3600000000 },
	{ .key = "nice",
	  .kind = JSON_KIND_I64,
	  FIELD(nice),
	  .minimum = (uint64_t)-20,
	  .maximum = 19 },
	{ .key = "required", .kind = JSON_KIND_BOOL, FIELD(required) },
	{ .key = "shared_cpus", .kind = JSON_KIND_NUMBER, FIELD(shared), .maximum = 1024 },
	{ .key = "restart",
	  .kind = JSON_KIND_ENUM,
	  FIELD(restart),
	  .from_string = restart_from_string,
	  .choices = "never, always" },
	{ .key = "argv", .kind = JSON_KIND_ARRAY, FIELD(argv), .minimum = 1, .maximum = 3 },
	{ .key = "labels", .kind = JSON_KIND_OBJECT, FIELD(labels) },
	{ 0 },
};

static int read_text(const char *text, struct order *o, json_t **document, struct fail *f)
{
	int r = json_parse_object(text, strlen(text), document, f);

	return r < 0 ? r : json_read(*document, fields, "order", o, f);
}

static void test_json_reads_every_kind_of_value(void **state)
{
	static const char text[] =
		"{\"owner\":\"\\u00e9va\",\"name\":\"train-1\",\"cores\":65536,\"memory\":\"4GiB\","
		"\"grace\":\"500ms\",\"nice\":-20,\"required\":true,\"shared_cpus\":0.5,"
		"\"restart\":\"always\",\"argv\":[\"a\",\"b\",\"c\"],\"labels\":{\"k\":\"v\"}}";
	_cleanup_json_ json_t *document = NULL;
	struct fail f = { 0 };
	struct order o = { 0 };

	(void)state;
	assert_int_equal(read_text(text, &o, &document, &f), 0);
	assert_string_equal(o.owner, "\xc3\xa9va");
	assert_string_equal(o.name, "train-1");
	assert_int_equal(o.cores, 65536);
	assert_true(o.memory_bytes == 4ULL << 30);
	assert_int_equal(o.grace_usec, 500000);
	assert_true(o.nice == -20);
	assert_true(o.required);
	assert_true(o.shared == 0.5);
	assert_int_equal(o.restart, 1);
	assert_int_equal(json_array_size(o.argv), 3);
	assert_string_equal(json_string_value(json_object_get(o.labels, "k")), "v");
}

static void test_json_takes_numbers_where_units_may_be_left_out(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	struct order o = { 0 };

	(void)state;
	assert_int_equal(
		read_text("{\"memory\":8192,\"grace\":1.5,\"shared_cpus\":2}", &o, &document, NULL),
		0);
	assert_int_equal(o.memory_bytes, 8192);
	assert_int_equal(o.grace_usec, 1500000);
	assert_true(o.shared == 2.0);
}

static void test_json_leaves_alone_what_is_absent_or_null(void **state)
{
	_cleanup_json_ json_t *document = NULL;
	struct order o = { .cores = 7, .nice = 3, .owner = "before" };

	(void)state;
	assert_int_equal(read_text("{\"cores\":null}", &o, &document, NULL), 0);
	assert_int_equal(o.cores, 7);
	assert_int_equal(o.nice, 3);
	assert_string_equal(o.owner, "before");
}

static void test_json_refuses_with_a_sentence(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *sentence;
	} vectors[] = {
		{ "{\"coers\":1}", -EINVAL,
		  "order: unknown key \"coers\" (did you mean \"cores\"?)" },
		{ "{\"zebra\":1}", -EINVAL, "order: unknown key \"zebra\"" },
		{ "{\"\":1}", -EINVAL, "order: unknown key \"\"" },
		{ "{\"x\\ny\":1}", -EINVAL, "order: unknown key \"x?y\"" },
		{ "{\"cores\":\"1\"}", -EINVAL, "order: \"cores\" must be a whole number" },
		{ "{\"cores\":1.0}", -EINVAL, "order: \"cores\" must be a whole number" },
		{ "{\"cores\":true}", -EINVAL, "order: \"cores\" must be a whole number" },
		{ "{\"cores\":-1}", -ERANGE, "order: cores: -1 is less than 1" },
		{ "{\"cores\":0}", -ERANGE, "order: cores: 0 is less than 1" },
		{ "{\"cores\":65537}", -ERANGE, "order: cores: 65537 is more than 65536" },
		{ "{\"cores\":99999999999999999999}", -ERANGE,
		  "line 1 column 29: cores: 99999999999999999999 is more than "
		  "9223372036854775807" },
		{ "{\"cores\":-99999999999999999999}", -ERANGE,
		  "line 1 column 30: cores: -99999999999999999999 is less than "
		  "-9223372036854775808" },
		{ "{\"nice\":-21}", -ERANGE, "order: nice: -21 is less than -20" },
		{ "{\"nice\":20}", -ERANGE, "order: nice: 20 is more than 19" },
		{ "{\"memory\":\"4 GiB\"}", -EINVAL,
		  "order: \"memory\" must be a whole number of bytes, or a text like \"4GiB\"" },
		{ "{\"memory\":1}", -ERANGE, "order: memory: 1 bytes is less than 4096" },
		{ "{\"memory\":-5}", -ERANGE, "order: memory: -5 is less than 4096" },
		{ "{\"memory\":\"99999999P\"}", -ERANGE,
		  "order: memory: 99999999P is too large a size" },
		{ "{\"memory\":[]}", -EINVAL,
		  "order: \"memory\" must be a whole number of bytes, or a text like \"4GiB\"" },
		{ "{\"grace\":-0.5}", -ERANGE, "order: grace: a duration is not negative" },
		{ "{\"grace\":1e300}", -ERANGE, "order: grace: that is too long a duration" },
		{ "{\"grace\":\"1d\"}", -ERANGE,
		  "order: grace: 86400000000 microseconds is more than 3600000000" },
		{ "{\"grace\":\"soon\"}", -EINVAL,
		  "order: \"grace\" must be a number of seconds, or a text like \"500ms\"" },
		{ "{\"required\":1}", -EINVAL, "order: \"required\" must be true or false" },
		{ "{\"shared_cpus\":-0.1}", -ERANGE, "order: shared_cpus: -0.1 is less than 0" },
		{ "{\"shared_cpus\":1024.5}", -ERANGE,
		  "order: shared_cpus: 1024.5 is more than 1024" },
		{ "{\"restart\":\"sometimes\"}", -EINVAL,
		  "order: restart: \"sometimes\" is not one of never, always" },
		{ "{\"restart\":1}", -EINVAL, "order: \"restart\" must be one of never, always" },
		{ "{\"name\":\"-x\"}", -EINVAL,
		  "order: \"name\" must be a name of 1 to 63 characters a-z, 0-9 and - (not at its "
		  "ends)" },
		{ "{\"owner\":\"123456789\"}", -ERANGE,
		  "order: \"owner\" has 9 bytes, more than 8" },
		{ "{\"argv\":[]}", -ERANGE, "order: \"argv\" has 0 items, fewer than 1" },
		{ "{\"argv\":[1,2,3,4]}", -ERANGE, "order: \"argv\" has 4 items, more than 3" },
		{ "{\"argv\":{}}", -EINVAL, "order: \"argv\" must be a list" },
		{ "{\"labels\":[]}", -EINVAL, "order: \"labels\" must be an object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		_cleanup_json_ json_t *document = NULL;
		struct fail f = { 0 };
		struct order o = { 0 };

		assert_int_equal(read_text(vectors[i].text, &o, &document, &f), vectors[i].error);
		assert_string_equal(f.text, vectors[i].sentence);
		assert_int_equal(f.error, vectors[i].error);
	}
}

static void test_json_names_a_required_key_that_is_missing(void **state)
{
	static const struct json_field required[] = {
		{ .key = "argv", .kind = JSON_KIND_ARRAY, .required = true },
		{ 0 },
	};
	static const char *const texts[] = { "{}", "{\"argv\":null}" };
	const json_t *argv = NULL;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_json_ json_t *document = NULL;
		struct fail f = { 0 };

		assert_int_equal(json_parse_object(texts[i], strlen(texts[i]), &document, &f), 0);
		assert_int_equal(json_read(document, required, "task", &argv, &f), -EINVAL);
		assert_string_equal(f.text, "task: \"argv\" is missing");
	}
	assert_null(argv);
}

static void test_json_read_refuses_what_is_no_object(void **state)
{
	_cleanup_json_ json_t *list = json_array();
	struct fail f = { 0 };
	struct order o;

	(void)state;
	assert_int_equal(json_read(list, fields, "order", &o, &f), -EINVAL);
	assert_string_equal(f.text, "order must be an object");
	assert_int_equal(json_read(NULL, fields, "order", &o, NULL), -EINVAL);
}

static void test_json_parser_refuses_garbage(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} vectors[] = {
		{ "", 0 },
		{ " \n\t ", 4 },
		{ "[]", 2 },
		{ "7", 1 },
		{ "null", 4 },
		{ "\"text\"", 6 },
		{ "{", 1 },
		{ "{\"a\":1", 6 },
		{ "{\"a\":1}}", 8 },
		{ "{\"a\":1} x", 9 },
		{ "{\"a\":1,}", 8 },
		{ "{a:1}", 5 },
		{ "{\"a\":1,\"a\":2}", 13 },
		{ "{\"a\":\"\\u0000\"}", 14 },
		{ "{\"a\":\"x\0y\"}", 11 },
		{ "{\"a\":1}\0", 8 },
		{ "\0", 1 },
		{ "{\"a\\u0000b\":1}", 14 },
		{ "{\"a\":\"\xff\"}", 9 },
		{ "{\"a\":\"\xed\xa0\x80\"}", 11 },
		{ "{\"a\":\"\\ud800\"}", 14 },
		{ "{\"a\":NaN}", 9 },
		{ "{\"a\":01}", 8 },
		{ "{\"a\":1e999}", 11 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		_cleanup_json_ json_t *document = NULL;
		struct fail f = { 0 };
		int r = json_parse_object(vectors[i].text, vectors[i].size, &document, &f);

		assert_true(r == -EINVAL || r == -ERANGE);
		assert_null(document);
		assert_int_equal(f.error, r);
		assert_true(strlen(f.text) > 10);
		for (const char *p = f.text; *p; p++)
			assert_true(*p >= ' ' && *p < 0x7f);
	}
}

static void test_json_parser_survives_a_million_brackets(void **state)
{
	size_t size = 1000000;
	char *text = malloc(size);
	json_t *document = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, '[', size);
	memcpy(text, "{\"a\":", 5);
	assert_int_equal(json_parse_object(text, size, &document, &f), -EINVAL);
	assert_null(document);
	free(text);
}

static void test_json_syntax_error_tells_line_and_column(void **state)
{
	static const char text[] = "{\n  \"a\": 1,\n  b: 2\n}";
	json_t *document = NULL;
	struct fail f = { 0 };

	(void)state;
	assert_int_equal(json_parse_object(text, strlen(text), &document, &f), -EINVAL);
	assert_memory_equal(f.text, "line 3 column 3: ", 17);
}

static void test_json_long_unknown_key_is_cut_between_characters(void **state)
{
	_cleanup_json_ json_t *document = json_object();
	char key[201] = "x";
	struct fail f = { 0 };
	struct order o;

	(void)state;
	for (size_t i = 1; i + 1 < sizeof(key) - 1; i += 2)
		memcpy(key + i, "\xc3\xa9", 2);
	assert_int_equal(json_put(document, key, json_true()), 0);
	assert_int_equal(json_read(document, fields, "order", &o, &f), -EINVAL);
	assert_true(strlen(f.text) < 100);
	assert_non_null(strstr(f.text, "\xc3\xa9...\""));
}

static void test_json_put_remembers_what_could_not_be_made(void **state)
{
	_cleanup_json_ json_t *o = json_object();

	(void)state;
	assert_int_equal(json_put(o, "a", NULL), -ENOMEM);
	assert_int_equal(json_put_string(o, "b", NULL), 0);
	assert_int_equal(json_object_size(o), 0);
	assert_int_equal(json_put_string(o, "c", "Mod\xe8le \x80"), 0);
	assert_string_equal(json_string_value(json_object_get(o, "c")), "Mod?le ?");
	assert_int_equal(json_put_string(o, "c", "Mod\xc3\xa8le"), 0);
	assert_string_equal(json_string_value(json_object_get(o, "c")), "Mod\xc3\xa8le");
}

static void test_json_text_keeps_the_order_of_keys(void **state)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_free_ char *compact = NULL, *pretty = NULL;

	(void)state;
	assert_int_equal(json_put(o, "z", json_real(0.1)), 0);
	assert_int_equal(json_put(o, "a", json_integer(1)), 0);
	compact = json_text(o);
	pretty = json_text_pretty(o);
	assert_string_equal(compact, "{\"z\":0.1,\"a\":1}");
	assert_string_equal(pretty, "{\n  \"z\": 0.1,\n  \"a\": 1\n}\n");
}

/* RFC 7396, appendix A */
static void test_json_merges_as_the_rfc_shows(void **state)
{
	static const char *const vectors[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_json_ json_t *target = json_loads(vectors[i][0], JSON_DECODE_ANY, NULL),
				      *patch = json_loads(vectors[i][1], JSON_DECODE_ANY, NULL),
				      *wanted = json_loads(vectors[i][2], JSON_DECODE_ANY, NULL),
				      *before = json_deep_copy(target),
				      *merged = json_merge(target, patch);

		if (!json_equal(merged, wanted))
			fail_msg("%s + %s", vectors[i][0], vectors[i][1]);
		assert_true(json_equal(target, before));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_merges_as_the_rfc_shows),
		cmocka_unit_test(test_json_reads_every_kind_of_value),
		cmocka_unit_test(test_json_takes_numbers_where_units_may_be_left_out),
		cmocka_unit_test(test_json_leaves_alone_what_is_absent_or_null),
		cmocka_unit_test(test_json_refuses_with_a_sentence),
		cmocka_unit_test(test_json_names_a_required_key_that_is_missing),
		cmocka_unit_test(test_json_read_refuses_what_is_no_object),
		cmocka_unit_test(test_json_parser_refuses_garbage),
		cmocka_unit_test(test_json_parser_survives_a_million_brackets),
		cmocka_unit_test(test_json_syntax_error_tells_line_and_column),
		cmocka_unit_test(test_json_long_unknown_key_is_cut_between_characters),
		cmocka_unit_test(test_json_put_remembers_what_could_not_be_made),
		cmocka_unit_test(test_json_text_keeps_the_order_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
