/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl health: every condition with the evidence for it. */
#include "ctl/look.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

static const struct column summary_columns[] = {
	{ "verdict", "verdict", COLUMN_VERDICT, NULL },
	{ "node", "node", COLUMN_VERDICT, NULL },
	{ "agent", "agent", COLUMN_VERDICT, NULL },
	{ 0 },
};

static const struct column columns[] = {
	{ "SUBJECT", "subject", COLUMN_TEXT, NULL },	{ "CONDITION", "type", COLUMN_TEXT, NULL },
	{ "VERDICT", "verdict", COLUMN_VERDICT, NULL }, { "SINCE", "since", COLUMN_TIME, NULL },
	{ "EVIDENCE", "evidence", COLUMN_TEXT, NULL },	{ 0 },
};

enum ctl_exit verb_health(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_json_ json_t *health = NULL;
	enum ctl_exit e = session_get(s, "/v1/health", &health);

	(void)args; /* it has none */
	if (e)
		return e;
	if (s->screen.json) {
		writer_json(&text, health);
	} else {
		writer_record(&text, &s->screen, summary_columns, health);
		buf_text(&text, "\n");
		writer_table(&text, &s->screen, columns, look_array(health, "conditions"),
			     "no conditions: nothing has been found wrong");
	}
	return session_print(s, &text);
}
