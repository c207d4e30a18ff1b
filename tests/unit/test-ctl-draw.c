/* SPDX-License-Identifier: Apache-2.0 */
/* The drawings of the fixture machines. Two are compared with files (REEVE_BLESS=1 writes them);
 * the others are held to what every drawing must keep: its width, its frames, no escape it was not
 * told to write, and for SVG well-formed XML. */
#include "ctl-fixture.h"
#include "ctl/draw.h"
#include "ctl/look.h"
#include "ctl/svg.h"
#include "ctl/text.h"

#include <errno.h>

static const char *const machines[] = { "vm-2-cpus.json", "hybrid-20-cpus.json",
					"server-2-sockets.json", "monster-24-nodes.json",
					"garbage.json" };

static char *drawn(const json_t *document, const struct screen *screen)
{
	struct picture *p = fixture_picture(document);
	struct buf b = { 0 };

	draw_text(&b, p, screen);
	assert_int_equal(buf_error(&b), 0);
	picture_free(p);
	return buf_steal(&b);
}

static void compare_with_file(const char *machine, const char *expected)
{
	const struct screen screen = { .utf8 = true, .columns = 100 };
	json_t *document = fixture_load(machine);
	_cleanup_free_ char *text = drawn(document, &screen), *wanted = NULL;
	char path[4096];

	fixture_path(path, sizeof(path), expected);
	if (getenv("REEVE_BLESS"))
		assert_int_equal(fs_replace(AT_FDCWD, path, text, strlen(text), 0644), 0);
	assert_int_equal(fs_read(AT_FDCWD, path, 1 << 20, &wanted, NULL), 0);
	assert_string_equal(text, wanted);
	json_decref(document);
}

static void test_a_small_vm_is_drawn_as_its_file_says(void **state)
{
	(void)state;
	compare_with_file("vm-2-cpus.json", "vm-2-cpus.txt");
}

static void test_a_server_is_drawn_as_its_file_says(void **state)
{
	(void)state;
	compare_with_file("server-2-sockets.json", "server-2-sockets.txt");
}

/* Every line fits, and every row of a frame is closed by the frame's right edge. */
static void check_lines(const char *machine, char *text, const struct screen *screen)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *edge = screen->utf8 ? "│" : "|";
		size_t length = strlen(line), edge_length = strlen(edge);

		if (text_columns(line) > screen->columns)
			fail_msg("%s at %u columns: %s", machine, screen->columns, line);
		if (strncmp(line, edge, edge_length) == 0 &&
		    strcmp(line + length - edge_length, edge) != 0)
			fail_msg("%s: an open frame: %s", machine, line);
	}
}

static void test_every_drawing_fits_the_terminal(void **state)
{
	static const unsigned widths[] = { 40, 60, 80, 100, 132, 240, 500 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		json_t *document = fixture_load(machines[i]);

		for (size_t k = 0; k < 2 * ARRAY_SIZE(widths); k++) {
			const struct screen screen = { .utf8 = k % 2, .columns = widths[k / 2] };
			_cleanup_free_ char *text = drawn(document, &screen);

			check_lines(machines[i], text, &screen);
		}
		json_decref(document);
	}
}

static void test_no_drawing_lets_an_escape_through(void **state)
{
	const struct screen utf8 = { .utf8 = true, .columns = 100 }, ascii = { .columns = 100 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		json_t *document = fixture_load(machines[i]);
		_cleanup_free_ char *one = drawn(document, &utf8), *two = drawn(document, &ascii);

		assert_null(strchr(one, '\033'));
		assert_null(strstr(one, "\xc2\x9b"));
		assert_null(strstr(one, "\xe2\x80\xae"));
		for (const char *c = two; *c; c++)
			assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
		json_decref(document);
	}
}

static void test_colours_leave_the_text_as_it_is(void **state)
{
	const struct screen plain = { .utf8 = true, .columns = 100 },
			    coloured = { .utf8 = true, .columns = 100, .colour = true };
	json_t *document = fixture_load("server-2-sockets.json");
	_cleanup_free_ char *one = drawn(document, &plain), *two = drawn(document, &coloured);
	char *to = two;

	(void)state;
	assert_non_null(strchr(two, '\033'));
	for (const char *from = two; *from;)
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	*to = 0;
	assert_string_equal(one, two);
	json_decref(document);
}

static void test_missing_documents_are_drawn_as_far_as_they_go(void **state)
{
	static const char *const inventories[] = { "null", "{}", "{\"cores\":{}}", "{\"cores\":[]}",
						   "{\"cores\":[{\"cpus\":\"0\"}]}" };
	const struct screen screen = { .utf8 = true, .columns = 80 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(inventories); i++) {
		json_t *inventory = fixture_json(inventories[i]);
		struct picture *p = NULL;
		struct buf b = { 0 };

		assert_int_equal(picture_new(&p, inventory, NULL, NULL, NULL), 0);
		draw_text(&b, p, &screen);
		svg_draw(&b, p);
		assert_int_equal(buf_error(&b), 0);
		assert_non_null(strstr(b.data, "this machine"));
		picture_free(p);
		buf_done(&b);
		json_decref(inventory);
	}
}

static void test_cpus_carry_the_letter_of_their_slice(void **state)
{
	json_t *document = fixture_load("server-2-sockets.json");
	struct picture *p = fixture_picture(document);

	(void)state;
	assert_int_equal(p->holders[2], 0);
	assert_int_equal(p->holders[18], 0);
	assert_int_equal(p->holders[8], 1);
	assert_int_equal(p->holders[6], HOLDER_SHARED);
	assert_int_equal(p->holders[0], HOLDER_RESERVED);
	assert_int_equal(p->holders[15], HOLDER_ISOLATED);
	assert_int_equal(p->holders[1], HOLDER_FREE);
	assert_int_equal(picture_claimed(p, &p->nodes[0], SIZE_MAX), UINT64_C(52) << 30);
	assert_int_equal(picture_letter(0), 'A');
	assert_int_equal(picture_letter(51), 'z');
	assert_int_equal(picture_letter(52), '+');
	picture_free(p);
	json_decref(document);
}

static void test_a_node_of_many_packages_is_drawn_beside_them(void **state)
{
	const struct screen screen = { .utf8 = true, .columns = 80 };
	json_t *document = fixture_json(
		"{\"inventory\":{\"nodes\":[{\"number\":0,\"memory_bytes\":1073741824,"
		"\"host_memory\":true}],\"cores\":[{\"cpus\":\"0\",\"package\":0,\"node\":0},"
		"{\"cpus\":\"1\",\"package\":1,\"node\":0}]}}");
	_cleanup_free_ char *text = drawn(document, &screen);

	(void)state;
	assert_non_null(strstr(text, "package 0"));
	assert_non_null(strstr(text, "package 1"));
	assert_non_null(strstr(text, "│ node 0 memory"));
	json_decref(document);
}

static void test_long_rows_of_like_cores_are_collapsed(void **state)
{
	const struct screen screen = { .utf8 = true, .columns = 60 };
	json_t *cores = json_array(), *document;
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (int i = 0; i < 128; i++) {
		char cpus[16];

		(void)snprintf(cpus, sizeof(cpus), "%d", i);
		json_array_append_new(cores, json_pack("{s:s,s:i,s:i,s:i}", "cpus", cpus, "package",
						       0, "node", 0, "l3", 0));
	}
	document = json_pack("{s:{s:o}}", "inventory", "cores", cores);
	text = drawn(document, &screen);
	assert_non_null(strstr(text, "·×128"));
	json_decref(document);
}

/* Tags are nested and closed, and no bare ampersand or control stands in the text. */
static void check_xml(const char *text)
{
	char open[64][16];
	size_t depth = 0;

	for (const char *at = text; *at; at++) {
		const char *end = *at == '<' ? strchr(at, '>') : NULL;
		size_t length;

		assert_true((unsigned char)*at >= ' ' || *at == '\n');
		if (*at == '&')
			assert_int_equal(at[1], '#');
		if (!end)
			continue;
		length = strcspn(at + 1, " >");
		if (at[1] == '/') {
			assert_true(depth > 0);
			depth--;
			assert_int_equal(strncmp(open[depth], at + 2, length - 1), 0);
		} else if (end[-1] != '/') {
			assert_true(depth < ARRAY_SIZE(open) && length < sizeof(open[0]));
			memcpy(open[depth], at + 1, length);
			open[depth++][length] = 0;
		}
		at = end;
	}
	assert_int_equal(depth, 0);
}

static void test_every_svg_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		json_t *document = fixture_load(machines[i]);
		struct picture *p = fixture_picture(document);
		struct buf b = { 0 };

		svg_draw(&b, p);
		assert_int_equal(buf_error(&b), 0);
		check_xml(b.data);
		assert_null(strstr(b.data, "http://www.w3.org/1999/xlink"));
		picture_free(p);
		buf_done(&b);
		json_decref(document);
	}
}

/* The second slice, and one that has shared CPUs and memory only. */
static void test_a_marked_slice_stands_out(void **state)
{
	const struct screen screen = { .utf8 = true, .columns = 100 };
	json_t *document = fixture_load("server-2-sockets.json");
	struct picture *p = fixture_picture(document);
	struct buf text = { 0 }, svg = { 0 };

	(void)state;
	assert_int_equal(picture_mark(p, "nobody"), -ENOENT);
	assert_true(p->marked == SIZE_MAX);
	assert_int_equal(picture_mark(p, "serve"), 0);
	assert_int_equal(p->holders[8], HOLDER_MARKED);
	assert_int_equal(p->holders[25], HOLDER_MARKED);
	assert_int_equal(p->holders[2], 0);
	assert_int_equal(picture_holder(p, 1), HOLDER_MARKED);
	assert_int_equal(picture_holder(p, 2), 2);
	draw_text(&text, p, &screen);
	assert_non_null(strstr(text.data, "8 @"));
	assert_non_null(strstr(text.data, "memory @·"));
	assert_non_null(strstr(text.data, "\nmarked    @ serve"));
	assert_non_null(strstr(text.data, "\nslices    A train-1"));
	assert_null(strstr(text.data, "B serve"));
	svg_draw(&svg, p);
	check_xml(svg.data);
	assert_non_null(strstr(svg.data, "<rect class=\"m\""));
	assert_non_null(strstr(svg.data, ">@</text>"));
	picture_free(p);
	buf_done(&text);
	buf_done(&svg);
	json_decref(document);
}

static void test_a_marked_slice_has_its_devices_and_memory_marked(void **state)
{
	const struct screen screen = { .utf8 = true, .columns = 100 };
	json_t *document = fixture_load("server-2-sockets.json");
	struct picture *p = fixture_picture(document);
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(picture_mark(p, "train-1"), 0);
	draw_text(&text, p, &screen);
	assert_non_null(strstr(text.data, "@  gpu  17:00.0"));
	assert_non_null(strstr(text.data, "@  disk nvme0n1"));
	assert_null(strstr(text.data, "A  gpu"));
	picture_free(p);
	buf_done(&text);
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_small_vm_is_drawn_as_its_file_says),
		cmocka_unit_test(test_a_server_is_drawn_as_its_file_says),
		cmocka_unit_test(test_every_drawing_fits_the_terminal),
		cmocka_unit_test(test_no_drawing_lets_an_escape_through),
		cmocka_unit_test(test_colours_leave_the_text_as_it_is),
		cmocka_unit_test(test_missing_documents_are_drawn_as_far_as_they_go),
		cmocka_unit_test(test_cpus_carry_the_letter_of_their_slice),
		cmocka_unit_test(test_a_node_of_many_packages_is_drawn_beside_them),
		cmocka_unit_test(test_long_rows_of_like_cores_are_collapsed),
		cmocka_unit_test(test_every_svg_is_well_formed),
		cmocka_unit_test(test_a_marked_slice_stands_out),
		cmocka_unit_test(test_a_marked_slice_has_its_devices_and_memory_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
