/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an upstream wants a slice to hold. Plain data; its strings are owned here. */

#include "model/cache.h"
#include "model/limits.h"
#include "util/cpuset.h"

/* Not in order of width; a switch is within one node, and all devices are behind it. */
enum align_level { ALIGN_NODE, ALIGN_PACKAGE, ALIGN_NONE, ALIGN_SWITCH, ALIGN_LEVELS };
STRTAB_DECLARE(align_level, enum align_level); /* "node" "package" "none" "switch" */

/* Of equally good places: that which breaks least of what is whole, the fullest, the emptiest. */
enum strategy { STRATEGY_LEAVE_LARGEST_HOLE, STRATEGY_PACK, STRATEGY_SPREAD };
STRTAB_DECLARE(strategy, enum strategy); /* "leave-largest-hole" "pack" "spread" */

/* From the other slices of the owner: on no node, or in no package, that they use. */
enum apart { APART_NONE, APART_NODE, APART_PACKAGE };
STRTAB_DECLARE(apart, enum apart); /* "none" "node" "package" */
enum isolation { ISOLATION_BEST_EFFORT, ISOLATION_REQUIRED };
STRTAB_DECLARE(isolation, enum isolation); /* "best-effort" "required" */

/* Interrupts of the slice's own devices: kept off its CPUs as all others, or spread over them. */
enum interrupts { INTERRUPTS_AWAY, INTERRUPTS_SLICE };
STRTAB_DECLARE(interrupts, enum interrupts); /* "away" "slice" */
/* Of exclusive CPUs: without the load balancing of the kernel, or with it among themselves. */
enum partition { PARTITION_ISOLATED, PARTITION_ROOT };
STRTAB_DECLARE(partition, enum partition); /* "isolated" "root" */

enum {
	REQUEST_HUGEPAGES_MAX = 8, /* page sizes; x86-64 has 2, arm64 up to 4 */
	REQUEST_LABELS_MAX = 64,
	REQUEST_CORES_MAX = 65536,
	REQUEST_DEVICES_MAX = 4096,
};

struct request_hugepages {
	uint64_t size_bytes, count;
};
struct request_label {
	char *key, *value;
};

enum nic_function { NIC_FUNCTION_ANY, NIC_FUNCTION_WHOLE, NIC_FUNCTION_VIRTUAL };
STRTAB_DECLARE(nic_function, enum nic_function); /* "any" "whole" "virtual" */

struct request_nic { /* what each of the NICs must be */
	enum nic_function function;
	uint32_t speed_mbps; /* at least; a virtual function has its port's where it tells none */
};

struct request {
	char *name;  /* of the slice; NULL: the agent chooses */
	char *owner; /* free text, NULL none */
	char *role;  /* NULL: "default" */
	struct request_label *labels;
	size_t labels_count;
	uint32_t cores;		   /* whole cores, exclusive */
	uint32_t shared_millicpus; /* 500: half a CPU of the shared pool */
	uint64_t memory_bytes;	   /* 0: none is set aside, no limit */
	struct request_hugepages hugepages[REQUEST_HUGEPAGES_MAX];
	size_t hugepages_count;
	uint32_t devices[DEVICE_KINDS]; /* how many of each class: GPU, NIC, DISK only */
	struct request_nic nic;
	enum align_level align;
	bool align_required; /* else: as near as it can be had */
	enum strategy strategy;
	enum apart apart;
	bool apart_required;	    /* else: where it costs no wider level */
	struct cpuset *apart_nodes; /* that the owner's other slices use, by who asks; or NULL */
	enum isolation isolation;
	enum interrupts interrupts;
	bool revocable; /* may be throttled, stopped and taken away when the host needs it */
	enum partition partition;
	uint64_t processes_max; /* 0: no limit */
	struct request_limits limits;
	struct cache_request cache;
	/* Taken from an offer: only what is in these. NULL / none: the whole machine. */
	char *offer;
	struct cpuset *within_cpus, *within_nodes;
	char **within_devices;
	size_t within_devices_count;
};

void request_init(struct request *r);
void request_done(struct request *r);
/* A request for nothing at all (no CPU, memory, hugepage or device). */
bool request_empty(const struct request *r);
uint64_t request_hugepages(const struct request *r, uint64_t size_bytes); /* pages */
