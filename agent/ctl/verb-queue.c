/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl queue list | delete: requests that wait for what is not free now. */
#include "ctl/look.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

static const struct column columns[] = {
	{ "PLACE", "place", COLUMN_NUMBER, NULL },
	{ "REQUEST", "id", COLUMN_TEXT, NULL },
	{ "UID", "owner_uid", COLUMN_NUMBER, NULL },
	{ "ROLE", "role", COLUMN_TEXT, NULL },
	{ "OWNER", "owner", COLUMN_TEXT, NULL },
	{ "SINCE", "since", COLUMN_TIME, NULL },
	{ "UNTIL", "until", COLUMN_TIME, NULL },
	{ "WAITS FOR", "waits_for.detail", COLUMN_TEXT, NULL },
	{ 0 },
};

enum ctl_exit verb_queue_list(struct session *s, const struct args *args)
{
	_cleanup_json_ json_t *answer = NULL;
	enum ctl_exit e = session_get(s, "/v1/queue", &answer);

	(void)args; /* it has none */
	return e ? e : session_show(s, columns, answer, "queue");
}

enum ctl_exit verb_queue_delete(struct session *s, const struct args *args)
{
	enum ctl_exit first = CTL_OK;

	for (size_t i = 0; i < args->words_count; i++) {
		_cleanup_(buf_done) struct buf path = { 0 };
		enum ctl_exit e;

		session_path(&path, "/v1/queue/", args->words[i]);
		e = session_call(s, "DELETE", path.data, NULL, NULL);
		first = first ? first : e;
	}
	return first;
}
