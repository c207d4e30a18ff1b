/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl help and version. */
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <errno.h>

enum ctl_exit verb_show_help(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	const struct verb *verb = NULL;
	struct fail f = { 0 };
	unsigned words;

	if (args->words_count) {
		verb = verb_find(args->words, &words);
		if (!verb) {
			fail_code(&f, -EINVAL, "usage",
				  "there is no verb '%s'; see reevectl --help", args->words[0]);
			return session_usage(s, &f);
		}
	}
	verb_help(&text, verb);
	return session_print(s, &text);
}

/* args NULL: --version, which does not look for an agent. */
enum ctl_exit verb_version(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	_cleanup_json_ json_t *node = args ? session_try(s, "/v1/node") : NULL;
	const char *agent = look_text(node, "agent.version");

	if (s->screen.json) {
		_cleanup_json_ json_t *document =
			json_pack("{s:s, s:s*}", "reevectl", REEVE_VERSION, "reeved", agent);

		writer_json(&text, document);
		return session_print(s, &text);
	}
	buf_format(&text, "reevectl %s\n", REEVE_VERSION);
	if (agent) {
		buf_text(&text, "reeved ");
		text_safe(&text, agent, s->screen.utf8);
		buf_text(&text, "\n");
	}
	return session_print(s, &text);
}
