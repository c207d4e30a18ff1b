/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded growing buffer; see buf.h. */
#include "util/buf.h"

#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t limit_bytes)
{
	*b = (struct buf){ .limit = limit_bytes };
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

static int reserve(struct buf *b, size_t more)
{
	size_t need, capacity;
	char *data;

	if (b->error)
		return b->error;
	if (__builtin_add_overflow(b->size, more, &need) || need == SIZE_MAX)
		return b->error = -E2BIG;
	if (b->limit && need > b->limit)
		return b->error = -E2BIG;
	if (need + 1 <= b->capacity)
		return 0;
	capacity = b->capacity ? b->capacity : 128;
	while (capacity < need + 1)
		capacity = capacity > SIZE_MAX / 2 ? need + 1 : capacity * 2;
	data = realloc(b->data, capacity);
	if (!data)
		return b->error = -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int buf_append(struct buf *b, const void *data, size_t size)
{
	int r = reserve(b, size);

	if (r < 0)
		return r;
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	b->data[b->size] = 0;
	return 0;
}

int buf_text(struct buf *b, const char *text)
{
	return buf_append(b, text, strlen(text));
}

int buf_format(struct buf *b, const char *format, ...)
{
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return b->error = -EINVAL;
	r = reserve(b, (size_t)n);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf(b->data + b->size, (size_t)n + 1, format, args); /* measured above */
	va_end(args);
	b->size += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t size)
{
	assert(size <= b->size);
	if (!b->data)
		return;
	memmove(b->data, b->data + size, b->size - size + 1);
	b->size -= size;
}

void buf_clear(struct buf *b)
{
	b->size = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = 0;
}

int buf_error(const struct buf *b)
{
	return b->error;
}

char *buf_steal(struct buf *b)
{
	if (reserve(b, 0) < 0)
		return NULL;
	b->data[b->size] = 0;
	b->size = b->capacity = 0;
	return TAKE_PTR(b->data);
}
