/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small files relative to a directory fd, as the kernel's interfaces are. Everything returns 0 (or
 * a count) or a negative errno. Paths are relative to dirfd; absolute ones only with AT_FDCWD. */

#include "util/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The whole file, NUL-terminated, at most limit bytes (-E2BIG beyond). *ret_size may be NULL. The
 * caller frees. */
int fs_read(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size);

/* The first line without its newline or trailing blanks, into room; -E2BIG when it does not fit, or
 * has more than 4095 bytes. An empty file gives "". */
int fs_read_line(int dirfd, const char *path, char *room, size_t size);
int fs_read_line_new(int dirfd, const char *path, char **ret); /* heap, at most 64 KiB */

/* The first line as a number, strictly; fs_read_hex allows 0x. */
int fs_read_u64(int dirfd, const char *path, uint64_t *ret);
int fs_read_i32(int dirfd, const char *path, int32_t *ret);
int fs_read_hex(int dirfd, const char *path, uint64_t *ret);

/* One write(2) of the whole text to an existing file: what kernel attributes want. */
int fs_write(int dirfd, const char *path, const char *text);
int fs_write_format(int dirfd, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Replaces a regular file atomically (temporary file beside it, fsync, rename). */
int fs_replace(int dirfd, const char *path, const void *data, size_t size, mode_t mode);

/* Names in a directory without "." and "..", sorted by strverscmp, NULL-terminated. Free with
 * fs_names_free. *ret_count may be NULL. At most 65536 names (-E2BIG beyond). */
int fs_list(int dirfd, const char *path, char ***ret, size_t *ret_count);
char **fs_names_free(char **names); /* returns NULL */
static inline void fs_names_freep(char ***names)
{
	fs_names_free(*names);
}

bool fs_exists(int dirfd, const char *path);
int fs_readlink(int dirfd, const char *path, char **ret);
/* The last component of where a link points: what sysfs means by `driver`, `iommu_group`. */
int fs_link_name(int dirfd, const char *path, char **ret);

int fs_open_dir(int dirfd, const char *path);	 /* O_PATH-free directory fd, close-on-exec */
int fs_make_dirs(const char *path, mode_t mode); /* like mkdir -p; an existing directory is fine */
int fs_remove_tree(int dirfd, const char *path); /* does not follow links; absent is fine */
