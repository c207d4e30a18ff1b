/* SPDX-License-Identifier: Apache-2.0 */
/* Giving memory back; see trim.h. Only private, read-only, executable file mappings are let go:
 * their pages are clean copies of the file. Relocated data looks read-only too, but is not clean.
 */
#include "trim.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* proc_pid_maps(5): "start-end perms offset dev inode path". */
static void let_go(const char *line)
{
	unsigned long start, end;
	char permissions[5], path;

	if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %*u %c", &start, &end, permissions, &path) != 4 ||
	    strcmp(permissions, "r-xp") != 0 || path != '/')
		return;
	(void)madvise((void *)start, end - start, MADV_DONTNEED); /* a hint: refused is kept */
}

void trim_memory(void)
{
	_cleanup_free_ char *maps = NULL;
	char *line, *rest;

	(void)malloc_trim(0); /* says only whether there was something to give */
	if (fs_read(AT_FDCWD, "/proc/self/maps", 1 << 20, &maps, NULL) < 0)
		return;
	for (line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		let_go(line);
}
