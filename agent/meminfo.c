/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts of memory; see meminfo.h. */
#include "meminfo.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMINFO_LIMIT_BYTES = 64 << 10 };

/* "MemTotal:        3071234 kB", "Node 1 MemFree:        1523404 kB" */
int meminfo_read(int dirfd, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long kib;
	const char *line;
	char *end;
	int r = fs_read(dirfd, file, MEMINFO_LIMIT_BYTES, &text, NULL);

	line = r == 0 ? strstr(text, key) : NULL;
	if (!line)
		return r < 0 ? r : -ENOENT;
	line += strlen(key);
	line += strspn(line, " ");
	if (!isdigit((unsigned char)*line))
		return -EBADMSG;
	errno = 0;
	kib = strtoull(line, &end, 10);
	if (errno != 0 || strncmp(end, " kB", 3) != 0 || kib > UINT64_MAX / 1024)
		return -EBADMSG;
	*ret = kib * 1024;
	return 0;
}

int meminfo_node_free(const struct host *host, uint32_t node, uint64_t *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "devices/system/node/node%u/meminfo", node); /* fits */
	return meminfo_read(host->sys_fd, path, "MemFree:", ret);
}
