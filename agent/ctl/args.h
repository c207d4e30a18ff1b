/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Command lines by tables: one row an option, from which come the parsing, --help, the completion
 * and, where a row has a key, the member of the request that is sent (request.h). */

#include "util/fail.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,	  /* also the kind of options that are not sent anywhere */
	OPTION_TRUE,	  /* a flag; sent as true */
	OPTION_U64,	  /* whole number >= 0 */
	OPTION_NUMBER,	  /* decimal number >= 0 */
	OPTION_BYTES,	  /* "4GiB"; sent as a number of bytes */
	OPTION_DURATION,  /* "10s"; checked, sent as it is */
	OPTION_CHOICE,	  /* one of `choices` */
	OPTION_PAIR,	  /* K=V into the object `key`; may be repeated */
	OPTION_NETWORK,	  /* cni:NAME into the object `key` */
	OPTION_LIMIT,	  /* NAME=SOFT[:HARD] into the object `key`; may be repeated */
	OPTION_HUGEPAGES, /* SIZE:COUNT appended to the array `key` */
	OPTION_DEVICES, /* a count of the class that `choices` names, appended to the array `key` */
	OPTION_DEVICE,	/* CLASS[:COUNT], likewise */
	OPTION_LIST,	/* appended to the array `key` */
	OPTION_ITEM,  /* NAME,KEY=VALUE,...: an object appended to the array `key`; see request.c */
	OPTION_COUNT, /* NAME=N into the object `key`; may be repeated */
};

struct option_row {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;	  /* 0 none */
	enum option_kind kind;
	const char *argument; /* "SIZE"; NULL for flags */
	const char *choices;  /* "node,package,none"; NULL anything */
	const char *key;      /* member of the request, "limits.io" of an object in it; NULL: not
				 sent */
	const char *help;
};

struct given { /* one option as it was given */
	const struct option_row *row;
	const char *value; /* NULL for flags */
};

struct args {
	struct given *options; /* in order */
	size_t options_count;
	char **words; /* positional arguments, NULL-terminated */
	size_t words_count;
};

#define SETS(...) ((const struct option_row *const[]){ __VA_ARGS__, NULL })

enum { ARGS_ALL_WORDS = -1 };

/* argv[0] is skipped. `sets` is a NULL-terminated list of tables. Options and words may be mixed
 * until
 * "--" or until `words_before_command` words were seen (ARGS_ALL_WORDS: to the end): from there on
 * everything is a word. -EINVAL with a sentence, -ENOMEM. The strings stay argv's. */
int args_parse(struct args *ret, char **argv, const struct option_row *const *sets,
	       int words_before_command, struct fail *f);
void args_done(struct args *a);

/* The last value given; "" for a flag; NULL when it was not given. */
const char *args_value(const struct args *a, const char *name);

/* Whether the comma-separated list has the word. */
bool args_choice_valid(const char *choices, const char *word);
