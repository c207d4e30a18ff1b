/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A firmware component into the inventory, under an id that is free. */

#include "drivers/driver.h"

/* Adds "firmware-NAME", and where that is taken "firmware-NAME-2" and so on (up to 1024, -ENOSPC
 * beyond). Characters of the name that an id does not have become '_'. The component is set; *ret
 * (the inventory's) may be given more. -ENOMEM. */
int component_add(struct discovery *d, const char *component, const char *name,
		  struct device **ret);
