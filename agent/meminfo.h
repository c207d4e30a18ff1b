/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How much memory there is of a kind: /proc/meminfo, and that of a NUMA node
 * (/sys/devices/system/node/node1/meminfo), which names itself in every line. */

#include "util/host.h"

/* Bytes behind a key with its colon ("MemTotal:"). -ENOENT, -EBADMSG. */
int meminfo_read(int dirfd, const char *file, const char *key, uint64_t *ret);
/* Bytes of a node that nobody uses, not even as page cache: MemFree. */
int meminfo_node_free(const struct host *host, uint32_t node, uint64_t *ret);
