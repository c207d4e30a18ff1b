/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding of a task's network; see decode_network.h. */
#include "decode_network.h"

#include "cni_config.h"

#include <errno.h>
#include <string.h>

struct raw_network {
	const char *cni;
};

int decode_network(const json_t *object, struct task_spec *ret, struct fail *f)
{
	static const struct json_field fields[] = {
		{ "cni", JSON_KIND_STRING, offsetof(struct raw_network, cni), .required = true },
		{ 0 },
	};
	struct raw_network raw = { 0 };
	int r = object ? json_read(object, fields, "network", &raw, f) : 0;

	if (r < 0 || !object)
		return r;
	if (!cni_name_valid(raw.cni))
		return fail_set(f, -EINVAL,
				"network: \"cni\" must be the name of a network: letters, digits, "
				"'_', '.' and '-', at most 128");
	ret->cni = strdup(raw.cni);
	return ret->cni ? 0 : fail_set(f, -ENOMEM, "out of memory");
}
