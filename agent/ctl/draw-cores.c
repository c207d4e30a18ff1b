/* SPDX-License-Identifier: Apache-2.0 */
/* Cores in the drawing: on small machines a cell each with its CPU numbers, on large ones a strip
 * of marks in which runs of like cores are collapsed when the line would be too long. */
#include "ctl/draw-parts.h"
#include "ctl/draw.h"
#include "ctl/text.h"
#include "util/cleanup.h"

#include <stdio.h>

enum { CELLS_PER_ROW = 8 };

/* --- cores as cells --- */

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
		draw_holder(c, x + d->digits + 2, y, d->p->holders[cpu]);
		draw_mark(c, x + d->digits + 3, y, core->mark);
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

/* --- cores as strips --- */

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
		draw_holder(word, x++, 0, p->holders[cpu]);
	draw_mark(word, x, 0, core->mark);
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

void draw_cores(const struct drawing *d, struct canvas *c, size_t from, size_t end, unsigned width)
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
