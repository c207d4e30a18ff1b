/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machines of tests/unit/data for the tests of reevectl: each file is what
 * `reevectl topology --output=json` gives. */

#include "ctl/picture.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static inline void fixture_path(char *room, size_t size, const char *name)
{
	const char *root = getenv("REEVE_SRCDIR");

	(void)snprintf(room, size, "%s/tests/unit/data/%s", root ? root : ".", name);
}

static inline json_t *fixture_load(const char *name)
{
	char path[4096];
	json_error_t error;
	json_t *document;

	fixture_path(path, sizeof(path), name);
	document = json_load_file(path, 0, &error);
	if (!document)
		fail_msg("%s: %s", path, error.text);
	return document;
}

static inline struct picture *fixture_picture(const json_t *document)
{
	struct picture *p = NULL;

	assert_int_equal(picture_new(&p, json_object_get(document, "inventory"),
				     json_object_get(document, "slices"),
				     json_object_get(document, "health"),
				     json_object_get(document, "node")),
			 0);
	return p;
}

static inline json_t *fixture_json(const char *text)
{
	json_t *document = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(document);
	return document;
}
