/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A slice's limits as properties of its unit, so that PID 1 writes the same values when it writes
 * the unit's cgroup anew. What PID 1 has no property for (cpu.max.burst, rdma, misc, dmem) is in
 * files that it never writes. */

#include "slice_limits.h"
#include "systemd/property.h"

enum { LIMITS_UNIT_PROPERTIES = 11 + 6 }; /* those of disks are emptied first */

struct limits_unit { /* keeps what the properties point at */
	struct property_value properties[LIMITS_UNIT_PROPERTIES];
	size_t count;
	struct property_pair *pairs;
	char (*paths)[48];
};
/* whole: for a unit that had others, also those that there are no more. -ENOMEM. */
int limits_unit_make(const struct slice *s, bool whole, struct limits_unit *ret);
void limits_unit_done(struct limits_unit *u);
