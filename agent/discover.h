/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs the drivers into a new inventory, and rings when the kernel says that hardware changed. */

#include "model/health.h"
#include "model/inventory.h"
#include "util/fail.h"
#include "util/host.h"

#include <systemd/sd-event.h>

/* One discovery; topology_xml NULL: of the host. A driver that fails becomes a note. Fails only
 * when the topology itself cannot be had. The inventory is the caller's to seal. */
int discover_run(const struct host *host, const char *topology_xml, struct inventory **ret,
		 struct fail *f);

/* The CPUs that isolated partitions of slices took out of the agent's own cpuset: they are the
 * node's still. From the kernel, so that an agent that has just started knows it too. */
int discover_lent(const struct host *host, struct cpuset **ret);

/* Health readings of the devices that have a check. */
int discover_check(const struct host *host, const struct inventory *inv,
		   int (*report)(const struct reading *reading, void *userdata), void *userdata);

struct discover_watch;
/* Calls changed() DISCOVER_SETTLE_USEC after an event of the subsystems that drivers watch, or of a
 * bell of theirs: a burst of hotplug is one re-discovery. While events go on the pause doubles up
 * to DISCOVER_SETTLE_MAX_USEC, so that a host that makes and drops interfaces all day is not looked
 * at all day, and a change is still seen within a second; it is short again after
 * DISCOVER_QUIET_USEC without any. Where there is no udev, kernel events are used. A bell that
 * cannot be had is logged, and the others do. */
enum {
	DISCOVER_SETTLE_USEC = 200 * 1000,
	DISCOVER_SETTLE_MAX_USEC = 700 * 1000,
	DISCOVER_QUIET_USEC = 2 * 1000 * 1000,
};
int discover_watch_new(struct discover_watch **ret, sd_event *loop, void (*changed)(void *userdata),
		       void *userdata, struct fail *f);
struct discover_watch *discover_watch_free(struct discover_watch *w);
