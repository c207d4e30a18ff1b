/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a request could be given of a view, as numbers over the view's layout: counted once for a
 * decision, so that the search looks at no text and at no slice. It says the same as free.h. */

#include "model/free.h"
#include "model/layout.h"
#include "model/request.h"

enum { STOCK_KINDS = 3 }; /* GPU, NIC, DISK in this order */

struct stock_node {
	uint64_t memory;			    /* free; 0 where the request may not take any */
	uint64_t pages[REQUEST_HUGEPAGES_MAX];	    /* of each of the stock's sizes */
	bool has_pool[REQUEST_HUGEPAGES_MAX];	    /* and more could be made of memory */
	uint32_t cores_free, cores_held, cores_all; /* that have a CPU of it */
	uint32_t devices[STOCK_KINDS];		    /* as asked for and free */
	uint32_t gpus_free;
	uint64_t memory_held;
	bool touched, ill; /* somebody holds something of it; its verdict is failed */
	uint32_t fullness; /* as SCORE_FULLNESS counts it */
};

struct stock_l3 {
	uint32_t free, all;
};

struct stock {
	const struct view *view;
	const struct request *request;
	const struct layout *layout;
	struct stock_node nodes[LAYOUT_NODES_MAX];
	uint64_t hugepages[REQUEST_HUGEPAGES_MAX], hugepage_bytes[REQUEST_HUGEPAGES_MAX];
	size_t sizes;	/* of huge pages that are asked for, the largest first */
	uint64_t apart; /* nodes to stay apart from */
	uint32_t wanted[STOCK_KINDS];
	uint32_t floating[STOCK_KINDS]; /* of no node, and their place is not open */
	uint32_t open[STOCK_KINDS];
	int64_t shared_spare; /* thousandths of a CPU of the pool; INT64_MAX: all can be taken */
	uint32_t *groups;     /* cores of each group that could be taken */
	struct stock_l3 *l3s;
	bool *takeable;	      /* [core] */
	uint32_t *classes;    /* devices of each class, as asked for and free */
	uint8_t *devices;     /* STOCK_DEVICE_* */
	uint64_t *pages_held; /* of each pool */
	uint32_t *group_all,
		*group_free; /* by leader: GPUs that are offered, those that are free */
};

enum { STOCK_DEVICE_HELD = 1, STOCK_DEVICE_ILL = 2, STOCK_DEVICE_FREE = 4, STOCK_DEVICE_FITS = 8 };

int stock_take(const struct view *v, const struct request *request, struct stock **ret);
struct stock *stock_free(struct stock *s);
static inline void stock_freep(struct stock **s)
{
	stock_free(*s);
}
static inline int stock_kind(enum device_kind kind)
{
	return (int)kind - DEVICE_GPU;
}
/* stock_devices.c */
void stock_count_devices(struct stock *s);
void stock_mark_held(struct stock *s, const struct allocation *a);
void stock_mark_ill(struct stock *s, const struct device *d);
