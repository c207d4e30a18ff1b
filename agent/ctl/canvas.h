/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A rectangle of character cells that grows as it is written to, so that parts of a drawing can be
 * made apart and put side by side or into a frame. Glyphs are Unicode; where the output is not
 * UTF-8 they are replaced by ASCII ones when it is printed. The first failure sticks, as in a buf.
 */

#include "ctl/writer.h"
#include "util/buf.h"

#include <stdint.h>

enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_FRAME,
	STYLE_WARN,
	STYLE_ALARM,
	STYLE_OK,
	STYLE_MARKED,
	STYLE_SLICE, /* + n: the n-th of the colours of slices */
	STYLE_SLICES = 6,
};

struct cell {
	uint32_t glyph; /* 0: nothing here, or the right half of a wide glyph */
	uint8_t style;
};

struct canvas {
	struct row {
		struct cell *cells;
		unsigned count;
	} * rows;
	unsigned height, width; /* width: of the widest row */
	int error;		/* 0, -ENOMEM or -E2BIG */
};

enum { CANVAS_WIDTH_MAX = 1024, CANVAS_HEIGHT_MAX = 100000 };

void canvas_done(struct canvas *c);

/* Text made safe, cut with an ellipsis when it has more columns than `room` (0: no bound). Returns
 * the columns taken. */
unsigned canvas_text(struct canvas *c, unsigned x, unsigned y, enum style style, const char *text);
unsigned canvas_fit(struct canvas *c, unsigned x, unsigned y, unsigned room,
		    const struct canvas *line);
void canvas_glyph(struct canvas *c, unsigned x, unsigned y, enum style style, uint32_t glyph);

/* Adds text behind what row y has; returns the new end. For lines built piece by piece. */
unsigned canvas_add(struct canvas *c, unsigned y, enum style style, const char *text);
unsigned canvas_row_width(const struct canvas *c, unsigned y);

void canvas_paste(struct canvas *c, unsigned x, unsigned y, const struct canvas *part);

/* A frame of rounded corners around the rectangle, with a title in its upper edge. */
struct frame {
	unsigned x, y, width, height; /* outer */
	const char *title, *note;     /* bold, then dim; may be NULL */
	const char *mark;	      /* "!" or "x"; may be NULL */
};
void canvas_frame(struct canvas *c, const struct frame *frame);

/* Lines without trailing blanks. */
void canvas_print(const struct canvas *c, const struct screen *screen, struct buf *into);
