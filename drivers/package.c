/* SPDX-License-Identifier: Apache-2.0 */
/* Package numbers; see package.h. */
#include "drivers/package.h"

#include "model/device.h"

#include <stdbool.h>

/* Whether the kernel's numbers tell all packages apart. hwloc keeps objects of one type in its own
 * order, so that each is compared with those before it. */
static bool numbers_tell_apart(const struct topology *t)
{
	hwloc_obj_t package = NULL, before;

	while ((package = hwloc_get_next_obj_by_type(topology_hwloc(t), HWLOC_OBJ_PACKAGE,
						     package))) {
		if (package->os_index >= DEVICE_UNKNOWN_U32)
			return false;
		for (before = package->prev_cousin; before; before = before->prev_cousin)
			if (before->os_index == package->os_index)
				return false;
	}
	return true;
}

uint32_t package_number(const struct topology *t, hwloc_obj_t object)
{
	hwloc_obj_t package = object->type == HWLOC_OBJ_PACKAGE
				      ? object
				      : hwloc_get_ancestor_obj_by_type(topology_hwloc(t),
								       HWLOC_OBJ_PACKAGE, object);

	if (!package)
		return DEVICE_UNKNOWN_U32;
	return numbers_tell_apart(t) ? package->os_index : package->logical_index;
}
