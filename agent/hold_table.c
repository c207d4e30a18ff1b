/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what slices hold; see hold.h. A later row may look at the rows of earlier ones: a
 * partition needs the CPUs that the limits gave it, noise is kept off what is so held, and pins are
 * for what no cgroup holds. */
#include "hold.h"

const struct hold *const holds[] = {
	&hold_parts,	&hold_limits,	&hold_part_cpus, &hold_partition,
	&hold_quiet,	&hold_affinity, &hold_policy,	 &hold_hugepages,
	&hold_resctrl,	&hold_devices,	&hold_cdi,	 &hold_network,
	&hold_pressure, NULL,
};
