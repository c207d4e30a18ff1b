/* SPDX-License-Identifier: Apache-2.0 */
/* Taking memory back; see reclaim.h. */
#include "cgroups/reclaim.h"

#include "cgroups/keyed.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <inttypes.h>
#include <stddef.h>

struct written {
	uint64_t dirty_bytes, writeback_bytes;
};

static const struct keyed stat_keys[] = {
	{ "file_dirty", offsetof(struct written, dirty_bytes) },
	{ "file_writeback", offsetof(struct written, writeback_bytes) },
};

bool cg_can_reclaim(int cgroup)
{
	return cgroup >= 0 && fs_exists(cgroup, "memory.reclaim");
}

int cg_reclaim(int cgroup, uint64_t bytes)
{
	return fs_write_format(cgroup, "memory.reclaim", "%" PRIu64 "\n", bytes);
}

int cg_charged(int cgroup, uint64_t *ret)
{
	return fs_read_u64(cgroup, "memory.current", ret);
}

int cg_dirty(int cgroup, uint64_t *ret)
{
	struct written w = { 0 };
	int r = keyed_read(cgroup, "memory.stat", stat_keys, ARRAY_SIZE(stat_keys), &w);

	if (r < 0)
		return r;
	*ret = w.dirty_bytes + w.writeback_bytes;
	return 0;
}
