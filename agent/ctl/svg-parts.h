/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Texts, boxes and marks of the SVG drawing, in pixels; for svg*.c alone. All text is made safe for
 * XML here. */

#include "ctl/picture.h"

struct svg_box {
	unsigned x, y, width, height, radius;
};

/* A name, its mark of health and what is to be said about it, one behind the other wherever the
 * reader's font makes them end. */
struct svg_label {
	unsigned x, y, room;
	const char *class, *name; /* of the name */
	enum mark mark;
	const char *note; /* NULL none */
};

const char *svg_style(void); /* the <style> element: light, and dark where the reader prefers it */
const char *svg_holder_class(int holder);
char svg_holder_letter(int holder); /* 0: no slice */
void svg_text(struct buf *into, unsigned x, unsigned y, const char *class, const char *text);
/* Cut to about `room` pixels. */
void svg_cut_text(struct buf *into, unsigned x, unsigned y, unsigned room, const char *text);
void svg_line(struct buf *into, const struct svg_label *l);
void svg_rect(struct buf *into, const char *class, const struct svg_box *r);
void svg_mark(struct buf *into, unsigned x, unsigned y, enum mark mark);
