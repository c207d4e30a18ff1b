/* SPDX-License-Identifier: Apache-2.0 */
/* Number sets over hwloc's bitmaps; see cpuset.h. */
#include "util/cpuset.h"

#include "util/buf.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

static hwloc_bitmap_t bits(struct cpuset *s)
{
	return (hwloc_bitmap_t)s;
}

hwloc_const_bitmap_t cpuset_as_hwloc(const struct cpuset *s)
{
	return (hwloc_const_bitmap_t)s;
}

int cpuset_new(struct cpuset **ret)
{
	hwloc_bitmap_t b = hwloc_bitmap_alloc();

	if (!b)
		return -ENOMEM;
	*ret = (struct cpuset *)b;
	return 0;
}

struct cpuset *cpuset_free(struct cpuset *s)
{
	hwloc_bitmap_free(bits(s)); /* takes NULL */
	return NULL;
}

int cpuset_copy(struct cpuset **ret, const struct cpuset *s)
{
	hwloc_bitmap_t b;

	if (!s) {
		*ret = NULL;
		return 0;
	}
	b = hwloc_bitmap_dup(cpuset_as_hwloc(s));
	if (!b)
		return -ENOMEM;
	*ret = (struct cpuset *)b;
	return 0;
}

int cpuset_from_hwloc(struct cpuset **ret, hwloc_const_bitmap_t bitmap)
{
	if (!bitmap)
		return cpuset_new(ret);
	if (hwloc_bitmap_weight(bitmap) < 0 || hwloc_bitmap_last(bitmap) > CPUSET_MAX)
		return -ERANGE;
	return cpuset_copy(ret, (const struct cpuset *)bitmap);
}

/* Reads one number and steps behind it. */
static int take_number(const char **text, unsigned *ret)
{
	unsigned value = 0;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + (unsigned)(**text - '0');
		if (value > CPUSET_MAX)
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

static int take_range(const char **text, struct cpuset *s)
{
	unsigned first = 0, last;
	int r = take_number(text, &first);

	if (r < 0)
		return r;
	last = first;
	if (**text == '-') {
		(*text)++;
		r = take_number(text, &last);
		if (r < 0)
			return r;
	}
	if (last < first)
		return -EINVAL;
	return hwloc_bitmap_set_range(bits(s), first, (int)last) < 0 ? -ENOMEM : 0;
}

int cpuset_parse(const char *text, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *s = NULL;
	int r;

	if (!text)
		return -EINVAL;
	r = cpuset_new(&s);
	if (r < 0)
		return r;
	while (*text == ' ' || *text == '\n')
		text++;
	while (*text && *text != '\n') {
		r = take_range(&text, s);
		if (r < 0)
			return r;
		if (*text == ',' && text[1] != 0 && text[1] != '\n')
			text++;
		else if (*text != 0 && *text != '\n')
			return -EINVAL;
	}
	if (*text == '\n' && text[1])
		return -EINVAL;
	*ret = TAKE_PTR(s);
	return 0;
}

char *cpuset_format(const struct cpuset *s)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	for (int first = cpuset_next(s, -1); first >= 0;) {
		int last = first, next;

		while ((next = cpuset_next(s, last)) == last + 1)
			last = next;
		buf_format(&b, last > first ? "%s%d-%d" : "%s%d", b.size ? "," : "", first, last);
		first = next;
	}
	return buf_steal(&b);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A word of 1 to 8 digits, which fills 32 bits, behind what came before. */
static int take_word(const char **text, hwloc_bitmap_t words, unsigned *count)
{
	unsigned long value = 0;
	unsigned digits = 0;

	for (int digit; (digit = hex_digit(**text)) >= 0; (*text)++, digits++)
		value = value << 4 | (unsigned long)digit;
	if (digits == 0 || digits > 8)
		return -EINVAL;
	if (*count == (CPUSET_MAX + 1) / 32)
		return -ERANGE;
	for (unsigned bit = 0; bit < 32; bit++)
		if (value >> bit & 1 && hwloc_bitmap_set(words, *count * 32 + bit) < 0)
			return -ENOMEM;
	(*count)++;
	return 0;
}

/* They came highest first: word w of n is number n - 1 - w. */
int cpuset_parse_mask(const char *text, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *turned = NULL, *s = NULL;
	unsigned count = 0;
	int r = text ? cpuset_new(&turned) : -EINVAL;

	if (r == 0)
		r = cpuset_new(&s);
	while (r == 0) {
		r = take_word(&text, bits(turned), &count);
		if (r == 0 && *text != ',')
			break;
		text++;
	}
	if (r == 0 && *text && (*text != '\n' || text[1]))
		r = -EINVAL;
	cpuset_each (bit, turned)
		if (r == 0)
			r = cpuset_add(s,
				       (count - 1 - (unsigned)bit / 32) * 32 + (unsigned)bit % 32);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

static unsigned word_at(const struct cpuset *s, int word)
{
	unsigned value = 0;

	for (unsigned bit = 0; bit < 32; bit++)
		value |= (unsigned)cpuset_has(s, (unsigned)word * 32 + bit) << bit;
	return value;
}

char *cpuset_format_mask(const struct cpuset *s)
{
	_cleanup_(buf_done) struct buf b = { 0 };
	int last = -1;

	cpuset_each (number, s)
		last = number;
	buf_format(&b, "%x", word_at(s, last < 0 ? 0 : last / 32));
	for (int word = last / 32 - 1; word >= 0; word--)
		buf_format(&b, ",%08x", word_at(s, word));
	return buf_steal(&b);
}

int cpuset_add(struct cpuset *s, unsigned number)
{
	if (number > CPUSET_MAX)
		return -ERANGE;
	return hwloc_bitmap_set(bits(s), number) < 0 ? -ENOMEM : 0;
}

void cpuset_remove(struct cpuset *s, unsigned number)
{
	(void)hwloc_bitmap_clr(bits(s), number); /* these sets are finite: clearing never grows */
}

bool cpuset_has(const struct cpuset *s, unsigned number)
{
	return s && hwloc_bitmap_isset(cpuset_as_hwloc(s), number);
}

unsigned cpuset_count(const struct cpuset *s)
{
	return s ? (unsigned)hwloc_bitmap_weight(cpuset_as_hwloc(s)) : 0;
}

bool cpuset_empty(const struct cpuset *s)
{
	return !s || hwloc_bitmap_iszero(cpuset_as_hwloc(s));
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	if (!a || !b)
		return cpuset_empty(a) && cpuset_empty(b);
	return hwloc_bitmap_isequal(cpuset_as_hwloc(a), cpuset_as_hwloc(b));
}

bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b)
{
	return a && b && hwloc_bitmap_intersects(cpuset_as_hwloc(a), cpuset_as_hwloc(b));
}

bool cpuset_subset(const struct cpuset *inner, const struct cpuset *outer)
{
	if (cpuset_empty(inner))
		return true;
	return outer && hwloc_bitmap_isincluded(cpuset_as_hwloc(inner), cpuset_as_hwloc(outer));
}

int cpuset_union(struct cpuset *into, const struct cpuset *other)
{
	if (!other)
		return 0;
	return hwloc_bitmap_or(bits(into), cpuset_as_hwloc(into), cpuset_as_hwloc(other)) < 0
		       ? -ENOMEM
		       : 0;
}

int cpuset_subtract(struct cpuset *from, const struct cpuset *other)
{
	if (!other)
		return 0;
	return hwloc_bitmap_andnot(bits(from), cpuset_as_hwloc(from), cpuset_as_hwloc(other)) < 0
		       ? -ENOMEM
		       : 0;
}

int cpuset_intersect(struct cpuset *into, const struct cpuset *other)
{
	if (!other) {
		hwloc_bitmap_zero(bits(into));
		return 0;
	}
	return hwloc_bitmap_and(bits(into), cpuset_as_hwloc(into), cpuset_as_hwloc(other)) < 0
		       ? -ENOMEM
		       : 0;
}

int cpuset_next(const struct cpuset *s, int previous)
{
	return s ? hwloc_bitmap_next(cpuset_as_hwloc(s), previous) : -1;
}

void cpuset_words(const struct cpuset *s, uint64_t *words, size_t count)
{
	const unsigned bits_of_long = sizeof(unsigned long) * 8;

	for (size_t i = 0; i < count; i++) {
		words[i] = 0;
		for (unsigned bit = 0; s && bit < 64; bit += bits_of_long)
			words[i] |=
				(uint64_t)hwloc_bitmap_to_ith_ulong(
					cpuset_as_hwloc(s), ((unsigned)i * 64 + bit) / bits_of_long)
				<< bit;
	}
}
