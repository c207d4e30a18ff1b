/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts that the text drawing is put together from; for draw*.c alone. Widths are columns that
 * a part may take at most; parts are added below what their canvas has. */

#include "ctl/canvas.h"
#include "ctl/picture.h"

#include <stdbool.h>

struct drawing {
	const struct picture *p;
	bool strips;
	bool fill;	    /* second pass: boxes take all the width they are given */
	unsigned budget[3]; /* width at each depth in the first pass */
	unsigned digits;    /* of the highest CPU number */
};

enum { DRAW_LABEL = 10 }; /* column where the texts beside a label begin */

void draw_holder(struct canvas *c, unsigned x, unsigned y, int holder); /* one glyph */
void draw_mark(struct canvas *c, unsigned x, unsigned y, enum mark mark);
const char *draw_mark_text(enum mark mark); /* NULL for none */

/* Facts separated by " · ", on as many lines as they need; they begin at column x of the last row
 * and go on at DRAW_LABEL. */
void draw_facts(struct canvas *page, unsigned x, enum style style, const char *facts,
		unsigned columns);

/* Cores [from, end): one L3 domain after the other. */
void draw_cores(const struct drawing *d, struct canvas *c, size_t from, size_t end, unsigned width);

/* The node of these cores with its memory and devices; without one the cores alone. */
void draw_node(const struct drawing *d, struct canvas *c, size_t from, size_t end, unsigned width);
void draw_memory(const struct drawing *d, struct canvas *c, const struct picture_node *n,
		 unsigned width);
void draw_devices(const struct drawing *d, struct canvas *c, int node, unsigned width);

void draw_legend(const struct picture *p, struct canvas *page, unsigned columns);
