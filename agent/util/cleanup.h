/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scope-bound ownership: a local marked with one of these is released when it leaves scope, and
 * TAKE_PTR / TAKE_FD hand it over, leaving NULL / -1 behind. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define TAKE(variable, empty)                              \
	({                                                 \
		__typeof__(variable) *_take = &(variable); \
		__typeof__(variable) _taken = *_take;      \
		*_take = (empty);                          \
		_taken;                                    \
	})
#define TAKE_PTR(pointer) TAKE(pointer, NULL)
#define TAKE_FD(fd) TAKE(fd, -1)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Defines NAMEp(), the cleanup function for a `struct noun *` whose destroyer takes NULL. */
#define DEFINE_CLEANUP(type, destroyer)                \
	static inline void destroyer##p(type *pointer) \
	{                                              \
		if (*pointer)                          \
			destroyer(*pointer);           \
	}                                              \
	struct swallow_semicolon

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

/* Closes an fd if there is one, without touching errno; returns -1 so that `fd = close_fd(fd)`. */
static inline int close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd); /* nothing can be done about a failing close of a read side */
	return -1;
}

static inline void close_fdp(int *fd)
{
	close_fd(*fd);
}

static inline void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* only files that were read are left to this */
}

static inline void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(close_fdp)
#define _cleanup_fclose_ _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)
