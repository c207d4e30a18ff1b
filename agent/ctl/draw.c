/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing in text. Each box is drawn on a canvas of its own and pasted. The packages are drawn
 * twice: once to learn how wide they want to be, then to that width, so that boxes line up. Small
 * machines show each core as a cell with its CPU numbers, large ones as a strip of marks. */
#include "ctl/draw.h"

#include "ctl/canvas.h"
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
	CELLS_PER_ROW = 8,
	BAR_MAX = 24,
	BAR_MIN = 6,
	LEGEND_SLICES = 40,
	LEGEND_CONDITIONS = 20,
	LABEL = 10, /* column where the legend's texts begin */
};

struct drawing {
	const struct picture *p;
	bool strips;
	bool fill;	    /* second pass: boxes take all the width they are given */
	unsigned budget[3]; /* width at each depth in the first pass: decides how many side by side
			     */
	unsigned digits;    /* of the highest CPU number */
};

uint32_t draw_holder_glyph(int holder)
{
	switch (holder) {
	case HOLDER_FREE:
		return 0xb7; /* middle dot */
	case HOLDER_SHARED:
		return '~';
	case HOLDER_RESERVED:
		return '#';
	case HOLDER_ISOLATED:
		return 0x25cb; /* circle */
	}
	return (uint32_t)picture_letter((size_t)holder);
}

static enum style holder_style(int holder)
{
	if (holder >= 0)
		return STYLE_SLICE + (enum style)(holder % STYLE_SLICES);
	return holder == HOLDER_FREE ? STYLE_PLAIN : STYLE_DIM;
}

static const char *mark_text(enum mark mark)
{
	return mark == MARK_FAILED ? "x" : mark == MARK_DEGRADED ? "!" : NULL;
}

static void put_mark(struct canvas *c, unsigned x, unsigned y, enum mark mark)
{
	if (mark != MARK_NONE)
		canvas_text(c, x, y, mark == MARK_FAILED ? STYLE_ALARM : STYLE_WARN,
			    mark_text(mark));
}

static void put_holder(struct canvas *c, unsigned x, unsigned y, int holder)
{
	canvas_glyph(c, x, y, holder_style(holder), draw_holder_glyph(holder));
}

/* --- cores as cells -----------------------------------------------------------------------------
 */

static void group_label(struct buf *into, const struct picture_core *core)
{
	if (core->l3 != PICTURE_NOWHERE)
		buf_format(into, "L3 %d", core->l3);
	else
		buf_text(into, "cores");
	if (core->efficiency)
		buf_text(into, " efficiency");
}

/* One core: its CPUs below each other. */
static void put_cell(const struct drawing *d, struct canvas *c, unsigned x, unsigned y,
		     const struct picture_core *core)
{
	cpuset_each (cpu, core->cpus) {
		char number[16];

		(void)snprintf(number, sizeof(number), " %*d", (int)d->digits, cpu);
		canvas_text(c, x, y, STYLE_DIM, number);
		put_holder(c, x + d->digits + 2, y, d->p->holders[cpu]);
		put_mark(c, x + d->digits + 3, y, core->mark);
		y++;
	}
}

/* A horizontal rule of a grid with its crossings, e.g. "├──┼──┤". */
static void put_rule(struct canvas *c, unsigned y, unsigned cells, unsigned cell_width,
		     const uint32_t glyphs[3])
{
	unsigned width = cells * (cell_width + 1);

	for (unsigned x = 0; x <= width; x++) {
		uint32_t glyph = 0x2500;

		if (x % (cell_width + 1) == 0)
			glyph = x == 0 ? glyphs[0] : x == width ? glyphs[2] : glyphs[1];
		canvas_glyph(c, x, y, STYLE_FRAME, glyph);
	}
}

static void put_grid(struct canvas *c, unsigned y, unsigned cells, unsigned cell_width,
		     unsigned height)
{
	for (unsigned line = 0; line < height; line++)
		for (unsigned i = 0; i <= cells; i++)
			canvas_glyph(c, i * (cell_width + 1), y + line, STYLE_FRAME, 0x2502);
}

static unsigned threads_of(const struct picture *p, size_t from, size_t end)
{
	unsigned most = 1;

	for (size_t i = from; i < end; i++)
		if (cpuset_count(p->cores[i].cpus) > most)
			most = cpuset_count(p->cores[i].cpus);
	return most;
}

/* Cells of one L3 domain, in rows of about equal length. */
static void draw_cells(const struct drawing *d, struct canvas *c, size_t from, size_t end,
		       unsigned width)
{
	static const uint32_t top[] = { 0x250c, 0x252c, 0x2510 },
			      middle[] = { 0x251c, 0x253c, 0x2524 },
			      bottom[] = { 0x2514, 0x2534, 0x2518 };
	unsigned cell = d->digits + 4, threads = threads_of(d->p, from, end), y = c->height;
	unsigned fit = width > cell + 2 ? (width - 1) / (cell + 1) : 1, rows, per_row;
	_cleanup_(buf_done) struct buf label = { 0 };
	unsigned first = y;

	fit = fit > CELLS_PER_ROW ? CELLS_PER_ROW : fit;
	rows = (unsigned)(end - from + fit - 1) / fit;
	per_row = (unsigned)(end - from + rows - 1) / rows;
	put_rule(c, y++, per_row, cell, top);
	for (unsigned row = 0; row < rows; row++) {
		put_grid(c, y, per_row, cell, threads);
		for (unsigned i = 0; i < per_row && from < end; i++)
			put_cell(d, c, i * (cell + 1) + 1, y, &d->p->cores[from++]);
		y += threads;
		put_rule(c, y++, per_row, cell, row + 1 < rows ? middle : bottom);
	}
	buf_text(&label, " ");
	group_label(&label, &d->p->cores[end - 1]);
	buf_text(&label, " ");
	if (label.data && text_columns(label.data) + 2 <= per_row * (cell + 1))
		canvas_text(c, 1, first, STYLE_DIM, label.data);
}

/* --- cores as strips ----------------------------------------------------------------------------
 */

/* Whether two cores look the same in a strip. */
static bool alike(const struct picture *p, const struct picture_core *a,
		  const struct picture_core *b)
{
	int x = cpuset_next(a->cpus, -1), y = cpuset_next(b->cpus, -1);

	if (a->mark != b->mark)
		return false;
	while (x >= 0 && y >= 0) {
		if (p->holders[x] != p->holders[y])
			return false;
		x = cpuset_next(a->cpus, x);
		y = cpuset_next(b->cpus, y);
	}
	return x < 0 && y < 0;
}

/* One core's marks and, for a run of `count` alike, how many. */
static void put_strip_core(const struct picture *p, struct canvas *word,
			   const struct picture_core *core, size_t count)
{
	unsigned x = 0;

	cpuset_each (cpu, core->cpus)
		put_holder(word, x++, 0, p->holders[cpu]);
	put_mark(word, x, 0, core->mark);
	if (count > 1) {
		char text[24];

		(void)snprintf(text, sizeof(text), "×%zu", count);
		canvas_add(word, 0, STYLE_DIM, text);
	}
}

static unsigned strip_width(const struct picture *p, size_t from, size_t end)
{
	unsigned width = 0;

	for (size_t i = from; i < end; i++)
		width += cpuset_count(p->cores[i].cpus) + 1;
	return width;
}

static void draw_strip(const struct drawing *d, struct canvas *c, size_t from, size_t end,
		       unsigned width)
{
	const struct picture *p = d->p;
	_cleanup_(buf_done) struct buf label = { 0 };
	unsigned y = c->height, left, x;
	bool collapse;

	group_label(&label, &p->cores[from]);
	left = 4 + d->digits;
	if (label.data && text_columns(label.data) >= left)
		left = text_columns(label.data) + 1;
	canvas_text(c, 0, y, STYLE_DIM, label.data);
	collapse = left + strip_width(p, from, end) > width + 1;
	x = left;
	while (from < end) {
		_cleanup_(canvas_done) struct canvas word = { 0 };
		size_t next = from + 1;

		while (collapse && next < end && alike(p, &p->cores[from], &p->cores[next]))
			next++;
		put_strip_core(p, &word, &p->cores[from], next - from);
		if (x > left && x + word.width > width) {
			x = left;
			y++;
		}
		canvas_paste(c, x, y, &word);
		x += word.width + (p->cores[from].mark == MARK_NONE || collapse ? 1 : 0);
		from = next;
	}
}

/* --- what is in a node --------------------------------------------------------------------------
 */

static void draw_bar(const struct drawing *d, struct canvas *c, unsigned y,
		     const struct picture_node *n, unsigned width)
{
	unsigned x = canvas_row_width(c, y), end = x + width;

	for (size_t i = 0; i < d->p->slices_count && x < end; i++) {
		uint64_t claimed = picture_claimed(d->p, n, i);
		double share = (double)claimed / (double)n->memory_bytes * width;
		unsigned cells = share >= width ? width : (unsigned)(share + 0.5);

		for (unsigned k = 0; claimed && k < (cells ? cells : 1) && x < end; k++)
			put_holder(c, x++, y, (int)i);
	}
	while (x < end)
		canvas_glyph(c, x++, y, STYLE_DIM, draw_holder_glyph(HOLDER_FREE));
}

static void draw_memory(const struct drawing *d, struct canvas *c, const struct picture_node *n,
			unsigned width)
{
	_cleanup_(buf_done) struct buf facts = { 0 }, pages = { 0 };
	_cleanup_(canvas_done) struct canvas line = { 0 }, second = { 0 };
	unsigned taken, bar;

	if (n->memory_bytes) {
		picture_memory(&facts, d->p, n);
		taken = text_columns(facts.data) + 9; /* with "memory " and two blanks */
		bar = width > taken + BAR_MIN ? width - taken : BAR_MIN;
		canvas_add(&line, 0, STYLE_DIM, "memory ");
		if (n->host_memory)
			draw_bar(d, &line, 0, n, bar > BAR_MAX ? BAR_MAX : bar);
		canvas_add(&line, 0, STYLE_PLAIN, n->host_memory ? "  " : "");
		canvas_add(&line, 0, STYLE_PLAIN, facts.data);
		canvas_fit(c, 0, c->height, width, &line);
	}
	picture_hugepages(&pages, n);
	if (pages.size) {
		canvas_add(&second, 0, STYLE_DIM, "huge   ");
		canvas_add(&second, 0, STYLE_PLAIN, pages.data);
		canvas_fit(c, 0, c->height, width, &second);
	}
}

static void draw_device(struct canvas *c, const struct picture_device *dev, unsigned name_width,
			unsigned width)
{
	_cleanup_(canvas_done) struct canvas line = { 0 };
	_cleanup_(buf_done) struct buf facts = { 0 };
	enum style style = dev->holder == HOLDER_RESERVED ? STYLE_DIM : STYLE_PLAIN;

	put_holder(&line, 0, 0, dev->holder);
	put_mark(&line, 1, 0, dev->mark);
	canvas_text(&line, 3, 0, STYLE_DIM, dev->kind);
	canvas_text(&line, 8, 0, style, picture_device_name(dev));
	picture_device_facts(&facts, dev);
	canvas_text(&line, 8 + name_width + 2, 0, STYLE_DIM, facts.data);
	canvas_fit(c, 0, c->height, width, &line);
}

static void draw_devices(const struct drawing *d, struct canvas *c, int node, unsigned width)
{
	const struct picture *p = d->p;
	unsigned name_width = 0;

	for (size_t i = 0; i < p->devices_count; i++) {
		unsigned columns = text_columns(picture_device_name(&p->devices[i]));

		if (p->devices[i].node == node && columns > name_width)
			name_width = columns;
	}
	name_width = name_width > 20 ? 20 : name_width;
	for (size_t i = 0; i < p->devices_count; i++)
		if (p->devices[i].node == node)
			draw_device(c, &p->devices[i], name_width, width);
}

static void draw_groups(const struct drawing *d, struct canvas *c, size_t from, size_t end,
			unsigned width)
{
	while (from < end) {
		size_t next = picture_run(d->p, from, end, 3);

		if (d->strips)
			draw_strip(d, c, from, next, width);
		else
			draw_cells(d, c, from, next, width);
		from = next;
	}
}

static const struct picture_node *node_of(const struct picture *p, int number)
{
	for (size_t i = 0; number != PICTURE_NOWHERE && i < p->nodes_count; i++)
		if (p->nodes[i].number == number)
			return &p->nodes[i];
	return NULL;
}

static void draw_node(const struct drawing *d, struct canvas *c, size_t from, size_t end,
		      unsigned width)
{
	const struct picture_node *n = node_of(d->p, d->p->cores[from].node);

	if (n)
		draw_memory(d, c, n, width);
	draw_groups(d, c, from, end, width);
	if (n)
		draw_devices(d, c, n->number, width);
}

/* --- boxes side by side -------------------------------------------------------------------------
 */

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
		const struct picture_node *n = node_of(d->p, core->node);

		buf_format(&box->title, " · node %d", core->node);
		box->mark = n && n->mark > box->mark ? n->mark : box->mark;
	}
}

static void title_node(const struct drawing *d, struct box *box)
{
	const struct picture_node *n = node_of(d->p, d->p->cores[box->from].node);

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
							 .mark = mark_text(boxes[k].mark) });
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

/* --- the rest of the machine --------------------------------------------------------------------
 */

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
	put_mark(c, width - 1, c->height ? c->height - 1 : 0, n->mark);
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

/* "slices    A train-1 .." : the label only before the first of its lines. */
static void legend_line(struct canvas *page, const char *label, const struct canvas *text,
			unsigned columns)
{
	unsigned y = page->height;

	canvas_text(page, 0, y, STYLE_DIM, label);
	canvas_fit(page, LABEL, y, columns - LABEL, text);
}

/* Facts separated by " · ", on as many lines as they need; they begin at column x of the last row.
 */
static void put_facts(struct canvas *page, unsigned x, enum style style, const char *facts,
		      unsigned columns)
{
	unsigned y = page->height ? page->height - 1 : 0, left = x;
	const char *separator = " · ";

	while (facts && *facts) {
		const char *end = strstr(facts, separator);
		_cleanup_free_ char *fact =
			end ? strndup(facts, (size_t)(end - facts)) : strdup(facts);
		unsigned width = fact ? text_columns(fact) : 0;
		_cleanup_(canvas_done) struct canvas word = { 0 };

		if (x > left && x + 3 + width > columns) {
			y++;
			x = left = LABEL;
		} else if (x > left) {
			x += canvas_text(page, x, y, style, separator);
		}
		canvas_text(&word, 0, 0, style, fact);
		x += canvas_fit(page, x, y, columns > x ? columns - x : 1, &word);
		facts = end ? end + strlen(separator) : NULL;
	}
}

static void legend_text(struct canvas *page, const char *label, const struct buf *text,
			unsigned columns)
{
	if (text->size == 0)
		return;
	canvas_text(page, 0, page->height, STYLE_DIM, label);
	put_facts(page, LABEL, STYLE_PLAIN, text->data, columns);
}

static void legend_slices(const struct picture *p, struct canvas *page, unsigned columns)
{
	for (size_t i = 0; i < p->slices_count && i < LEGEND_SLICES; i++) {
		_cleanup_(canvas_done) struct canvas line = { 0 };
		_cleanup_(buf_done) struct buf facts = { 0 };
		const char *id = look_text(p->slices[i], "id");

		put_holder(&line, 0, 0, (int)i);
		canvas_add(&line, 0, STYLE_PLAIN, " ");
		canvas_add(&line, 0, STYLE_BOLD, id ? id : "?");
		canvas_add(&line, 0, STYLE_PLAIN, "  ");
		picture_slice(&facts, p->slices[i]);
		legend_line(page, i == 0 ? "slices" : "", &line, columns);
		put_facts(page, LABEL + line.width, STYLE_DIM, facts.data, columns);
	}
	if (p->slices_count > LEGEND_SLICES) {
		_cleanup_(buf_done) struct buf more = { 0 };

		buf_format(&more, "and %zu more", p->slices_count - LEGEND_SLICES);
		legend_text(page, "", &more, columns);
	}
}

static bool device_is(const struct picture *p, int holder, enum mark mark)
{
	for (size_t i = 0; i < p->devices_count; i++)
		if (p->devices[i].holder == holder &&
		    (mark == MARK_NONE || p->devices[i].mark == mark))
			return true;
	return false;
}

static void legend_marks(const struct picture *p, struct canvas *page, unsigned columns)
{
	_cleanup_(buf_done) struct buf marks = { 0 };

	buf_text(&marks, "· free");
	if (p->has_shared)
		buf_text(&marks, "   ~ shared pool");
	if (p->has_reserved || device_is(p, HOLDER_RESERVED, MARK_NONE))
		buf_text(&marks, "   # not offered");
	if (p->has_isolated)
		buf_text(&marks, "   ○ isolated, free");
	if (p->conditions_count)
		buf_text(&marks, "   ! degraded   x failed");
	legend_text(page, "marks", &marks, columns);
}

static void legend_health(const struct picture *p, struct canvas *page, unsigned columns)
{
	for (size_t i = 0; i < p->conditions_count && i < LEGEND_CONDITIONS; i++) {
		const json_t *condition = p->conditions[i];
		_cleanup_(canvas_done) struct canvas line = { 0 };
		const char *verdict = look_text(condition, "verdict");
		bool failed = verdict && strcmp(verdict, "failed") == 0;

		put_mark(&line, 0, 0, failed ? MARK_FAILED : MARK_DEGRADED);
		canvas_add(&line, 0, STYLE_PLAIN, " ");
		canvas_add(&line, 0, STYLE_BOLD, look_text(condition, "subject"));
		canvas_add(&line, 0, STYLE_PLAIN, " ");
		canvas_add(&line, 0, failed ? STYLE_ALARM : STYLE_WARN,
			   look_text(condition, "type"));
		canvas_add(&line, 0, STYLE_PLAIN, "  ");
		canvas_add(&line, 0, STYLE_PLAIN, look_text(condition, "evidence"));
		legend_line(page, i == 0 ? "health" : "", &line, columns);
	}
}

static void draw_legend(const struct picture *p, struct canvas *page, unsigned columns)
{
	_cleanup_(buf_done) struct buf left = { 0 }, dimms = { 0 }, firmware = { 0 }, nics = { 0 };

	picture_cpus_left(&left, p);
	picture_dimms(&dimms, p);
	picture_firmware(&firmware, p);
	if (p->virtual_nics)
		buf_format(&nics, "%zu virtual interface%s", p->virtual_nics,
			   p->virtual_nics == 1 ? "" : "s");
	legend_text(page, "cpus", &left, columns);
	legend_text(page, "dimms", &dimms, columns);
	legend_text(page, "firmware", &firmware, columns);
	legend_text(page, "besides", &nics, columns);
	legend_slices(p, page, columns);
	legend_marks(p, page, columns);
	legend_health(p, page, columns);
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
	put_facts(page, LABEL, STYLE_DIM, facts.data, columns);
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
