/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl metrics: the agent's OpenMetrics page as it is. */
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

enum ctl_exit verb_metrics(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf page = { 0 }, text = { 0 };
	enum ctl_exit e = session_get_text(s, "/metrics", &page);

	(void)args; /* it has none */
	if (e)
		return e;
	text_lines(&text, page.data);
	return session_print(s, &text);
}
