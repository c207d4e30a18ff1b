/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exponential back-off: first, first * 2, ... up to max; one reset after a quiet spell. Pure. */

#include <stdint.h>

struct backoff {
	uint64_t first_usec, max_usec; /* both > 0, first <= max */
	uint64_t current_usec;	       /* 0 before the first failure */
};

static inline uint64_t backoff_next(struct backoff *b)
{
	if (b->current_usec == 0)
		b->current_usec = b->first_usec;
	else
		b->current_usec =
			b->current_usec > b->max_usec / 2 ? b->max_usec : b->current_usec * 2;
	return b->current_usec;
}

static inline void backoff_reset(struct backoff *b)
{
	b->current_usec = 0;
}
