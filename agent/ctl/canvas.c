/* SPDX-License-Identifier: Apache-2.0 */
/* Character cells; see canvas.h. It knows frames and colours, not machines. */
#include "ctl/canvas.h"

#include "ctl/text.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void canvas_done(struct canvas *c)
{
	for (unsigned y = 0; y < c->height; y++)
		free(c->rows[y].cells);
	free(c->rows);
	*c = (struct canvas){ 0 };
}

static struct row *row_at(struct canvas *c, unsigned y)
{
	unsigned height;
	struct row *rows;

	if (y < c->height)
		return &c->rows[y];
	if (y >= CANVAS_HEIGHT_MAX) {
		c->error = -E2BIG;
		return NULL;
	}
	height = y + 1;
	rows = reallocarray(c->rows, height, sizeof(*rows));
	if (!rows) {
		c->error = -ENOMEM;
		return NULL;
	}
	memset(rows + c->height, 0, (height - c->height) * sizeof(*rows));
	c->rows = rows;
	c->height = height;
	return &c->rows[y];
}

static struct cell *cell_at(struct canvas *c, unsigned x, unsigned y)
{
	struct row *row = c->error ? NULL : row_at(c, y);
	struct cell *cells;

	if (!row)
		return NULL;
	if (x < row->count)
		return &row->cells[x];
	if (x >= CANVAS_WIDTH_MAX) {
		c->error = -E2BIG;
		return NULL;
	}
	cells = reallocarray(row->cells, x + 1, sizeof(*cells));
	if (!cells) {
		c->error = -ENOMEM;
		return NULL;
	}
	memset(cells + row->count, 0, (x + 1 - row->count) * sizeof(*cells));
	row->cells = cells;
	row->count = x + 1;
	c->width = row->count > c->width ? row->count : c->width;
	return &row->cells[x];
}

void canvas_glyph(struct canvas *c, unsigned x, unsigned y, enum style style, uint32_t glyph)
{
	struct cell *cell = cell_at(c, x, y);

	if (cell)
		*cell = (struct cell){ .glyph = glyph, .style = (uint8_t)style };
}

unsigned canvas_text(struct canvas *c, unsigned x, unsigned y, enum style style, const char *text)
{
	unsigned start = x, columns;
	uint32_t glyph;

	while (text && x < CANVAS_WIDTH_MAX - 1 && (glyph = text_next(&text, &columns))) {
		canvas_glyph(c, x, y, style, glyph);
		if (columns == 2)
			canvas_glyph(c, x + 1, y, style, 0);
		x += columns;
	}
	return x - start;
}

unsigned canvas_row_width(const struct canvas *c, unsigned y)
{
	return y < c->height ? c->rows[y].count : 0;
}

unsigned canvas_add(struct canvas *c, unsigned y, enum style style, const char *text)
{
	unsigned x = canvas_row_width(c, y);

	return x + canvas_text(c, x, y, style, text);
}

static void paste_row(struct canvas *c, unsigned x, unsigned y, const struct row *row)
{
	for (unsigned i = 0; i < row->count; i++)
		if (row->cells[i].glyph)
			canvas_glyph(c, x + i, y, row->cells[i].style, row->cells[i].glyph);
}

void canvas_paste(struct canvas *c, unsigned x, unsigned y, const struct canvas *part)
{
	if (part->error && !c->error)
		c->error = part->error;
	for (unsigned i = 0; i < part->height; i++)
		paste_row(c, x, y + i, &part->rows[i]);
}

unsigned canvas_fit(struct canvas *c, unsigned x, unsigned y, unsigned room,
		    const struct canvas *line)
{
	struct row cut = line->height ? line->rows[0] : (struct row){ 0 };
	bool whole = cut.count <= room;

	if (line->error && !c->error)
		c->error = line->error;
	cut.count = whole ? cut.count : room ? room - 1 : 0;
	paste_row(c, x, y, &cut);
	if (!whole && room)
		canvas_glyph(c, x + room - 1, y, STYLE_DIM, 0x2026);
	return whole ? cut.count : room;
}

static void horizontal(struct canvas *c, unsigned x, unsigned y, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		canvas_glyph(c, x + i, y, STYLE_FRAME, 0x2500);
}

void canvas_frame(struct canvas *c, const struct frame *f)
{
	unsigned right = f->x + f->width - 1, bottom = f->y + f->height - 1;
	_cleanup_(canvas_done) struct canvas title = { 0 };

	if (f->width < 6 || f->height < 2)
		return;
	horizontal(c, f->x + 1, f->y, f->width - 2);
	horizontal(c, f->x + 1, bottom, f->width - 2);
	for (unsigned y = f->y + 1; y < bottom; y++) {
		canvas_glyph(c, f->x, y, STYLE_FRAME, 0x2502);
		canvas_glyph(c, right, y, STYLE_FRAME, 0x2502);
	}
	canvas_glyph(c, f->x, f->y, STYLE_FRAME, 0x256d);
	canvas_glyph(c, right, f->y, STYLE_FRAME, 0x256e);
	canvas_glyph(c, f->x, bottom, STYLE_FRAME, 0x2570);
	canvas_glyph(c, right, bottom, STYLE_FRAME, 0x256f);
	if (f->title) {
		canvas_text(&title, 0, 0, STYLE_PLAIN, " ");
		canvas_add(&title, 0, STYLE_BOLD, f->title);
		canvas_add(&title, 0, STYLE_PLAIN, " ");
		if (f->mark) {
			canvas_add(&title, 0, *f->mark == 'x' ? STYLE_ALARM : STYLE_WARN, f->mark);
			canvas_add(&title, 0, STYLE_PLAIN, " ");
		}
		if (f->note && *f->note) {
			canvas_add(&title, 0, STYLE_DIM, "· ");
			canvas_add(&title, 0, STYLE_DIM, f->note);
			canvas_add(&title, 0, STYLE_PLAIN, " ");
		}
		canvas_fit(c, f->x + 2, f->y, f->width - 4, &title);
	}
}

/* What stands for our own glyphs where only ASCII may be written. */
static uint32_t to_ascii(uint32_t glyph)
{
	switch (glyph) {
	case 0x2500:
		return '-';
	case 0x2502:
		return '|';
	case 0x00b7:
		return '.';
	case 0x00d7:
		return 'x';
	case 0x25cb:
		return 'o';
	case 0x2026:
		return '~';
	}
	if (glyph >= 0x2500 && glyph <= 0x257f)
		return '+';
	return glyph < 0x80 ? glyph : '?';
}

static const char *escape_of(uint8_t style)
{
	/* 16-colour codes: they follow the terminal's own theme, dark or light */
	static const char *const slices[STYLE_SLICES] = {
		"\033[1;32m", "\033[1;36m", "\033[1;35m", "\033[1;34m", "\033[1;33m", "\033[1;31m",
	};
	static const char *const others[] = {
		[STYLE_PLAIN] = "",	     [STYLE_DIM] = "\033[2m",
		[STYLE_BOLD] = "\033[1m",    [STYLE_FRAME] = "\033[2m",
		[STYLE_WARN] = "\033[1;33m", [STYLE_ALARM] = "\033[1;31m",
		[STYLE_OK] = "\033[32m",     [STYLE_MARKED] = "\033[1;7m",
	};

	return style >= STYLE_SLICE ? slices[(style - STYLE_SLICE) % STYLE_SLICES] : others[style];
}

static void print_row(const struct row *row, const struct screen *screen, struct buf *into)
{
	unsigned count = row->count;
	uint8_t style = STYLE_PLAIN;

	while (count && (row->cells[count - 1].glyph == 0 || row->cells[count - 1].glyph == ' '))
		count--;
	for (unsigned x = 0; x < count; x++) {
		const struct cell *cell = &row->cells[x];
		unsigned columns;
		const char *cursor;
		struct buf one = { 0 };

		if (screen->colour && cell->glyph && cell->style != style) {
			buf_format(into, "%s%s", style == STYLE_PLAIN ? "" : "\033[0m",
				   escape_of(cell->style));
			style = cell->style;
		}
		text_encode(into, !cell->glyph	 ? ' '
				  : screen->utf8 ? cell->glyph
						 : to_ascii(cell->glyph));
		if (cell->glyph < 0x1100)
			continue; /* nothing below is wide */
		text_encode(&one, cell->glyph);
		cursor = one.data;
		if (cursor && text_next(&cursor, &columns) && columns == 2)
			x++;
		buf_done(&one);
	}
	buf_text(into, screen->colour && style != STYLE_PLAIN ? "\033[0m\n" : "\n");
}

void canvas_print(const struct canvas *c, const struct screen *screen, struct buf *into)
{
	if (c->error)
		into->error = c->error;
	for (unsigned y = 0; y < c->height; y++)
		print_row(&c->rows[y], screen, into);
}
