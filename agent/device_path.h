/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a device node's numbers to its name below /dev. */

#include "util/device_rule.h"
#include "util/host.h"

/* As the kernel named it (DEVNAME of its uevent), else the node directly in /dev that has these
 * numbers: drivers outside of the kernel's tree make theirs by hand. Heap, absolute. -ENOENT,
 * -ENOMEM. */
int device_path(const struct host *host, const struct device_rule *rule, char **ret);
