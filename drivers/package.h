/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The number of the package an object is in: the kernel's physical_package_id where every package
 * has one of its own, else hwloc's order (some PowerPC firmware names none). */

#include "drivers/topology.h"

#include <stdint.h>

/* object: the package itself or what is within one; DEVICE_UNKNOWN_U32 when it is in none. */
uint32_t package_number(const struct topology *t, hwloc_obj_t object);
