/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing in text. Each box is drawn on a canvas of its own and pasted. The packages are drawn
 * twice: once to learn how wide they want to be, then to that width, so that boxes line up. Small
 * machines show each core as a cell with its CPU numbers, large ones as a strip of marks. */
#include "ctl/draw.h"

#include "ctl/draw-parts.h"
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/unit.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CELLS_CORES_MAX = 48,  /* more cores than these are drawn as strips */
	CELLS_THREADS_MAX = 4, /* so are cores with more threads than these */
	GAP = 1,	       /* columns between boxes */
	BORDER = 4,	       /* of a box: two columns of frame, two of padding */
	PACKAGE_WIDTH = 47,    /* narrower boxes are not put side by side */
	NODE_WIDTH = 40,
};

/* --- boxes side by side --- */

struct box {
	size_t from, end; /* its cores */
	struct canvas inside;
	struct buf title, note;
	enum mark mark;
};

static void boxes_free(struct box *boxes, size_t count)
{
	for (size_t i = 0; boxes && i < count; i++) {
		canvas_done(&boxes[i].inside);
		buf_done(&boxes[i].title);
		buf_done(&boxes[i].note);
	}
	free(boxes);
}

/* The one node that all cores of the run are in, where a box of its own would only cost room. */
static bool merges(const struct drawing *d, size_t from, size_t end)
{
	bool one = picture_run(d->p, from, end, 2) == end;

	return one && (d->strips || d->p->cores[from].node == PICTURE_NOWHERE);
}

static void title_package(const struct drawing *d, struct box *box)
{
	const struct picture_core *core = &d->p->cores[box->from];

	if (core->package == PICTURE_NOWHERE)
		buf_text(&box->title, "package");
	else
		buf_format(&box->title, "package %d", core->package);
	for (size_t i = 0; i < d->p->packages_count; i++)
		if (d->p->packages[i].number == core->package) {
			buf_text(&box->note,
				 d->p->packages[i].model ? d->p->packages[i].model : "");
			box->mark = d->p->packages[i].mark;
			break;
		}
	if (merges(d, box->from, box->end) && core->node != PICTURE_NOWHERE) {
		const struct picture_node *n = picture_node_of(d->p, core->node);

		buf_format(&box->title, " · node %d", core->node);
		box->mark = n && n->mark > box->mark ? n->mark : box->mark;
	}
}

static void title_node(const struct drawing *d, struct box *box)
{
	const struct picture_node *n = picture_node_of(d->p, d->p->cores[box->from].node);

	if (n)
		buf_format(&box->title, "node %d", n->number);
	else
		buf_text(&box->title, "no node known");
	box->mark = n ? n->mark : MARK_NONE;
}

static void draw_boxes(struct drawing *d, struct canvas *c, size_t from, size_t end,
		       unsigned depth);

static void draw_inside(struct drawing *d, struct box *box, unsigned depth, unsigned width)
{
	if (depth == 1 && !merges(d, box->from, box->end)) {
		if (!d->fill)
			d->budget[2] = width;
		else
			d->budget[0] = width; /* what the boxes inside have to fill */
		draw_boxes(d, &box->inside, box->from, box->end, 2);
		return;
	}
	draw_node(d, &box->inside, box->from, box->end, width);
}

static void place_boxes(const struct box *boxes, size_t count, struct canvas *c, unsigned per_row,
			unsigned width)
{
	for (size_t i = 0; i < count; i += per_row) {
		size_t row_end = i + per_row < count ? i + per_row : count;
		unsigned height = 0, y = c->height;

		for (size_t k = i; k < row_end; k++)
			if (boxes[k].inside.height > height)
				height = boxes[k].inside.height;
		for (size_t k = i; k < row_end; k++) {
			unsigned x = (unsigned)(k - i) * (width + GAP);

			canvas_frame(c, &(struct frame){ .x = x,
							 .y = y,
							 .width = width,
							 .height = height + 2,
							 .title = boxes[k].title.data,
							 .note = boxes[k].note.data,
							 .mark = draw_mark_text(boxes[k].mark) });
			canvas_paste(c, x + 2, y + 1, &boxes[k].inside);
		}
	}
}

static unsigned box_wish(const struct box *box, unsigned limit)
{
	unsigned title = text_columns(box->title.data) + text_columns(box->note.data) + 10;
	unsigned wish = box->inside.width + BORDER;

	wish = title > wish ? title : wish;
	return wish > limit ? limit : wish;
}

/* Splits the cores into packages (depth 1) or nodes (2) and draws each into a box. */
static void draw_boxes(struct drawing *d, struct canvas *c, size_t from, size_t end, unsigned depth)
{
	unsigned minimum = depth == 1 ? PACKAGE_WIDTH : NODE_WIDTH, per_row, width, widest = 0;
	unsigned all = d->fill ? d->budget[0] : d->budget[depth];
	struct box *boxes;
	size_t count = 0;

	for (size_t i = from; i < end; i = picture_run(d->p, i, end, depth))
		count++;
	boxes = calloc(count + 1, sizeof(*boxes));
	if (!boxes) {
		c->error = -ENOMEM;
		return;
	}
	per_row = (d->budget[depth] + GAP) / (minimum + GAP);
	per_row = per_row < 1 ? 1 : per_row > count ? (unsigned)count : per_row;
	width = (all + GAP) / per_row - GAP;
	for (size_t i = 0; i < count; i++) {
		struct box *box = &boxes[i];

		box->from = from;
		box->end = from = picture_run(d->p, from, end, depth);
		if (depth == 1)
			title_package(d, box);
		else
			title_node(d, box);
		draw_inside(d, box, depth, width - BORDER);
		if (box_wish(box, width) > widest)
			widest = box_wish(box, width);
	}
	place_boxes(boxes, count, c, per_row, d->fill ? width : widest);
	boxes_free(boxes, count);
}

static unsigned draw_packages(struct drawing *d, struct canvas *page, unsigned columns)
{
	_cleanup_(canvas_done) struct canvas first = { 0 }, second = { 0 };

	d->budget[1] = columns;
	draw_boxes(d, &first, 0, d->p->cores_count, 1);
	d->fill = true;
	d->budget[0] = first.width;
	draw_boxes(d, &second, 0, d->p->cores_count, 1);
	canvas_paste(page, 0, page->height, &second);
	return first.width;
}

/* --- the rest of the machine --- */

static void draw_lone_node(const struct drawing *d, struct canvas *c, const struct picture_node *n,
			   unsigned width)
{
	_cleanup_(canvas_done) struct canvas inside = { 0 }, line = { 0 };
	char text[64];

	(void)snprintf(text, sizeof(text), "node %d ", n->number);
	canvas_add(&line, 0, STYLE_BOLD, text);
	if (look_text(n->json, "memory_kind")) {
		canvas_add(&line, 0, STYLE_DIM, look_text(n->json, "memory_kind"));
		canvas_add(&line, 0, STYLE_DIM, " ");
	}
	draw_memory(d, &inside, n, width > line.width ? width - line.width : 1);
	canvas_paste(&line, line.width, 0, &inside);
	if (line.height)
		canvas_paste(c, 0, c->height, &line);
	draw_mark(c, width - 1, c->height ? c->height - 1 : 0, n->mark);
}

static void draw_elsewhere(const struct drawing *d, struct canvas *page, unsigned width)
{
	const struct picture *p = d->p;
	_cleanup_(canvas_done) struct canvas inside = { 0 };
	unsigned y = page->height, room = width - BORDER;

	for (size_t i = 0; i < p->nodes_count; i++)
		if (p->nodes[i].package == PICTURE_NOWHERE)
			draw_lone_node(d, &inside, &p->nodes[i], room);
	draw_devices(d, &inside, PICTURE_NOWHERE, room);
	if (inside.height == 0)
		return;
	canvas_frame(page, &(struct frame){ .y = y,
					    .width = width,
					    .height = inside.height + 2,
					    .title = "elsewhere",
					    .note = "no package known to be near" });
	canvas_paste(page, 2, y + 1, &inside);
}

static void draw_header(const struct picture *p, struct canvas *page, unsigned columns)
{
	const char *name = look_text(p->node, "name"), *verdict = look_text(p->node, "verdict");
	_cleanup_(canvas_done) struct canvas line = { 0 };
	_cleanup_(buf_done) struct buf facts = { 0 };

	canvas_add(&line, 0, STYLE_BOLD, name ? name : "this machine");
	if (verdict) {
		bool bad = strcmp(verdict, "failed") == 0, fine = strcmp(verdict, "ok") == 0;

		canvas_add(&line, 0, STYLE_PLAIN, "  ");
		canvas_add(&line, 0, bad ? STYLE_ALARM : fine ? STYLE_OK : STYLE_WARN, verdict);
	}
	canvas_fit(page, 0, 0, columns, &line);
	picture_machine(&facts, p);
	canvas_text(page, 0, 1, STYLE_DIM, "machine");
	draw_facts(page, DRAW_LABEL, STYLE_DIM, facts.data, columns);
}

void draw_text(struct buf *into, const struct picture *p, const struct screen *screen)
{
	_cleanup_(canvas_done) struct canvas page = { 0 };
	struct drawing d = {
		.p = p,
		.strips =
			p->cores_count > CELLS_CORES_MAX || p->threads_maximum > CELLS_THREADS_MAX,
		.digits = (unsigned)snprintf(NULL, 0, "%u", p->highest_cpu),
	};
	unsigned width = screen->columns < PACKAGE_WIDTH ? screen->columns : PACKAGE_WIDTH;

	draw_header(p, &page, screen->columns);
	if (p->cores_count)
		width = draw_packages(&d, &page, screen->columns);
	else
		canvas_text(&page, 0, page.height, STYLE_DIM, "the inventory tells of no cores");
	draw_elsewhere(&d, &page, p->cores_count ? width : screen->columns);
	draw_legend(p, &page, screen->columns);
	canvas_print(&page, screen, into);
}
