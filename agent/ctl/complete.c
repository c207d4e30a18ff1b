/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl __complete WORDS..: one candidate a line for the last word. It reads the same tables as
 * the parser and asks the live agent for slices and tasks, so that it cannot drift; without an
 * agent it is silent about those. The shell filters by prefix, and so does this. */
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <string.h>

struct completion {
	struct session *session;
	struct buf *into;
	const char *prefix; /* the word under the cursor */
};

static void offer(const struct completion *c, const char *word, size_t length)
{
	if (!word || strncmp(word, c->prefix, strlen(c->prefix)) != 0)
		return;
	/* a name with a newline in it must not become two candidates, nor steer the terminal */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)word[i] <= ' ' || word[i] == 0x7f)
			return;
	buf_append(c->into, word, length);
	buf_text(c->into, "\n");
}

static void offer_word(const struct completion *c, const char *word)
{
	if (word)
		offer(c, word, strlen(word));
}

static void offer_list(const struct completion *c, const char *list)
{
	while (list && *list) {
		size_t length = strcspn(list, ",");
		char word[64];

		if (length < sizeof(word)) {
			memcpy(word, list, length);
			word[length] = 0;
			offer_word(c, word);
		}
		list += length + (list[length] == ',');
	}
}

static void offer_options(const struct completion *c, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		char word[64];

		(void)snprintf(word, sizeof(word), "--%s", rows->name);
		offer_word(c, word);
	}
}

static void offer_slices(const struct completion *c)
{
	_cleanup_json_ json_t *answer = session_try(c->session, "/v1/slices");
	json_t *slice;
	size_t i;

	json_array_foreach (look_array(answer, "slices"), i, slice)
		offer_word(c, look_text(slice, "id"));
}

static void offer_tasks(const struct completion *c, const char *slice)
{
	_cleanup_(buf_done) struct buf path = { 0 };
	_cleanup_json_ json_t *answer = NULL;
	json_t *item;
	size_t i;

	session_path(&path, "/v1/slices/", slice);
	answer = session_try(c->session, path.data);
	json_array_foreach (look_array(answer, "tasks"), i, item)
		offer_word(c, json_string_value(item));
}

static void offer_offers(const struct completion *c)
{
	_cleanup_json_ json_t *answer = session_try(c->session, "/v1/offers");
	json_t *item, *bundle;
	size_t i, k;

	json_array_foreach (look_array(answer, "offers"), i, item) {
		offer_word(c, look_text(item, "id"));
		json_array_foreach (look_array(item, "bundles"), k, bundle)
			offer_word(c, look_text(bundle, "id"));
	}
}

/* The n-th word of names such as "slice create", given what stands before it. */
static void offer_verbs(const struct completion *c, const char *before)
{
	const char *previous = NULL;
	size_t previous_length = 0;

	for (const struct verb *v = verbs; v->name; v++) {
		size_t skip = before ? strlen(before) : 0, length;
		const char *word;

		if (v->hidden ||
		    (before && (strncmp(v->name, before, skip) != 0 || v->name[skip] != ' ')))
			continue;
		word = v->name + skip + (before ? 1 : 0);
		length = strcspn(word, " ");
		if (previous && previous_length == length && strncmp(word, previous, length) == 0)
			continue; /* "slice" of all its verbs: once */
		previous = word;
		previous_length = length;
		offer(c, word, length);
	}
}

static const struct option_row *find_option(const struct option_row *const *sets, const char *word)
{
	for (; sets && *sets; sets++)
		for (const struct option_row *row = *sets; row->name; row++)
			if (strncmp(word, "--", 2) == 0
				    ? strcmp(word + 2, row->name) == 0
				    : row->letter && word[0] == '-' && word[1] == row->letter &&
					      !word[2])
				return row;
	return NULL;
}

static const struct option_row *option_before(const struct verb *verb, const char *word)
{
	const struct option_row *const globals[] = { global_options, NULL };
	const struct option_row *row = find_option(globals, word);

	return row ? row : verb ? find_option(verb->options, word) : NULL;
}

static void offer_value(const struct completion *c, const struct option_row *row)
{
	if (row->choices && row->kind != OPTION_DEVICES)
		offer_list(c, row->choices);
	else if (strcmp(row->name, "slice") == 0)
		offer_slices(c);
	else if (strcmp(row->name, "offer") == 0)
		offer_offers(c);
}

static void offer_positional(const struct completion *c, const struct verb *verb,
			     char *const *given, size_t index)
{
	const char *kinds = verb->words;

	for (size_t i = 0; kinds && i < index; i++) {
		const char *comma = strchr(kinds, ',');

		if (!comma && verb->words_maximum < VERB_MANY_WORDS)
			return;
		kinds = comma ? comma + 1 : kinds; /* the last kind repeats */
	}
	if (!kinds)
		return;
	if (strncmp(kinds, "slice", 5) == 0)
		offer_slices(c);
	else if (strncmp(kinds, "task", 4) == 0)
		offer_tasks(c, given[0]);
	else if (strncmp(kinds, "kind", 4) == 0)
		offer_list(c, "packages,nodes,cores,pci,gpus,nics,disks,firmware");
	else if (strncmp(kinds, "signal", 6) == 0)
		offer_list(c, "TERM,INT,HUP,KILL,USR1,USR2,STOP,CONT,QUIT,WINCH");
	else if (strncmp(kinds, "verb", 4) == 0)
		offer_verbs(c, index ? given[0] : NULL);
}

/* The words of the line that are no options, and no values of options. */
static size_t positionals(char **words, size_t count, const struct verb *verb, char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct option_row *row =
			words[i][0] == '-' ? option_before(verb, words[i]) : NULL;

		if (row && row->argument)
			i++;
		else if (words[i][0] != '-')
			ret[n++] = words[i];
	}
	return n;
}

static void complete(const struct completion *c, char **words, size_t count)
{
	_cleanup_free_ char **given = calloc(count + 1, sizeof(*given));
	const struct verb *verb;
	const struct option_row *row;
	unsigned name_words = 0;
	size_t n;

	if (!given)
		return;
	n = positionals(words, count, NULL, given);
	verb = verb_find(given, &name_words);
	row = count ? option_before(verb, words[count - 1]) : NULL;
	if (row && row->argument) {
		offer_value(c, row);
		return;
	}
	if (c->prefix[0] == '-') {
		for (const struct option_row *const *set = verb ? verb->options : NULL; set && *set;
		     set++)
			offer_options(c, *set);
		offer_options(c, global_options);
		return;
	}
	if (!verb) {
		offer_verbs(c, n ? given[0] : NULL);
		return;
	}
	memset(given, 0, (count + 1) * sizeof(*given));
	n = positionals(words, count, verb, given);
	offer_positional(c, verb, given + name_words, n >= name_words ? n - name_words : 0);
}

enum ctl_exit verb_complete(struct session *s, const struct args *args)
{
	_cleanup_(buf_done) struct buf text = { 0 };
	struct completion c = { .session = s, .into = &text, .prefix = "" };
	size_t count = args->words_count;

	/* the line being completed may itself say where the agent is */
	for (size_t i = 0; i + 1 < count; i++)
		if (strcmp(args->words[i], "--socket") == 0)
			s->socket = args->words[i + 1];
	if (count)
		c.prefix = args->words[--count];
	complete(&c, args->words, count);
	return session_print(s, &text);
}
