/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The kernel's "flat keyed" files ("populated 1\nfrozen 0\n"), read by a table of key -> member.
 * cgroup-v2.rst, "Format". */

#include <stddef.h>

struct keyed {
	const char *key;
	size_t offset; /* of a uint64_t in the struct that is filled */
};

/* Fills the members whose key is in the file and leaves the others alone; keys that are not in the
 * table are skipped, since newer kernels add some. -ENOENT and the like from reading, -EBADMSG
 * where a wanted line is not "key number". */
int keyed_read(int dirfd, const char *file, const struct keyed *table, size_t count, void *into);
