/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The body of PATCH /v1/slices/NAME -> a change of size; parsed once and strictly. */

#include "model/resize_change.h"
#include "util/fail.h"
#include "wire/json.h"

/* *ret must be resize_change_init'ed; it is to be released also on failure. -EINVAL, -ERANGE with a
 * sentence. */
int decode_resize(const json_t *object, struct resize_change *ret, struct fail *f);
