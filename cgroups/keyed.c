/* SPDX-License-Identifier: Apache-2.0 */
/* Flat keyed files of the kernel; see keyed.h. It knows no key itself. */
#include "cgroups/keyed.h"

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* memory.stat, the longest of them, has some 60 lines. */
enum { FILE_LIMIT_BYTES = 16 << 10 };

static int take_line(char *line, const struct keyed *table, size_t count, char *into)
{
	char *blank = strchr(line, ' ');
	uint64_t value;

	if (!blank)
		return -EBADMSG;
	*blank = 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].key, line) != 0)
			continue;
		if (parse_u64(blank + 1, &value) < 0)
			return -EBADMSG;
		memcpy(into + table[i].offset, &value, sizeof(value));
	}
	return 0;
}

int keyed_read(int dirfd, const char *file, const struct keyed *table, size_t count, void *into)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int r = fs_read(dirfd, file, FILE_LIMIT_BYTES, &text, NULL);

	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		r = take_line(line, table, count, into);
		if (r < 0)
			return r;
	}
	return 0;
}
