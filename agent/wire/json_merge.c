/* SPDX-License-Identifier: Apache-2.0 */
/* Merging one JSON document into another, by RFC 7396; see json.h. */
#include "wire/json.h"

#include "util/cleanup.h"

static int merge_member(json_t *into, const char *key, const json_t *patch)
{
	if (json_is_null(patch)) {
		(void)json_object_del(into, key); /* absent is fine */
		return 0;
	}
	return json_object_set_new(into, key, json_merge(json_object_get(into, key), patch));
}

/* Section 2, "Processing Merge Patch Documents" */
json_t *json_merge(const json_t *target, const json_t *patch)
{
	_cleanup_json_ json_t *merged = NULL;
	const char *key;
	json_t *value;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	merged = json_is_object(target) ? json_copy((json_t *)(uintptr_t)target) : json_object();
	json_object_foreach ((json_t *)(uintptr_t)patch, key, value)
		if (merged && merge_member(merged, key, value) < 0)
			return NULL;
	return TAKE_PTR(merged);
}
