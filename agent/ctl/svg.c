/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing as SVG. Every box is written at the origin into a buffer of its own, whose height is
 * then known, and moved to its place by a group. Texts are cut by an estimate of their width, since
 * the fonts are the reader's. */
#include "ctl/svg.h"

#include "ctl/draw.h"
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { /* pixels */
       MARGIN = 20,
       PAD = 14,
       GAP = 12,
       TITLE = 26,
       LINE = 20,
       BAR = 12,
       TEXT_WIDTH = 7, /* of a character at 12 px, on the safe side */
       PAGE_SMALL = 680,
       PAGE = 1040,
       PACKAGE_WIDTH = 440,
       NODE_WIDTH = 300,
       NUMBERED_CORES = 96, /* more cores: small cells without numbers */
       COLOURS = 8,
       LEGEND_LINES = 40,
};

struct pen {
	const struct picture *p;
	unsigned cell_width, cell_height;
	bool numbers;
};

static const char style[] =
	"<style>\n"
	"text{font-family:system-ui,-apple-system,'Segoe "
	"UI',sans-serif;font-size:12px;fill:#1f2328}\n"
	".h{font-size:20px;font-weight:600}.b{font-weight:600;font-size:13px}.d{fill:#59636e}\n"
	".c{font-size:10px;text-anchor:middle;fill:#59636e}.l{font-size:10px;text-anchor:middle;"
	"font-weight:700;fill:#fff}\n"
	".bg{fill:#fff}.k{fill:#f6f8fa;stroke:#d1d9e0}.n{fill:#fff;stroke:#d1d9e0}\n"
	".f{fill:#e8ecf0;stroke:#ced5dc}.r{fill:#c5ccd3;stroke:#aab2ba}.i{fill:#fff;stroke:#8c959f;"
	"stroke-dasharray:2 2}\n"
	".q{fill:#cfe3fa;stroke:#8db8e8}.w{fill:#bf8700;font-weight:700}.x{fill:#d1242f;"
	"font-weight:700}\n"
	".s0{fill:#1f883d}.s1{fill:#0969da}.s2{fill:#8250df}.s3{fill:#bc4c00}.s4{fill:#bf3989}"
	".s5{fill:#1b7c83}.s6{fill:#9a6700}.s7{fill:#57606a}\n"
	"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.d,.c{fill:#9198a1}.l{fill:#fff}"
	".bg{fill:#0d1117}.k{fill:#151b23;stroke:#3d444d}.n{fill:#0d1117;stroke:#3d444d}"
	".f{fill:#262c36;stroke:#3d444d}.r{fill:#4a525c;stroke:#656c76}.i{fill:#0d1117;"
	"stroke:#9198a1}.q{fill:#12365c;stroke:#316dca}.w{fill:#d29922}.x{fill:#f85149}"
	".s0{fill:#238636}.s1{fill:#1f6feb}.s2{fill:#8957e5}.s3{fill:#bd561d}.s4{fill:#bf4b8a}"
	".s5{fill:#1b7c83}.s6{fill:#9e6a03}.s7{fill:#6e7681}}\n"
	"</style>\n";

static const char *holder_class(int holder)
{
	static const char *const slices[COLOURS] = {
		"s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"
	};

	switch (holder) {
	case HOLDER_FREE:
		return "f";
	case HOLDER_SHARED:
		return "q";
	case HOLDER_RESERVED:
		return "r";
	case HOLDER_ISOLATED:
		return "i";
	}
	return slices[holder % COLOURS];
}

static void put_text(struct buf *into, unsigned x, unsigned y, const char *class, const char *text)
{
	buf_format(into, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	text_xml(into, text);
	buf_text(into, "</text>\n");
}

/* The beginning of the text that takes no more than `room` pixels. */
static void cut_text(struct buf *into, unsigned room, const char *text)
{
	unsigned columns, used = 0, limit = room / TEXT_WIDTH;
	uint32_t glyph;

	while (text && used + 1 < limit && (glyph = text_next(&text, &columns))) {
		text_encode(into, glyph);
		used += columns;
	}
	if (text && *text)
		buf_text(into, "…");
}

static void put_cut(struct buf *into, unsigned x, unsigned y, unsigned room, const char *text)
{
	_cleanup_(buf_done) struct buf cut = { 0 };

	cut_text(&cut, room, text);
	if (cut.size)
		put_text(into, x, y, "d", cut.data);
}

/* A name, its mark of health and what is to be said about it, one behind the other wherever the
 * reader's font makes them end. */
struct line {
	unsigned x, y, room;
	const char *class, *name; /* of the name */
	enum mark mark;
	const char *note; /* NULL none */
};

static void put_line(struct buf *into, const struct line *l)
{
	unsigned taken = (text_columns(l->name) + 3) * (TEXT_WIDTH + 1);
	_cleanup_(buf_done) struct buf note = { 0 };

	buf_format(into, "<text x=\"%u\" y=\"%u\"><tspan class=\"%s\">", l->x, l->y, l->class);
	text_xml(into, l->name);
	buf_text(into, "</tspan>");
	if (l->mark != MARK_NONE)
		buf_format(into, "<tspan dx=\"6\" class=\"%s\">%s</tspan>",
			   l->mark == MARK_FAILED ? "x" : "w", l->mark == MARK_FAILED ? "✕" : "!");
	if (l->room > taken)
		cut_text(&note, l->room - taken, l->note);
	if (note.size) {
		buf_text(into, "<tspan dx=\"8\" class=\"d\">");
		text_xml(into, note.data);
		buf_text(into, "</tspan>");
	}
	buf_text(into, "</text>\n");
}

struct rect {
	unsigned x, y, width, height, radius;
};

static void put_rect(struct buf *into, const char *class, const struct rect *r)
{
	buf_format(into,
		   "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"%u\"/>\n",
		   class, r->x, r->y, r->width, r->height, r->radius);
}

static void put_mark(struct buf *into, unsigned x, unsigned y, enum mark mark)
{
	if (mark != MARK_NONE)
		put_text(into, x, y, mark == MARK_FAILED ? "x" : "w",
			 mark == MARK_FAILED ? "✕" : "!");
}

/* A cell with the letter of its slice, or the CPU's number where it is free. */
static void put_cpu(const struct pen *pen, struct buf *into, unsigned x, unsigned y, int cpu)
{
	int holder = pen->p->holders[cpu];
	char text[16];

	put_rect(into, holder_class(holder),
		 &(struct rect){ x, y, pen->cell_width, pen->cell_height, 3 });
	if (!pen->numbers)
		return;
	if (holder >= 0)
		(void)snprintf(text, sizeof(text), "%c", picture_letter((size_t)holder));
	else
		(void)snprintf(text, sizeof(text), "%d", cpu);
	put_text(into, x + pen->cell_width / 2, y + pen->cell_height / 2 + 4,
		 holder >= 0 ? "l" : "c", text);
}

static unsigned put_core(const struct pen *pen, struct buf *into, unsigned x, unsigned y,
			 const struct picture_core *core)
{
	unsigned start = y;

	cpuset_each (cpu, core->cpus) {
		put_cpu(pen, into, x, y, cpu);
		y += pen->cell_height + 1;
	}
	put_mark(into, x + pen->cell_width - 5, start + 9, core->mark);
	return y - start;
}

/* One L3 domain from y on; returns the y below it. */
static unsigned put_group(const struct pen *pen, struct buf *into, unsigned y, unsigned width,
			  const size_t run[2])
{
	const struct picture_core *first = &pen->p->cores[run[0]];
	_cleanup_(buf_done) struct buf label = { 0 };
	unsigned x = 0, tallest = 0;

	if (first->l3 != PICTURE_NOWHERE)
		buf_format(&label, "L3 %d", first->l3);
	if (first->efficiency)
		buf_format(&label, "%sefficiency cores", label.size ? " · " : "");
	if (label.size) {
		put_text(into, 0, y + 11, "d", label.data);
		y += 17;
	}
	for (size_t i = run[0]; i < run[1]; i++) {
		unsigned height;

		if (x > 0 && x + pen->cell_width > width) {
			x = 0;
			y += tallest + 5;
			tallest = 0;
		}
		height = put_core(pen, into, x, y, &pen->p->cores[i]);
		tallest = height > tallest ? height : tallest;
		x += pen->cell_width + 4;
	}
	return y + tallest + 8;
}

static unsigned put_memory(const struct pen *pen, struct buf *into, unsigned y, unsigned width,
			   const struct picture_node *n)
{
	_cleanup_(buf_done) struct buf facts = { 0 }, pages = { 0 };
	unsigned x = 0;

	if (n->memory_bytes == 0)
		return y;
	put_rect(into, n->host_memory ? "f" : "r", &(struct rect){ 0, y, width, BAR, 4 });
	for (size_t i = 0; i < pen->p->slices_count; i++) {
		double share = (double)picture_claimed(pen->p, n, i) / (double)n->memory_bytes;
		unsigned pixels = share >= 1 ? width : (unsigned)(share * width);

		pixels = x + pixels > width ? width - x : pixels;
		if (pixels)
			put_rect(into, holder_class((int)i),
				 &(struct rect){ x, y, pixels, BAR, 4 });
		x += pixels;
	}
	picture_memory(&facts, pen->p, n);
	picture_hugepages(&pages, n);
	if (pages.size)
		buf_format(&facts, " · huge pages %s", pages.data);
	put_cut(into, 0, y + BAR + 14, width, facts.data);
	return y + BAR + LINE + 4;
}

static unsigned put_devices(const struct pen *pen, struct buf *into, unsigned y, unsigned width,
			    int node)
{
	for (size_t i = 0; i < pen->p->devices_count; i++) {
		const struct picture_device *d = &pen->p->devices[i];
		_cleanup_(buf_done) struct buf facts = { 0 }, name = { 0 };
		char letter[2] = { d->holder >= 0 ? picture_letter((size_t)d->holder) : 0 };

		if (d->node != node)
			continue;
		put_rect(into, holder_class(d->holder), &(struct rect){ 0, y, 34, 16, 4 });
		put_text(into, 17, y + 12, d->holder >= 0 ? "l" : "c",
			 letter[0] ? letter : d->kind);
		buf_format(&name, "%s %s", d->kind, picture_device_name(d));
		picture_device_facts(&facts, d);
		put_line(into,
			 &(struct line){ .x = 42,
					 .y = y + 12,
					 .room = width - 42,
					 .class = "t",
					 .name = letter[0] ? name.data : picture_device_name(d),
					 .mark = d->mark,
					 .note = facts.data });
		y += LINE + 2;
	}
	return y;
}

static const struct picture_node *node_of(const struct picture *p, int number)
{
	for (size_t i = 0; number != PICTURE_NOWHERE && i < p->nodes_count; i++)
		if (p->nodes[i].number == number)
			return &p->nodes[i];
	return NULL;
}

static unsigned put_node(const struct pen *pen, struct buf *into, unsigned width,
			 const size_t run[2])
{
	const struct picture_node *n = node_of(pen->p, pen->p->cores[run[0]].node);
	unsigned y = n ? put_memory(pen, into, 0, width, n) : 0;

	for (size_t from = run[0]; from < run[1];) {
		size_t next = picture_run(pen->p, from, run[1], 3);

		y = put_group(pen, into, y, width, (const size_t[]){ from, next });
		from = next;
	}
	return n ? put_devices(pen, into, y, width, n->number) : y;
}

/* --- boxes --------------------------------------------------------------------------------------
 */

struct box {
	struct buf body;
	unsigned height; /* of the body */
	struct buf title, note;
	enum mark mark;
};

static void box_done(struct box *b)
{
	buf_done(&b->body);
	buf_done(&b->title);
	buf_done(&b->note);
}

static void put_box(struct buf *into, const struct box *b, const struct rect *r, const char *class)
{
	put_rect(into, class, r);
	buf_format(into, "<g transform=\"translate(%u,%u)\">\n", r->x + PAD, r->y + PAD);
	put_line(into, &(struct line){ .y = 9,
				       .room = r->width - 2 * PAD,
				       .class = "b",
				       .name = b->title.data,
				       .mark = b->mark,
				       .note = b->note.data });
	buf_format(into, "<g transform=\"translate(0,%u)\">\n", TITLE - 6);
	if (b->body.error)
		into->error = b->body.error;
	buf_append(into, b->body.data, b->body.size);
	buf_text(into, "</g></g>\n");
}

static unsigned put_boxes(const struct pen *pen, struct buf *into, unsigned width,
			  const size_t run[2], unsigned depth);

static void fill_package(const struct pen *pen, struct box *b, unsigned width, const size_t run[2])
{
	const struct picture_core *core = &pen->p->cores[run[0]];
	bool bare =
		core->node == PICTURE_NOWHERE && picture_run(pen->p, run[0], run[1], 2) == run[1];

	if (core->package == PICTURE_NOWHERE)
		buf_text(&b->title, "package");
	else
		buf_format(&b->title, "package %d", core->package);
	for (size_t i = 0; i < pen->p->packages_count; i++)
		if (pen->p->packages[i].number == core->package) {
			buf_text(&b->note,
				 pen->p->packages[i].model ? pen->p->packages[i].model : "");
			b->mark = pen->p->packages[i].mark;
			break;
		}
	b->height = bare ? put_node(pen, &b->body, width, run)
			 : put_boxes(pen, &b->body, width, run, 2);
}

static void fill_node(const struct pen *pen, struct box *b, unsigned width, const size_t run[2])
{
	const struct picture_node *n = node_of(pen->p, pen->p->cores[run[0]].node);

	if (n)
		buf_format(&b->title, "node %d", n->number);
	else
		buf_text(&b->title, "no node known");
	b->mark = n ? n->mark : MARK_NONE;
	b->height = put_node(pen, &b->body, width, run);
}

/* One row of boxes of equal height from y on; returns the y below it. */
static unsigned put_row(struct buf *into, struct box *boxes, unsigned count, const struct rect *r,
			const char *class)
{
	unsigned tallest = 0;

	for (unsigned i = 0; i < count; i++)
		tallest = boxes[i].height > tallest ? boxes[i].height : tallest;
	for (unsigned i = 0; i < count; i++) {
		struct rect place = *r;

		place.x += i * (r->width + GAP);
		place.height = tallest + TITLE + PAD + 2;
		put_box(into, &boxes[i], &place, class);
		box_done(&boxes[i]);
	}
	return r->y + tallest + TITLE + PAD + 2 + GAP;
}

static unsigned put_boxes(const struct pen *pen, struct buf *into, unsigned width,
			  const size_t run[2], unsigned depth)
{
	unsigned per_row = (width + GAP) / ((depth == 1 ? PACKAGE_WIDTH : NODE_WIDTH) + GAP);
	struct box row[8] = { 0 };
	unsigned count = 0, all = 0, y = 0, wide;
	size_t from, next;

	for (from = run[0]; from < run[1]; from = picture_run(pen->p, from, run[1], depth))
		all++;
	per_row = per_row > all ? all : per_row;
	per_row = per_row < 1 ? 1 : per_row > ARRAY_SIZE(row) ? (unsigned)ARRAY_SIZE(row) : per_row;
	wide = (width + GAP) / per_row - GAP;
	for (from = run[0]; from < run[1]; from = next) {
		size_t part[2] = { from, next = picture_run(pen->p, from, run[1], depth) };

		row[count] = (struct box){ 0 };
		(depth == 1 ? fill_package : fill_node)(pen, &row[count], wide - 2 * PAD, part);
		if (++count < per_row && next < run[1])
			continue;
		y = put_row(into, row, count, &(struct rect){ 0, y, wide, 0, 10 },
			    depth == 1 ? "k" : "n");
		count = 0;
	}
	return y ? y - GAP : 0;
}

/* --- around them --------------------------------------------------------------------------------
 */

static unsigned put_elsewhere(const struct pen *pen, struct buf *into, unsigned y, unsigned width)
{
	_cleanup_(box_done) struct box b = { 0 };
	unsigned inner = width - 2 * PAD;

	for (size_t i = 0; i < pen->p->nodes_count; i++) {
		const struct picture_node *n = &pen->p->nodes[i];
		const char *kind = look_text(n->json, "memory_kind");
		char label[64];

		if (n->package != PICTURE_NOWHERE || n->memory_bytes == 0)
			continue;
		(void)snprintf(label, sizeof(label), "node %d %s", n->number, kind ? kind : "");
		put_text(&b.body, 0, b.height + 11, "t", label);
		b.height = put_memory(pen, &b.body, b.height + 17, inner, n);
	}
	b.height = put_devices(pen, &b.body, b.height, inner, PICTURE_NOWHERE);
	if (b.height == 0)
		return y;
	buf_text(&b.title, "elsewhere");
	buf_text(&b.note, "no package known to be near");
	return put_row(into, &b, 1, &(struct rect){ 0, y, width, 0, 10 }, "k");
}

static unsigned put_fact(struct buf *into, unsigned y, unsigned width, const char *label,
			 const struct buf *text)
{
	if (text->size == 0)
		return y;
	put_text(into, 0, y + 12, "d", label);
	put_cut(into, 76, y + 12, width - 76, text->data);
	return y + LINE;
}

static unsigned put_facts(const struct pen *pen, struct buf *into, unsigned y, unsigned width)
{
	_cleanup_(buf_done) struct buf left = { 0 }, dimms = { 0 }, firmware = { 0 };

	picture_cpus_left(&left, pen->p);
	picture_dimms(&dimms, pen->p);
	picture_firmware(&firmware, pen->p);
	y = put_fact(into, y, width, "cpus", &left);
	y = put_fact(into, y, width, "dimms", &dimms);
	return put_fact(into, y, width, "firmware", &firmware);
}

static unsigned put_legend(const struct pen *pen, struct buf *into, unsigned y, unsigned width)
{
	for (size_t i = 0; i < pen->p->slices_count && i < LEGEND_LINES; i++) {
		const char *id = look_text(pen->p->slices[i], "id");
		_cleanup_(buf_done) struct buf facts = { 0 };
		char letter[2] = { picture_letter(i) };

		put_rect(into, holder_class((int)i), &(struct rect){ 0, y, 18, 16, 4 });
		put_text(into, 9, y + 12, "l", letter);
		picture_slice(&facts, pen->p->slices[i]);
		put_line(into, &(struct line){ .x = 26,
					       .y = y + 12,
					       .room = width - 26,
					       .class = "b",
					       .name = id ? id : "?",
					       .note = facts.data });
		y += LINE + 2;
	}
	return y;
}

static unsigned put_conditions(const struct pen *pen, struct buf *into, unsigned y, unsigned width)
{
	for (size_t i = 0; i < pen->p->conditions_count && i < LEGEND_LINES; i++) {
		const json_t *condition = pen->p->conditions[i];
		const char *verdict = look_text(condition, "verdict");
		_cleanup_(buf_done) struct buf text = { 0 };

		buf_format(&text, "%s %s: %s",
			   look_text(condition, "subject") ? look_text(condition, "subject") : "?",
			   look_text(condition, "type") ? look_text(condition, "type") : "",
			   look_text(condition, "evidence") ? look_text(condition, "evidence")
							    : "");
		put_mark(into, 6, y + 12,
			 verdict && strcmp(verdict, "failed") == 0 ? MARK_FAILED : MARK_DEGRADED);
		put_cut(into, 26, y + 12, width - 26, text.data);
		y += LINE;
	}
	return y;
}

static unsigned put_header(const struct pen *pen, struct buf *into, unsigned width)
{
	const char *name = look_text(pen->p->node, "name");
	_cleanup_(buf_done) struct buf facts = { 0 };

	picture_machine(&facts, pen->p);
	put_text(into, 0, 18, "h", name ? name : "this machine");
	put_cut(into, 0, 40, width, facts.data);
	return 54;
}

static unsigned put_page(const struct pen *pen, struct buf *into, unsigned width)
{
	const size_t all[2] = { 0, pen->p->cores_count };
	unsigned y = put_header(pen, into, width);

	if (pen->p->cores_count) {
		_cleanup_(buf_done) struct buf boxes = { 0 };
		unsigned height = put_boxes(pen, &boxes, width, all, 1);

		buf_format(into, "<g transform=\"translate(0,%u)\">\n", y);
		buf_append(into, boxes.data, boxes.size);
		buf_text(into, "</g>\n");
		into->error = into->error ? into->error : boxes.error;
		y += height + GAP;
	}
	y = put_elsewhere(pen, into, y, width) + 4;
	y = put_facts(pen, into, y, width) + 6;
	y = put_legend(pen, into, y, width);
	return put_conditions(pen, into, y, width);
}

void svg_draw(struct buf *into, const struct picture *p)
{
	bool few = p->cores_count <= 16 && p->packages_count <= 1;
	unsigned width = (few ? PAGE_SMALL : PAGE) - 2 * MARGIN, height;
	_cleanup_(buf_done) struct buf page = { 0 };
	struct pen pen = { .p = p, .numbers = p->cores_count <= NUMBERED_CORES };

	pen.cell_width = pen.numbers ? (p->highest_cpu > 99 ? 30 : 26) : 12;
	pen.cell_height = pen.numbers ? 18 : 9;
	height = put_page(&pen, &page, width) + 2 * MARGIN;
	buf_format(into,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		   "viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		   width + 2 * MARGIN, height, width + 2 * MARGIN, height);
	text_xml(into, look_text(p->node, "name"));
	buf_format(into, " topology</title>\n%s<rect class=\"bg\" width=\"%u\" height=\"%u\"/>\n",
		   style, width + 2 * MARGIN, height);
	buf_format(into, "<g transform=\"translate(%u,%u)\">\n", MARGIN, MARGIN);
	buf_append(into, page.data, page.size);
	buf_text(into, "</g>\n</svg>\n");
	into->error = into->error ? into->error : page.error;
}
