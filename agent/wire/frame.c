/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and unpacking of frames; see frame.h. The writer never goes past its buffer and remembers
 * that it would have; frame_open walks the whole packet once, so that nobody acts on the first half
 * of a broken one. It neither sends nor receives, and knows no tag's meaning. */
#include "wire/frame.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_BYTES = 8,
	FIELD_HEADER_BYTES = 8,
	ALIGNMENT_BYTES = 4,
};

static const char magic[4] = { 'R', 'V', 'E', '1' };

static size_t padding_of(size_t size)
{
	return -size % ALIGNMENT_BYTES;
}

/* Room for that many more bytes, or NULL and the overflow remembered. */
static char *claim(struct frame_writer *w, size_t size)
{
	char *place = w->data + w->size;

	if (w->overflow || size > w->capacity - w->size) {
		w->overflow = true;
		return NULL;
	}
	w->size += size;
	return place;
}

static void store_u16(char *place, unsigned value)
{
	uint16_t narrow = (uint16_t)value;

	memcpy(place, &narrow, sizeof(narrow));
}

static unsigned load_u16(const char *place)
{
	uint16_t value;

	memcpy(&value, place, sizeof(value));
	return value;
}

void frame_begin(struct frame_writer *w, void *room, size_t capacity, enum frame_type type)
{
	char *place;

	*w = (struct frame_writer){ .data = room, .capacity = capacity };
	if (capacity > FRAME_LIMIT_BYTES)
		w->capacity = FRAME_LIMIT_BYTES;
	place = claim(w, HEADER_BYTES);
	if (!place)
		return;
	memcpy(place, magic, sizeof(magic));
	store_u16(place + 4, FRAME_VERSION);
	store_u16(place + 6, type);
}

void frame_put(struct frame_writer *w, enum frame_tag tag, const void *value, size_t size)
{
	uint32_t length = (uint32_t)size;
	char *place;

	if (size > FRAME_LIMIT_BYTES) { /* before the sum below could wrap around */
		w->overflow = true;
		return;
	}
	place = claim(w, FIELD_HEADER_BYTES + size + padding_of(size));
	if (!place)
		return;
	store_u16(place, tag);
	store_u16(place + 2, 0);
	memcpy(place + 4, &length, sizeof(length));
	place += FIELD_HEADER_BYTES;
	if (size)
		memcpy(place, value, size);
	memset(place + size, 0, padding_of(size));
}

void frame_put_u32(struct frame_writer *w, enum frame_tag tag, uint32_t value)
{
	frame_put(w, tag, &value, sizeof(value));
}

void frame_put_u64(struct frame_writer *w, enum frame_tag tag, uint64_t value)
{
	frame_put(w, tag, &value, sizeof(value));
}

void frame_put_text(struct frame_writer *w, enum frame_tag tag, const char *text)
{
	if (text)
		frame_put(w, tag, text, strlen(text));
}

int frame_end(const struct frame_writer *w)
{
	return w->overflow ? -EMSGSIZE : 0;
}

int frame_next(struct frame_reader *r, struct frame_field *ret)
{
	const char *place = r->data + r->offset;
	size_t left = r->size - r->offset;
	uint32_t length;

	if (left == 0)
		return 0;
	if (left < FIELD_HEADER_BYTES || load_u16(place + 2) != 0)
		return -EBADMSG;
	memcpy(&length, place + 4, sizeof(length));
	left -= FIELD_HEADER_BYTES;
	if (length > left || padding_of(length) > left - length)
		return -EBADMSG;
	r->offset += FIELD_HEADER_BYTES + length + padding_of(length);
	*ret = (struct frame_field){
		.tag = (uint16_t)load_u16(place),
		.value = place + FIELD_HEADER_BYTES,
		.size = length,
	};
	return 1;
}

static bool all_fields_whole(struct frame_reader r) /* by value: the caller's offset stays */
{
	struct frame_field field;
	int n;

	do
		n = frame_next(&r, &field);
	while (n > 0);
	return n == 0;
}

int frame_open(struct frame_reader *r, const void *packet, size_t size, uint32_t *ret_version,
	       uint32_t *ret_type)
{
	struct frame_reader reader = { .data = packet, .size = size, .offset = HEADER_BYTES };

	if (size < HEADER_BYTES || size > FRAME_LIMIT_BYTES)
		return -EBADMSG;
	if (memcmp(packet, magic, sizeof(magic)) != 0 || !all_fields_whole(reader))
		return -EBADMSG;
	*ret_version = load_u16(reader.data + 4);
	*ret_type = load_u16(reader.data + 6);
	*r = reader;
	return 0;
}

int frame_u32(const struct frame_field *field, uint32_t *ret)
{
	if (field->size != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, field->value, sizeof(*ret));
	return 0;
}

int frame_u64(const struct frame_field *field, uint64_t *ret)
{
	if (field->size != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, field->value, sizeof(*ret));
	return 0;
}

int frame_text(const struct frame_field *field, char *room, size_t size)
{
	if (memchr(field->value, 0, field->size))
		return -EBADMSG;
	if (field->size >= size)
		return -E2BIG;
	memcpy(room, field->value, field->size);
	room[field->size] = 0;
	return 0;
}
