/* SPDX-License-Identifier: Apache-2.0 */
/* Strict parsers for outside text; see parse.h. Pure: no locale, no allocation. */
#include "util/parse.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Reads digits of the base from *text onward and moves *text behind them, also when their number
 * is too large: what follows still decides whether the text is of the form at all. */
static int take_digits(const char **text, unsigned base, uint64_t *ret)
{
	const char *p = *text;
	uint64_t value = 0;
	bool overflow = false;

	if (digit_value(*p) >= (int)base)
		return -EINVAL;
	for (; digit_value(*p) < (int)base; p++)
		overflow |= __builtin_mul_overflow(value, base, &value) ||
			    __builtin_add_overflow(value, (uint64_t)digit_value(*p), &value);
	*text = p;
	if (overflow)
		return -ERANGE;
	*ret = value;
	return 0;
}

static int whole(const char *text, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	int r;

	if (!text)
		return -EINVAL;
	r = take_digits(&text, base, &value);
	if (r == -EINVAL || *text)
		return -EINVAL;
	if (r < 0 || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_u64(const char *text, uint64_t *ret)
{
	return whole(text, 10, UINT64_MAX, ret);
}

int parse_u32(const char *text, uint32_t *ret)
{
	uint64_t value = 0;
	int r = whole(text, 10, UINT32_MAX, &value);

	if (r == 0)
		*ret = (uint32_t)value;
	return r;
}

int parse_i32(const char *text, int32_t *ret)
{
	bool negative = text && *text == '-';
	uint64_t value = 0;
	int r = whole(negative ? text + 1 : text, 10, negative ? 2147483648ULL : INT32_MAX, &value);

	if (r == 0)
		*ret = negative ? (int32_t) - (int64_t)value : (int32_t)value;
	return r;
}

int parse_hex(const char *text, uint64_t *ret)
{
	if (text && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	return whole(text, 16, UINT64_MAX, ret);
}

int parse_bool(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true }, { "true", true },   { "on", true },   { "1", true },
		{ "no", false }, { "false", false }, { "off", false }, { "0", false },
	};

	for (size_t i = 0; text && i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].word, text) == 0) {
			*ret = words[i].value;
			return 0;
		}
	return -EINVAL;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* "12.5" in units of factor, exact to the unit below; the fraction is at most nine digits. */
static int scale(uint64_t integer, uint64_t fraction, uint64_t tenths, uint64_t factor,
		 uint64_t *ret)
{
	unsigned __int128 value =
		(unsigned __int128)integer * factor + (unsigned __int128)fraction * factor / tenths;

	if (value > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

/* Reads ".5" if it is there: *fraction / *tenths. */
static int take_fraction(const char **text, uint64_t *fraction, uint64_t *tenths)
{
	const char *start;
	int r;

	if (**text != '.')
		return 0;
	start = ++*text;
	r = take_digits(text, 10, fraction);
	if (r < 0)
		return r;
	if (*text - start > 9)
		return -ERANGE;
	for (; start < *text; start++)
		*tenths *= 10;
	return 0;
}

static int quantity(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
	uint64_t integer = 0, fraction = 0, tenths = 1;
	int r, fractional;

	if (!text)
		return -EINVAL;
	r = take_digits(&text, 10, &integer);
	if (r == -EINVAL)
		return r;
	fractional = take_fraction(&text, &fraction, &tenths);
	if (fractional == -EINVAL)
		return fractional;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(units[i].name, text) != 0)
			continue;
		if (units[i].factor == 1 && tenths > 1)
			return -EINVAL; /* there is no half byte */
		if (r < 0 || fractional < 0)
			return -ERANGE;
		return scale(integer, fraction, tenths, units[i].factor, ret);
	}
	return -EINVAL;
}

int parse_bytes(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", 1ULL << 10 },
		{ "KB", 1ULL << 10 },
		{ "KiB", 1ULL << 10 },
		{ "M", 1ULL << 20 },
		{ "MB", 1ULL << 20 },
		{ "MiB", 1ULL << 20 },
		{ "G", 1ULL << 30 },
		{ "GB", 1ULL << 30 },
		{ "GiB", 1ULL << 30 },
		{ "T", 1ULL << 40 },
		{ "TB", 1ULL << 40 },
		{ "TiB", 1ULL << 40 },
		{ "P", 1ULL << 50 },
		{ "PB", 1ULL << 50 },
		{ "PiB", 1ULL << 50 },
	};

	return quantity(text, units, ARRAY_SIZE(units), ret);
}

int parse_duration(const char *text, uint64_t *ret_usec)
{
	static const struct unit units[] = {
		{ "", 1000000 },
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "min", 60ULL * 1000000 },
		{ "h", 3600ULL * 1000000 },
		{ "d", 86400ULL * 1000000 },
	};

	return quantity(text, units, ARRAY_SIZE(units), ret_usec);
}

static bool is_name_edge(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool parse_name_valid(const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length < 1 || length > 63 || !is_name_edge(text[0]) || !is_name_edge(text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_name_edge(text[i]) && text[i] != '-')
			return false;
	return true;
}

/* Bytes of the UTF-8 sequence that begins here, or 0 when none well-formed does. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t length;
	} forms[] = {
		/* RFC 3629, section 4 */
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
			continue;
		if (forms[i].length > left)
			return 0;
		if (forms[i].length > 1 &&
		    (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if (p[k] < 0x80 || p[k] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

bool parse_utf8_valid(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < length;) {
		size_t n = utf8_sequence(p + i, length - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void parse_clean(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = utf8_sequence((const unsigned char *)text, left);

		if (n == 0 || (unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
		n = n ? n : 1;
		text += n;
		left -= n;
	}
}
