/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "cache" of a slice request, and of the record of what a slice holds. NULL: there is none. */

#include "model/cache.h"
#include "util/fail.h"
#include "wire/json.h"

int decode_cache(const json_t *object, struct cache_request *ret, struct fail *f);
/* What document_cache_shares wrote; -EINVAL. */
int decode_cache_shares(const json_t *object, struct cache_shares *ret);
