/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl node: the agent, the machine's size, and what is free and used, in short. */
#include "ctl/look.h"
#include "ctl/show.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

static void pressure_cell(struct buf *into, const json_t *pressure, const char *kind)
{
	const json_t *one = look_object(pressure, kind);

	if (one)
		buf_format(into, "%s%s %.2f%% (10 s) %.2f%% (60 s)", into->size ? ", " : "", kind,
			   look_number_or(one, "some10", 0), look_number_or(one, "some60", 0));
}

static void pressures_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	const json_t *pressure = look_object(row, "pressure");

	(void)screen;
	pressure_cell(into, pressure, "cpu");
	pressure_cell(into, pressure, "memory");
	pressure_cell(into, pressure, "io");
}

static const struct column columns[] = {
	{ "node", "name", COLUMN_TEXT, NULL },
	{ "verdict", "verdict", COLUMN_VERDICT, NULL },
	{ "boot", "boot_id", COLUMN_TEXT, NULL },
	{ "agent", "agent.version", COLUMN_TEXT, NULL },
	{ "agent pid", "agent.pid", COLUMN_NUMBER, NULL },
	{ "agent since", "agent.started_at", COLUMN_TIME, NULL },
	{ "backend", "agent.backend", COLUMN_TEXT, NULL },
	{ "cgroups", "agent.cgroup_layout", COLUMN_TEXT, NULL },
	{ "controllers", "agent.controllers", COLUMN_LIST, NULL },
	{ "missing", "agent.capabilities_missing", COLUMN_LIST, NULL },
	{ "last event", "agent.last_event", COLUMN_NUMBER, NULL },
	{ "generation", "generation", COLUMN_NUMBER, NULL },
	{ "summary", "summary", COLUMN_LIST, NULL },
	{ "pressure", NULL, COLUMN_TEXT, pressures_cell },
	{ 0 },
};

static void resources(struct buf *into, const struct screen *screen, const json_t *node,
		      const char *key)
{
	const json_t *part = look_object(node, key);

	if (!part)
		return;
	buf_format(into, "\n%s%s%s\n", writer_bold_on(screen), key, writer_off(screen));
	writer_record(into, screen, show_resources_columns, part);
}

enum ctl_exit verb_node(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_json_ json_t *node = NULL;
	enum ctl_exit e = session_get(s, "/v1/node", &node);

	(void)args; /* it has none */
	if (e)
		return e;
	if (s->screen.json) {
		writer_json(&text, node);
	} else {
		writer_record(&text, &s->screen, columns, node);
		resources(&text, &s->screen, node, "free");
		resources(&text, &s->screen, node, "used");
	}
	return session_print(s, &text);
}
