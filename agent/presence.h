/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Devices that are gone: one that a slice holds is a condition, and what was known of the others is
 * forgotten. Likewise CPUs that went offline under a slice. */

#include "model/allocation.h"
#include "model/health.h"
#include "model/inventory.h"

/* Readings of type "presence": FAILED of each device that a slice holds and that is not in the
 * inventory, naming the slice; OK of those that had one and are there again. A device that is back
 * under a slice that still holds it is held: it is free when the slice is gone. And always one of
 * type "held-cpus" of the subject "node": DEGRADED when exclusive CPUs of slices are not online.
 * What report() says below 0 is returned, and -ENOMEM. */
int presence_check(const struct inventory *inv, const struct ledger *ledger,
		   const struct health *health,
		   int (*report)(const struct reading *reading, void *userdata), void *userdata);

/* The next device (subject) with a condition that is neither in the inventory nor held: nothing
 * reads it any more. NULL when there is none; the name is the health's own. */
const char *presence_gone(const struct inventory *inv, const struct ledger *ledger,
			  const struct health *health);
