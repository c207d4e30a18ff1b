/* SPDX-License-Identifier: Apache-2.0 */
/* Untrusted text for terminals, JSON and XML: decoded code point by code point, so that what cannot
 * be shown is replaced rather than passed on. It knows no locale: the caller says whether UTF-8 may
 * be written. Widths are by block, not by grapheme cluster. */
#include "ctl/text.h"

#include "util/cleanup.h"

#include <string.h>

struct range {
	uint32_t first, last;
};

/* What shows nothing or turns text around: controls, zero width, combining marks, bidi, BOM, tags.
 */
static const struct range harmful[] = {
	{ 0x01, 0x1f },	    { 0x7f, 0x9f },	  { 0xad, 0xad },     { 0x300, 0x36f },
	{ 0x61c, 0x61c },   { 0x200b, 0x200f },	  { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },	  { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	{ 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
};

/* East Asian wide and emoji blocks: two columns (UAX #11). */
static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0xa4cf },	  { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },	  { 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
};

static bool within(const struct range *ranges, size_t count, uint32_t glyph)
{
	for (size_t i = 0; i < count; i++)
		if (glyph >= ranges[i].first && glyph <= ranges[i].last)
			return true;
	return false;
}

/* RFC 3629, table 3-7 of Unicode: the length a first byte announces, 0 for none. */
static unsigned sequence_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static uint32_t decode(const char **cursor)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)*cursor;
	unsigned length = sequence_length(s[0]);
	uint32_t glyph;

	*cursor += 1;
	if (length <= 1)
		return length ? s[0] : 0xfffd;
	glyph = s[0] & (0x7fu >> length);
	for (unsigned i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80) /* also stops at the NUL */
			return 0xfffd;
		glyph = glyph << 6 | (s[i] & 0x3f);
	}
	if (glyph < smallest[length] || glyph > 0x10ffff || (glyph >= 0xd800 && glyph <= 0xdfff))
		return 0xfffd;
	*cursor += length - 1;
	return glyph;
}

uint32_t text_next(const char **cursor, unsigned *ret_columns)
{
	uint32_t glyph;

	*ret_columns = 1;
	if (!**cursor)
		return 0;
	glyph = decode(cursor);
	if (glyph == '\n' || glyph == '\t' || glyph == '\r')
		return ' ';
	if (within(harmful, ARRAY_SIZE(harmful), glyph))
		return '?';
	if (within(wide, ARRAY_SIZE(wide), glyph))
		*ret_columns = 2;
	return glyph;
}

unsigned text_columns(const char *text)
{
	unsigned total = 0, columns;

	while (text && text_next(&text, &columns))
		total += columns;
	return total;
}

void text_encode(struct buf *into, uint32_t glyph)
{
	char bytes[4];
	size_t n = 0;

	if (glyph < 0x80) {
		bytes[n++] = (char)glyph;
	} else if (glyph < 0x800) {
		bytes[n++] = (char)(0xc0 | glyph >> 6);
	} else if (glyph < 0x10000) {
		bytes[n++] = (char)(0xe0 | glyph >> 12);
		bytes[n++] = (char)(0x80 | (glyph >> 6 & 0x3f));
	} else {
		bytes[n++] = (char)(0xf0 | glyph >> 18);
		bytes[n++] = (char)(0x80 | (glyph >> 12 & 0x3f));
		bytes[n++] = (char)(0x80 | (glyph >> 6 & 0x3f));
	}
	if (glyph >= 0x80)
		bytes[n++] = (char)(0x80 | (glyph & 0x3f));
	buf_append(into, bytes, n);
}

void text_safe(struct buf *into, const char *text, bool utf8)
{
	unsigned columns;
	uint32_t glyph;

	while (text && (glyph = text_next(&text, &columns)))
		text_encode(into, utf8 || glyph < 0x80 ? glyph : '?');
}

void text_xml(struct buf *into, const char *text)
{
	unsigned columns;
	uint32_t glyph;

	while (text && (glyph = text_next(&text, &columns))) {
		if (strchr("&<>\"'", (int)glyph) && glyph < 0x80)
			buf_format(into, "&#%u;", (unsigned)glyph);
		else
			text_encode(into, glyph);
	}
}

void text_json(struct buf *into, const char *document)
{
	while (document && *document) {
		const char *start = document;
		uint32_t glyph = decode(&document);

		if (glyph >= 0x7f && glyph <= 0xffff && within(harmful, ARRAY_SIZE(harmful), glyph))
			buf_format(into, "\\u%04x", (unsigned)glyph);
		else
			buf_append(into, start, (size_t)(document - start));
	}
}

void text_lines(struct buf *into, const char *text)
{
	while (text && *text) {
		uint32_t glyph = decode(&text);
		bool layout = glyph == '\n' || glyph == '\t';

		text_encode(into,
			    !layout && within(harmful, ARRAY_SIZE(harmful), glyph) ? '?' : glyph);
	}
}
