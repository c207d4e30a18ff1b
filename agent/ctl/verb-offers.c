/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl offers: what could be had now, and which parts of it are near each other. */
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <errno.h>

static void devices_cell(struct buf *into, const json_t *row, const struct screen *screen)
{
	json_t *item;
	size_t i;

	json_array_foreach (look_array(row, "devices"), i, item) {
		buf_text(into, i ? " " : "");
		text_safe(into, look_text(item, "id"), screen->utf8);
	}
}

static const struct column columns[] = {
	{ "OFFER", "id", COLUMN_TEXT, NULL },
	{ "ALIGN", "align", COLUMN_TEXT, NULL },
	{ "NODES", "nodes", COLUMN_TEXT, NULL },
	{ "CORES", "cores", COLUMN_NUMBER, NULL },
	{ "CPUS", "cpus", COLUMN_TEXT, NULL },
	{ "MEMORY", "memory_bytes", COLUMN_BYTES, NULL },
	{ "HUGEPAGES", "hugepages", COLUMN_HUGEPAGES, NULL },
	{ "DEVICES", NULL, COLUMN_TEXT, devices_cell },
	{ 0 },
};

static const struct column bundle_columns[] = {
	{ "BUNDLE", "id", COLUMN_TEXT, NULL },
	{ "TIMES", "times", COLUMN_NUMBER, NULL },
	{ "ALIGN", "align", COLUMN_TEXT, NULL },
	{ "CORES", "cores", COLUMN_NUMBER, NULL },
	{ "MEMORY", "memory_bytes", COLUMN_BYTES, NULL },
	{ "GPUS", "gpus", COLUMN_NUMBER, NULL },
	{ "NICS", "nics", COLUMN_NUMBER, NULL },
	{ "GPU MODEL", "model", COLUMN_TEXT, NULL },
	{ 0 },
};

static void put_bundles(struct buf *into, const struct screen *screen, const json_t *answer)
{
	_cleanup_json_ json_t *all = json_array();
	json_t *offer;
	size_t i;

	json_array_foreach (look_array(answer, "offers"), i, offer)
		if (look_array(offer, "bundles") &&
		    json_array_extend(all, look_array(offer, "bundles")) < 0)
			into->error = -ENOMEM;
	if (json_array_size(all) == 0)
		return;
	buf_text(into, "\nbundles of them, each within what it is aligned to\n");
	writer_table(into, screen, bundle_columns, all, NULL);
	if (json_is_false(look(answer, "bundles_complete")))
		buf_text(into, "(there may be more: looking for all would take too long)\n");
}

enum ctl_exit verb_offers(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	enum ctl_exit e = session_get(s, "/v1/offers", &answer);

	(void)args; /* it has none */
	if (e || s->screen.json || !look_array(answer, "offers"))
		return e ? e : session_show(s, columns, answer, "offers");
	writer_table(&text, &s->screen, columns, look_array(answer, "offers"), "(none)");
	put_bundles(&text, &s->screen, answer);
	return session_print(s, &text);
}
