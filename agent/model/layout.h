/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A sealed inventory as the search for places wants it: numbers instead of texts, and what is alike
 * put together. Made once, when the inventory is sealed; nothing in it changes with what is held.
 * Nodes are counted from 0 in the order of the inventory, sets of them are 64 bits. */

#include "model/device.h"

struct inventory;

enum { LAYOUT_NODES_MAX = 64, LAYOUT_CLASSES_MAX = 512, LAYOUT_NONE = -1 };

struct layout_node {
	const struct device *device; /* NULL: only a device says that it exists */
	uint32_t number;
	uint32_t first_pool; /* of its pools of huge pages, in a count over all nodes */
};

struct layout_core {
	const struct device *device;
	uint32_t group;
	uint32_t word[2]; /* of its CPUs, 64 a word */
	uint64_t mask[2];
	bool wide; /* has CPUs in more words */
};

/* Cores that differ in nothing but their number. */
struct layout_group {
	uint64_t nodes;	   /* that have CPUs of them */
	uint64_t inside;   /* that have all of them */
	uint64_t packages; /* by place in the inventory: that have all of them */
	uint32_t l3;	   /* counted from 0 */
	bool slow;	   /* efficiency cores */
};

struct layout_device { /* GPU, NIC, DISK */
	const struct device *device;
	uint32_t class;
	int port; /* of a virtual function: the first NIC of its port, or its own place */
	uint32_t speed_mbps; /* a virtual function has its port's where it tells none */
};

/* Devices that are equally far from everything. */
struct layout_class {
	enum device_kind kind;
	int node;    /* LAYOUT_NONE: not known, or there is but one */
	bool open;   /* its place is */
	int leader;  /* the device that leads its group of GPUs (see score.h), or LAYOUT_NONE */
	uint32_t to; /* first of its weights in `to_node` */
};

struct layout_package {
	const struct device *device;
	uint64_t nodes; /* that have CPUs of it */
};

struct layout {
	struct layout_node nodes[LAYOUT_NODES_MAX];
	unsigned nodes_count, pools_count;
	uint8_t worst[LAYOUT_NODES_MAX][LAYOUT_NODES_MAX]; /* SLIT, of both directions */
	uint16_t both[LAYOUT_NODES_MAX][LAYOUT_NODES_MAX]; /* their sum */
	uint8_t far[LAYOUT_NODES_MAX][LAYOUT_NODES_MAX];   /* [from][to] */
	struct layout_package packages[LAYOUT_NODES_MAX];  /* more are not looked at */
	unsigned packages_count;
	struct layout_core *cores;
	size_t cores_count, words;
	struct layout_group *groups;
	size_t groups_count, l3s_count;
	struct layout_device *devices;
	size_t devices_count;
	struct layout_class *classes;
	size_t classes_count;
	uint8_t *to_node; /* weight of the path from a class to a node */
	uint8_t *weight;  /* [class][class]: of the path between two of their devices */
	uint32_t *lack;	  /* [class][class]: MB/s to the best link; NULL: no GPU has one */
};

/* -ENOMEM; -ERANGE: more nodes or classes than it counts. */
int layout_new(const struct inventory *inv, struct layout **ret);
struct layout *layout_free(struct layout *t);
static inline void layout_freep(struct layout **t)
{
	layout_free(*t);
}
int layout_node_of(const struct layout *t, uint32_t number); /* LAYOUT_NONE: absent */
/* layout_devices.c */
int layout_add_devices(struct layout *t, const struct inventory *inv);
