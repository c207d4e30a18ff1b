/* SPDX-License-Identifier: Apache-2.0 */
/* The door to jansson: parsing a whole text, and writing one; see json.h. jansson parses; here its
 * errors become sentences with a place. What the values mean is read by json_read.c. */
#include "wire/json.h"

#include "util/buf.h"
#include "util/parse.h"
#include "wire/json_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { KEY_BYTES = 32 }; /* a longer one is not repeated in the sentence about its number */

static void make_printable(char *text)
{
	bool utf8 = parse_utf8_valid(text, strlen(text));

	for (char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p) || (!utf8 && !isascii((unsigned char)*p)))
			*p = '?';
}

struct json_shown json_show(const char *text)
{
	struct json_shown s = { 0 };
	size_t length = strlen(text), keep = length;

	if (length > JSON_SHOWN_BYTES)
		for (keep = JSON_SHOWN_BYTES;
		     keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80;)
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
static struct json_shown key_before(const char *text, size_t i)
{
	char key[KEY_BYTES + 1] = "";
	size_t stop;

	while (i > 0 && memchr(" \t\r\n:", text[i - 1], 5))
		i--;
	if (i == 0 || text[--i] != '"')
		return json_show("");
	for (stop = i; i > 0 && text[i - 1] != '"';)
		i--;
	if (i > 0 && stop - i < sizeof(key))
		memcpy(key, text + i, stop - i);
	return json_show(key);
}

static int refuse_huge(const char *text, size_t size, const json_error_t *e, struct fail *f)
{
	size_t end = e->position > 0 && (size_t)e->position <= size ? (size_t)e->position : 0;
	size_t start = end;
	char number[JSON_SHOWN_BYTES + 2] = "";
	struct json_shown key;

	while (start > 0 && memchr("0123456789-+.eE", text[start - 1], 15))
		start--;
	key = key_before(text, start);
	memcpy(number, text + start,
	       end - start > JSON_SHOWN_BYTES ? JSON_SHOWN_BYTES + 1 : end - start);
	return fail_set(f, -ERANGE, "line %d column %d: %s%s%s is %s", e->line, e->column, key.text,
			*key.text ? ": " : "", json_show(number).text,
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
