/* SPDX-License-Identifier: Apache-2.0 */
/* The pids controller's table. */
#include "cgroups/limit.h"

#include "util/cleanup.h"

static const struct limit_row rows[] = {
	{ "pids_max", "processes", "pids.max", LIMIT_NUMBER, &limit_kind_number,
	  .offset = offsetof(struct cg_limits, pids_max), .initial = "max" },
};

const struct limit_table limit_pids = { .controller = CG_PIDS,
					.rows = rows,
					.count = ARRAY_SIZE(rows) };
