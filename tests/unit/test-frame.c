/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: what is written is read back, and nothing broken is taken. */
#include "wire/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_frame_reads_back_what_was_written(void **state)
{
	_Alignas(8) char room[256];
	struct frame_writer w;
	struct frame_reader r;
	struct frame_field field;
	uint32_t version = 0, type = 0, u32 = 0;
	uint64_t u64 = 0;
	char text[16];

	(void)state;
	frame_begin(&w, room, sizeof(room), FRAME_START);
	frame_put_text(&w, FRAME_TAG_TASK, "main");
	frame_put_text(&w, FRAME_TAG_CWD, NULL);
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "");
	frame_put_text(&w, FRAME_TAG_ARGUMENT, "hello");
	frame_put_u32(&w, FRAME_TAG_UID, 1000);
	frame_put_u64(&w, FRAME_TAG_GRACE_USEC, UINT64_MAX);
	assert_int_equal(frame_end(&w), 0);
	assert_int_equal(w.size % 4, 0);

	assert_int_equal(frame_open(&r, room, w.size, &version, &type), 0);
	assert_int_equal(version, FRAME_VERSION);
	assert_int_equal(type, FRAME_START);
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(field.tag, FRAME_TAG_TASK);
	assert_int_equal((uintptr_t)field.value % 4, 0);
	assert_int_equal(frame_text(&field, text, sizeof(text)), 0);
	assert_string_equal(text, "main");
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(frame_text(&field, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(frame_text(&field, text, sizeof(text)), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(frame_u32(&field, &u32), 0);
	assert_int_equal(u32, 1000);
	assert_int_equal(frame_u64(&field, &u64), -EBADMSG);
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(frame_u64(&field, &u64), 0);
	assert_true(u64 == UINT64_MAX);
	assert_int_equal(frame_u32(&field, &u32), -EBADMSG);
	assert_int_equal(frame_next(&r, &field), 0);
	assert_int_equal(frame_next(&r, &field), 0);
}

static void test_frame_of_an_unknown_type_and_tag_is_still_read(void **state)
{
	char room[64];
	struct frame_writer w;
	struct frame_reader r;
	struct frame_field field;
	uint32_t version, type;

	(void)state;
	frame_begin(&w, room, sizeof(room), (enum frame_type)4711);
	frame_put_u32(&w, (enum frame_tag)999, 7);
	assert_int_equal(frame_open(&r, room, w.size, &version, &type), 0);
	assert_int_equal(type, 4711);
	assert_int_equal(frame_next(&r, &field), 1);
	assert_int_equal(field.tag, 999);
}

static void test_frame_writer_remembers_that_it_was_full(void **state)
{
	char room[24];
	struct frame_writer w;

	(void)state;
	memset(room, 0x55, sizeof(room));
	frame_begin(&w, room, 23, FRAME_SIGNAL);
	frame_put_text(&w, FRAME_TAG_TASK, "12345678"); /* 8 + 8 + 8 > 23 */
	assert_int_equal(frame_end(&w), -EMSGSIZE);
	frame_put_u32(&w, FRAME_TAG_SIGNAL, 9); /* would fit, but the frame is spoilt */
	assert_int_equal(frame_end(&w), -EMSGSIZE);
	assert_int_equal(room[23], 0x55);

	frame_begin(&w, room, 24, FRAME_SIGNAL);
	frame_put_text(&w, FRAME_TAG_TASK, "12345678");
	assert_int_equal(frame_end(&w), 0);
	frame_begin(&w, room, 7, FRAME_SIGNAL);
	assert_int_equal(frame_end(&w), -EMSGSIZE);
	frame_begin(&w, room, 24, FRAME_SIGNAL);
	frame_put(&w, FRAME_TAG_TASK, room, SIZE_MAX - 3);
	assert_int_equal(frame_end(&w), -EMSGSIZE);
}

static void test_frame_writer_stops_at_the_limit_of_a_packet(void **state)
{
	size_t capacity = 2 * FRAME_LIMIT_BYTES;
	char *room = malloc(capacity);
	struct frame_writer w;

	(void)state;
	assert_non_null(room);
	memset(room, 'x', capacity);
	frame_begin(&w, room, capacity, FRAME_START);
	frame_put(&w, FRAME_TAG_ARGUMENT, room + FRAME_LIMIT_BYTES, FRAME_LIMIT_BYTES - 16);
	assert_int_equal(frame_end(&w), 0);
	assert_int_equal(w.size, FRAME_LIMIT_BYTES);
	frame_put(&w, FRAME_TAG_ARGUMENT, NULL, 0);
	assert_int_equal(frame_end(&w), -EMSGSIZE);
	free(room);
}

static size_t example(char *room, size_t capacity)
{
	struct frame_writer w;

	frame_begin(&w, room, capacity, FRAME_STATUS);
	frame_put_text(&w, FRAME_TAG_TASK, "a");
	frame_put_u64(&w, FRAME_TAG_STARTED_USEC, 1);
	assert_int_equal(frame_end(&w), 0);
	return w.size;
}

static void test_frame_cut_anywhere_within_a_field_is_refused(void **state)
{
	char room[64];
	size_t size = example(room, sizeof(room));
	struct frame_reader r;
	uint32_t version, type;

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		/* whole: the bare header, and the header with the first field */
		int expected = cut == 8 || cut == 20 ? 0 : -EBADMSG;

		assert_int_equal(frame_open(&r, room, cut, &version, &type), expected);
	}
	assert_int_equal(frame_open(&r, room, size, &version, &type), 0);
	assert_int_equal(frame_open(&r, room, (size_t)FRAME_LIMIT_BYTES + 4, &version, &type),
			 -EBADMSG);
}

static void test_frame_with_a_lying_length_is_refused(void **state)
{
	static const uint32_t lies[] = { 5, 100, INT32_MAX, UINT32_MAX - 3, UINT32_MAX };
	char room[64];
	size_t size = example(room, sizeof(room));
	struct frame_reader r = { 0 };
	uint32_t version = 77, type = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		memcpy(room + size - 12, &lies[i], 4);
		assert_int_equal(frame_open(&r, room, size, &version, &type),
				 lies[i] == 5 ? 0 : -EBADMSG);
	}
	(void)example(room, sizeof(room));
	room[10] = 1; /* the reserved half word */
	assert_int_equal(frame_open(&r, room, size, &version, &type), -EBADMSG);
	(void)example(room, sizeof(room));
	room[0] = 'X';
	assert_int_equal(frame_open(&r, room, size, &version, &type), -EBADMSG);
}

static void test_frame_text_refuses_nul_and_what_does_not_fit(void **state)
{
	struct frame_field nul = { .value = "a\0b", .size = 3 };
	struct frame_field five = { .value = "12345", .size = 5 };
	char room[6] = "zzzzz";

	(void)state;
	assert_int_equal(frame_text(&nul, room, sizeof(room)), -EBADMSG);
	assert_int_equal(frame_text(&five, room, 5), -E2BIG);
	assert_int_equal(frame_text(&five, room, 0), -E2BIG);
	assert_string_equal(room, "zzzzz");
	assert_int_equal(frame_text(&five, room, 6), 0);
	assert_string_equal(room, "12345");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_reads_back_what_was_written),
		cmocka_unit_test(test_frame_of_an_unknown_type_and_tag_is_still_read),
		cmocka_unit_test(test_frame_writer_remembers_that_it_was_full),
		cmocka_unit_test(test_frame_writer_stops_at_the_limit_of_a_packet),
		cmocka_unit_test(test_frame_cut_anywhere_within_a_field_is_refused),
		cmocka_unit_test(test_frame_with_a_lying_length_is_refused),
		cmocka_unit_test(test_frame_text_refuses_nul_and_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
