/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl offers: what could be had now. */
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

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

enum ctl_exit verb_offers(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *answer = NULL;
	enum ctl_exit e = session_get(s, "/v1/offers", &answer);

	(void)args; /* it has none */
	return e ? e : session_show(s, columns, answer, "offers");
}
