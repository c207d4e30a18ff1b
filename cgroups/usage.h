/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a cgroup uses and how it suffers: cpu.stat, memory.current, pids.current, and PSI
 * (Documentation/accounting/psi.rst). */

#include "cgroups/tree.h"

#define CG_UNKNOWN UINT64_MAX
struct cg_usage { /* CG_UNKNOWN where the controller is absent */
	uint64_t cpu_usec, cpu_user_usec, cpu_system_usec, cpu_throttled_usec;
	uint64_t memory_bytes, memory_peak_bytes, swap_bytes;
	uint64_t pids;
};
/* -ENODEV when the cgroup was removed. */
int cg_usage(int cgroup, struct cg_usage *ret);

/* Bytes on a NUMA node that tasks have there: anonymous memory and page cache of memory.numa_stat
 * (Linux 5.10). -ENOENT without it. */
int cg_usage_on_node(int cgroup, uint32_t node, uint64_t *ret);
/* The same of page cache alone. */
int cg_cache_on_node(int cgroup, uint32_t node, uint64_t *ret);

struct cg_pressure { /* percent of wall time, -1 unknown; and all of it so far, 0 unknown */
	double some10, some60, full10, full60;
	uint64_t some_usec, full_usec;
};
enum cg_pressure_kind { CG_PRESSURE_CPU, CG_PRESSURE_MEMORY, CG_PRESSURE_IO, CG_PRESSURES };
STRTAB_DECLARE(cg_pressure_kind, enum cg_pressure_kind); /* "cpu" "memory" "io" */
/* Of a cgroup (file "memory.pressure") or the host (/proc/pressure/memory). -ENOENT, -EOPNOTSUPP
 * when PSI is off. */
int cg_pressure_read(int cgroup, enum cg_pressure_kind kind, struct cg_pressure *ret);
int cg_pressure_read_host(const struct host *host, enum cg_pressure_kind kind,
			  struct cg_pressure *ret);
/* Opens a trigger: POLLPRI on the fd when tasks stalled for stall_usec within window_usec. Closing
 * it ends it. */
struct cg_trigger {
	bool host; /* dirfd is /proc; else a cgroup */
	enum cg_pressure_kind kind;
	bool full;			  /* all tasks stalled at once; else some */
	uint64_t stall_usec, window_usec; /* window 500 ms to 10 s, stall within it */
};
int cg_pressure_trigger(int dirfd, const struct cg_trigger *trigger, int *ret_fd);
