/* SPDX-License-Identifier: Apache-2.0 */
/* reeved's options; see options.h. An option either sets a key of the configuration or a member
 * that only the command line has. */
#include "options.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_HELP = 'h', OPTION_VERSION = 'V', OPTION_CONFIG = 'c', OPTION_FIRST = 256 };

struct reeved_option {
	const char *name, *argument, *help; /* argument NULL: a switch */
	const char *section, *key;	    /* of the configuration; or: */
	size_t offset;			    /* of a char * or bool in struct config */
	int letter; /* special: OPTION_HELP, OPTION_VERSION, OPTION_CONFIG */
};

#define KEY(option, word, text, group, item)                                              \
	{                                                                                 \
		.name = (option), .argument = (word), .help = (text), .section = (group), \
		.key = (item)                                                             \
	}
#define MEMBER(option, word, text, member)                            \
	{                                                             \
		.name = (option), .argument = (word), .help = (text), \
		.offset = offsetof(struct config, member)             \
	}
#define SPECIAL(option, word, text, what)                                              \
	{                                                                              \
		.name = (option), .argument = (word), .help = (text), .letter = (what) \
	}

static const struct reeved_option reeved_options[] = {
	SPECIAL("config", "FILE", "read this configuration file", OPTION_CONFIG),
	KEY("socket", "PATH", "serve the API on this unix socket", "agent", "socket"),
	KEY("runtime-dir", "DIR", "keep sockets of slices here", "agent", "runtime-dir"),
	KEY("state-dir", "DIR", "keep the store and task output here", "agent", "state-dir"),
	KEY("log-level", "LEVEL", "error, warning, notice, info or debug", "agent", "log-level"),
	MEMBER("root", "DIR", "look at the machine captured in this directory", root),
	MEMBER("topology", "FILE.xml", "look at the machine in this hwloc XML file", topology),
	MEMBER("print-inventory", NULL, "print the inventory as JSON and exit", print_inventory),
	MEMBER("check-config", NULL, "read the configuration, complain about it, and exit", check),
	SPECIAL("version", NULL, "print the version and exit", OPTION_VERSION),
	SPECIAL("help", NULL, "print this and exit", OPTION_HELP),
};

static int print_help(void)
{
	(void)printf("Usage: reeved [OPTION]...\n"
		     "The agent of one server: discovers it, offers what is free, carves slices, "
		     "runs tasks.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(reeved_options); i++) {
		const struct reeved_option *o = &reeved_options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->argument ? "=" : "",
			       o->argument ? o->argument : ""); /* short names */
		(void)printf("  %-24s %s\n", left, o->help);
	}
	(void)printf("\nSee reeved(8), reeved.conf(5), reeve-api(7).\n");
	return OPTIONS_PRINTED;
}

static int apply(struct config *c, const struct reeved_option *o, const char *value, struct fail *f)
{
	char **place = (char **)(void *)((char *)c + o->offset);

	if (o->key)
		return config_set(c, o->section, o->key, value, f);
	if (!o->argument) {
		*(bool *)((char *)c + o->offset) = true;
		return 0;
	}
	free(*place);
	*place = strdup(value);
	return *place ? 0 : fail_set(f, -ENOMEM, "out of memory");
}

static void warn(const char *file, uint64_t line, const char *text, void *userdata)
{
	(void)userdata;
	log_warning(NULL, "%s:%lu: %s", file, (unsigned long)line, text);
}

static void fill_table(struct option *table)
{
	for (size_t i = 0; i < ARRAY_SIZE(reeved_options); i++)
		table[i] =
			(struct option){ .name = reeved_options[i].name,
					 .has_arg = reeved_options[i].argument ? required_argument
									       : no_argument,
					 .val = OPTION_FIRST + (int)i };
	table[ARRAY_SIZE(reeved_options)] = (struct option){ 0 };
}

/* Two walks over the arguments: the first finds --config, --help, --version and mistakes; the
 * second sets what goes over the file. */
static int walk(int argc, char **argv, struct config *c, bool second, struct fail *f)
{
	struct option table[ARRAY_SIZE(reeved_options) + 1];
	int letter, r = 0;

	fill_table(table);
	optind = 0;
	opterr = 0;
	while (r == 0 && (letter = getopt_long(argc, argv, ":hVc:", table, NULL)) != -1) {
		const struct reeved_option *o =
			letter >= OPTION_FIRST ? &reeved_options[letter - OPTION_FIRST] : NULL;
		int special = o ? o->letter : letter;

		if (letter == '?' || letter == ':')
			return fail_set(f, -EINVAL, "%s %s; try reeved --help", argv[optind - 1],
					letter == ':' ? "needs a value" : "is no option of reeved");
		if (special == OPTION_HELP && !second)
			return print_help();
		if (special == OPTION_VERSION && !second) {
			(void)printf("reeved %s\n", REEVE_VERSION);
			return OPTIONS_PRINTED;
		}
		if (special == OPTION_CONFIG && !second) {
			free(c->file);
			c->file = strdup(optarg);
		} else if (o && !special && second) {
			r = apply(c, o, optarg, f);
		}
	}
	if (r == 0 && optind < argc)
		return fail_set(f, -EINVAL, "%s: reeved takes options only; try reeved --help",
				argv[optind]);
	return r;
}

int options_parse(int argc, char **argv, struct config *ret, struct fail *f)
{
	int r = config_init(ret, f);

	if (r == 0)
		r = walk(argc, argv, ret, false, f);
	if (r != 0)
		return r;
	r = config_read(ret, ret->file ? ret->file : REEVE_CONFIG_FILE, ret->file != NULL, warn,
			NULL, f);
	if (r == 0)
		r = walk(argc, argv, ret, true, f);
	if (r == 0 && ret->root && ret->topology)
		r = fail_set(f, -EINVAL, "--root and --topology cannot be used together");
	return r;
}
