/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl explain: of a slice, why it is where it is and what holds it there; of a request, where
 * it would go, or why it is refused. A refusal is an answer: the exit status says 1 all the same.
 */
#include "ctl/look.h"
#include "ctl/request.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>

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

static enum ctl_exit explain_slice(struct session *s, const char *id)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *slice = NULL;
	enum ctl_exit e;

	session_path(&path, "/v1/slices/", id);
	e = session_get(s, path.data, &slice);
	return e ? e : show_slice(s, slice);
}

enum ctl_exit verb_explain(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *body = NULL, *answer = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	struct fail f = { 0 };
	enum ctl_exit e;

	if (request_build(args, slice_create_tables, &body, &f) < 0)
		return session_usage(s, &f);
	if (args->words_count && json_object_size(body)) {
		fail_code(&f, -EINVAL, "usage", "explain either slice %s or a request, not both",
			  args->words[0]);
		return session_usage(s, &f);
	}
	if (args->words_count)
		return explain_slice(s, args->words[0]);
	e = session_call(s, "POST", "/v1/explain", body, &answer);
	if (e)
		return e;
	if (s->screen.json)
		writer_json(&text, answer);
	else
		explain_text(&text, &s->screen, answer);
	e = session_print(s, &text);
	return e ? e : look_true(answer, "admissible") ? CTL_OK : CTL_REFUSED;
}
