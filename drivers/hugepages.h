/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pools of huge pages (Documentation/admin-guide/mm/hugetlbpage.rst): per node and size how many
 * there are and how many are free. An XML topology tells no free ones, so it lists none. */

#include "model/device.h"
#include "util/host.h"

/* Sorted by size. whole: without per-node files, the pools of the whole machine are the node's. 0
 * also when there is none. -ENOMEM. */
int hugepages_fill(struct device_node *node, const struct host *host, bool whole);

/* "hugepages-2048kB" -> 2097152; 0 when it is no such name. */
uint64_t hugepages_size_of_name(const char *name);
