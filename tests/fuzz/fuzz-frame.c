/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a frame: once opened, every field of it can be read to the end. */
#include "wire/frame.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_all_types(const struct frame_field *field)
{
	char room[64];
	uint32_t u32;
	uint64_t u64;
	int r = frame_text(field, room, sizeof(room));

	assert(r == 0 || r == -EBADMSG || r == -E2BIG);
	if (r == 0)
		assert(strlen(room) == field->size);
	assert((frame_u32(field, &u32) == 0) == (field->size == 4));
	assert((frame_u64(field, &u64) == 0) == (field->size == 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader reader;
	struct frame_field field;
	uint32_t version, type;
	size_t fields = 0;
	int r = frame_open(&reader, data, size, &version, &type);

	if (r < 0)
		return 0;
	while ((r = frame_next(&reader, &field)) == 1) {
		read_as_all_types(&field);
		fields++;
	}
	assert(r == 0 && fields <= size / 8);
	return 0;
}
