/* SPDX-License-Identifier: Apache-2.0 */
/* The alphabet of the SVG drawing. Texts are cut by an estimate of their width, since the fonts are
 * the reader's. */
#include "ctl/svg-parts.h"

#include "ctl/text.h"
#include "util/cleanup.h"

#include <string.h>

enum {
	TEXT_WIDTH = 7, /* of a character at 12 px, on the safe side */
	COLOURS = 8,
};

const char *svg_style(void)
{
	return "<style>\n"
	       "text{font-family:system-ui,-apple-system,'Segoe "
	       "UI',sans-serif;font-size:12px;fill:#1f2328}\n"
	       ".h{font-size:20px;font-weight:600}.b{font-weight:600;font-size:13px}.d{fill:#"
	       "59636e}\n"
	       ".c{font-size:10px;text-anchor:middle;fill:#59636e}.l{font-size:10px;text-anchor:"
	       "middle;"
	       "font-weight:700;fill:#fff}\n"
	       ".bg{fill:#fff}.k{fill:#f6f8fa;stroke:#d1d9e0}.n{fill:#fff;stroke:#d1d9e0}\n"
	       ".f{fill:#e8ecf0;stroke:#ced5dc}.r{fill:#c5ccd3;stroke:#aab2ba}.i{fill:#fff;stroke:#"
	       "8c959f;"
	       "stroke-dasharray:2 2}\n"
	       ".m{fill:#d1242f;stroke:#1f2328;stroke-width:2}"
	       ".q{fill:#cfe3fa;stroke:#8db8e8}.w{fill:#bf8700;font-weight:700}.x{fill:#d1242f;"
	       "font-weight:700}\n"
	       ".s0{fill:#1f883d}.s1{fill:#0969da}.s2{fill:#8250df}.s3{fill:#bc4c00}.s4{fill:#"
	       "bf3989}"
	       ".s5{fill:#1b7c83}.s6{fill:#9a6700}.s7{fill:#57606a}\n"
	       "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.d,.c{fill:#9198a1}.l{fill:#"
	       "fff}"
	       ".bg{fill:#0d1117}.k{fill:#151b23;stroke:#3d444d}.n{fill:#0d1117;stroke:#3d444d}"
	       ".m{fill:#da3633;stroke:#e6edf3}"
	       ".f{fill:#262c36;stroke:#3d444d}.r{fill:#4a525c;stroke:#656c76}.i{fill:#0d1117;"
	       "stroke:#9198a1}.q{fill:#12365c;stroke:#316dca}.w{fill:#d29922}.x{fill:#f85149}"
	       ".s0{fill:#238636}.s1{fill:#1f6feb}.s2{fill:#8957e5}.s3{fill:#bd561d}.s4{fill:#"
	       "bf4b8a}"
	       ".s5{fill:#1b7c83}.s6{fill:#9e6a03}.s7{fill:#6e7681}}\n"
	       "</style>\n";
}

const char *svg_holder_class(int holder)
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
	case HOLDER_MARKED:
		return "m";
	}
	return slices[holder % COLOURS];
}

char svg_holder_letter(int holder)
{
	if (holder == HOLDER_MARKED)
		return '@';
	return holder >= 0 ? picture_letter((size_t)holder) : 0;
}

void svg_text(struct buf *into, unsigned x, unsigned y, const char *class, const char *text)
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

void svg_cut_text(struct buf *into, unsigned x, unsigned y, unsigned room, const char *text)
{
	_cleanup_(buf_done) struct buf cut = { 0 };

	cut_text(&cut, room, text);
	if (cut.size)
		svg_text(into, x, y, "d", cut.data);
}

void svg_line(struct buf *into, const struct svg_label *l)
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

void svg_rect(struct buf *into, const char *class, const struct svg_box *r)
{
	buf_format(into,
		   "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"%u\"/>\n",
		   class, r->x, r->y, r->width, r->height, r->radius);
}

void svg_mark(struct buf *into, unsigned x, unsigned y, enum mark mark)
{
	if (mark != MARK_NONE)
		svg_text(into, x, y, mark == MARK_FAILED ? "x" : "w",
			 mark == MARK_FAILED ? "✕" : "!");
}
