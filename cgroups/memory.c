/* SPDX-License-Identifier: Apache-2.0 */
/* The memory controller's table. */
#include "cgroups/limit.h"

#include "util/cleanup.h"

#define AT(m) offsetof(struct cg_limits, m)
static const struct limit_row rows[] = {
	{ "memory_min", "memory", "memory.min", LIMIT_BYTES, &limit_kind_number,
	  .offset = AT(memory_min_bytes), .initial = "0" },
	{ "memory_low", "memory", "memory.low", LIMIT_BYTES, &limit_kind_number,
	  .offset = AT(memory_low_bytes), .initial = "0" },
	{ "memory_high", "memory", "memory.high", LIMIT_BYTES, &limit_kind_number,
	  .offset = AT(memory_high_bytes), .initial = "max" },
	{ "memory_max", "memory", "memory.max", LIMIT_BYTES, &limit_kind_number,
	  .offset = AT(memory_max_bytes), .initial = "max" },
	{ "swap_max", "swap", "memory.swap.max", LIMIT_BYTES, &limit_kind_number,
	  .offset = AT(swap_max_bytes), .initial = "max" },
	{ "oom_group", "memory", "memory.oom.group", LIMIT_NUMBER, &limit_kind_number,
	  .offset = AT(oom_group) },
};

const struct limit_table limit_memory = { .controller = CG_MEMORY,
					  .rows = rows,
					  .count = ARRAY_SIZE(rows) };
