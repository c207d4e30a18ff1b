/* SPDX-License-Identifier: Apache-2.0 */
/* The SMBIOS parser on well-made tables, on every truncation of one, and on garbage. */
#include "drivers/smbios-parse.h"

#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define STRUCTURE(type, length, handle) (type), (length), (handle)&0xff, (handle) >> 8

enum { PARTS_MAX = 16 };

struct seen {
	struct smbios_part parts[PARTS_MAX];
	size_t count;
	int answer; /* what the visitor returns */
};

static int see(const struct smbios_part *part, void *userdata)
{
	struct seen *s = userdata;

	if (s->count < PARTS_MAX)
		s->parts[s->count] = *part;
	s->count++;
	return s->answer;
}

/* BIOS, system, an occupied DIMM, an empty one, IPMI, TPM, the end: a structure a paragraph. */
/* clang-format off */
static const uint8_t table[] = {
	STRUCTURE(0, 0x12, 0), 1, 2, 0, 0xe0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	'A', 'c', 'm', 'e', 0, '1', '.', '2', 0, '0', '1', '/', '0', '2', '/', '2', '0', '2', '4', 0, 0,

	STRUCTURE(1, 0x08, 1), 1, 2, 3, 4,
	'A', 'c', 'm', 'e', 0, 'S', 'e', 'r', 'v', 'e', 'r', ' ', 0,
	'T', 'o', ' ', 'B', 'e', ' ', 'F', 'i', 'l', 'l', 'e', 'd', ' ',
	'B', 'y', ' ', 'O', '.', 'E', '.', 'M', '.', 0, 'S', '1', 0, 0,

	STRUCTURE(17, 0x22, 2), 0, 0, 0, 0, 72, 0, 64, 0, 0x00, 0x40, 9, 0, 1, 2, 0x1a, 0, 0,
	0x80, 0x0c, 3, 4, 0, 5, 2, 0, 0, 0, 0, 0x40, 0x0b,
	'D', 'I', 'M', 'M', '_', 'A', '1', 0, 'B', 0, 'M', 0, 'N', 0, 'P', 0, 0,

	STRUCTURE(17, 0x15, 3), 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 9, 0, 1, 0, 2, 0, 0,
	'D', 'I', 'M', 'M', '_', 'A', '2', 0, 0,

	STRUCTURE(38, 0x06, 4), 1, 0x20, 0, 0,

	STRUCTURE(43, 0x1f, 5), 'I', 'F', 'X', 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0,

	STRUCTURE(127, 4, 6), 0, 0,
};
/* clang-format on */

static void test_smbios_tells_every_part_of_a_whole_table(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(smbios_parse(table, sizeof(table), see, &s), SMBIOS_WHOLE);
	assert_int_equal(s.count, 6);
	assert_string_equal(s.parts[0].component, "bios");
	assert_string_equal(s.parts[0].vendor, "Acme");
	assert_string_equal(s.parts[0].version, "1.2");
	assert_string_equal(s.parts[0].date, "01/02/2024");
	assert_string_equal(s.parts[1].product, "Server");
	assert_string_equal(s.parts[1].version, ""); /* a placeholder */
	assert_string_equal(s.parts[1].serial, "S1");
	assert_string_equal(s.parts[2].component, "dimm");
	assert_string_equal(s.parts[2].slot, "DIMM_A1");
	assert_string_equal(s.parts[2].vendor, "M");
	assert_string_equal(s.parts[2].serial, "N");
	assert_string_equal(s.parts[2].product, "P");
	assert_true(s.parts[2].size_bytes == 16ULL << 30);
	assert_int_equal(s.parts[2].speed_mts, 2880); /* as configured, not the rated 3200 */
	assert_true(s.parts[3].size_bytes == 0);
	assert_string_equal(s.parts[4].product, "IPMI 2.0");
	assert_string_equal(s.parts[5].vendor, "IFX");
	assert_string_equal(s.parts[5].version, "2.0");
}

static void test_smbios_survives_every_truncation_and_tells_of_it(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(table); size++) {
		_cleanup_free_ uint8_t *copy = malloc(size + 1); /* exact: a sanitizer sees more */
		struct seen s = { 0 };
		int r;

		assert_non_null(copy);
		memcpy(copy, table, size);
		r = smbios_parse(size ? copy : NULL, size, see, &s);
		assert_true(r == SMBIOS_WHOLE || r == SMBIOS_TRUNCATED);
		assert_true(s.count <= 6);
	}
}

static void test_smbios_survives_every_changed_byte(void **state)
{
	static const uint8_t values[] = { 0, 1, 3, 4, 0x7f, 0x80, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof(table); i++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			uint8_t copy[sizeof(table)];
			struct seen s = { 0 };

			memcpy(copy, table, sizeof(copy));
			copy[i] = values[v];
			assert_true(smbios_parse(copy, sizeof(copy), see, &s) >= 0);
			assert_true(s.count <= sizeof(table) / 6);
		}
}

static void test_smbios_stops_at_a_length_that_cannot_be(void **state)
{
	static const uint8_t short_length[] = { 0, 3, 0, 0, 0, 0 };
	static const uint8_t zero_length[] = { 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t long_length[] = { 0, 0xff, 0, 0, 1, 2, 0, 0 };
	static const uint8_t no_end[] = { 2, 5, 0, 0, 1, 'x', 'y' };
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(smbios_parse(short_length, sizeof(short_length), see, &s),
			 SMBIOS_TRUNCATED);
	assert_int_equal(smbios_parse(zero_length, sizeof(zero_length), see, &s), SMBIOS_TRUNCATED);
	assert_int_equal(smbios_parse(long_length, sizeof(long_length), see, &s), SMBIOS_TRUNCATED);
	assert_int_equal(s.count, 0);
	assert_int_equal(smbios_parse(no_end, sizeof(no_end), see, &s), SMBIOS_TRUNCATED);
	assert_int_equal(s.count, 1);
	assert_string_equal(s.parts[0].vendor, "xy");
}

static uint64_t dimm_size(uint16_t size, uint32_t extended)
{
	uint8_t dimm[0x22 + 2] = { STRUCTURE(17, 0x22, 0) };
	struct seen s = { 0 };

	dimm[0x0c] = (uint8_t)size;
	dimm[0x0d] = (uint8_t)(size >> 8);
	for (int i = 0; i < 4; i++)
		dimm[0x1c + i] = (uint8_t)(extended >> (8 * i));
	assert_int_equal(smbios_parse(dimm, sizeof(dimm), see, &s), SMBIOS_WHOLE);
	assert_int_equal(s.count, 1);
	return s.parts[0].size_bytes;
}

static void test_smbios_reads_each_form_of_a_dimm_size(void **state)
{
	(void)state;
	assert_true(dimm_size(0, 0) == 0);
	assert_true(dimm_size(0xffff, 0) == UINT64_MAX);
	assert_true(dimm_size(0x8200, 0) == 512ULL << 10);
	assert_true(dimm_size(0x4000, 0) == 16ULL << 30);
	assert_true(dimm_size(0x7fff, 65536) == 64ULL << 30);
	assert_true(dimm_size(0x7fff, 0xffffffff) == 0x7fffffffULL << 20);
}

static void test_smbios_reads_the_extended_speed(void **state)
{
	uint8_t dimm[0x5c + 2] = { STRUCTURE(17, 0x5c, 0) };
	struct seen s = { 0 };

	(void)state;
	dimm[0x20] = dimm[0x21] = 0xff;
	dimm[0x58] = 0x00;
	dimm[0x59] = 0x00;
	dimm[0x5a] = 0x01; /* 65536 */
	assert_int_equal(smbios_parse(dimm, sizeof(dimm), see, &s), SMBIOS_WHOLE);
	assert_int_equal(s.parts[0].speed_mts, 65536);
}

static void test_smbios_passes_on_what_the_visitor_refuses(void **state)
{
	struct seen s = { .answer = -ENOMEM };

	(void)state;
	assert_int_equal(smbios_parse(table, sizeof(table), see, &s), -ENOMEM);
	assert_int_equal(s.count, 1);
}

static void test_smbios_entry_tells_the_length_if_its_checksum_holds(void **state)
{
	uint8_t old[0x1f] = "_SM_", new[0x18] = "_SM3_";
	size_t length = 7;
	int exact = 7;

	(void)state;
	old[5] = 0x1f;
	old[0x16] = 0x34;
	old[0x17] = 0x12;
	assert_int_equal(smbios_entry_length(old, sizeof(old), &length, &exact), -EINVAL);
	for (size_t i = 0; i < sizeof(old); i++)
		old[4] = (uint8_t)(old[4] - (i == 4 ? 0 : old[i]));
	assert_int_equal(smbios_entry_length(old, sizeof(old), &length, &exact), 0);
	assert_int_equal(length, 0x1234);
	assert_int_equal(exact, 1);
	new[6] = 0x18;
	new[0x0d] = 0x10;
	for (size_t i = 0; i < sizeof(new); i++)
		new[5] = (uint8_t)(new[5] - (i == 5 ? 0 : new[i]));
	assert_int_equal(smbios_entry_length(new, sizeof(new), &length, &exact), 0);
	assert_int_equal(length, 0x1000);
	assert_int_equal(exact, 0);
	assert_int_equal(smbios_entry_length(new, 10, &length, &exact), -EINVAL);
	assert_int_equal(smbios_entry_length(NULL, 0, &length, &exact), -EINVAL);
	assert_int_equal(length, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smbios_tells_every_part_of_a_whole_table),
		cmocka_unit_test(test_smbios_survives_every_truncation_and_tells_of_it),
		cmocka_unit_test(test_smbios_survives_every_changed_byte),
		cmocka_unit_test(test_smbios_stops_at_a_length_that_cannot_be),
		cmocka_unit_test(test_smbios_reads_each_form_of_a_dimm_size),
		cmocka_unit_test(test_smbios_reads_the_extended_speed),
		cmocka_unit_test(test_smbios_passes_on_what_the_visitor_refuses),
		cmocka_unit_test(test_smbios_entry_tells_the_length_if_its_checksum_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
