/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which device nodes the tasks of a slice may open: the harmless ones, those that the site allows
 * ([isolation] device-allow), and those of the devices that the slice owns. The kernel holds it by
 * a device program on the cgroup that is divided among tasks (cgroups/device_filter.h), which
 * hold_devices puts there, or finds to be the right one after a restart of the agent; it has a row,
 * and each device of the slice one. */

struct manager;
struct slice;
struct devices; /* the manager's; keeps the program that slices without devices have in common */

int devices_new(struct devices **ret); /* -ENOMEM */
struct devices *devices_free(struct devices *d);

/* Slices that own devices follow: what has gone is no longer theirs to open, since the kernel may
 * give its numbers to the next that comes; what came back is. */
void devices_inventory_changed(struct manager *m);
