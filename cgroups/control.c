/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of limits; see control.h. It walks the tables of the controllers (limit.h) and knows
 * none of them. It judges only by what the kernel says afterwards, and rolls nothing back: the
 * caller removes a cgroup that does not hold. */
#include "cgroups/control.h"

#include "cgroups/limit.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are written: a partition needs its CPUs first, and a burst its
 * quota. */
const struct limit_table *const limit_tables[] = {
	&limit_cpuset, &limit_cpu,  &limit_memory, &limit_pids, &limit_hugetlb,
	&limit_io,     &limit_rdma, &limit_misc,   &limit_dmem, NULL,
};

struct applying {
	int cgroup;
	uint32_t enabled;
	const struct cg_limits *limits;
	struct cg_readbacks made;
	struct limit_row *rows; /* of each item made, adapted to it */
};

static void applying_done(struct applying *a)
{
	cg_readbacks_done(&a->made);
	free(a->rows);
}

static void readback_done(struct cg_readback *item)
{
	free(item->file);
	free(item->wanted);
	free(item->actual);
	*item = (struct cg_readback){ 0 };
}

void cg_readbacks_done(struct cg_readbacks *r)
{
	for (size_t i = 0; i < r->count; i++)
		readback_done(&r->items[i]);
	free(r->items);
	*r = (struct cg_readbacks){ 0 };
}

static const char *member(const struct cg_limits *limits, size_t offset)
{
	return (const char *)limits + offset;
}

size_t limit_count(const struct limit_table *t, const struct cg_limits *limits)
{
	return t->item_size ? *(const size_t *)(const void *)member(limits, t->list_count) : 1;
}

const void *limit_item(const struct limit_table *t, const struct cg_limits *limits, size_t i)
{
	const char *items;

	if (t->item_size == 0)
		return limits;
	memcpy(&items, member(limits, t->list), sizeof(items));
	return items + i * t->item_size;
}

static int room_for(struct applying *a)
{
	size_t n = 0;

	for (const struct limit_table *const *t = limit_tables; *t; t++)
		n += (*t)->count * limit_count(*t, a->limits);
	a->made.items = calloc(n, sizeof(*a->made.items));
	a->rows = calloc(n, sizeof(*a->rows));
	return a->made.items && a->rows ? 0 : -ENOMEM;
}

/* Writes one limit, and files what came of it as the next item. */
static void put(struct applying *a, struct cg_readback item, const struct limit_row *row)
{
	if (!(a->enabled & CG_BIT(item.controller)))
		item.error = -EOPNOTSUPP;
	else /* a write of no bytes never reaches the kernel's handler: the empty set is a newline
	      */
		item.error = fs_write(a->cgroup, item.file, *item.wanted ? item.wanted : "\n");
	a->rows[a->made.count] = *row;
	a->made.items[a->made.count++] = item;
}

static int put_row(struct applying *a, const struct limit_table *t, const struct limit_row *row,
		   const void *values)
{
	struct cg_readback item = { .limit = row->name,
				    .resource = row->resource,
				    .controller = t->controller };
	struct limit_row own = *row;
	int r = row->kind->encode(row, values, &item.wanted);

	if (r == 0 && !item.wanted)
		return 0;
	if (r == 0 && t->adapt)
		r = t->adapt(values, &own, &item.file);
	else if (r == 0)
		r = (item.file = strdup(row->file)) ? 0 : -ENOMEM;
	if (r < 0) {
		readback_done(&item);
		return r;
	}
	put(a, item, &own);
	return 0;
}

static int put_table(struct applying *a, const struct limit_table *t)
{
	size_t count = limit_count(t, a->limits);
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t k = 0; r == 0 && k < t->count; k++)
			r = put_row(a, t, &t->rows[k], limit_item(t, a->limits, i));
	return r;
}

/* Only after everything was written: a partition changes what the sets before it became. */
static int read_back(const struct applying *a, struct cg_readback *item,
		     const struct limit_row *row)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (!(a->enabled & CG_BIT(item->controller)))
		return 0;
	r = fs_read(a->cgroup, item->file, LIMIT_FILE_BYTES, &text, NULL);
	if (r == 0)
		r = row->kind->extract(text, item->wanted, &item->actual);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && item->error == 0)
		item->error = r;
	item->holds = r == 0 && row->kind->verify(a->cgroup, row, item);
	return 0;
}

int cg_apply(int cgroup, uint32_t enabled, const struct cg_limits *limits, struct cg_readbacks *ret)
{
	_cleanup_(applying_done) struct applying a = { .cgroup = cgroup,
						       .enabled = enabled,
						       .limits = limits };
	int r = room_for(&a);

	for (const struct limit_table *const *t = limit_tables; r == 0 && *t; t++)
		r = put_table(&a, *t);
	for (size_t i = 0; r == 0 && i < a.made.count; i++)
		r = read_back(&a, &a.made.items[i], &a.rows[i]);
	if (r < 0)
		return r;
	*ret = TAKE(a.made, (struct cg_readbacks){ 0 });
	return 0;
}
