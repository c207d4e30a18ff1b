/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing as SVG. Every box is written at the origin into a buffer of its own, whose height is
 * then known, and moved to its place by a group. */
#include "ctl/svg.h"

#include "ctl/look.h"
#include "ctl/svg-parts.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* in pixels */
enum {
	MARGIN = 20,
	PAD = 14,
	GAP = 12,
	TITLE = 26,
	LINE = 20,
	BAR = 12,
	PAGE_SMALL = 680,
	PAGE = 1040,
	PAGE_MANY = 1440, /* for more than so many packages: */
	MANY_PACKAGES = 4,
	PACKAGE_WIDTH = 440,
	PACKAGE_WIDTH_MANY = 340,
	NODE_WIDTH = 300,
	NUMBERED_CORES = 96, /* more cores: small cells without numbers */
	LEGEND_LINES = 40,
};

struct pen {
	const struct picture *p;
	unsigned cell_width, cell_height, package_width;
	bool numbers;
};

/* A cell with the letter of its slice, or the CPU's number where it is free. */
static void put_cpu(const struct pen *pen, struct buf *into, unsigned x, unsigned y, int cpu)
{
	int holder = pen->p->holders[cpu];
	char text[16], letter = svg_holder_letter(holder);

	svg_rect(into, svg_holder_class(holder),
		 &(struct svg_box){ x, y, pen->cell_width, pen->cell_height, 3 });
	if (!pen->numbers)
		return;
	if (letter)
		(void)snprintf(text, sizeof(text), "%c", letter);
	else
		(void)snprintf(text, sizeof(text), "%d", cpu);
	svg_text(into, x + pen->cell_width / 2, y + pen->cell_height / 2 + 4, letter ? "l" : "c",
		 text);
}

static unsigned put_core(const struct pen *pen, struct buf *into, unsigned x, unsigned y,
			 const struct picture_core *core)
{
	unsigned start = y;

	cpuset_each (cpu, core->cpus) {
		put_cpu(pen, into, x, y, cpu);
		y += pen->cell_height + 1;
	}
	svg_mark(into, x + pen->cell_width - 5, start + 9, core->mark);
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
		svg_text(into, 0, y + 11, "d", label.data);
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
	svg_rect(into, n->host_memory ? "f" : "r", &(struct svg_box){ 0, y, width, BAR, 4 });
	for (size_t i = 0; i < pen->p->slices_count; i++) {
		double share = (double)picture_claimed(pen->p, n, i) / (double)n->memory_bytes;
		unsigned pixels = share >= 1 ? width : (unsigned)(share * width);

		pixels = x + pixels > width ? width - x : pixels;
		if (pixels)
			svg_rect(into, svg_holder_class(picture_holder(pen->p, i)),
				 &(struct svg_box){ x, y, pixels, BAR, 4 });
		x += pixels;
	}
	picture_memory(&facts, pen->p, n);
	picture_hugepages(&pages, n);
	if (pages.size)
		buf_format(&facts, " · huge pages %s", pages.data);
	svg_cut_text(into, 0, y + BAR + 14, width, facts.data);
	return y + BAR + LINE + 4;
}

static unsigned put_devices(const struct pen *pen, struct buf *into, unsigned y, unsigned width,
			    int node)
{
	for (size_t i = 0; i < pen->p->devices_count; i++) {
		const struct picture_device *d = &pen->p->devices[i];
		_cleanup_(buf_done) struct buf facts = { 0 }, name = { 0 };
		char letter[2] = { svg_holder_letter(d->holder) };

		if (d->node != node)
			continue;
		svg_rect(into, svg_holder_class(d->holder), &(struct svg_box){ 0, y, 34, 16, 4 });
		svg_text(into, 17, y + 12, letter[0] ? "l" : "c", letter[0] ? letter : d->kind);
		buf_format(&name, "%s %s", d->kind, picture_device_name(d));
		picture_device_facts(&facts, d);
		svg_line(into, &(struct svg_label){ .x = 42,
						    .y = y + 12,
						    .room = width - 42,
						    .class = "t",
						    .name = letter[0] ? name.data
								      : picture_device_name(d),
						    .mark = d->mark,
						    .note = facts.data });
		y += LINE + 2;
	}
	return y;
}

static unsigned put_node(const struct pen *pen, struct buf *into, unsigned width,
			 const size_t run[2])
{
	const struct picture_node *n = picture_node_of(pen->p, pen->p->cores[run[0]].node);
	unsigned y = n ? put_memory(pen, into, 0, width, n) : 0;

	for (size_t from = run[0]; from < run[1];) {
		size_t next = picture_run(pen->p, from, run[1], 3);

		y = put_group(pen, into, y, width, (const size_t[]){ from, next });
		from = next;
	}
	return n ? put_devices(pen, into, y, width, n->number) : y;
}

/* --- boxes --- */

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

static void put_box(struct buf *into, const struct box *b, const struct svg_box *r,
		    const char *class)
{
	svg_rect(into, class, r);
	buf_format(into, "<g transform=\"translate(%u,%u)\">\n", r->x + PAD, r->y + PAD);
	svg_line(into, &(struct svg_label){ .y = 9,
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
	const struct picture_node *n = picture_node_of(pen->p, pen->p->cores[run[0]].node);

	if (n)
		buf_format(&b->title, "node %d", n->number);
	else
		buf_text(&b->title, "no node known");
	b->mark = n ? n->mark : MARK_NONE;
	b->height = put_node(pen, &b->body, width, run);
}

/* One row of boxes of equal height from y on; returns the y below it. */
static unsigned put_row(struct buf *into, struct box *boxes, unsigned count,
			const struct svg_box *r, const char *class)
{
	unsigned tallest = 0;

	for (unsigned i = 0; i < count; i++)
		tallest = boxes[i].height > tallest ? boxes[i].height : tallest;
	for (unsigned i = 0; i < count; i++) {
		struct svg_box place = *r;

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
	unsigned per_row = (width + GAP) / ((depth == 1 ? pen->package_width : NODE_WIDTH) + GAP);
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
		y = put_row(into, row, count, &(struct svg_box){ 0, y, wide, 0, 10 },
			    depth == 1 ? "k" : "n");
		count = 0;
	}
	return y ? y - GAP : 0;
}

/* --- around them --- */

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
		svg_text(&b.body, 0, b.height + 11, "t", label);
		b.height = put_memory(pen, &b.body, b.height + 17, inner, n);
	}
	b.height = put_devices(pen, &b.body, b.height, inner, PICTURE_NOWHERE);
	if (b.height == 0)
		return y;
	buf_text(&b.title, "elsewhere");
	buf_text(&b.note, "no package known to be near");
	return put_row(into, &b, 1, &(struct svg_box){ 0, y, width, 0, 10 }, "k");
}

static unsigned put_fact(struct buf *into, unsigned y, unsigned width, const char *label,
			 const struct buf *text)
{
	if (text->size == 0)
		return y;
	svg_text(into, 0, y + 12, "d", label);
	svg_cut_text(into, 76, y + 12, width - 76, text->data);
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

static unsigned put_slice(const struct pen *pen, struct buf *into, unsigned y, unsigned width,
			  size_t slice)
{
	const char *id = look_text(pen->p->slices[slice], "id");
	int holder = picture_holder(pen->p, slice);
	_cleanup_(buf_done) struct buf facts = { 0 };
	char letter[2] = { svg_holder_letter(holder) };

	svg_rect(into, svg_holder_class(holder), &(struct svg_box){ 0, y, 18, 16, 4 });
	svg_text(into, 9, y + 12, "l", letter);
	picture_slice(&facts, pen->p->slices[slice]);
	svg_line(into, &(struct svg_label){ .x = 26,
					    .y = y + 12,
					    .room = width - 26,
					    .class = "b",
					    .name = id ? id : "?",
					    .note = facts.data });
	return y + LINE + 2;
}

/* The marked one first, so that it is there however many there are. */
static unsigned put_legend(const struct pen *pen, struct buf *into, unsigned y, unsigned width)
{
	const struct picture *p = pen->p;

	if (p->marked != SIZE_MAX)
		y = put_slice(pen, into, y, width, p->marked);
	for (size_t i = 0; i < p->slices_count && i < LEGEND_LINES; i++)
		if (i != p->marked)
			y = put_slice(pen, into, y, width, i);
	return y;
}

/* What the colours of CPUs and devices without a slice mean. */
static unsigned put_marks(struct buf *into, unsigned y)
{
	static const struct {
		int holder;
		const char *text;
	} marks[] = {
		{ HOLDER_FREE, "free" },
		{ HOLDER_SHARED, "shared pool" },
		{ HOLDER_RESERVED, "not offered" },
		{ HOLDER_ISOLATED, "isolated, free" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(marks); i++) {
		svg_rect(into, svg_holder_class(marks[i].holder),
			 &(struct svg_box){ i * 130, y, 18, 16, 4 });
		svg_text(into, i * 130 + 26, y + 12, "d", marks[i].text);
	}
	return y + LINE + 2;
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
		svg_mark(into, 6, y + 12,
			 verdict && strcmp(verdict, "failed") == 0 ? MARK_FAILED : MARK_DEGRADED);
		svg_cut_text(into, 26, y + 12, width - 26, text.data);
		y += LINE;
	}
	return y;
}

static unsigned put_header(const struct pen *pen, struct buf *into, unsigned width)
{
	const char *name = look_text(pen->p->node, "name");
	_cleanup_(buf_done) struct buf facts = { 0 };

	picture_machine(&facts, pen->p);
	svg_text(into, 0, 18, "h", name ? name : "this machine");
	svg_cut_text(into, 0, 40, width, facts.data);
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
	y = put_marks(into, y);
	return put_conditions(pen, into, y, width);
}

void svg_draw(struct buf *into, const struct picture *p)
{
	bool few = p->cores_count <= 16 && p->packages_count <= 1;
	bool many = p->packages_count > MANY_PACKAGES;
	unsigned width = (few ? PAGE_SMALL : many ? PAGE_MANY : PAGE) - 2 * MARGIN, height;
	_cleanup_(buf_done) struct buf page = { 0 };
	struct pen pen = { .p = p, .numbers = p->cores_count <= NUMBERED_CORES };

	pen.cell_width = pen.numbers ? (p->highest_cpu > 99 ? 30 : 26) : 12;
	pen.cell_height = pen.numbers ? 18 : 9;
	pen.package_width = many ? PACKAGE_WIDTH_MANY : PACKAGE_WIDTH;
	height = put_page(&pen, &page, width) + 2 * MARGIN;
	buf_format(into,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		   "viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		   width + 2 * MARGIN, height, width + 2 * MARGIN, height);
	text_xml(into, look_text(p->node, "name"));
	buf_format(into, " topology</title>\n%s<rect class=\"bg\" width=\"%u\" height=\"%u\"/>\n",
		   svg_style(), width + 2 * MARGIN, height);
	buf_format(into, "<g transform=\"translate(%u,%u)\">\n", MARGIN, MARGIN);
	buf_append(into, page.data, page.size);
	buf_text(into, "</g>\n</svg>\n");
	into->error = into->error ? into->error : page.error;
}
