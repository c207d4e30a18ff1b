/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup uses now; see usage.h. A file that is absent or not of its form makes its numbers
 * unknown, and the rest is still told. */
#include "cgroups/usage.h"

#include "cgroups/keyed.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>

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
