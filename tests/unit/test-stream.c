/* SPDX-License-Identifier: Apache-2.0 */
/* Framing: what is written is read back however it was cut, and broken frames are refused. */
#include "wire/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Records are collected as "id=text|". */
static int collect(uint64_t id, const char *text, size_t size, void *userdata)
{
	struct buf *seen = userdata;

	assert_int_equal(text[size], 0);
	(void)buf_format(seen, "%llu=", (unsigned long long)id);
	(void)buf_append(seen, text, size);
	return buf_text(seen, "|");
}

/* Feeds in pieces of that many bytes; what was collected is compared. */
static int feed(enum stream_framing framing, const char *bytes, size_t size, size_t piece,
		const char *expected)
{
	struct stream_reader reader;
	struct buf seen = { 0 };
	int r = 0;

	stream_reader_init(&reader, framing, 64);
	for (size_t i = 0; i < size && r == 0; i += piece)
		r = stream_reader_feed(&reader, bytes + i, size - i < piece ? size - i : piece,
				       collect, &seen);
	assert_string_equal(seen.data ? seen.data : "", expected);
	stream_reader_done(&reader);
	buf_done(&seen);
	return r;
}

static void test_stream_reads_back_what_was_written_however_cut(void **state)
{
	static const struct {
		enum stream_framing framing;
		const char *wire, *records;
	} vectors[] = {
		{ STREAM_NDJSON, "{\"a\":1}\n{}\n", "0={\"a\":1}|0={}|" },
		{ STREAM_SSE,
		  "id: 7\nevent: task.started\ndata: {\"a\":1}\n\nid: 8\nevent: x\ndata: {}\n\n",
		  "7={\"a\":1}|8={}|" },
		{ STREAM_RECORDIO, "7\n{\"a\":1}2\n{}", "0={\"a\":1}|0={}|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf wire = { 0 };

		assert_int_equal(
			stream_write(&wire, vectors[i].framing,
				     &(struct stream_item){ 7, "task.started", "{\"a\":1}", 7 }),
			0);
		assert_int_equal(stream_write(&wire, vectors[i].framing,
					      &(struct stream_item){ 8, "x", "{}", 2 }),
				 0);
		assert_string_equal(wire.data, vectors[i].wire);
		for (size_t piece = 1; piece <= wire.size; piece++)
			assert_int_equal(feed(vectors[i].framing, wire.data, wire.size, piece,
					      vectors[i].records),
					 0);
		buf_done(&wire);
	}
}

static void test_stream_sse_leaves_out_absent_id_and_event(void **state)
{
	struct buf wire = { 0 };

	(void)state;
	assert_int_equal(stream_write(&wire, STREAM_SSE, &(struct stream_item){ 0, NULL, "x", 1 }),
			 0);
	assert_string_equal(wire.data, "data: x\n\n");
	buf_done(&wire);
}

static void test_stream_write_tells_of_a_full_buffer(void **state)
{
	struct buf wire;

	(void)state;
	for (int framing = STREAM_NDJSON; framing <= STREAM_RECORDIO; framing++) {
		buf_init(&wire, 4);
		assert_int_equal(stream_write(&wire, (enum stream_framing)framing,
					      &(struct stream_item){ 1, "e", "12345", 5 }),
				 -E2BIG);
		buf_done(&wire);
	}
}

static void test_stream_sse_reader_takes_every_form_of_the_standard(void **state)
{
	static const struct {
		const char *wire, *records;
	} vectors[] = {
		{ "data: a\r\rdata: b\r\r", "0=a|0=b|" },
		{ "data: a\r\n\r\ndata: b\r\n\r\n", "0=a|0=b|" },
		{ "data: a\n\r\ndata: b\r\r\n", "0=a|0=b|" },
		{ "\xef\xbb\xbf"
		  "data: bom\n\n",
		  "0=bom|" },
		{ "\xef\xbb\xbf\n\xef\xbb\xbf"
		  "data: late bom\n\ndata: x\n\n",
		  "0=x|" },
		{ ": comment\n:\n\ndata: x\n\n", "0=x|" },
		{ "data: one\ndata:two\ndata:  three\n\n", "0=one\ntwo\n three|" },
		{ "data\n\ndata\ndata\n\n", "0=|0=\n|" },
		{ "id: 5\n\ndata: keeps it\n\n", "5=keeps it|" },
		{ "id: 5\ndata: a\n\nid\ndata: b\n\nid: x\ndata: c\n\n", "5=a|5=b|5=c|" },
		{ "event: only\nretry: 10\nnonsense\n\n", "" },
		{ "data: unfinished\n", "" },
		{ "\n\n\n\r\r\r", "" },
		{ "dat: a\ndataa: b\n data: c\ndata: d\n\n", "0=d|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t piece = 1; piece <= strlen(vectors[i].wire); piece++)
			assert_int_equal(feed(STREAM_SSE, vectors[i].wire, strlen(vectors[i].wire),
					      piece, vectors[i].records),
					 0);
}

static void test_stream_sse_id_with_nul_is_ignored(void **state)
{
	static const char wire[] = "id: 3\0\ndata: a\n\n";

	(void)state;
	assert_int_equal(feed(STREAM_SSE, wire, sizeof(wire) - 1, 3, "0=a|"), 0);
}

static void test_stream_ndjson_skips_blank_lines_and_returns(void **state)
{
	(void)state;
	assert_int_equal(feed(STREAM_NDJSON, "\n\r\na\r\nb\n\nc", 11, 2, "0=a|0=b|"), 0);
}

static void test_stream_recordio_takes_empty_records(void **state)
{
	(void)state;
	assert_int_equal(feed(STREAM_RECORDIO, "0\n1\nx0\n01\ny", 11, 1, "0=|0=x|0=|0=y|"), 0);
}

static void test_stream_refuses_broken_frames_and_long_records(void **state)
{
	static const struct {
		enum stream_framing framing;
		const char *wire;
		int error;
		const char *before;
	} vectors[] = {
		{ STREAM_RECORDIO, "x\n", -EBADMSG, "" },
		{ STREAM_RECORDIO, "\n", -EBADMSG, "" },
		{ STREAM_RECORDIO, "-1\n", -EBADMSG, "" },
		{ STREAM_RECORDIO, "1\nab\n", -EBADMSG, "0=a|" },
		{ STREAM_RECORDIO, "99999999999999999999\n", -EBADMSG, "" },
		{ STREAM_RECORDIO, "000000000000000000001\nx", -EBADMSG, "" },
		{ STREAM_RECORDIO, "65\n", -EMSGSIZE, "" },
		{ STREAM_RECORDIO, "18446744073709551615\n", -EMSGSIZE, "" },
		{ STREAM_NDJSON,
		  "a\n12345678901234567890123456789012345678901234567890123456789012345\n",
		  -EMSGSIZE, "0=a|" },
		{ STREAM_SSE,
		  "data: a\n\n12345678901234567890123456789012345678901234567890123456789012345\n",
		  -EMSGSIZE, "0=a|" },
		{ STREAM_SSE,
		  "data: 1234567890123456789012345678901234567890\n"
		  "data: 1234567890123456789012345678901234567890\n\n",
		  -EMSGSIZE, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		for (size_t piece = 1; piece <= strlen(vectors[i].wire); piece++)
			assert_int_equal(feed(vectors[i].framing, vectors[i].wire,
					      strlen(vectors[i].wire), piece, vectors[i].before),
					 vectors[i].error);
}

static int refuse(uint64_t id, const char *text, size_t size, void *userdata)
{
	(void)id;
	(void)text;
	(void)size;
	++*(int *)userdata;
	return -ECANCELED;
}

static void test_stream_reader_passes_on_what_the_callback_said(void **state)
{
	static const struct {
		enum stream_framing framing;
		const char *wire;
	} vectors[] = {
		{ STREAM_NDJSON, "a\nb\n" },
		{ STREAM_SSE, "data: a\n\ndata: b\n\n" },
		{ STREAM_RECORDIO, "1\na1\nb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct stream_reader reader;
		int calls = 0;

		stream_reader_init(&reader, vectors[i].framing, 0);
		assert_int_equal(stream_reader_feed(&reader, vectors[i].wire,
						    strlen(vectors[i].wire), refuse, &calls),
				 -ECANCELED);
		assert_int_equal(calls, 1);
		stream_reader_done(&reader);
	}
}

static void test_stream_names_its_content_type(void **state)
{
	(void)state;
	assert_string_equal(stream_content_type(STREAM_NDJSON), "application/x-ndjson");
	assert_string_equal(stream_content_type(STREAM_SSE), "text/event-stream");
	assert_string_equal(stream_content_type(STREAM_RECORDIO), "application/recordio");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_reads_back_what_was_written_however_cut),
		cmocka_unit_test(test_stream_sse_leaves_out_absent_id_and_event),
		cmocka_unit_test(test_stream_write_tells_of_a_full_buffer),
		cmocka_unit_test(test_stream_sse_reader_takes_every_form_of_the_standard),
		cmocka_unit_test(test_stream_sse_id_with_nul_is_ignored),
		cmocka_unit_test(test_stream_ndjson_skips_blank_lines_and_returns),
		cmocka_unit_test(test_stream_recordio_takes_empty_records),
		cmocka_unit_test(test_stream_refuses_broken_frames_and_long_records),
		cmocka_unit_test(test_stream_reader_passes_on_what_the_callback_said),
		cmocka_unit_test(test_stream_names_its_content_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
