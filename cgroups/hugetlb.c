/* SPDX-License-Identifier: Apache-2.0 */
/* hugetlb's files; see hugetlb.h. */
#include "cgroups/hugetlb.h"

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

int cg_hugetlb_current(int cgroup, uint64_t page_bytes, uint64_t *ret)
{
	_cleanup_free_ char *file = NULL;
	int r = cg_hugetlb_file(page_bytes, "current", &file);

	return r < 0 ? r : fs_read_u64(cgroup, file, ret);
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
