/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* proc(5), /proc/cpuinfo: blocks of "key : value" lines, one block a processor, what is the same
 * for all at the end (PowerPC, s390). Only asked for what sysfs and hwloc do not tell. */

#include "util/host.h"

struct cpuinfo {
	char *text; /* NULL when it cannot be read */
};

enum { CPUINFO_LIMIT_BYTES = 16 << 20 };

int cpuinfo_read(struct cpuinfo *ret, const struct host *host); /* -ENOMEM only */
void cpuinfo_done(struct cpuinfo *c);
/* The value of the key in the block of that processor, copied into room and cut to it; false when
 * there is none. */
bool cpuinfo_value(const struct cpuinfo *c, unsigned cpu, const char *key, char *room, size_t size);
