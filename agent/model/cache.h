/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shares of the last-level caches and of memory bandwidth, as classes of the processor: a class is
 * scarce (often 15 of them), and so are the ways of a cache. What a machine has, what of it is
 * taken, and which ways a request gets; cgroups/resctrl.h is how the kernel is told. */

#include "util/cpuset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache_domain { /* one last-level cache */
	uint32_t id;  /* the kernel's */
	struct cpuset *cpus;
	uint64_t bytes;	  /* 0 unknown */
	uint64_t foreign; /* ways of classes that are not ours */
};

struct cache_control {
	bool ways, bandwidth;	  /* whether each can be set; both false: there is nothing */
	uint64_t mask;		  /* all ways of one domain */
	uint64_t shareable;	  /* that devices use too: given last */
	uint32_t ways_minimum;	  /* of one class, in a row */
	uint32_t classes;	  /* beside the default one */
	uint32_t classes_foreign; /* in use, and not ours */
	uint32_t bandwidth_minimum, bandwidth_step; /* per cent */
	struct cache_domain *domains;
	size_t domains_count;
};
static inline bool cache_control_present(const struct cache_control *c)
{
	return c->ways || c->bandwidth;
}
void cache_control_done(struct cache_control *c);
int cache_control_add(struct cache_control *c, const struct cache_domain *d); /* copies its CPUs */

struct cache_request {
	uint32_t ways;		    /* of each cache of its CPUs; 0: bytes say */
	uint64_t bytes;		    /* 0 neither */
	uint32_t bandwidth_percent; /* 0: no limit */
};
static inline bool cache_request_empty(const struct cache_request *r)
{
	return r->ways == 0 && r->bytes == 0 && r->bandwidth_percent == 0;
}

struct cache_share {
	uint32_t domain;
	uint64_t ways; /* a mask, 0: bandwidth only */
};
struct cache_shares { /* of one slice; none: it has no class */
	struct cache_share *items;
	size_t count;
	uint32_t bandwidth_percent; /* as the hardware can hold it, 0: no limit */
};
void cache_shares_done(struct cache_shares *s);
int cache_shares_add(struct cache_shares *s, uint32_t domain, uint64_t ways);
/* What `more` has of domains that `s` has nothing of. */
int cache_shares_join(struct cache_shares *s, const struct cache_shares *more);

/* What all slices hold: the masks by place of the domain, and the classes. */
struct cache_use {
	uint64_t *ways; /* [domains_count] */
	uint32_t classes;
};
void cache_use_done(struct cache_use *u);
int cache_use_new(const struct cache_control *c, struct cache_use *ret);
void cache_use_add(const struct cache_control *c, const struct cache_shares *s,
		   struct cache_use *u);

uint32_t cache_ways(uint64_t mask);
/* Free ways in a row that a request could have there: the default class keeps its least. */
uint32_t cache_ways_free(const struct cache_control *c, const struct cache_use *u, size_t domain);
uint32_t cache_classes_free(const struct cache_control *c, const struct cache_use *u);
/* The ways that are left to the default class: the longest row of those in `whole` that no slice
 * holds. */
uint64_t cache_default(uint64_t whole, uint64_t held);

/* What of it could be had now, of the caches of some CPUs; no class: nothing. */
struct cache_offer {
	uint32_t classes; /* of the machine: whoever takes one takes it from all offers */
	bool bandwidth;
	struct cache_room {
		uint32_t domain, ways;
		uint64_t bytes;
	} * rooms;
	size_t count;
};
void cache_offer_done(struct cache_offer *o);
int cache_offer_make(const struct cache_control *c, const struct cache_use *u,
		     const struct cpuset *cpus, struct cache_offer *ret);

/* What is wanted, for tasks that run on these CPUs. */
struct cache_wish {
	const struct cache_request *request;
	const struct cpuset *cpus;
};
/* The shares of a wish. 0, -ENOMEM, or > 0 with a sentence: it cannot be had. */
enum { CACHE_SHORT = 1, CACHE_UNSUPPORTED = 2, CACHE_WHY_ROOM = 128 };
int cache_pick(const struct cache_control *c, const struct cache_use *u,
	       const struct cache_wish *wish, struct cache_shares *ret, char why[CACHE_WHY_ROOM]);
