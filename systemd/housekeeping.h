/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The CPUs that the rest of the host may use: AllowedCPUs of the units below which everything runs
 * that is not a slice's. Set at run time, so that a reboot forgets it, and kept by PID 1 through
 * daemon-reload. Both calls are synchronous, with the connection's deadline. */

#include "systemd/bus.h"
#include "util/cpuset.h"

extern const char *const housekeeping_units[]; /* NULL-terminated */

/* What the unit is allowed now; the empty set: all. The unit is loaded for it if need be. */
int housekeeping_read(struct systemd *s, const char *unit, struct cpuset **ret, struct fail *f);
/* The empty set takes the limit away. When the next answer comes PID 1 has written the cgroup. */
int housekeeping_write(struct systemd *s, const char *unit, const struct cpuset *cpus,
		       struct fail *f);
