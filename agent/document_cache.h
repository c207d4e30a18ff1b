/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shares of the caches as JSON, in the form that reeve-api(7) documents. Each returns a new
 * reference, NULL without memory. */

#include "model/cache.h"
#include "wire/json.h"

json_t *document_cache_request(const struct cache_request *r);
json_t *document_cache_shares(const struct cache_shares *s);
json_t *document_cache_control(const struct cache_control *c);
json_t *document_cache_offer(const struct cache_offer *o);
