/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading an answer without trusting it: a value by its dotted path ("resources.cpus"), or nothing
 * when a key is missing or of another type. NULL is an acceptable object everywhere. Borrowed: what
 * is returned lives as long as the document. */

#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

json_t *look(const json_t *object, const char *path);	       /* NULL absent or null */
const char *look_text(const json_t *object, const char *path); /* NULL when it is no string */
json_t *look_array(const json_t *object, const char *path);    /* NULL when it is no array */
json_t *look_object(const json_t *object, const char *path);   /* NULL when it is no object */
bool look_true(const json_t *object, const char *path);	       /* only for a real true */
bool look_u64(const json_t *object, const char *path, uint64_t *ret); /* integers >= 0 */
uint64_t look_u64_or(const json_t *object, const char *path, uint64_t otherwise);
double look_number_or(const json_t *object, const char *path, double otherwise);
