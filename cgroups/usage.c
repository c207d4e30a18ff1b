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

static bool is_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == ' ';
}

static int sum_on_node(int cgroup, uint32_t node, const char *const keys[2], uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	uint64_t sum = 0;
	int r = fs_read(cgroup, "memory.numa_stat", NUMA_STAT_MAX, &text, NULL);

	if (r < 0)
		return r;
	for (const char *line = text; line && *line;) {
		const char *next = strchr(line, '\n');

		if (is_key(line, keys[0]) || is_key(line, keys[1]))
			sum += number_of_node(line, node);
		line = next ? next + 1 : NULL;
	}
	*ret = sum;
	return 0;
}

int cg_usage_on_node(int cgroup, uint32_t node, uint64_t *ret)
{
	static const char *const keys[2] = { "anon", "file" };

	return sum_on_node(cgroup, node, keys, ret);
}

/* "file" has shared memory in it, which no file gives back. */
int cg_cache_on_node(int cgroup, uint32_t node, uint64_t *ret)
{
	static const char *const keys[2] = { "inactive_file", "active_file" };

	return sum_on_node(cgroup, node, keys, ret);
}
