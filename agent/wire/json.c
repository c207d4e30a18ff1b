/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of JSON objects by a table; see json.h. jansson parses; here each kind of value
 * has one reader and one phrase ("must be a text"), so that every refusal is a sentence which names
 * the key. It knows nothing of what the keys mean, and it never guesses: 2.0 is no whole number. */
#include "wire/json.h"

#include "util/buf.h"
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	SHOWN_BYTES = 48,      /* of somebody else's text within our sentence */
	SUGGESTION_BYTES = 32, /* keys longer than this get no suggestion */
	SUGGESTION_EDITS = 2,
};

/* --- somebody else's text within our sentences --- */

struct shown {
	char text[SHOWN_BYTES + 4];
};

static void make_printable(char *text)
{
	bool utf8 = parse_utf8_valid(text, strlen(text));

	for (char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p) || (!utf8 && !isascii((unsigned char)*p)))
			*p = '?';
}

/* At most SHOWN_BYTES, cut between characters. */
static struct shown show(const char *text)
{
	struct shown s = { 0 };
	size_t length = strlen(text), keep = length;

	if (length > SHOWN_BYTES)
		for (keep = SHOWN_BYTES; keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80;)
			keep--;
	memcpy(s.text, text, keep);
	make_printable(s.text);
	if (keep < length)
		memcpy(s.text + keep, "...", 4);
	return s;
}

/* --- parsing --- */

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "unknown";
}

/* The key before the number that begins at i: jansson only tells where a number ends. */
static struct shown key_before(const char *text, size_t i)
{
	char key[SUGGESTION_BYTES + 1] = "";
	size_t stop;

	while (i > 0 && memchr(" \t\r\n:", text[i - 1], 5))
		i--;
	if (i == 0 || text[--i] != '"')
		return show("");
	for (stop = i; i > 0 && text[i - 1] != '"';)
		i--;
	if (i > 0 && stop - i < sizeof(key))
		memcpy(key, text + i, stop - i);
	return show(key);
}

static int refuse_huge(const char *text, size_t size, const json_error_t *e, struct fail *f)
{
	size_t end = e->position > 0 && (size_t)e->position <= size ? (size_t)e->position : 0;
	size_t start = end;
	char number[SHOWN_BYTES + 2] = "";
	struct shown key;

	while (start > 0 && memchr("0123456789-+.eE", text[start - 1], 15))
		start--;
	key = key_before(text, start);
	memcpy(number, text + start, end - start > SHOWN_BYTES ? SHOWN_BYTES + 1 : end - start);
	return fail_set(f, -ERANGE, "line %d column %d: %s%s%s is %s", e->line, e->column, key.text,
			*key.text ? ": " : "", show(number).text,
			*number == '-' ? "less than -9223372036854775808"
				       : "more than 9223372036854775807");
}

static int refuse_syntax(const char *text, size_t size, const json_error_t *e, struct fail *f)
{
	int r;

	if (json_error_code(e) == json_error_out_of_memory)
		return fail_set(f, -ENOMEM, "no memory to read a JSON text of %zu bytes", size);
	if (json_error_code(e) == json_error_numeric_overflow)
		return refuse_huge(text, size, e, f);
	r = fail_set(f, -EINVAL, "line %d column %d: %s", e->line, e->column, e->text);
	if (f)
		make_printable(f->text);
	return r;
}

static bool blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

int json_parse_object(const char *text, size_t size, json_t **ret, struct fail *f)
{
	_cleanup_json_ json_t *document = NULL;
	json_error_t e = { .line = 1 };

	if (!text || blank(text, size))
		return fail_set(f, -EINVAL, "a JSON object is expected, and there is nothing");
	document = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!document)
		return refuse_syntax(text, size, &e, f);
	if (!json_is_object(document))
		return fail_set(f, -EINVAL, "a JSON object is expected, not %s",
				type_name(document));
	*ret = TAKE_PTR(document);
	return 0;
}

/* --- one value --- */

struct place { /* where a value goes, and what its sentences need */
	const struct json_field *field;
	const char *what;
	void *target;
	struct fail *f;
};

static const char *phrase(enum json_kind kind);

static int refuse_type(const struct place *p)
{
	return fail_set(p->f, -EINVAL, "%s: \"%s\" must be %s", p->what, p->field->key,
			phrase(p->field->kind));
}

static void store(const struct place *p, const void *value, size_t size)
{
	memcpy((char *)p->target + p->field->offset, value, size);
}

static int store_bounded(const struct place *p, uint64_t value, const char *unit)
{
	const struct json_field *field = p->field;

	if (value < field->minimum)
		return fail_set(p->f, -ERANGE, "%s: %s: %llu%s is less than %llu", p->what,
				field->key, (unsigned long long)value, unit,
				(unsigned long long)field->minimum);
	if (field->maximum && value > field->maximum)
		return fail_set(p->f, -ERANGE, "%s: %s: %llu%s is more than %llu", p->what,
				field->key, (unsigned long long)value, unit,
				(unsigned long long)field->maximum);
	store(p, &value, sizeof(value));
	return 0;
}

static int refuse_negative(const struct place *p, json_int_t value)
{
	return fail_set(p->f, -ERANGE, "%s: %s: %lld is less than %llu", p->what, p->field->key,
			(long long)value, (unsigned long long)p->field->minimum);
}

static int refuse_length(const struct place *p, size_t count, const char *of)
{
	const struct json_field *field = p->field;

	if (field->maximum && count > field->maximum)
		return fail_set(p->f, -ERANGE, "%s: \"%s\" has %zu %s, more than %llu", p->what,
				field->key, count, of, (unsigned long long)field->maximum);
	if (count < field->minimum)
		return fail_set(p->f, -ERANGE, "%s: \"%s\" has %zu %s, fewer than %llu", p->what,
				field->key, count, of, (unsigned long long)field->minimum);
	return 0;
}

static int read_string(const struct place *p, const json_t *value)
{
	const char *text = json_string_value(value);
	int r;

	if (!text || strlen(text) != json_string_length(value))
		return refuse_type(p);
	r = refuse_length(p, strlen(text), "bytes");
	if (r == 0)
		store(p, &text, sizeof(text));
	return r;
}

static int read_name(const struct place *p, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || !parse_name_valid(text))
		return refuse_type(p);
	return read_string(p, value);
}

static int read_u64(const struct place *p, const json_t *value)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return refuse_type(p);
	if (number < 0)
		return refuse_negative(p, number);
	return store_bounded(p, (uint64_t)number, "");
}

static int read_i64(const struct place *p, const json_t *value)
{
	int64_t minimum = (int64_t)p->field->minimum, maximum = (int64_t)p->field->maximum;
	int64_t number = json_integer_value(value);
	bool bounded = minimum != 0 || maximum != 0;

	if (!json_is_integer(value))
		return refuse_type(p);
	if (bounded && number < minimum)
		return fail_set(p->f, -ERANGE, "%s: %s: %lld is less than %lld", p->what,
				p->field->key, (long long)number, (long long)minimum);
	if (maximum != 0 && number > maximum)
		return fail_set(p->f, -ERANGE, "%s: %s: %lld is more than %lld", p->what,
				p->field->key, (long long)number, (long long)maximum);
	store(p, &number, sizeof(number));
	return 0;
}

static int read_bool(const struct place *p, const json_t *value)
{
	bool yes = json_is_true(value);

	if (!json_is_boolean(value))
		return refuse_type(p);
	store(p, &yes, sizeof(yes));
	return 0;
}

static int read_number(const struct place *p, const json_t *value)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || !isfinite(number))
		return refuse_type(p);
	if (number < 0 || number < (double)p->field->minimum)
		return fail_set(p->f, -ERANGE, "%s: %s: %.15g is less than %llu", p->what,
				p->field->key, number, (unsigned long long)p->field->minimum);
	if (p->field->maximum && number > (double)p->field->maximum)
		return fail_set(p->f, -ERANGE, "%s: %s: %.15g is more than %llu", p->what,
				p->field->key, number, (unsigned long long)p->field->maximum);
	store(p, &number, sizeof(number));
	return 0;
}

static int read_bytes(const struct place *p, const json_t *value)
{
	uint64_t bytes = 0;
	int r;

	if (json_is_integer(value) && json_integer_value(value) < 0)
		return refuse_negative(p, json_integer_value(value));
	if (json_is_integer(value))
		return store_bounded(p, (uint64_t)json_integer_value(value), " bytes");
	r = parse_bytes(json_string_value(value), &bytes);
	if (r == -ERANGE)
		return fail_set(p->f, -ERANGE, "%s: %s: %s is too large a size", p->what,
				p->field->key, show(json_string_value(value)).text);
	return r < 0 ? refuse_type(p) : store_bounded(p, bytes, " bytes");
}

static int read_duration(const struct place *p, const json_t *value)
{
	const double usec_max = 9e18; /* below 2^63, so that the cast is defined */
	double usec = json_number_value(value) * 1e6;
	uint64_t parsed = 0;
	int r;

	if (json_is_number(value) && usec < 0)
		return fail_set(p->f, -ERANGE, "%s: %s: a duration is not negative", p->what,
				p->field->key);
	if (json_is_number(value) && usec <= usec_max)
		return store_bounded(p, (uint64_t)(usec + 0.5), " microseconds");
	r = json_is_number(value) ? -ERANGE : parse_duration(json_string_value(value), &parsed);
	if (r == -ERANGE)
		return fail_set(p->f, -ERANGE, "%s: %s: that is too long a duration", p->what,
				p->field->key);
	return r < 0 ? refuse_type(p) : store_bounded(p, parsed, " microseconds");
}

static int read_enum(const struct place *p, const json_t *value)
{
	const struct json_field *field = p->field;
	const char *text = json_string_value(value);
	int number = text ? field->from_string(text) : -1;

	if (!text)
		return fail_set(p->f, -EINVAL, "%s: \"%s\" must be one of %s", p->what, field->key,
				field->choices);
	if (number < 0)
		return fail_set(p->f, -EINVAL, "%s: %s: \"%s\" is not one of %s", p->what,
				field->key, show(text).text, field->choices);
	store(p, &number, sizeof(number));
	return 0;
}

static int read_array(const struct place *p, const json_t *value)
{
	int r;

	if (!json_is_array(value))
		return refuse_type(p);
	r = refuse_length(p, json_array_size(value), "items");
	if (r == 0)
		store(p, &value, sizeof(value));
	return r;
}

static int read_object(const struct place *p, const json_t *value)
{
	if (!json_is_object(value))
		return refuse_type(p);
	store(p, &value, sizeof(value));
	return 0;
}

static const struct {
	const char *phrase; /* "must be ..." */
	int (*read)(const struct place *p, const json_t *value);
} kinds[] = {
	[JSON_KIND_STRING] = { "a text", read_string },
	[JSON_KIND_NAME] = { "a name of 1 to 63 characters a-z, 0-9 and - (not at its ends)",
			     read_name },
	[JSON_KIND_U64] = { "a whole number", read_u64 },
	[JSON_KIND_I64] = { "a whole number", read_i64 },
	[JSON_KIND_BOOL] = { "true or false", read_bool },
	[JSON_KIND_NUMBER] = { "a number", read_number },
	[JSON_KIND_BYTES] = { "a whole number of bytes, or a text like \"4GiB\"", read_bytes },
	[JSON_KIND_DURATION] = { "a number of seconds, or a text like \"500ms\"", read_duration },
	[JSON_KIND_ENUM] = { "a text", read_enum },
	[JSON_KIND_ARRAY] = { "a list", read_array },
	[JSON_KIND_OBJECT] = { "an object", read_object },
};

static const char *phrase(enum json_kind kind)
{
	return kinds[kind].phrase;
}

/* --- an object --- */

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row at a time; both at most SUGGESTION_BYTES long. */
static size_t edits_between(const char *a, const char *b)
{
	size_t row[SUGGESTION_BYTES + 1], length = strlen(b);

	for (size_t k = 0; k <= length; k++)
		row[k] = k;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 1; k <= length; k++) {
			size_t above = row[k];

			row[k] = smallest(above + 1, row[k - 1] + 1, diagonal + (a[i] != b[k - 1]));
			diagonal = above;
		}
	}
	return row[length];
}

static const char *nearest_key(const struct json_field *fields, const char *key)
{
	size_t best_edits = SUGGESTION_EDITS + 1;
	const char *best = NULL;

	if (strlen(key) > SUGGESTION_BYTES)
		return NULL;
	for (; fields->key; fields++) {
		size_t edits = strlen(fields->key) <= SUGGESTION_BYTES
				       ? edits_between(key, fields->key)
				       : best_edits;

		if (edits < best_edits && edits < strlen(key)) {
			best = fields->key;
			best_edits = edits;
		}
	}
	return best;
}

static int refuse_unknown(const struct json_field *fields, const char *what, const char *key,
			  struct fail *f)
{
	const char *near = nearest_key(fields, key);
	struct shown shown = show(key);

	if (near)
		return fail_set(f, -EINVAL, "%s: unknown key \"%s\" (did you mean \"%s\"?)", what,
				shown.text, near);
	return fail_set(f, -EINVAL, "%s: unknown key \"%s\"", what, shown.text);
}

static bool is_known(const struct json_field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return true;
	return false;
}

int json_read(const json_t *object, const struct json_field *fields, const char *what, void *target,
	      struct fail *f)
{
	if (!json_is_object(object))
		return fail_set(f, -EINVAL, "%s must be an object", what);
	/* jansson's iterators want a pointer that is not const, and change nothing */
	for (void *i = json_object_iter((json_t *)object); i;
	     i = json_object_iter_next((json_t *)object, i))
		if (!is_known(fields, json_object_iter_key(i)))
			return refuse_unknown(fields, what, json_object_iter_key(i), f);

	for (; fields->key; fields++) {
		const json_t *value = json_object_get(object, fields->key);
		struct place p = { fields, what, target, f };
		int r = 0;

		if (value && !json_is_null(value))
			r = kinds[fields->kind].read(&p, value);
		else if (fields->required)
			r = fail_set(f, -EINVAL, "%s: \"%s\" is missing", what, fields->key);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- writing --- */

int json_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

json_t *json_string_lossy(const char *text)
{
	_cleanup_free_ char *copy = NULL;

	if (parse_utf8_valid(text, strlen(text)))
		return json_string(text);
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++)
		if (!isascii((unsigned char)*p))
			*p = '?';
	return json_string(copy);
}

int json_put_string(json_t *object, const char *key, const char *value_or_null)
{
	return value_or_null ? json_put(object, key, json_string_lossy(value_or_null)) : 0;
}

/* 15 digits are what a double surely keeps: 0.1 is printed as 0.1 */
char *json_text(const json_t *document)
{
	return json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static int append(const char *bytes, size_t size, void *into)
{
	return buf_append(into, bytes, size) < 0 ? -1 : 0;
}

char *json_text_pretty(const json_t *document)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	if (json_dump_callback(document, append, &text,
			       JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) < 0)
		return NULL;
	return buf_text(&text, "\n") < 0 ? NULL : buf_steal(&text);
}
