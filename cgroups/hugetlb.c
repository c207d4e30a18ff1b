/* SPDX-License-Identifier: Apache-2.0 */
/* The hugetlb controller's table: a file a page size. */
#include "cgroups/limit.h"

#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Named as the kernel names the size (hugetlb_cgroup.c, mem_fmt()). */
static int file_of(uint64_t page_bytes, char **ret)
{
	static const struct {
		unsigned shift;
		const char *unit;
	} units[] = { { 30, "GB" }, { 20, "MB" }, { 10, "KB" } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (page_bytes >> units[i].shift == 0)
			continue;
		if (asprintf(ret, "hugetlb.%" PRIu64 "%s.max", page_bytes >> units[i].shift,
			     units[i].unit) < 0)
			*ret = NULL;
		return *ret ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

/* A limit on huge pages is rounded down to whole ones. */
static int adapt(const void *item, struct limit_row *ret, char **ret_file)
{
	const struct cg_hugepages *pages = item;

	ret->granule_bytes = pages->page_bytes;
	return file_of(pages->page_bytes, ret_file);
}

static const struct limit_row rows[] = {
	{ "hugepages", "hugepages", NULL, LIMIT_BYTES, &limit_kind_number,
	  .offset = offsetof(struct cg_hugepages, limit_bytes) },
};

const struct limit_table limit_hugetlb = { .controller = CG_HUGETLB,
					   .rows = rows,
					   .count = ARRAY_SIZE(rows),
					   .list = offsetof(struct cg_limits, hugepages),
					   .list_count =
						   offsetof(struct cg_limits, hugepages_count),
					   .item_size = sizeof(struct cg_hugepages),
					   .adapt = adapt };
