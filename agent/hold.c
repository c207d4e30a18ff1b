/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what slices hold; see hold.h. A later row may look at the rows of earlier ones: a
 * partition needs the CPUs that the limits gave it, noise is kept off what is so held, and pins are
 * for what no cgroup holds. */
#include "hold.h"

#include <string.h>

const struct hold *const holds[] = {
	&hold_parts,	&hold_limits,	&hold_part_cpus, &hold_partition,
	&hold_quiet,	&hold_affinity, &hold_policy,	 &hold_hugepages,
	&hold_resctrl,	&hold_devices,	&hold_cdi,	 &hold_network,
	&hold_pressure, NULL,
};

int hold_take_all(struct slice *s, struct enforcements *rows, struct fail *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++) {
		r = holds[i]->take(s, rows, f);
		if (r < 0 && f && !f->error)
			fail_set(f, r, "the %s cannot be set: %s", holds[i]->name, strerror(-r));
	}
	return r;
}

void hold_give_all(struct slice *s)
{
	size_t count = 0;

	while (holds[count])
		count++;
	while (count-- > 0)
		if (holds[count]->give)
			holds[count]->give(s);
}

int hold_left_all(struct slice *s, struct leaks *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && holds[i]; i++)
		if (holds[i]->left)
			r = holds[i]->left(s, ret);
	return r;
}
