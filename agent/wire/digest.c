/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 in one call; see digest.h. It keeps no state and streams nothing: what is digested here
 * (bills of materials, small files) is in memory anyway. */
#include "wire/digest.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

int digest_sha256_hex(const void *data, size_t size, char room[DIGEST_SHA256_ROOM])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char hash[(DIGEST_SHA256_ROOM - 1) / 2];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data ? data : "", size, hash) < 0)
		return -ENOTSUP;
	for (size_t i = 0; i < sizeof(hash); i++) {
		room[2 * i] = digits[hash[i] >> 4];
		room[2 * i + 1] = digits[hash[i] & 15];
	}
	room[DIGEST_SHA256_ROOM - 1] = 0;
	return 0;
}
