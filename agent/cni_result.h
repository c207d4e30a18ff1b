/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What CNI plugins say (SPEC.md 1.1.0, section 5): results, and errors. */

#include "util/fail.h"
#include "wire/json.h"

enum { CNI_OUTPUT_LIMIT_BYTES = 1 << 20 };

/* What ADD wrote. -EBADMSG with a sentence. */
int cni_result_parse(const char *text, size_t size, json_t **ret, struct fail *f);

/* What a task's owner wants to know of it: {"cni": network, "interface", "addresses", "gateways",
 * "mac", "dns"}, as far as it is there; result NULL: the network alone. NULL without memory. */
json_t *cni_result_summary(const char *network, const char *interface, const json_t *result);

/* The error that a plugin wrote, as a sentence: "bridge: no such bridge (CNI error 11: details)";
 * or what else its end was. Returns -EIO, or -EAGAIN for its "try again later" (11). */
int cni_error(const char *plugin, const char *text, size_t size, int wait_status, struct fail *f);
