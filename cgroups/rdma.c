/* SPDX-License-Identifier: Apache-2.0 */
/* The rdma controller's table: a line a device, "mlx5_0 hca_handle=2 hca_object=2000". */
#include "cgroups/limit.h"

#include "util/cleanup.h"

static const struct limit_key keys[] = {
	{ "hca_handle", offsetof(struct cg_rdma, handles) },
	{ "hca_object", offsetof(struct cg_rdma, objects) },
	{ NULL, 0 },
};

static const struct limit_row rows[] = {
	{ .name = "rdma_max",
	  .resource = "rdma",
	  .file = "rdma.max",
	  .unit = LIMIT_NUMBER,
	  .kind = &limit_kind_nested,
	  .keys = keys,
	  .initial = "hca_handle=max hca_object=max" },
};

const struct limit_table limit_rdma = { .controller = CG_RDMA,
					.rows = rows,
					.count = ARRAY_SIZE(rows),
					.list = offsetof(struct cg_limits, rdma),
					.list_count = offsetof(struct cg_limits, rdma_count),
					.item_size = sizeof(struct cg_rdma) };
