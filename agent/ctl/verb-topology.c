/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl topology: the machine as text or SVG. With --output=json it gives the documents that it
 * is drawn from. */
#include "ctl/topology.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

const struct option_row topology_options[] = {
	{ "svg", 0, OPTION_TEXT, "FILE", NULL, NULL, "write a picture into FILE ('-': to stdout)" },
	{ "slice", 0, OPTION_TEXT, "SLICE", NULL, NULL, "mark what this slice holds" },
	{ 0 },
};

static enum ctl_exit print_documents(struct session *s, const struct topology *t)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_json_ json_t *all =
		json_pack("{s:O, s:O*, s:O*, s:O*}", "inventory", t->inventory, "slices", t->slices,
			  "health", t->health, "node", t->node);

	writer_json(&text, all);
	return session_print(s, &text);
}

enum ctl_exit verb_topology(struct session *s, const struct args *args)
{
	_cleanup_(topology_done) struct topology t = { 0 };
	enum ctl_exit e = topology_fetch(s, &t);

	if (e)
		return e;
	if (s->screen.json)
		return print_documents(s, &t);
	return topology_show(s, &t, args_value(args, "slice"), args_value(args, "svg"));
}
