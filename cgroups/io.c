/* SPDX-License-Identifier: Apache-2.0 */
/* The io controller's table: a line a disk, which is "major:minor". Weights are followed where
 * blk-iocost or BFQ schedules the disk, whoever reads them back; latency targets where the kernel
 * has blk-iolatency. Both are said by the caller, from the disk's own files. */
#include "cgroups/limit.h"

#include "util/cleanup.h"

#define AT(m) offsetof(struct cg_io, m)
static const struct limit_key rates[] = {
	{ "rbps", AT(read_bytes_per_second) },
	{ "wbps", AT(write_bytes_per_second) },
	{ "riops", AT(read_operations_per_second) },
	{ "wiops", AT(write_operations_per_second) },
	{ NULL, 0 },
};
static const struct limit_key latency[] = {
	{ "target", AT(latency_usec) },
	{ NULL, 0 },
};

static const struct limit_row rows[] = {
	{ .name = "io_max",
	  .resource = "io",
	  .file = "io.max",
	  .unit = LIMIT_NUMBER,
	  .kind = &limit_kind_nested,
	  .keys = rates,
	  .initial = "rbps=max wbps=max riops=max wiops=max" },
	{ .name = "io_weight",
	  .resource = "io",
	  .file = "io.weight",
	  .unit = LIMIT_NUMBER,
	  .kind = &limit_kind_flat,
	  .offset = AT(weight),
	  .initial = "default" },
	{ .name = "io_latency",
	  .resource = "io",
	  .file = "io.latency",
	  .unit = LIMIT_USEC,
	  .kind = &limit_kind_nested,
	  .keys = latency,
	  .initial = "target=max" },
};

const struct limit_table limit_io = { .controller = CG_IO,
				      .rows = rows,
				      .count = ARRAY_SIZE(rows),
				      .list = offsetof(struct cg_limits, io),
				      .list_count = offsetof(struct cg_limits, io_count),
				      .item_size = sizeof(struct cg_io) };
