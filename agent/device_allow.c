/* SPDX-License-Identifier: Apache-2.0 */
/* A site's own list of devices; see device_allow.h. */
#include "device_allow.h"

#include "util/cleanup.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void device_allow_done(struct device_allow *allow)
{
	for (size_t i = 0; i < allow->count; i++)
		free(allow->items[i].pattern);
	free(allow->items);
	*allow = (struct device_allow){ 0 };
}

static bool is_below_dev(const char *pattern)
{
	return strncmp(pattern, "/dev/", 5) == 0 && pattern[5] && !strstr(pattern, "/..");
}

/* "/dev/ptp* r"; for reading and writing where no access is said. */
static int parse_pattern(char *text, struct device_allow_entry *ret)
{
	char *blank = strchr(text, ' ');

	ret->rule.access = DEVICE_ACCESS_USE;
	if (blank) {
		*blank = 0;
		if (device_rule_parse_access(blank + 1 + strspn(blank + 1, " "),
					     &ret->rule.access) < 0)
			return -EINVAL;
	}
	if (!is_below_dev(text))
		return -EINVAL;
	ret->pattern = strdup(text);
	return ret->pattern ? 0 : -ENOMEM;
}

static int add(struct device_allow *allow, char *text)
{
	struct device_allow_entry entry = { 0 }, *grown;
	int r;

	if (allow->count == DEVICE_ALLOW_MAX)
		return -ERANGE;
	r = text[0] == '/' ? parse_pattern(text, &entry) : device_rule_parse(text, &entry.rule);
	if (r < 0)
		return r;
	grown = reallocarray(allow->items, allow->count + 1, sizeof(*grown));
	if (!grown) {
		free(entry.pattern);
		return -ENOMEM;
	}
	allow->items = grown;
	grown[allow->count++] = entry;
	return 0;
}

/* Without the blanks on both sides. */
static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && strchr(" \t", text[n - 1]))
		text[--n] = 0;
	return text;
}

int device_allow_parse(const char *text, struct device_allow *ret)
{
	_cleanup_(device_allow_done) struct device_allow allow = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *part;
	int r = copy ? 0 : -ENOMEM;

	if (copy && !*trim(copy))
		rest = NULL;
	while (r == 0 && rest && (part = strsep(&rest, ",")))
		r = add(&allow, trim(part));
	if (r < 0)
		return r;
	device_allow_done(ret);
	*ret = allow;
	allow = (struct device_allow){ 0 };
	return 0;
}

static int add_file(const char *path, uint32_t access, struct device_rules *into)
{
	struct stat s;

	if (stat(path, &s) < 0 || !(S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode)))
		return 0; /* it has just gone, or is a directory */
	return device_rules_add(into, &(struct device_rule){ .block = S_ISBLK(s.st_mode),
							     .major = major(s.st_rdev),
							     .minor = minor(s.st_rdev),
							     .access = access });
}

static int add_matches(const struct device_allow_entry *entry, struct device_rules *into)
{
	glob_t found = { 0 };
	int r = glob(entry->pattern, 0, NULL, &found);

	r = r == GLOB_NOSPACE ? -ENOMEM : 0; /* GLOB_NOMATCH: there is none now */
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
		r = add_file(found.gl_pathv[i], entry->rule.access, into);
	globfree(&found);
	return r;
}

int device_allow_rules(const struct device_allow *allow, struct device_rules *into)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < allow->count; i++)
		r = allow->items[i].pattern ? add_matches(&allow->items[i], into)
					    : device_rules_add(into, &allow->items[i].rule);
	return r;
}
