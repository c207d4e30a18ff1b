/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Runs the drivers into a new inventory, and rings when the kernel says that hardware changed. */

#include "model/health.h"
#include "model/inventory.h"
#include "util/fail.h"
#include "util/host.h"

#include <systemd/sd-event.h>

/* One discovery; topology_xml NULL: of the host. A driver that fails becomes a note. Fails only
 * when the topology itself cannot be had. */
int discover_run(const struct host *host, const char *topology_xml, struct inventory **ret,
		 struct fail *f);

/* The CPUs that isolated partitions of slices took out of the agent's own cpuset: they are the
 * node's still. From the kernel, so that an agent that has just started knows it too. */
int discover_lent(const struct host *host, struct cpuset **ret);

/* Health readings of the devices that have a check. */
int discover_check(const struct host *host, const struct inventory *inv,
		   int (*report)(const struct reading *reading, void *userdata), void *userdata);

struct discover_watch;
/* Calls changed() at most once per DISCOVER_SETTLE_USEC after events of the subsystems that drivers
 * watch: a burst of hotplug is one re-discovery. Where there is no udev, kernel events are used. */
enum { DISCOVER_SETTLE_USEC = 200 * 1000 };
int discover_watch_new(struct discover_watch **ret, sd_event *loop, void (*changed)(void *userdata),
		       void *userdata, struct fail *f);
struct discover_watch *discover_watch_free(struct discover_watch *w);
