/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The best place for a request in one region, by score.h. It goes over sets of nodes (branch and
 * bound), of each over the sets of nodes that its cores could be on, and of these over classes of
 * devices and over last-level caches; never over single CPUs, pages or slices. On machines of up to
 * 16 nodes and 16 GPUs the answer is the optimum of the score; what it may look at is bounded
 * (SEARCH_*_MAX), and where that is used up, it is the best that was seen.
 *
 * Not searched for, so that an answer may be off the optimum: huge pages that are made of memory
 * (pools are used up first), and the cores that a nearly promised shared pool can spare (the first
 * in order). */

#include "model/path.h"
#include "model/score.h"
#include "model/stock.h"

enum {
	SEARCH_NODE_STEPS_MAX = 1 << 18,   /* sets of nodes, a region */
	SEARCH_DEVICE_STEPS_MAX = 1 << 18, /* steps over classes of devices, a region */
	SEARCH_CACHE_STEPS_MAX = 1 << 16,  /* steps over last-level caches, a region */
};

/* The numbers of the set bits, in rising order. */
#define each_bit(i, bits)                                                 \
	for (uint64_t i##_left = (bits), i = 0;                           \
	     i##_left && (i = (uint64_t)__builtin_ctzll(i##_left), true); \
	     i##_left &= i##_left - 1)

struct search_place { /* where it may look */
	enum score_level level;
	uint64_t nodes;	  /* it may use */
	unsigned package; /* of SCORE_AT_PACKAGE: its place in the inventory */
	bool one_switch;  /* all devices must be behind one */
};

struct search_memory {
	uint64_t bytes, pages[REQUEST_HUGEPAGES_MAX];
};

struct plan { /* what was found */
	struct placement_score score;
	struct search_place place;
	uint64_t used, core_nodes;
	uint16_t devices[LAYOUT_CLASSES_MAX]; /* how many of each class */
	bool found;
};

struct search {
	const struct stock *stock;
	const struct layout *layout;
	struct search_place place;
	uint32_t cores[LAYOUT_NODES_MAX]; /* of groups on that node alone */
	bool loose;			  /* there are others */
	struct plan best;
	uint32_t node_steps, device_steps, cache_steps;
	struct search_l3 *l3s; /* scratch, of all last-level caches */
	uint32_t *picked, picked_count;
};

int search_open(struct search *s, const struct stock *stock);
void search_done(struct search *s);
/* Looks for something better than s->best; of equals the first one stays. */
void search_region(struct search *s, const struct search_place *place);
bool search_takes_group(const struct search *s, size_t group, uint64_t nodes);

/* Memory and huge pages of these nodes, those near the cores first; false: too little. */
bool search_fill(const struct search *s, uint64_t nodes, uint64_t core_nodes,
		 struct search_memory ret[LAYOUT_NODES_MAX]);
/* SLIT from the nearest of the nodes; 0 for one of them and for none of them. */
uint32_t search_far(const struct layout *t, uint64_t from, unsigned to);

/* search_cores.c: which last-level caches: s->picked, in the order in which to fill them. */
struct search_l3 {
	uint32_t l3, fast, slow, gain, free;
	bool whole, forced;
};
struct core_choice {
	uint64_t slow, l3s, broken, left;
};
void search_cores(struct search *s, uint64_t nodes, struct core_choice *ret);

/* search_devices.c: false: nothing that is better than *ret. */
struct device_choice {
	uint64_t links, paths;
	uint64_t floating; /* GPUs of no node: of those of a node fewer stay then */
	uint64_t groups;
	uint16_t counts[LAYOUT_CLASSES_MAX];
};
bool search_devices(struct search *s, uint64_t used, uint64_t home, struct device_choice *ret);
