/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How far the memory of a node is: ACPI SLIT (relative, 10 is local) to every node, and ACPI HMAT
 * (MB/s, nanoseconds) from the CPUs that reach it best. What the machine does not tell stays
 * unknown. -ENOMEM. */

#include "drivers/topology.h"
#include "model/device.h"

int distance_fill(struct device_node *node, const struct topology *t, hwloc_obj_t object);
