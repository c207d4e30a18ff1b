/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl: finds the verb, reads its options, sets up the session, runs it. What a verb does is in
 * its own file; what exists is in verb.c's table. */
#include "ctl/verb.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SETS_LIMIT = 8, COLUMNS_MINIMUM = 40, COLUMNS_MAXIMUM = 500, COLUMNS_DEFAULT = 100 };

static unsigned terminal_columns(void)
{
	const char *wanted = getenv("COLUMNS");
	struct winsize size;
	uint32_t columns;

	if (!wanted || parse_u32(wanted, &columns) < 0) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
			return COLUMNS_DEFAULT;
		columns = size.ws_col;
	}
	if (columns < COLUMNS_MINIMUM)
		return COLUMNS_MINIMUM;
	return columns > COLUMNS_MAXIMUM ? COLUMNS_MAXIMUM : columns;
}

/* no-color.org: any value that is not empty; TERM=dumb cannot. */
static bool wants_colour(const char *when)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (when && strcmp(when, "always") == 0)
		return true;
	if (when && strcmp(when, "never") == 0)
		return false;
	return isatty(STDOUT_FILENO) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

static int take_globals(struct session *s, const struct args *args, struct fail *f)
{
	for (size_t i = 0; i < args->options_count; i++) {
		const struct given *g = &args->options[i];

		for (const struct option_row *row = global_options; row->name; row++)
			if (row == g->row && row->choices &&
			    !args_choice_valid(row->choices, g->value))
				return fail_code(f, -EINVAL, "usage",
						 "--%s wants one of %s, not '%s'", row->name,
						 row->choices, g->value);
	}
	if (args_value(args, "output"))
		s->screen.json = strcmp(args_value(args, "output"), "json") == 0;
	if (args_value(args, "socket"))
		s->socket = args_value(args, "socket");
	if (args_value(args, "color"))
		s->screen.colour = wants_colour(args_value(args, "color"));
	return 0;
}

static enum ctl_exit help(struct session *s, const struct verb *verb)
{
	_cleanup_(buf_done) struct buf text = { 0 };

	verb_help(&text, verb);
	return session_print(s, &text);
}

static int check_words(const struct verb *verb, const struct args *args, struct fail *f)
{
	if (args->words_count < verb->words_minimum)
		return fail_code(f, -EINVAL, "usage",
				 "something is missing: reevectl %s %s (see reevectl %s --help)",
				 verb->name, verb->synopsis, verb->name);
	if (args->words_count > verb->words_maximum)
		return fail_code(f, -EINVAL, "usage", "'%s' is one word too many: reevectl %s %s",
				 args->words[verb->words_maximum], verb->name, verb->synopsis);
	return 0;
}

static enum ctl_exit run_verb(struct session *s, const struct verb *verb, char **argv)
{
	_cleanup_(args_done) struct args args = { 0 };
	const struct option_row *sets[SETS_LIMIT] = { global_options };
	struct fail f = { 0 };
	size_t n = 1;

	for (const struct option_row *const *set = verb->options; set && *set; set++)
		sets[n++] = *set;
	if (args_parse(&args, argv, sets, verb->words_before_command, &f) < 0 ||
	    take_globals(s, &args, &f) < 0)
		return session_usage(s, &f);
	if (args_value(&args, "help"))
		return help(s, verb);
	if (args_value(&args, "version"))
		return verb_version(s, NULL);
	if (check_words(verb, &args, &f) < 0)
		return session_usage(s, &f);
	return verb->run(s, &args);
}

static enum ctl_exit unknown_verb(struct session *s, const char *word)
{
	struct fail f;
	char list[256] = "";
	size_t length = strlen(word), used = 0;

	for (const struct verb *v = verbs; v->name; v++)
		if (strncmp(v->name, word, length) == 0 && v->name[length] == ' ' &&
		    used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s'%s'",
						 used ? ", " : "", v->name);
	if (used)
		fail_code(&f, -EINVAL, "usage", "'%s' alone does nothing; there are %s", word,
			  list);
	else
		fail_code(&f, -EINVAL, "usage", "there is no verb '%s'; see reevectl --help", word);
	return session_usage(s, &f);
}

static enum ctl_exit dispatch(struct session *s, char **argv)
{
	_cleanup_(args_done) struct args args = { 0 };
	const struct option_row *sets[] = { global_options, NULL };
	const struct verb *verb;
	struct fail f = { 0 };
	enum ctl_exit e;
	unsigned words;

	if (args_parse(&args, argv, sets, 0, &f) < 0 || take_globals(s, &args, &f) < 0)
		return session_usage(s, &f);
	if (args_value(&args, "help"))
		return help(s, NULL);
	if (args_value(&args, "version"))
		return verb_version(s, NULL);
	if (args.words_count == 0) {
		fail_code(&f, -EINVAL, "usage", "say what to do; see reevectl --help");
		return session_usage(s, &f);
	}
	verb = verb_find(args.words, &words);
	if (!verb)
		return unknown_verb(s, args.words[0]);
	e = run_verb(s, verb, args.words + words - 1); /* the last word stands where argv[0] does */
	return e && e < CTL_RUN_FAILED && verb->run_status && !s->ran ? CTL_RUN_FAILED : e;
}

int main(int argc, char **argv)
{
	_cleanup_(session_done) struct session s = { 0 };

	(void)argc;		       /* argv ends with NULL */
	(void)setlocale(LC_CTYPE, ""); /* an unknown locale leaves "C": ASCII */
	s.socket = verb_default_socket();
	s.screen = (struct screen){
		.colour = wants_colour(NULL),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.columns = terminal_columns(),
	};
	return (int)dispatch(&s, argv);
}
