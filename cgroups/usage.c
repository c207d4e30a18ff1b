/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses now; see usage.h. A file that is absent or not of its form makes its numbers
 * unknown, and the rest is still told. */
#include "cgroups/usage.h"

#include "cgroups/keyed.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMA_STAT_MAX = 1 << 20 }; /* some thirty lines of a number a node */

static const struct keyed cpu_keys[] = {
	{ "usage_usec", offsetof(struct cg_usage, cpu_usec) },
	{ "user_usec", offsetof(struct cg_usage, cpu_user_usec) },
	{ "system_usec", offsetof(struct cg_usage, cpu_system_usec) },
	{ "throttled_usec",
	  offsetof(struct cg_usage, cpu_throttled_usec) }, /* with the controller */
};

static const struct {
	const char *file;
	size_t offset;
} files[] = {
	{ "memory.current", offsetof(struct cg_usage, memory_bytes) },
	{ "memory.peak", offsetof(struct cg_usage, memory_peak_bytes) }, /* since 5.19 */
	{ "memory.swap.current", offsetof(struct cg_usage, swap_bytes) },
	{ "pids.current", offsetof(struct cg_usage, pids) },
};

int cg_usage(int cgroup, struct cg_usage *ret)
{
	struct cg_usage usage = { CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN,
				  CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN, CG_UNKNOWN };
	int r = keyed_read(cgroup, "cpu.stat", cpu_keys, ARRAY_SIZE(cpu_keys), &usage);

	/* Below a removed cgroup kernfs finds no file, and an open one answers ENODEV. */
	if (r == -ENOENT && !fs_exists(cgroup, "cgroup.procs"))
		r = -ENODEV;
	if (r == -ENODEV || r == -ENOMEM || r == -EBADF)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		/* -ENOENT: no such controller here, and the member stays unknown */
		(void)fs_read_u64(cgroup, files[i].file,
				  (uint64_t *)(void *)((char *)&usage + files[i].offset));
	*ret = usage;
	return 0;
}

/* "anon N0=4096 N1=0": the number behind " N<node>=", 0 where the line has none. */
static uint64_t number_of_node(const char *line, uint32_t node)
{
	const char *end = strchr(line, '\n'), *found;
	char key[16];

	(void)snprintf(key, sizeof(key), " N%" PRIu32 "=", node); /* fits */
	found = strstr(line, key);
	return found && (!end || found < end) ? strtoull(found + strlen(key), NULL, 10) : 0;
}

int cg_usage_on_node(int cgroup, uint32_t node, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	uint64_t sum = 0;
	int r = fs_read(cgroup, "memory.numa_stat", NUMA_STAT_MAX, &text, NULL);

	if (r < 0)
		return r;
	for (const char *line = text; line && *line;) {
		const char *next = strchr(line, '\n');

		if (strncmp(line, "anon ", 5) == 0 || strncmp(line, "file ", 5) == 0)
			sum += number_of_node(line, node);
		line = next ? next + 1 : NULL;
	}
	*ret = sum;
	return 0;
}

/* Named as the kernel names it (hugetlb_cgroup.c, mem_fmt()). */
int cg_usage_hugepages(int cgroup, uint64_t page_bytes, uint64_t *ret)
{
	static const struct {
		unsigned shift;
		const char *unit;
	} units[] = { { 30, "GB" }, { 20, "MB" }, { 10, "KB" } };
	char file[64];

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (page_bytes >> units[i].shift > 0) {
			(void)snprintf(file, sizeof(file), "hugetlb.%" PRIu64 "%s.current",
				       page_bytes >> units[i].shift, units[i].unit); /* fits */
			return fs_read_u64(cgroup, file, ret);
		}
	return -EINVAL;
}
