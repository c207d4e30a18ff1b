/* SPDX-License-Identifier: Apache-2.0 */
/* SMBIOS tables; see smbios-parse.h. A structure is a formatted area, whose second byte is its
 * length, and after it strings, each ended by a NUL and all by one more. There are no pointers to
 * follow, so a walk always ends. Offsets: DSP0134 3.7, clause 7. */
#include "drivers/smbios-parse.h"

#include "drivers/label.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	HEADER_BYTES = 4, /* type, length, handle */
	TYPE_DIMM = 17,
	TYPE_IPMI = 38,
	TYPE_TPM = 43,
	TYPE_END = 127,
};

struct structure {
	const uint8_t *data; /* the formatted area */
	size_t length;
	const char *strings; /* behind it, up to the data's end */
	size_t strings_size;
};

/* Where in the formatted area the number of a string lies; 0: the type has none. */
static const struct layout {
	uint8_t type;
	const char *component;
	uint8_t vendor, product, version, date, serial, slot;
} layouts[] = {
	{ 0, "bios", .vendor = 0x04, .version = 0x05, .date = 0x08 },
	{ 1, "system", .vendor = 0x04, .product = 0x05, .version = 0x06, .serial = 0x07 },
	{ 2, "board", .vendor = 0x04, .product = 0x05, .version = 0x06, .serial = 0x07 },
	{ 3, "chassis", .vendor = 0x04, .version = 0x06, .serial = 0x07 },
	{ TYPE_DIMM, "dimm", .vendor = 0x17, .product = 0x1a, .serial = 0x18, .slot = 0x10 },
	{ TYPE_IPMI, "bmc", .slot = 0 },
	{ TYPE_TPM, "tpm", .product = 0x12 },
};

/* A number of that many bytes, little-endian; 0, which means "not told" in all that is read here,
 * where the structure is too short (an older version of the specification). */
static uint32_t number(const struct structure *s, size_t offset, size_t bytes)
{
	uint32_t value = 0;

	if (offset + bytes > s->length)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)s->data[offset + i] << (8 * i);
	return value;
}

static void string(const struct structure *s, size_t offset, char room[SMBIOS_TEXT_SIZE])
{
	uint32_t index = offset ? number(s, offset, 1) : 0;
	const char *text = s->strings;
	size_t left = s->strings_size;

	room[0] = 0;
	for (; index > 0 && left > 0; index--) {
		size_t n = strnlen(text, left);

		if (n == 0)
			return; /* fewer strings than that */
		if (index == 1)
			label_clean(text, n, room, SMBIOS_TEXT_SIZE);
		if (n == left)
			return;
		text += n + 1;
		left -= n + 1;
	}
}

/* Clause 7.18.5: megabytes, or kilobytes with the top bit; 7fffh sends to the extended size. */
static uint64_t dimm_bytes(const struct structure *s)
{
	uint32_t size = number(s, 0x0c, 2);

	if (s->length < 0x0e || size == 0xffff)
		return UINT64_MAX;
	if (size == 0x7fff)
		return (uint64_t)(number(s, 0x1c, 4) & 0x7fffffff) << 20;
	return size & 0x8000 ? (uint64_t)(size & 0x7fff) << 10 : (uint64_t)size << 20;
}

/* Clause 7.18.4 and 7.18.12: ffffh sends to the extended field, of version 3.3. */
static uint32_t dimm_speed(const struct structure *s, size_t offset, size_t extended)
{
	uint32_t speed = number(s, offset, 2);

	return speed == 0xffff ? number(s, extended, 4) & 0x7fffffff : speed;
}

static void read_dimm(const struct structure *s, struct smbios_part *part)
{
	uint32_t speed = dimm_speed(s, 0x20, 0x58);

	if (speed == 0)
		speed = dimm_speed(s, 0x15, 0x54);
	part->size_bytes = dimm_bytes(s);
	if (speed > 0)
		part->speed_mts = speed;
}

/* Clause 7.39.2: the revision of IPMI as two decimal digits in a byte. */
static void read_ipmi(const struct structure *s, struct smbios_part *part)
{
	uint32_t revision = number(s, 0x05, 1);

	if (revision > 0)
		(void)snprintf(part->product, sizeof(part->product), "IPMI %u.%u", revision >> 4,
			       revision & 15); /* fits */
}

/* Clause 7.44: four characters of vendor, then the specification's version. */
static void read_tpm(const struct structure *s, struct smbios_part *part)
{
	uint32_t major = number(s, 0x08, 1), minor = number(s, 0x09, 1);

	if (s->length >= 0x08)
		label_clean((const char *)s->data + 4, 4, part->vendor, sizeof(part->vendor));
	if (major > 0)
		(void)snprintf(part->version, sizeof(part->version), "%u.%u", major,
			       minor); /* fits */
}

static int visit_structure(const struct structure *s, const struct layout *layout,
			   smbios_visit visit, void *userdata)
{
	struct smbios_part part = {
		.component = layout->component,
		.size_bytes = UINT64_MAX,
		.speed_mts = UINT32_MAX,
	};

	string(s, layout->vendor, part.vendor);
	string(s, layout->product, part.product);
	string(s, layout->version, part.version);
	string(s, layout->date, part.date);
	string(s, layout->serial, part.serial);
	string(s, layout->slot, part.slot);
	if (layout->type == TYPE_DIMM)
		read_dimm(s, &part);
	if (layout->type == TYPE_IPMI)
		read_ipmi(s, &part);
	if (layout->type == TYPE_TPM)
		read_tpm(s, &part);
	return visit(&part, userdata);
}

static const struct layout *layout_of(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].type == type)
			return &layouts[i];
	return NULL;
}

/* How many bytes the strings take with their terminators; 0 where the data ends before them. */
static size_t strings_end(const char *strings, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++)
		if (strings[i] == 0 && strings[i + 1] == 0)
			return i + 2;
	return 0;
}

int smbios_parse(const void *data, size_t size, smbios_visit visit, void *userdata)
{
	const uint8_t *at = data;

	while (size >= HEADER_BYTES) {
		struct structure s = { .data = at, .length = at[1] };
		const struct layout *layout = layout_of(at[0]);
		size_t end;
		int r;

		if (s.length < HEADER_BYTES || s.length > size)
			return SMBIOS_TRUNCATED;
		s.strings = (const char *)at + s.length;
		s.strings_size = size - s.length;
		end = strings_end(s.strings, s.strings_size);
		if (end > 0)
			s.strings_size = end;
		r = layout ? visit_structure(&s, layout, visit, userdata) : 0;
		if (r < 0)
			return r;
		if (at[0] == TYPE_END)
			return SMBIOS_WHOLE;
		if (end == 0)
			return SMBIOS_TRUNCATED;
		at += s.length + end;
		size -= s.length + end;
	}
	return size == 0 ? SMBIOS_WHOLE : SMBIOS_TRUNCATED;
}

/* Clause 5.2: the bytes of an entry point add up to zero. */
static bool sums_to_zero(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

int smbios_entry_length(const void *data, size_t size, size_t *ret_length, int *ret_exact)
{
	const struct structure s = { .data = data, .length = size };

	if (size >= 0x18 && memcmp(data, "_SM3_", 5) == 0 && s.data[6] >= 0x18 &&
	    s.data[6] <= size && sums_to_zero(data, s.data[6])) {
		*ret_length = number(&s, 0x0c, 4);
		*ret_exact = 0;
		return 0;
	}
	if (size >= 0x1f && memcmp(data, "_SM_", 4) == 0 && s.data[5] >= 0x1e &&
	    s.data[5] <= size && sums_to_zero(data, s.data[5])) {
		*ret_length = number(&s, 0x16, 2);
		*ret_exact = 1;
		return 0;
	}
	return -EINVAL;
}
