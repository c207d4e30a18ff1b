/* SPDX-License-Identifier: Apache-2.0 */
/* What stands below the drawing: firmware, slices by letter, the marks used, bad conditions. */
#include "ctl/draw-parts.h"
#include "ctl/draw.h"
#include "ctl/look.h"
#include "ctl/text.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

enum { LEGEND_SLICES = 40, LEGEND_CONDITIONS = 20 };

void draw_facts(struct canvas *page, unsigned x, enum style style, const char *facts,
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
			x = left = DRAW_LABEL;
		} else if (x > left) {
			x += canvas_text(page, x, y, style, separator);
		}
		page->error = fact ? page->error : -ENOMEM;
		canvas_text(&word, 0, 0, style, fact);
		x += canvas_fit(page, x, y, columns > x ? columns - x : 1, &word);
		facts = end ? end + strlen(separator) : NULL;
	}
}

/* "slices    A train-1 .." : the label only before the first of its lines. */
static void legend_line(struct canvas *page, const char *label, const struct canvas *text,
			unsigned columns)
{
	unsigned y = page->height;

	canvas_text(page, 0, y, STYLE_DIM, label);
	canvas_fit(page, DRAW_LABEL, y, columns - DRAW_LABEL, text);
}

static void legend_text(struct canvas *page, const char *label, const struct buf *text,
			unsigned columns)
{
	if (text->size == 0)
		return;
	canvas_text(page, 0, page->height, STYLE_DIM, label);
	draw_facts(page, DRAW_LABEL, STYLE_PLAIN, text->data, columns);
}

static void legend_slice(const struct picture *p, struct canvas *page, size_t slice,
			 const char *label, unsigned columns)
{
	_cleanup_(canvas_done) struct canvas line = { 0 };
	_cleanup_(buf_done) struct buf facts = { 0 };
	const char *id = look_text(p->slices[slice], "id");

	draw_holder(&line, 0, 0, picture_holder(p, slice));
	canvas_add(&line, 0, STYLE_PLAIN, " ");
	canvas_add(&line, 0, STYLE_BOLD, id ? id : "?");
	canvas_add(&line, 0, STYLE_PLAIN, "  ");
	picture_slice(&facts, p->slices[slice]);
	legend_line(page, label, &line, columns);
	draw_facts(page, DRAW_LABEL + line.width, STYLE_DIM, facts.data, columns);
}

static void legend_slices(const struct picture *p, struct canvas *page, unsigned columns)
{
	const char *label = "slices";

	if (p->marked != SIZE_MAX)
		legend_slice(p, page, p->marked, "marked", columns);
	for (size_t i = 0; i < p->slices_count && i < LEGEND_SLICES; i++) {
		if (i == p->marked)
			continue;
		legend_slice(p, page, i, label, columns);
		label = "";
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

		draw_mark(&line, 0, 0, failed ? MARK_FAILED : MARK_DEGRADED);
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

void draw_legend(const struct picture *p, struct canvas *page, unsigned columns)
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
