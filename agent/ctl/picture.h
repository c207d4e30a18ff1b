/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The machine as it is drawn, text and SVG alike: cores in the order package > node > L3 > kind,
 * who holds each CPU, devices by node, marks of health. Made from the API's documents, of which any
 * may be NULL, incomplete or wrong; it borrows their strings, so they must outlive it. */

#include "util/buf.h"
#include "util/cpuset.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

enum { PICTURE_CPUS_MAX = 8192, PICTURE_NOWHERE = -1 };

enum holder { /* what a CPU or device is marked with; >= 0: the slice of that index */
	      HOLDER_FREE = -1,
	      HOLDER_SHARED = -2,   /* in the pool that slices with shared CPUs use */
	      HOLDER_RESERVED = -3, /* not offered: kept for the host */
	      HOLDER_ISOLATED = -4, /* kept from the kernel's scheduler, free */
	      HOLDER_MARKED = -5,   /* the slice that is to be seen at once */
};

enum mark { MARK_NONE, MARK_DEGRADED, MARK_FAILED };

struct picture_core {
	int package, node, l3; /* PICTURE_NOWHERE unknown; node also where it spans packages */
	bool efficiency;
	struct cpuset *cpus; /* owned, never empty */
	enum mark mark;
};

struct picture_package {
	int number;
	const char *model; /* NULL unknown */
	enum mark mark;
};

struct picture_node {
	int number;
	int package; /* PICTURE_NOWHERE: without CPUs, or spanning packages */
	uint64_t memory_bytes;
	const json_t *json;
	bool host_memory;
	enum mark mark;
};

struct picture_device {
	const char *kind; /* "gpu", "nic", "disk" */
	const char *id;	  /* "gpu-0000:17:00.0" */
	int node;	  /* PICTURE_NOWHERE unknown */
	int holder;	  /* slice or HOLDER_FREE, HOLDER_RESERVED where it is not offered */
	const json_t *json;
	enum mark mark;
};

struct picture {
	const json_t *inventory, *node; /* documents */
	const json_t **slices;
	struct picture_package *packages;
	struct picture_node *nodes;
	struct picture_core *cores;
	struct picture_device *devices;
	const json_t **conditions; /* worse than ok */
	size_t slices_count, packages_count, nodes_count, cores_count, devices_count;
	size_t conditions_count;
	size_t marked;			       /* the slice drawn as HOLDER_MARKED; SIZE_MAX none */
	size_t virtual_nics;		       /* not drawn */
	size_t left_out;		       /* cores that could not be drawn */
	int16_t holders[PICTURE_CPUS_MAX];     /* of CPUs */
	unsigned highest_cpu, threads_maximum; /* per core */
	bool has_shared, has_reserved, has_isolated, has_efficiency;
};

/* documents: each NULL, or as the API gives it. -ENOMEM. */
int picture_new(struct picture **ret, const json_t *inventory, const json_t *slices,
		const json_t *health, const json_t *node);
struct picture *picture_free(struct picture *p);
static inline void picture_freep(struct picture **p)
{
	picture_free(*p);
}

const struct picture_node *picture_node_of(const struct picture *p, int number); /* or NULL */

/* Draws the slice of that id so that it stands out. -ENOENT when there is none. */
int picture_mark(struct picture *p, const char *id);
/* As what a slice is drawn: its index or HOLDER_MARKED. */
int picture_holder(const struct picture *p, size_t slice);

/* 'A'.. 'Z', 'a'.. 'z', then '+'. */
char picture_letter(size_t slice);

/* The end of the run of cores from `from` that share its package (depth 1), node (2), L3 and kind
 * (3). */
size_t picture_run(const struct picture *p, size_t from, size_t end, unsigned depth);

/* Facts, for both drawings: "NVIDIA A100 · 40 GiB". Separated by " · "; may be empty. */
void picture_device_facts(struct buf *into, const struct picture_device *d);
const char *picture_device_name(const struct picture_device *d); /* "0000:17:00.0", "eth0" */
void picture_machine(struct buf *into, const struct picture *p); /* "2 packages · 64 cores" */
/* "76 GiB free of 128 GiB": free of slices, not what the kernel has free. */
void picture_memory(struct buf *into, const struct picture *p, const struct picture_node *n);
void picture_hugepages(struct buf *into, const struct picture_node *n);
void picture_firmware(struct buf *into, const struct picture *p);  /* vendor, BIOS, boot, TPM */
void picture_dimms(struct buf *into, const struct picture *p);	   /* "16 × 32 GiB 3200 MT/s" */
void picture_slice(struct buf *into, const json_t *slice);	   /* its facts for the legend */
void picture_cpus_left(struct buf *into, const struct picture *p); /* offline, isolated, .. */

/* Bytes of a node's memory that the slice holds; SIZE_MAX slice: that any holds. */
uint64_t picture_claimed(const struct picture *p, const struct picture_node *n, size_t slice);
