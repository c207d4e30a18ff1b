/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unit properties: one table, name -> D-Bus type -> encoder (org.freedesktop.systemd1(5)). */

#include "util/cpuset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

enum property {
	PROPERTY_DESCRIPTION,
	PROPERTY_SLICE,
	PROPERTY_DELEGATE,
	PROPERTY_PIDS,
	PROPERTY_ALLOWED_CPUS,
	PROPERTY_ALLOWED_MEMORY_NODES,
	PROPERTY_CPU_WEIGHT,
	PROPERTY_CPU_QUOTA_PER_SEC_USEC,
	PROPERTY_MEMORY_MIN,
	PROPERTY_MEMORY_LOW,
	PROPERTY_MEMORY_HIGH,
	PROPERTY_MEMORY_MAX,
	PROPERTY_MEMORY_SWAP_MAX,
	PROPERTY_TASKS_MAX,
	PROPERTY_IO_READ_BANDWIDTH_MAX,
	PROPERTY_IO_WRITE_BANDWIDTH_MAX,
	PROPERTY_IO_READ_IOPS_MAX,
	PROPERTY_IO_WRITE_IOPS_MAX,
	PROPERTY_IO_DEVICE_WEIGHT,
	PROPERTY_IO_DEVICE_LATENCY_TARGET_USEC,
	PROPERTY_COLLECT_MODE,
	PROPERTY_DEFAULT_DEPENDENCIES,
	PROPERTY_OOM_POLICY,
	PROPERTY_KILL_MODE,
	PROPERTIES,
};

struct property_pair {
	const char *path; /* of a device node */
	uint64_t number;
};

struct property_value {
	enum property property;
	union {				  /* by the D-Bus type in the table: */
		const char *text;	  /* s */
		uint64_t number;	  /* t */
		bool yes;		  /* b */
		const struct cpuset *set; /* ay: a bitmask, least significant byte first */
		struct {		  /* au */
			const uint32_t *values;
			size_t count;
		} numbers;
		struct { /* a(st) */
			struct property_pair *items;
			size_t count;
		} pairs;
	};
};

const char *property_name(enum property p);	 /* "AllowedCPUs" */
const char *property_signature(enum property p); /* "ay" */
/* Appends one (sv). 0 or a negative errno of sd-bus. */
int property_append(sd_bus_message *m, const struct property_value *value);
/* Reads a property of the type ay back from a message positioned at its variant, or in it. -EINVAL
 * for another type, -ERANGE for a number above CPUSET_MAX. */
int property_read_set(sd_bus_message *m, struct cpuset **ret);
