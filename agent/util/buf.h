/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A growing byte buffer with a bound. Its content is always followed by a NUL that is not counted,
 * so that text can be used in place. The first failure (no memory, over the bound) sticks: later
 * appends do nothing, and buf_error() tells once at the end. */

#include <stddef.h>

struct buf {
	char *data; /* NULL while empty */
	size_t size, capacity, limit;
	int error; /* 0, -ENOMEM or -E2BIG */
};

void buf_init(struct buf *b, size_t limit_bytes); /* limit 0: none */
void buf_done(struct buf *b);
int buf_append(struct buf *b, const void *data, size_t size);
int buf_text(struct buf *b, const char *text);
int buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_consume(struct buf *b, size_t size); /* drops that many bytes from the front */
void buf_clear(struct buf *b);		      /* empties it, keeps the memory, forgets the error */
int buf_error(const struct buf *b);
char *buf_steal(struct buf *b); /* the caller frees it; never NULL unless buf_error() */
