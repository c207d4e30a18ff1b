/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Arithmetic on sizes that a machine may lie about: it stops at the limits and never wraps, so that
 * an absurd number can only ever be too careful. */

#include <stdint.h>

static inline uint64_t add_bounded(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t multiply_bounded(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline uint64_t subtract_bounded(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}
