/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one door to jansson: its types, a cleanup, and strict reading of an object by a table, so
 * that an unknown key, a wrong type, a huge number or a NUL byte gets a sentence at the door. */

#include "util/cleanup.h"
#include "util/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_json_ _cleanup_(json_decrefp)

/* Parses a whole text: an object, no duplicate keys, no NUL inside strings, depth and size bounded
 * by the caller's size. -EINVAL with "line L column C: ..." in the sentence. */
int json_parse_object(const char *text, size_t size, json_t **ret, struct fail *f);

enum json_kind {
	JSON_KIND_STRING,   /* const char *, into the document: valid while the document is */
	JSON_KIND_NAME,	    /* const char *, of the form of parse_name_valid */
	JSON_KIND_U64,	    /* uint64_t, whole number within [minimum, maximum] */
	JSON_KIND_I64,	    /* int64_t, likewise (bounds read as int64_t; both 0: any) */
	JSON_KIND_BOOL,	    /* bool */
	JSON_KIND_NUMBER,   /* double, >= 0 and finite, at most maximum */
	JSON_KIND_BYTES,    /* uint64_t: a whole number, or "4GiB" */
	JSON_KIND_DURATION, /* uint64_t microseconds: a number of seconds, or "500ms" */
	JSON_KIND_ENUM,	    /* int: from_string() of the text */
	JSON_KIND_ARRAY,    /* const json_t *, of minimum to maximum items */
	JSON_KIND_OBJECT,   /* const json_t * */
};

struct json_field {
	const char *key; /* NULL ends the table */
	enum json_kind kind;
	size_t offset; /* in the target */
	bool required;
	uint64_t minimum, maximum; /* maximum 0: no bound (strings: of length in bytes) */
	int (*from_string)(const char *name); /* JSON_KIND_ENUM; negative: unknown */
	const char *choices; /* JSON_KIND_ENUM: for the sentence, "never, always" */
};

/* Fills *target for every key that is there and not null; leaves the rest as it was. `what` names
 * the object in sentences ("task"). -EINVAL, -ERANGE; *target may be half filled on failure. */
int json_read(const json_t *object, const struct json_field *fields, const char *what, void *target,
	      struct fail *f);

/* object[key] = value (stolen, as json_object_set_new does), remembering a failure: returns -ENOMEM
 * when value is NULL or could not be set. */
int json_put(json_t *object, const char *key, json_t *value);
int json_put_string(json_t *object, const char *key, const char *value_or_null); /* NULL: omitted */

/* What RFC 7396 makes of the target: null takes a member away, objects are merged, all else is
 * replaced. A new document, which may share parts with both; NULL only without memory. */
json_t *json_merge(const json_t *target, const json_t *patch);

/* A JSON string of any bytes: where they are not UTF-8 (a disk's model in some other encoding), all
 * that is not ASCII becomes '?'. json_put_string does the same. NULL only without memory. */
json_t *json_string_lossy(const char *text);

/* Compact text, keys in order of insertion; the caller frees; NULL without memory. */
char *json_text(const json_t *document);
char *json_text_pretty(const json_t *document); /* two spaces an indent, a newline at the end */
