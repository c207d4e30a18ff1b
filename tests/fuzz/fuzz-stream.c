/* SPDX-License-Identifier: Apache-2.0 */
/* The stream readers: fed at once or byte by byte, the same records come out. The first byte of the
 * input chooses the framing. */
#include "wire/stream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { RECORD_LIMIT_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int collect(uint64_t id, const char *text, size_t size, void *userdata)
{
	struct buf *seen = userdata;

	assert(size <= RECORD_LIMIT_BYTES && text[size] == 0);
	(void)buf_append(seen, &id, sizeof(id));
	(void)buf_append(seen, text, size);
	return buf_append(seen, "|", 1);
}

static int feed(enum stream_framing framing, const char *bytes, size_t size, size_t piece,
		struct buf *seen)
{
	struct stream_reader reader;
	int r = 0;

	stream_reader_init(&reader, framing, RECORD_LIMIT_BYTES);
	for (size_t i = 0; i < size && r == 0; i += piece)
		r = stream_reader_feed(&reader, bytes + i, size - i < piece ? size - i : piece,
				       collect, seen);
	stream_reader_done(&reader);
	assert(r == 0 || r == -EBADMSG || r == -EMSGSIZE);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, pieces = { 0 };
	enum stream_framing framing;
	int a, b;

	if (size < 2)
		return 0;
	framing = (enum stream_framing)(data[0] % (STREAM_RECORDIO + 1));
	a = feed(framing, (const char *)data + 1, size - 1, size, &whole);
	b = feed(framing, (const char *)data + 1, size - 1, 1, &pieces);
	assert(a == b && whole.size == pieces.size);
	assert(whole.size == 0 || memcmp(whole.data, pieces.data, whole.size) == 0);
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
