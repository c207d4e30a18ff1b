/* SPDX-License-Identifier: Apache-2.0 */
/* Limits that are taken away; see control.h. Nothing is remembered: what a file says and is not
 * asked for goes, whoever set it. */
#include "cgroups/limit.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resetting {
	int cgroup;
	const struct cg_limits *limits;
	const struct limit_table *table;
	const struct limit_row *row;
};

/* What is to be written for an item, or the only one; NULL: the limit is not set. */
static int wanted(const struct resetting *r, const void *values, char **ret)
{
	*ret = NULL;
	return r->row->kind->encode(r->row, values, ret);
}

/* A line of the file, which is as it should be afterwards, or not. */
static int reset_line(const struct resetting *r, const char *line, const char *initial)
{
	_cleanup_free_ char *text = NULL, *now = NULL;
	int e;

	if (strcmp(line, initial) == 0)
		return 0;
	e = fs_write(r->cgroup, r->row->file, initial);
	if (e == 0)
		e = fs_read(r->cgroup, r->row->file, LIMIT_FILE_BYTES, &text, NULL);
	if (e == 0)
		e = r->row->kind->extract(text, initial, &now);
	return e < 0 || strcmp(now, line) != 0 ? e : -EBUSY;
}

static int reset_single(const struct resetting *r, const char *text)
{
	_cleanup_free_ char *line = NULL, *set = NULL;
	int e = r->row->kind->extract(text, r->row->initial, &line);

	if (e == 0)
		e = wanted(r, r->limits, &set);
	if (e < 0 || (set && (!r->row->yields || strcmp(set, line) == 0)))
		return e;
	return reset_line(r, line, r->row->initial);
}

/* Whether an item of this name, which ends at the blank, is to be limited by the row. */
static int is_wanted(const struct resetting *r, const char *line, bool *ret)
{
	size_t n = strcspn(line, " ") + 1;

	*ret = false;
	for (size_t i = 0; !*ret && i < limit_count(r->table, r->limits); i++) {
		_cleanup_free_ char *set = NULL;
		int e = wanted(r, limit_item(r->table, r->limits, i), &set);

		if (e < 0)
			return e;
		*ret = set && strncmp(set, line, n) == 0;
	}
	return 0;
}

static int reset_item(const struct resetting *r, const char *line)
{
	_cleanup_free_ char *initial = NULL;
	bool stays;
	int e = is_wanted(r, line, &stays);

	if (e < 0 || stays)
		return e;
	if (asprintf(&initial, "%.*s %s", (int)strcspn(line, " "), line, r->row->initial) < 0) {
		initial = NULL;
		return -ENOMEM;
	}
	return reset_line(r, line, initial);
}

/* io.weight begins with "default 100", which is of no item. */
static int reset_items(const struct resetting *r, char *text)
{
	char *rest = NULL;
	int e = 0;

	for (char *line = strtok_r(text, "\n", &rest); e == 0 && line;
	     line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, "default ", 8) != 0)
			e = reset_item(r, line);
	return e;
}

static int reset_row(const struct resetting *r)
{
	_cleanup_free_ char *text = NULL;
	int e = fs_read(r->cgroup, r->row->file, LIMIT_FILE_BYTES, &text, NULL);

	if (e == -ENOENT) /* this kernel has no such limit */
		return 0;
	if (e < 0)
		return e;
	return r->table->item_size ? reset_items(r, text) : reset_single(r, text);
}

int cg_reset(int cgroup, uint32_t enabled, const struct cg_limits *limits, const char **ret_file)
{
	for (const struct limit_table *const *t = limit_tables; *t; t++)
		for (size_t i = 0; enabled & CG_BIT((*t)->controller) && i < (*t)->count; i++) {
			const struct resetting r = { cgroup, limits, *t, &(*t)->rows[i] };
			int e = r.row->initial ? reset_row(&r) : 0;

			if (e < 0) {
				*ret_file = r.row->file;
				return e;
			}
		}
	return 0;
}
