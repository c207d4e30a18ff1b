/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs, finding one, and the help texts made from it. */
#include "ctl/verb.h"

#include "ctl/request.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>

const struct option_row global_options[] = {
	{ "output", 'o', OPTION_CHOICE, "FORMAT", "text,json", NULL, "text (default) or json" },
	{ "socket", 0, OPTION_TEXT, "PATH", NULL, NULL, "reeved's socket (or REEVE_SOCKET)" },
	{ "color", 0, OPTION_CHOICE, "WHEN", "auto,always,never", NULL,
	  "colours: auto (on a terminal), always, never" },
	{ "help", 'h', OPTION_FLAG, NULL, NULL, NULL, "show this help" },
	{ "version", 0, OPTION_FLAG, NULL, NULL, NULL, "show the version" },
	{ 0 },
};

/* clang-format off */
const struct verb verbs[] = {
	{ "topology", "[--slice SLICE] [--svg FILE]", "draw the machine with its slices and health",
	  SETS(topology_options), NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_topology },
	{ "node", "", "state of this node and its agent, in short",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_node },
	{ "inventory", "[KIND] [--notes]", "devices, of one kind or all",
	  SETS(inventory_options), "kind", 0, 1, ARGS_ALL_WORDS, false, false, verb_inventory },
	{ "offers", "", "what is free, healthy and placeable now",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_offers },
	{ "run", "[OPTIONS] [--] COMMAND [ARGS..]",
	  "carve a slice, run a command in it, follow it, release the slice",
	  SETS(slice_request_options, slice_limits_options, task_request_options, run_options), "command",
	  1, VERB_MANY_WORDS, 0, false, true, verb_run },
	{ "slice create", "[OPTIONS]", "carve a slice",
	  slice_create_tables, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_slice_create },
	{ "slice list", "", "all slices",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_slice_list },
	{ "slice show", "SLICE", "one slice: resources, and what enforces each limit",
	  NULL, "slice", 1, 1, ARGS_ALL_WORDS, false, false, verb_slice_show },
	{ "slice resize", "SLICE OPTIONS", "give a slice another size while it runs",
	  slice_resize_tables, "slice", 1, 1, ARGS_ALL_WORDS, false, false,
	  verb_slice_resize },
	{ "slice freeze", "SLICE..", "let all its tasks stand still",
	  NULL, "slice", 1, VERB_MANY_WORDS, ARGS_ALL_WORDS, false, false, verb_slice_freeze },
	{ "slice thaw", "SLICE..", "let them go on",
	  NULL, "slice", 1, VERB_MANY_WORDS, ARGS_ALL_WORDS, false, false, verb_slice_thaw },
	{ "slice delete", "[--grace TIME] SLICE..", "stop its tasks and give everything back",
	  SETS(slice_delete_options), "slice", 1, VERB_MANY_WORDS, ARGS_ALL_WORDS, false, false,
	  verb_slice_delete },
	{ "queue list", "", "requests that wait for what is not free now, in their order",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_queue_list },
	{ "queue delete", "REQUEST..", "let them wait no longer",
	  NULL, NULL, 1, VERB_MANY_WORDS, ARGS_ALL_WORDS, false, false, verb_queue_delete },
	{ "task start", "SLICE [OPTIONS] [--] COMMAND [ARGS..]", "start a command in a slice",
	  SETS(task_request_options), "slice,command", 2, VERB_MANY_WORDS, 1, false, false,
	  verb_task_start },
	{ "task list", "[SLICE]", "tasks of one slice or of all",
	  NULL, "slice", 0, 1, ARGS_ALL_WORDS, false, false, verb_task_list },
	{ "task show", "SLICE [TASK]", "one task",
	  NULL, "slice,task", 1, 2, ARGS_ALL_WORDS, false, false, verb_task_show },
	{ "task signal", "SLICE TASK [SIGNAL]", "send a signal (default TERM) to all its processes",
	  NULL, "slice,task,signal", 2, 3, ARGS_ALL_WORDS, false, false, verb_task_signal },
	{ "task stop", "[--grace TIME] SLICE [TASK]", "end it: SIGTERM, then kill after the grace",
	  SETS(task_stop_options), "slice,task", 1, 2, ARGS_ALL_WORDS, false, false, verb_task_stop },
	{ "task logs", "[-f] [OPTIONS] SLICE [TASK]", "what it wrote",
	  SETS(task_logs_options), "slice,task", 1, 2, ARGS_ALL_WORDS, false, false, verb_task_logs },
	{ "task delete", "SLICE TASK", "forget a task that has ended",
	  NULL, "slice,task", 2, 2, ARGS_ALL_WORDS, false, false, verb_task_delete },
	{ "events", "[-f] [--since N] [--slice SLICE]", "what happened, numbered and resumable",
	  SETS(events_options), NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_events },
	{ "health", "", "conditions with their evidence",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_health },
	{ "explain", "[--draw] SLICE | [OPTIONS]",
	  "why a slice is where it is, or whether and where a request would fit",
	  SETS(explain_options, slice_request_options, slice_limits_options), "slice", 0, 1, ARGS_ALL_WORDS, false, false, verb_explain },
	{ "metrics", "", "the agent's OpenMetrics page",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_metrics },
	{ "version", "", "versions of reevectl and of the agent",
	  NULL, NULL, 0, 0, ARGS_ALL_WORDS, false, false, verb_version },
	{ "help", "[VERB]", "help on a verb",
	  NULL, "verb", 0, 2, ARGS_ALL_WORDS, false, false, verb_show_help },
	{ "__complete", "WORDS..", "candidates for the last word",
	  NULL, NULL, 0, VERB_MANY_WORDS, 0, true, false, verb_complete },
	{ 0 },
};
/* clang-format on */

/* Whether the words begin with the verb's name; how many words that are, else 0. */
static unsigned name_matches(const char *name, char *const *words)
{
	unsigned n = 0;

	while (*words) {
		size_t length = strlen(*words);

		if (strncmp(name, *words, length) != 0)
			return 0;
		n++;
		if (name[length] == 0)
			return n;
		if (name[length] != ' ')
			return 0;
		name += length + 1;
		words++;
	}
	return 0;
}

const struct verb *verb_find(char *const *words, unsigned *ret_words)
{
	for (const struct verb *v = verbs; v->name; v++) {
		unsigned n = name_matches(v->name, words);

		if (n) {
			*ret_words = n;
			return v;
		}
	}
	return NULL;
}

const char *verb_default_socket(void)
{
	const char *from_environment = secure_getenv("REEVE_SOCKET");

	return from_environment && *from_environment ? from_environment : "/run/reeve/reeve.sock";
}

static void option_help(struct buf *into, const struct option_row *row)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s%c%s--%s%s%s", row->letter ? "-" : "",
		       row->letter ? row->letter : ' ', row->letter ? ", " : "   ", row->name,
		       row->argument ? " " : "", row->argument ? row->argument : "");
	buf_format(into, "  %-32s %s\n", left, row->help);
	if (row->choices && row->kind == OPTION_CHOICE)
		buf_format(into, "  %-32s (%s)\n", "", row->choices);
}

static void options_help(struct buf *into, const char *title, const struct option_row *rows)
{
	buf_format(into, "\n%s:\n", title);
	for (; rows->name; rows++)
		option_help(into, rows);
}

static void all_help(struct buf *into)
{
	buf_text(into, "reevectl - command line of the reeve node agent\n\n"
		       "usage: reevectl [OPTIONS] VERB [OPTIONS] [ARGUMENTS]\n\nverbs:\n");
	for (const struct verb *v = verbs; v->name; v++)
		if (!v->hidden)
			buf_format(into, "  %-14s %s\n", v->name, v->help);
	options_help(into, "options", global_options);
	buf_text(into,
		 "\nexit status: 0 done, 1 refused by the agent, 2 wrong usage, 3 no agent, "
		 "4 not understood;\nof run: the command's own, 125 when it was never started, "
		 "126 not executable, 127 not found\n"
		 "\nreevectl VERB --help tells more; so does reevectl(1).\n");
}

void verb_help(struct buf *into, const struct verb *verb)
{
	if (!verb) {
		all_help(into);
		return;
	}
	buf_format(into, "usage: reevectl %s %s\n\n%c%s.\n", verb->name, verb->synopsis,
		   verb->help[0] - ('a' - 'A'), verb->help + 1);
	for (const struct option_row *const *set = verb->options; set && *set; set++) {
		if (*set == slice_request_options)
			options_help(into, "what to carve", *set);
		else if (*set == slice_resize_options)
			options_help(into, "what it shall have (the rest stays)", *set);
		else if (*set == slice_limits_options)
			options_help(into, "limits (none: without it)", *set);
		else if (*set == task_request_options)
			options_help(into, "how to run it", *set);
		else
			options_help(into, "options", *set);
	}
	options_help(into, "everywhere", global_options);
}
