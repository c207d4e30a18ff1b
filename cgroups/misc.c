/* SPDX-License-Identifier: Apache-2.0 */
/* The misc controller's table: scarce things that are merely counted, "sev 100". */
#include "cgroups/limit.h"

#include "util/cleanup.h"

static const struct limit_row rows[] = {
	{ "misc_max", "misc", "misc.max", LIMIT_NUMBER, &limit_kind_flat,
	  .offset = offsetof(struct cg_misc, max), .initial = "max" },
};

const struct limit_table limit_misc = { .controller = CG_MISC,
					.rows = rows,
					.count = ARRAY_SIZE(rows),
					.list = offsetof(struct cg_limits, misc),
					.list_count = offsetof(struct cg_limits, misc_count),
					.item_size = sizeof(struct cg_misc) };
