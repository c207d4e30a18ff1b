/* SPDX-License-Identifier: Apache-2.0 */
/* The dmem controller's table (Linux 6.14): memory of devices, a line a region,
 * "drm/0000:03:00.0/vram0 1073741824". */
#include "cgroups/limit.h"

#include "util/cleanup.h"

#define AT(m) offsetof(struct cg_dmem, m)
static const struct limit_row rows[] = {
	{ "device_memory_min", "device-memory", "dmem.min", LIMIT_BYTES, &limit_kind_flat,
	  .offset = AT(min_bytes), .initial = "0" },
	{ "device_memory_low", "device-memory", "dmem.low", LIMIT_BYTES, &limit_kind_flat,
	  .offset = AT(low_bytes), .initial = "0" },
	{ "device_memory_max", "device-memory", "dmem.max", LIMIT_BYTES, &limit_kind_flat,
	  .offset = AT(max_bytes), .initial = "max" },
};

const struct limit_table limit_dmem = { .controller = CG_DMEM,
					.rows = rows,
					.count = ARRAY_SIZE(rows),
					.list = offsetof(struct cg_limits, dmem),
					.list_count = offsetof(struct cg_limits, dmem_count),
					.item_size = sizeof(struct cg_dmem) };
