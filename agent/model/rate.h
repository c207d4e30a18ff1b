/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How often something may happen: a bucket of tokens that one falls into every so often, kept as a
 * single number, the time at which the bucket will be full again. */

#include "model/bounded.h"

struct rate_rule {
	uint64_t every_usec; /* between two tokens; 0: as often as one likes */
	uint64_t burst;	     /* tokens that a full bucket has, at least 1 */
};

/* Microseconds until there is a token, 0: now. full_usec 0: nothing was ever taken. */
static inline uint64_t rate_wait_usec(const struct rate_rule *r, uint64_t full_usec,
				      uint64_t now_usec)
{
	const uint64_t room = multiply_bounded(r->every_usec, r->burst - 1);

	return r->every_usec == 0 ? 0 : subtract_bounded(full_usec, add_bounded(now_usec, room));
}

/* When it is full again once a token was taken now. */
static inline uint64_t rate_take(const struct rate_rule *r, uint64_t full_usec, uint64_t now_usec)
{
	return add_bounded(full_usec > now_usec ? full_usec : now_usec, r->every_usec);
}
