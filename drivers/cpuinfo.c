/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/cpuinfo by processor and key; see cpuinfo.h. */
#include "drivers/cpuinfo.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cpuinfo_read(struct cpuinfo *ret, const struct host *host)
{
	int r = fs_read(host->proc_fd, "cpuinfo", CPUINFO_LIMIT_BYTES, &ret->text, NULL);

	if (r < 0)
		ret->text = NULL;
	return r == -ENOMEM ? r : 0;
}

void cpuinfo_done(struct cpuinfo *c)
{
	free(c->text);
	c->text = NULL;
}

/* The value of a "key<blanks>: value" line into room, when the line has that key. */
static bool line_value(const char *line, size_t length, const char *key, char *room, size_t size)
{
	size_t key_length = strlen(key);
	const char *colon = memchr(line, ':', length);

	if (!colon || length < key_length || strncmp(line, key, key_length) != 0 ||
	    strspn(line + key_length, " \t") != (size_t)(colon - line) - key_length)
		return false;
	colon++;
	length -= (size_t)(colon - line);
	for (; length > 0 && (*colon == ' ' || *colon == '\t'); length--)
		colon++;
	while (length > 0 && (colon[length - 1] == ' ' || colon[length - 1] == '\r'))
		length--;
	(void)snprintf(room, size, "%.*s", (int)length, colon);
	return *room;
}

bool cpuinfo_value(const struct cpuinfo *c, unsigned cpu, const char *key, char *room, size_t size)
{
	const char *line = c->text;
	bool within = false;

	while (line && *line) {
		size_t length = strcspn(line, "\n");
		char number[16];
		uint32_t processor;

		if (line_value(line, length, "processor", number, sizeof(number)))
			within = parse_u32(number, &processor) == 0 && processor == cpu;
		else if (within && line_value(line, length, key, room, size))
			return true;
		line += length + (line[length] == '\n');
	}
	return false;
}
