/* SPDX-License-Identifier: Apache-2.0 */
/* Every driver there is, in order of phase. */
#include "drivers/driver.h"

#include <stddef.h>

extern const struct driver driver_core;
extern const struct driver driver_cpu;
extern const struct driver driver_memory;
extern const struct driver driver_pci;

const struct driver *const drivers[] = {
	&driver_cpu, &driver_core, &driver_memory, &driver_pci, NULL,
};
