/* SPDX-License-Identifier: Apache-2.0 */
/* Tolerant getters over jansson: an agent that is older, newer or broken must not crash a client.
 */
#include "ctl/look.h"

#include <string.h>

enum { KEY_LIMIT = 64 }; /* longer than any key of the API */

json_t *look(const json_t *object, const char *path)
{
	while (object && path) {
		const char *dot = strchr(path, '.');
		size_t length = dot ? (size_t)(dot - path) : strlen(path);
		char key[KEY_LIMIT];

		if (length >= sizeof(key))
			return NULL;
		memcpy(key, path, length);
		key[length] = 0;
		object = json_object_get(object, key); /* NULL for what is no object */
		path = dot ? dot + 1 : NULL;
	}
	return json_is_null(object) ? NULL : (json_t *)object;
}

const char *look_text(const json_t *object, const char *path)
{
	return json_string_value(look(object, path));
}

json_t *look_array(const json_t *object, const char *path)
{
	json_t *value = look(object, path);

	return json_is_array(value) ? value : NULL;
}

json_t *look_object(const json_t *object, const char *path)
{
	json_t *value = look(object, path);

	return json_is_object(value) ? value : NULL;
}

bool look_true(const json_t *object, const char *path)
{
	return json_is_true(look(object, path));
}

bool look_u64(const json_t *object, const char *path, uint64_t *ret)
{
	const json_t *value = look(object, path);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

uint64_t look_u64_or(const json_t *object, const char *path, uint64_t otherwise)
{
	(void)look_u64(object, path, &otherwise); /* left as it was when there is none */
	return otherwise;
}

double look_number_or(const json_t *object, const char *path, double otherwise)
{
	const json_t *value = look(object, path);

	return json_is_number(value) ? json_number_value(value) : otherwise;
}
