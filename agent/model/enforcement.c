/* SPDX-License-Identifier: Apache-2.0 */
/* Enforcement rows; see enforcement.h. */
#include "model/enforcement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(
	mechanism, enum mechanism, [MECHANISM_NONE] = "none", [MECHANISM_AFFINITY] = "affinity",
	[MECHANISM_POLICY] = "policy", [MECHANISM_CGROUP] = "cgroup", [MECHANISM_CPUSET] = "cpuset",
	[MECHANISM_PARTITION] = "partition", [MECHANISM_HOST] = "host", [MECHANISM_POOL] = "pool",
	[MECHANISM_RESCTRL] = "resctrl");

static void row_done(struct enforcement *row)
{
	free((char *)row->resource);
	free((char *)row->limit);
	free((char *)row->file);
	free((char *)row->wanted);
	free((char *)row->actual);
	free((char *)row->reason);
}

static int copy_text(const char **ret, const char *text)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

int enforcements_add(struct enforcements *e, const struct enforcement *row)
{
	struct enforcement copy = { .mechanism = row->mechanism };
	struct enforcement *grown = reallocarray(e->items, e->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	e->items = grown;
	if (copy_text(&copy.resource, row->resource) < 0 ||
	    copy_text(&copy.limit, row->limit) < 0 || copy_text(&copy.file, row->file) < 0 ||
	    copy_text(&copy.wanted, row->wanted) < 0 || copy_text(&copy.actual, row->actual) < 0 ||
	    copy_text(&copy.reason, row->reason) < 0) {
		row_done(&copy);
		return -ENOMEM;
	}
	e->items[e->count++] = copy;
	return 0;
}

const struct enforcement *enforcements_find(const struct enforcements *e, const char *limit)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->items[i].limit, limit) == 0)
			return &e->items[i];
	return NULL;
}

void enforcements_done(struct enforcements *e)
{
	for (size_t i = 0; i < e->count; i++)
		row_done(&e->items[i]);
	free(e->items);
	*e = (struct enforcements){ 0 };
}
