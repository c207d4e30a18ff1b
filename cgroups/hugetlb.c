/* SPDX-License-Identifier: Apache-2.0 */
/* hugetlb's files and the controller's table: a set of files a page size. See hugetlb.h. */
#include "cgroups/hugetlb.h"

#include "cgroups/limit.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* hugetlb_cgroup.c, mem_fmt() */
int cg_hugetlb_file(uint64_t page_bytes, const char *what, char **ret)
{
	static const struct {
		unsigned shift;
		const char *unit;
	} units[] = { { 30, "GB" }, { 20, "MB" }, { 10, "KB" } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (page_bytes >> units[i].shift == 0)
			continue;
		if (asprintf(ret, "hugetlb.%" PRIu64 "%s.%s", page_bytes >> units[i].shift,
			     units[i].unit, what) < 0)
			*ret = NULL;
		return *ret ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

static int read_bytes(int cgroup, uint64_t page_bytes, const char *what, uint64_t *ret)
{
	_cleanup_free_ char *file = NULL;
	int r = cg_hugetlb_file(page_bytes, what, &file);

	return r < 0 ? r : fs_read_u64(cgroup, file, ret);
}

int cg_hugetlb_current(int cgroup, uint64_t page_bytes, uint64_t *ret)
{
	return read_bytes(cgroup, page_bytes, "current", ret);
}

int cg_hugetlb_claimed(int cgroup, uint64_t page_bytes, uint64_t *ret)
{
	uint64_t used, reserved;
	int r = read_bytes(cgroup, page_bytes, "current", &used);

	if (r < 0)
		return r;
	if (read_bytes(cgroup, page_bytes, "rsvd.current", &reserved) < 0)
		reserved = 0; /* an older kernel */
	*ret = used > reserved ? used : reserved;
	return 0;
}

/* "total=4194304 N0=0 N1=4194304" */
int cg_hugetlb_node(int cgroup, uint64_t page_bytes, uint32_t node, uint64_t *ret)
{
	_cleanup_free_ char *file = NULL, *line = NULL;
	uint64_t bytes = 0, value;
	char *rest = NULL;
	int r = cg_hugetlb_file(page_bytes, "numa_stat", &file);

	if (r == 0)
		r = fs_read_line_new(cgroup, file, &line);
	if (r < 0)
		return r;
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(word, '=');
		uint32_t number;

		if (!equals || parse_u64(equals + 1, &value) < 0)
			return -EBADMSG;
		*equals = 0;
		if (word[0] == 'N' && parse_u32(word + 1, &number) == 0 && number == node)
			bytes = value;
	}
	*ret = bytes;
	return 0;
}

/* A limit on huge pages is rounded down to whole ones. */
static int adapt(const void *item, struct limit_row *ret, char **ret_file)
{
	const struct cg_hugepages *pages = item;

	ret->granule_bytes = pages->page_bytes;
	return cg_hugetlb_file(pages->page_bytes, ret->file, ret_file);
}

/* Pages in use, and those that are promised to a mapping before they are touched (Linux 5.7):
 * without the second a slice could reserve what is another's and never use it. The file's name is
 * what follows the size in it. */
static const struct limit_row rows[] = {
	{ "hugepages", "hugepages", "max", LIMIT_BYTES, &limit_kind_number,
	  .offset = offsetof(struct cg_hugepages, limit_bytes) },
	{ "hugepages_reserved", "hugepages", "rsvd.max", LIMIT_BYTES, &limit_kind_number,
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
