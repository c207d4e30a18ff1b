/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256 (FIPS 180-4) as text, through GnuTLS; this header is its one door. */

#include <stddef.h>

enum { DIGEST_SHA256_ROOM = 65 }; /* 64 lower-case hex digits and a NUL */

/* data may be NULL when size is 0. -ENOTSUP when the library refuses (a FIPS self-test failed). */
int digest_sha256_hex(const void *data, size_t size, char room[DIGEST_SHA256_ROOM]);
