/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two searches that reference-best.c is made of: the best cores on given nodes, and the best
 * devices. Sets of nodes are masks over the nodes of `reference_stage`. */

#include "tests/unit/reference.h"

enum { REFERENCE_NODES = 16, REFERENCE_DEVICES = 64, REFERENCE_CORES = 512 };

struct reference_stage {
	const struct view *view;
	const struct request *request;
	const struct device *nodes[REFERENCE_NODES];
	size_t nodes_count;
	uint64_t memory[REFERENCE_NODES], pages[REFERENCE_NODES]; /* free */
	struct cpuset *pool;					  /* of shared CPUs */
	int64_t spare; /* thousandths of a CPU that it can lose */
	uint64_t steps, limit;
};

struct reference_cores { /* usable ones; those of one class serve equally well */
	const struct device *item[REFERENCE_CORES];
	unsigned node[REFERENCE_CORES], loss[REFERENCE_CORES]; /* index; CPUs that the pool loses */
	size_t count;
};
void reference_cores_find(const struct reference_stage *s, struct reference_cores *ret);
/* Whether the request's cores can be had on these nodes. */
bool reference_cores_fit(const struct reference_stage *s, const struct reference_cores *c,
			 unsigned home);
/* Adds the best of them to the allocation; they fit. false: given up. */
bool reference_cores_take(struct reference_stage *s, const struct reference_cores *c, unsigned home,
			  struct allocation *a);

struct reference_devices { /* usable ones of the classes that are asked for */
	const struct device *item[REFERENCE_DEVICES];
	int node[REFERENCE_DEVICES];   /* index; -1: open, -2: there is but one */
	int like[REFERENCE_DEVICES];   /* the one before it that it could stand for; -1 none */
	int leader[REFERENCE_DEVICES]; /* see score.h: of its group, an index of gpus; -1 none */
	uint32_t path[REFERENCE_DEVICES][REFERENCE_DEVICES],
		link[REFERENCE_DEVICES][REFERENCE_DEVICES]; /* what the pair lacks */
	size_t count;
	const struct device *gpus[REFERENCE_DEVICES]; /* all that are offered */
	int gpu_leader[REFERENCE_DEVICES];
	size_t gpus_count;
};
void reference_devices_find(const struct reference_stage *s, struct reference_devices *ret);
/* Whether what is asked for can be had on these nodes and so many open places. */
bool reference_devices_fit(const struct reference_stage *s, const struct reference_devices *d,
			   unsigned nodes, unsigned open);
struct reference_wish {
	unsigned nodes, home, open; /* where from, for which home, how many in open places */
	bool one_switch;	    /* all behind one */
};
/* 1: the best of them are added to the allocation; 0: there are none; -1: given up. */
int reference_devices_take(struct reference_stage *s, const struct reference_devices *d,
			   const struct reference_wish *wish, struct allocation *a);
