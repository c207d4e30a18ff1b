/* SPDX-License-Identifier: Apache-2.0 */
/* Names from makers; see label.h. A placeholder is compared without regard to case, as a whole. */
#include "drivers/label.h"

#include "model/device.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LABEL_BYTES = 256 };

static const char *const placeholders[] = {
	"0123456789",
	"1234567890",
	"00000000",
	"<out of spec>",
	"bad index",
	"chassis manufacture",
	"default string",
	"empty",
	"fill by oem",
	"invalid",
	"n/a",
	"na",
	"no dimm",
	"no module installed",
	"none",
	"not applicable",
	"not available",
	"not provided",
	"not specified",
	"null",
	"o.e.m.",
	"oem",
	"system manufacturer",
	"system product name",
	"system serial number",
	"system version",
	"to be filled by o.e.m",
	"to be filled by o.e.m.",
	"undefined",
	"unknown",
	"unspecified",
};

static bool says_nothing(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (strcasecmp(text, placeholders[i]) == 0)
			return true;
	return !text[strspn(text, ".-_?x* ")]; /* "....", "---", "xxxx", unprogrammed 0xff bytes */
}

void label_clean(const char *text, size_t length, char *room, size_t size)
{
	size_t n = 0;

	while (length > 0 && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	length = strnlen(text, length);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	for (size_t i = 0; i < length && n + 1 < size; i++)
		room[n++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	room[n] = 0;
	if (says_nothing(room))
		room[0] = 0;
}

int label_set(char **field, const char *text)
{
	char clean[LABEL_BYTES];

	if (!text)
		return 0;
	label_clean(text, strlen(text), clean, sizeof(clean));
	return clean[0] ? device_set_string(field, clean) : 0;
}

int label_read(int dirfd, const char *path, char **field)
{
	char line[LABEL_BYTES];

	if (fs_read_line(dirfd, path, line, sizeof(line)) < 0)
		return 0;
	return label_set(field, line);
}
