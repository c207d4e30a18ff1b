/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of FIPS 180-4 (as NIST publishes them) for digest.c. */
#include "wire/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_digest_matches_the_published_vectors(void **state)
{
	static const struct {
		const char *text, *hex;
	} vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	char room[DIGEST_SHA256_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_int_equal(digest_sha256_hex(vectors[i].text, strlen(vectors[i].text), room),
				 0);
		assert_string_equal(room, vectors[i].hex);
	}
}

static void test_digest_of_nothing_takes_a_null_pointer(void **state)
{
	char room[DIGEST_SHA256_ROOM];

	(void)state;
	assert_int_equal(digest_sha256_hex(NULL, 0, room), 0);
	assert_memory_equal(room, "e3b0c442", 8);
}

static void test_digest_takes_a_million_bytes(void **state)
{
	char *million = malloc(1000000);
	char room[DIGEST_SHA256_ROOM];

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_int_equal(digest_sha256_hex(million, 1000000, room), 0);
	assert_string_equal(room,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_matches_the_published_vectors),
		cmocka_unit_test(test_digest_of_nothing_takes_a_null_pointer),
		cmocka_unit_test(test_digest_takes_a_million_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
