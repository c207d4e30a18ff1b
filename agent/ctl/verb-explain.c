/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl explain: of a slice, why it is where it is and what holds it there; of a request, where
 * it would go, or why it is refused. A refusal is an answer: the exit status says 1 all the same.
 */
#include "ctl/look.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "ctl/topology.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const struct option_row explain_options[] = {
	{ "draw", 0, OPTION_FLAG, NULL, NULL, NULL, "draw the machine with the place marked" },
	{ "svg", 0, OPTION_TEXT, "FILE", NULL, NULL,
	  "write the drawing into FILE ('-': to stdout)" },
	{ 0 },
};

static const struct column alternative_columns[] = {
	{ "PLACE", "place", COLUMN_TEXT, NULL },
	{ "FITS", "fits", COLUMN_YES, NULL },
	{ "COST", "cost", COLUMN_NUMBER, NULL },
	{ "WHY", "why", COLUMN_TEXT, NULL },
	{ 0 },
};

static void verdict_line(struct buf *into, const struct screen *screen, const json_t *answer)
{
	bool fits = look_true(answer, "admissible");
	const char *code = look_text(answer, "code");
	uint64_t cost;

	buf_format(into, "%s%s%s: ", writer_verdict_on(screen, fits ? "ok" : "failed"),
		   fits ? "it fits" : "it does not fit", writer_off(screen));
	text_safe(into, look_text(answer, fits ? "placement.why" : "detail"), screen->utf8);
	if (code && !fits) {
		buf_text(into, " [");
		text_safe(into, code, screen->utf8);
		buf_text(into, "]");
	}
	if (fits && look_u64(answer, "placement.cost", &cost))
		buf_format(into, "; cost %" PRIu64, cost);
	buf_text(into, "\n");
}

/* What would fit where this does not; the nearest first. */
static void put_would_fit(struct buf *into, const struct screen *screen, const json_t *rows)
{
	json_t *row;
	size_t i;

	if (json_array_size(rows))
		buf_text(into, "\nit would fit with\n");
	json_array_foreach (rows, i, row) {
		buf_text(into, "  ");
		text_safe(into, look_text(row, "detail"), screen->utf8);
		buf_text(into, "\n");
	}
}

static void explain_text(struct buf *into, const struct screen *screen, const json_t *answer)
{
	const json_t *alternatives = look_array(answer, "alternatives");
	const char *next = look_text(answer, "next_best.why");

	verdict_line(into, screen, answer);
	if (next) {
		buf_text(into, "next best: ");
		text_safe(into, next, screen->utf8);
		buf_format(into, "; cost %" PRIu64 "\n", look_u64_or(answer, "next_best.cost", 0));
	}
	if (json_array_size(alternatives)) {
		buf_text(into, "\nplaces that were considered\n");
		writer_table(into, screen, alternative_columns, alternatives, NULL);
	}
	put_would_fit(into, screen, look_array(answer, "would_fit"));
}

/* A picture on stdout stands there alone. */
static bool only_picture(const struct session *s, const struct args *args)
{
	const char *svg = args_value(args, "svg");

	return svg && strcmp(svg, "-") == 0 && !s->screen.json;
}

/* After what was said. placed: what a request would get, NULL: the slice of that name has it. */
static enum ctl_exit draw(struct session *s, const struct args *args, const char *name,
			  json_t *placed)
{
	_cleanup_(topology_done) struct topology t = { 0 };
	_cleanup_(buf_done) struct buf gap = { 0 };
	const char *svg = args_value(args, "svg");
	enum ctl_exit e;

	if (s->screen.json || (!svg && !args_value(args, "draw")))
		return CTL_OK;
	e = topology_fetch(s, &t);
	if (e)
		return e;
	if (placed && topology_add(&t, name, placed) < 0) {
		session_complain(s, "out of memory", NULL);
		return CTL_REFUSED;
	}
	if (!svg)
		buf_text(&gap, "\n");
	e = session_print(s, &gap);
	return e ? e : topology_show(s, &t, name, svg);
}

static enum ctl_exit explain_slice(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *slice = NULL;
	enum ctl_exit e;

	session_path(&path, "/v1/slices/", args->words[0]);
	e = session_get(s, path.data, &slice);
	if (e)
		return e;
	e = only_picture(s, args) ? CTL_OK : show_slice(s, slice);
	return e ? e : draw(s, args, args->words[0], NULL);
}

static enum ctl_exit explain_request(struct session *s, const struct args *args, const json_t *body)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	enum ctl_exit e = session_call(s, "POST", "/v1/explain", body, &answer);

	if (e)
		return e;
	if (s->screen.json)
		writer_json(&text, answer);
	else if (!only_picture(s, args) || !look_true(answer, "admissible"))
		explain_text(&text, &s->screen, answer);
	e = session_print(s, &text);
	if (e || !look_true(answer, "admissible"))
		return e ? e : CTL_REFUSED;
	return draw(s, args, "(this request)", look_object(answer, "resources"));
}

enum ctl_exit verb_explain(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL;
	struct fail f = { 0 };

	if (request_build(args, slice_create_tables, &body, &f) < 0)
		return session_usage(s, &f);
	if (args->words_count && json_object_size(body)) {
		fail_code(&f, -EINVAL, "usage", "explain either slice %s or a request, not both",
			  args->words[0]);
		return session_usage(s, &f);
	}
	return args->words_count ? explain_slice(s, args) : explain_request(s, args, body);
}
