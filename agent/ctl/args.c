/* SPDX-License-Identifier: Apache-2.0 */
/* getopt_long, told by the option tables. It knows the form of a command line and nothing of what
 * the options mean; values are checked where they are used. */
#include "ctl/args.h"

#include "util/cleanup.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CODE = 256 }; /* above every letter, so that a row is found by its code */

struct table { /* the sets, flattened for getopt */
	const struct option_row **rows;
	struct option *options;
	char *letters;
	size_t count;
};

static void table_done(struct table *t)
{
	free(t->rows);
	free(t->options);
	free(t->letters);
}

static size_t count_rows(const struct option_row *const *sets)
{
	size_t n = 0;

	for (; *sets; sets++)
		for (const struct option_row *row = *sets; row->name; row++)
			n++;
	return n;
}

static void table_add(struct table *t, const struct option_row *row)
{
	size_t end = strlen(t->letters);

	t->options[t->count] = (struct option){
		.name = row->name,
		.has_arg = row->argument ? required_argument : no_argument,
		.val = FIRST_CODE + (int)t->count,
	};
	t->rows[t->count++] = row;
	if (!row->letter)
		return;
	t->letters[end++] = row->letter;
	if (row->argument)
		t->letters[end++] = ':';
	t->letters[end] = 0;
}

static int table_init(struct table *t, const struct option_row *const *sets)
{
	size_t n = count_rows(sets);

	t->rows = calloc(n + 1, sizeof(*t->rows));
	t->options = calloc(n + 1, sizeof(*t->options));
	t->letters = calloc(2 * n + 3, 1);
	if (!t->rows || !t->options || !t->letters)
		return -ENOMEM;
	/* '+': stop at the first word; ':': tell a missing argument from an unknown option */
	strcpy(t->letters, "+:");
	for (; *sets; sets++)
		for (const struct option_row *row = *sets; row->name; row++)
			table_add(t, row);
	return 0;
}

static const struct option_row *table_row(const struct table *t, int code)
{
	for (size_t i = 0; i < t->count; i++)
		if (code == FIRST_CODE + (int)i ||
		    (t->rows[i]->letter && code == t->rows[i]->letter))
			return t->rows[i];
	return NULL;
}

static int take_option(struct args *a, const struct table *t, int code, char **argv, struct fail *f)
{
	const struct option_row *row = table_row(t, code);

	if (row) {
		a->options[a->options_count++] =
			(struct given){ row, row->argument ? optarg : NULL };
		return 0;
	}
	if (code == ':')
		return fail_code(f, -EINVAL, "usage", "option '%s' needs a value",
				 argv[optind - 1]);
	if (optopt >= FIRST_CODE)
		return fail_code(f, -EINVAL, "usage", "option '--%s' takes no value",
				 t->rows[optopt - FIRST_CODE]->name);
	if (optopt)
		return fail_code(f, -EINVAL, "usage", "there is no option '-%c'", optopt);
	return fail_code(f, -EINVAL, "usage", "there is no option '%s', or it is ambiguous",
			 argv[optind - 1]);
}

static void take_rest(struct args *a, char **argv)
{
	while (argv[optind])
		a->words[a->words_count++] = argv[optind++];
}

static int walk(struct args *a, const struct table *t, char **argv, int words_before_command,
		struct fail *f)
{
	int argc = 0, r;

	while (argv[argc])
		argc++;
	optind = 0; /* glibc: start afresh */
	opterr = 0; /* the sentence is ours */
	for (;;) {
		int before = optind ? optind : 1, code;

		code = getopt_long(argc, argv, t->letters, t->options, NULL);
		if (code >= 0) {
			r = take_option(a, t, code, argv, f);
			if (r < 0)
				return r;
			continue;
		}
		/* it moved without an option: that was the "--" */
		if (optind > before || !argv[optind] ||
		    (int)a->words_count == words_before_command) {
			take_rest(a, argv);
			return 0;
		}
		a->words[a->words_count++] = argv[optind++];
	}
}

int args_parse(struct args *ret, char **argv, const struct option_row *const *sets,
	       int words_before_command, struct fail *f)
{
	_cleanup_(table_done) struct table t = { 0 };
	_cleanup_(args_done) struct args a = { 0 };
	size_t n = 0;
	int r;

	while (argv[n])
		n++;
	a.options = calloc(n + 1, sizeof(*a.options));
	a.words = calloc(n + 1, sizeof(*a.words));
	r = table_init(&t, sets);
	if (!a.options || !a.words || r < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	r = walk(&a, &t, argv, words_before_command, f);
	if (r < 0)
		return r;
	*ret = a;
	a = (struct args){ 0 };
	return 0;
}

void args_done(struct args *a)
{
	free(a->options);
	free(a->words);
	*a = (struct args){ 0 };
}

const char *args_value(const struct args *a, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < a->options_count; i++)
		if (strcmp(a->options[i].row->name, name) == 0)
			found = a->options[i].value ? a->options[i].value : "";
	return found;
}

bool args_choice_valid(const char *choices, const char *word)
{
	while (choices && *choices) {
		size_t length = strcspn(choices, ",");

		if (length == strlen(word) && strncmp(choices, word, length) == 0)
			return true;
		choices += length + (choices[length] == ',');
	}
	return false;
}
