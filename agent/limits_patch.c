/* SPDX-License-Identifier: Apache-2.0 */
/* Merging limits; see limits_patch.h. They are merged as JSON, in the form of the request and the
 * record, and read by the one decoder that there is. */
#include "limits_patch.h"

#include "decode.h"
#include "document.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static json_t *wrapped(const struct request_limits *l)
{
	_cleanup_json_ json_t *object = json_object();

	return object && json_put(object, "limits", document_limits(l)) == 0 ? TAKE_PTR(object)
									     : NULL;
}

int limits_patch(const struct request_limits *now, const char *patch, struct request_limits *ret,
		 bool *ret_changed, struct fail *f)
{
	_cleanup_json_ json_t *before = wrapped(now), *change = NULL, *merged = NULL, *after = NULL;
	_cleanup_(limits_done) struct request_limits l = { 0 };
	const json_t *object;
	int r = json_parse_object(patch, strlen(patch), &change, f);

	if (r < 0)
		return r;
	merged = before ? json_merge(before, change) : NULL;
	if (!merged)
		return fail_set(f, -ENOMEM, "out of memory");
	object = json_object_get(merged, "limits"); /* none: all are taken away */
	r = object ? decode_request_limits(object, &l, f) : 0;
	if (r < 0)
		return r;
	after = wrapped(&l);
	if (!after)
		return fail_set(f, -ENOMEM, "out of memory");
	*ret_changed = !json_equal(before, after);
	*ret = TAKE(l, (struct request_limits){ 0 });
	return 0;
}

bool limits_patch_names(const char *row)
{
	static const char *const rows[] = {
		"cpu_quota",	     "cpu_burst",	  "memory_min", "memory_low",
		"memory_high",	     "swap_max",	  "io_max",	"io_weight",
		"io_latency",	     "rdma_max",	  "misc_max",	"device_memory_min",
		"device_memory_low", "device_memory_max",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i], row) == 0)
			return true;
	return false;
}
