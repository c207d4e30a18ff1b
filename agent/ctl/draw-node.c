/* SPDX-License-Identifier: Apache-2.0 */
/* Marks, memory and devices in the drawing. */
#include "ctl/draw-parts.h"
#include "ctl/draw.h"
#include "ctl/text.h"
#include "util/cleanup.h"

#include <string.h>

enum { BAR_MAX = 24, BAR_MIN = 6, NAME_MAX_COLUMNS = 20 };

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
	case HOLDER_MARKED:
		return '@';
	}
	return (uint32_t)picture_letter((size_t)holder);
}

static enum style holder_style(int holder)
{
	if (holder >= 0)
		return STYLE_SLICE + (enum style)(holder % STYLE_SLICES);
	if (holder == HOLDER_MARKED)
		return STYLE_MARKED;
	return holder == HOLDER_FREE ? STYLE_PLAIN : STYLE_DIM;
}

const char *draw_mark_text(enum mark mark)
{
	return mark == MARK_FAILED ? "x" : mark == MARK_DEGRADED ? "!" : NULL;
}

void draw_mark(struct canvas *c, unsigned x, unsigned y, enum mark mark)
{
	if (mark != MARK_NONE)
		canvas_text(c, x, y, mark == MARK_FAILED ? STYLE_ALARM : STYLE_WARN,
			    draw_mark_text(mark));
}

void draw_holder(struct canvas *c, unsigned x, unsigned y, int holder)
{
	canvas_glyph(c, x, y, holder_style(holder), draw_holder_glyph(holder));
}

/* --- what is in a node --- */

static void draw_bar(const struct drawing *d, struct canvas *c, unsigned y,
		     const struct picture_node *n, unsigned width)
{
	unsigned x = canvas_row_width(c, y), end = x + width;

	for (size_t i = 0; i < d->p->slices_count && x < end; i++) {
		uint64_t claimed = picture_claimed(d->p, n, i);
		double share = (double)claimed / (double)n->memory_bytes * width;
		unsigned cells = share >= width ? width : (unsigned)(share + 0.5);

		for (unsigned k = 0; claimed && k < (cells ? cells : 1) && x < end; k++)
			draw_holder(c, x++, y, picture_holder(d->p, i));
	}
	while (x < end)
		canvas_glyph(c, x++, y, STYLE_DIM, draw_holder_glyph(HOLDER_FREE));
}

void draw_memory(const struct drawing *d, struct canvas *c, const struct picture_node *n,
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
	enum style style = dev->holder == HOLDER_RESERVED ? STYLE_DIM
			   : dev->holder == HOLDER_MARKED ? STYLE_BOLD
							  : STYLE_PLAIN;

	draw_holder(&line, 0, 0, dev->holder);
	draw_mark(&line, 1, 0, dev->mark);
	canvas_text(&line, 3, 0, STYLE_DIM, dev->kind);
	canvas_text(&line, 8, 0, style, picture_device_name(dev));
	picture_device_facts(&facts, dev);
	canvas_text(&line, 8 + name_width + 2, 0, STYLE_DIM, facts.data);
	canvas_fit(c, 0, c->height, width, &line);
}

void draw_devices(const struct drawing *d, struct canvas *c, int node, unsigned width)
{
	const struct picture *p = d->p;
	unsigned name_width = 0;

	for (size_t i = 0; i < p->devices_count; i++) {
		unsigned columns = text_columns(picture_device_name(&p->devices[i]));

		if (p->devices[i].node == node && columns > name_width)
			name_width = columns;
	}
	name_width = name_width > NAME_MAX_COLUMNS ? NAME_MAX_COLUMNS : name_width;
	for (size_t i = 0; i < p->devices_count; i++)
		if (p->devices[i].node == node)
			draw_device(c, &p->devices[i], name_width, width);
}

void draw_node(const struct drawing *d, struct canvas *c, size_t from, size_t end, unsigned width)
{
	const struct picture_node *n = picture_node_of(d->p, d->p->cores[from].node);

	if (n)
		draw_memory(d, c, n, width);
	draw_cores(d, c, from, end, width);
	if (n)
		draw_devices(d, c, n->number, width);
}
