/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of JSON objects by a table; see json.h. Each kind of value has one reader and one
 * phrase ("must be a text"), so that every refusal is a sentence which names the key. It knows
 * nothing of what the keys mean, and it never guesses: 2.0 is no whole number. */
#include "wire/json.h"

#include "util/parse.h"
#include "wire/json_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
	SUGGESTION_BYTES = 32, /* keys longer than this get no suggestion */
	SUGGESTION_EDITS = 2,
};

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
				p->field->key, json_show(json_string_value(value)).text);
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
				field->key, json_show(text).text, field->choices);
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
	struct json_shown shown = json_show(key);

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
