/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Random machines, hosts and requests for the tests of placement. The same seed makes the same one
 * on every computer, so a test prints the seed of what failed. */

#include "tests/unit/model-fixture.h"

struct random {
	uint64_t state; /* never 0: random_of makes it so */
};
static inline struct random random_of(uint64_t seed)
{
	return (struct random){ seed * 2654435761U + 1 };
}
/* xorshift64*: 0..limit-1. */
static inline uint64_t random_draw(struct random *r, uint64_t limit)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (r->state * 2685821657736338717ULL >> 11) % limit;
}

struct random_size { /* at most so many; there may be none of all but nodes and cores */
	unsigned nodes;
	unsigned cores;	       /* of one node */
	unsigned gpus, others; /* others: NICs and disks together */
	bool honest; /* nothing contradicts itself: no CPU of two cores, no address of two devices,
		      * distances that are the same both ways */
};

/* Nodes with holes in their numbers, without CPUs, without memory, of the memory of a GPU; cores of
 * one to four threads with some of them offline; caches of uneven size, sometimes unknown; devices
 * behind switches, in places that are sometimes not told. Not sealed. */
struct inventory *random_machine(struct random *r, const struct random_size *size);
/* What of it is kept for the host, and what has failed. */
void random_host(struct random *r, struct stage *s);
struct request random_request(struct random *r, const struct random_size *size);
/* How the place is chosen, a switch, and from which nodes it should stay apart: request_done after
 * it. */
void random_policy(struct random *r, const struct inventory *inv, struct request *q);
