/* SPDX-License-Identifier: Apache-2.0 */
/* Ways and classes; see cache.h. A share is one row of ways, as most hardware demands, and it is
 * taken from the upper end of the smallest row that has room: what is left to the default class
 * should stay in one piece. */
#include "model/cache.h"

#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAYS_MAX = 64 };

void cache_control_done(struct cache_control *c)
{
	for (size_t i = 0; i < c->domains_count; i++)
		cpuset_free(c->domains[i].cpus);
	free(c->domains);
	*c = (struct cache_control){ 0 };
}

int cache_control_add(struct cache_control *c, const struct cache_domain *d)
{
	struct cache_domain *grown = reallocarray(c->domains, c->domains_count + 1, sizeof(*grown));
	struct cpuset *cpus = NULL;

	if (!grown)
		return -ENOMEM;
	c->domains = grown;
	if (cpuset_copy(&cpus, d->cpus) < 0)
		return -ENOMEM;
	grown[c->domains_count] = *d;
	grown[c->domains_count++].cpus = cpus;
	return 0;
}

void cache_shares_done(struct cache_shares *s)
{
	free(s->items);
	*s = (struct cache_shares){ 0 };
}

int cache_shares_add(struct cache_shares *s, uint32_t domain, uint64_t ways)
{
	struct cache_share *grown = reallocarray(s->items, s->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->items = grown;
	s->items[s->count++] = (struct cache_share){ .domain = domain, .ways = ways };
	return 0;
}

static bool shares_have(const struct cache_shares *s, uint32_t domain)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].domain == domain)
			return true;
	return false;
}

int cache_shares_join(struct cache_shares *s, const struct cache_shares *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		if (!shares_have(s, more->items[i].domain))
			r = cache_shares_add(s, more->items[i].domain, more->items[i].ways);
	if (s->bandwidth_percent == 0)
		s->bandwidth_percent = more->bandwidth_percent;
	return r;
}

void cache_use_done(struct cache_use *u)
{
	free(u->ways);
	*u = (struct cache_use){ 0 };
}

int cache_use_new(const struct cache_control *c, struct cache_use *ret)
{
	*ret = (struct cache_use){ .ways = calloc(c->domains_count + 1, sizeof(*ret->ways)) };
	return ret->ways ? 0 : -ENOMEM;
}

void cache_use_add(const struct cache_control *c, const struct cache_shares *s, struct cache_use *u)
{
	u->classes += s->count > 0;
	for (size_t i = 0; i < s->count; i++)
		for (size_t d = 0; d < c->domains_count; d++)
			if (c->domains[d].id == s->items[i].domain)
				u->ways[d] |= s->items[i].ways;
}

uint32_t cache_ways(uint64_t mask)
{
	return (uint32_t)__builtin_popcountll(mask);
}

static uint64_t row_of(unsigned first, unsigned length)
{
	return (length >= WAYS_MAX ? UINT64_MAX : (1ULL << length) - 1) << first;
}

/* The next row of set bits at or above *cursor; its length, 0 at the end. */
static unsigned next_row(uint64_t mask, unsigned *cursor, unsigned *ret_first)
{
	unsigned first = *cursor, length = 0;

	while (first < WAYS_MAX && !(mask >> first & 1))
		first++;
	while (first + length < WAYS_MAX && mask >> (first + length) & 1)
		length++;
	*cursor = first + length;
	*ret_first = first;
	return length;
}

uint64_t cache_default(uint64_t whole, uint64_t held)
{
	unsigned cursor = 0, first, length, best = 0;
	uint64_t result = 0;

	while ((length = next_row(whole & ~held, &cursor, &first)) > 0)
		if (length > best) {
			best = length;
			result = row_of(first, length);
		}
	return result;
}

static uint32_t least(const struct cache_control *c)
{
	return c->ways_minimum > 0 ? c->ways_minimum : 1;
}

static uint64_t taken(const struct cache_control *c, const struct cache_use *u, size_t domain)
{
	uint64_t foreign = c->domains[domain].foreign;

	return u->ways[domain] | (foreign == c->mask ? 0 : foreign); /* of all: not to be avoided */
}

/* So many ways, 0 when they are not there. Ways that devices use too are the last resort. */
static uint64_t find_row(const struct cache_control *c, uint64_t busy, uint32_t ways,
			 bool shareable)
{
	const uint64_t open = c->mask & ~busy & ~(shareable ? 0 : c->shareable);
	unsigned cursor = 0, first, length, best = WAYS_MAX + 1;
	uint64_t result = 0;

	while ((length = next_row(open, &cursor, &first)) > 0) {
		uint64_t row;

		if (length < ways || length >= best)
			continue;
		row = row_of(first + length - ways, ways);
		if (cache_ways(cache_default(c->mask, busy | row)) < least(c))
			row = row_of(first, ways); /* the lower end leaves another rest */
		if (cache_ways(cache_default(c->mask, busy | row)) < least(c))
			continue;
		best = length;
		result = row;
	}
	return result;
}

static uint64_t pick_row(const struct cache_control *c, uint64_t busy, uint32_t ways)
{
	uint64_t row = find_row(c, busy, ways, false);

	return row ? row : find_row(c, busy, ways, true);
}

uint32_t cache_ways_free(const struct cache_control *c, const struct cache_use *u, size_t domain)
{
	uint32_t ways = c->ways ? cache_ways(c->mask) : 0;

	while (ways > 0 && (ways < least(c) || !pick_row(c, taken(c, u, domain), ways)))
		ways--;
	return ways;
}

uint32_t cache_classes_free(const struct cache_control *c, const struct cache_use *u)
{
	uint64_t busy = (uint64_t)c->classes_foreign + u->classes;

	return busy < c->classes ? c->classes - (uint32_t)busy : 0;
}

void cache_offer_done(struct cache_offer *o)
{
	free(o->rooms);
	*o = (struct cache_offer){ 0 };
}

int cache_offer_make(const struct cache_control *c, const struct cache_use *u,
		     const struct cpuset *cpus, struct cache_offer *ret)
{
	struct cache_offer o = { .classes = cache_control_present(c) ? cache_classes_free(c, u) : 0,
				 .bandwidth = c->bandwidth };

	o.rooms = calloc(c->domains_count + 1, sizeof(*o.rooms));
	if (!o.rooms)
		return -ENOMEM;
	for (size_t i = 0; i < c->domains_count; i++) {
		const struct cache_domain *d = &c->domains[i];
		uint32_t ways = cache_ways_free(c, u, i);

		if (cpuset_intersects(d->cpus, cpus))
			o.rooms[o.count++] = (struct cache_room){
				.domain = d->id,
				.ways = ways,
				.bytes = c->ways ? d->bytes / cache_ways(c->mask) * ways : 0,
			};
	}
	*ret = o;
	return 0;
}

/* Rounded up: less than asked is not what was asked. */
static uint32_t ways_of(const struct cache_control *c, const struct cache_domain *d,
			const struct cache_request *r)
{
	const uint32_t all = cache_ways(c->mask);
	uint64_t way = d->bytes / all, ways = r->ways;

	if (ways == 0 && r->bytes > 0)
		ways = way > 0 ? r->bytes / way + (r->bytes % way > 0) : all + 1;
	if (ways > 0 && ways < least(c))
		ways = least(c);
	return ways > all ? all + 1 : (uint32_t)ways;
}

/* To the next step that the hardware has. */
static uint32_t bandwidth_of(const struct cache_control *c, uint32_t percent)
{
	const uint32_t step = c->bandwidth_step > 0 ? c->bandwidth_step : 1;
	uint32_t over;

	if (percent == 0 || percent <= c->bandwidth_minimum)
		return percent == 0 ? 0 : c->bandwidth_minimum;
	over = (percent - c->bandwidth_minimum) % step;
	percent = over ? percent + step - over : percent;
	return percent > 100 ? 100 : percent;
}

static int refuse(char why[CACHE_WHY_ROOM], int answer, const char *text)
{
	(void)snprintf(why, CACHE_WHY_ROOM, "%s", text);
	return answer;
}

struct picking {
	const struct cache_control *control;
	const struct cache_use *use;
	const struct cache_request *request;
	struct cache_shares shares;
	char *why; /* CACHE_WHY_ROOM */
};

static int pick_domain(struct picking *p, size_t domain)
{
	const struct cache_control *c = p->control;
	const struct cache_domain *d = &c->domains[domain];
	uint32_t ways = ways_of(c, d, p->request);
	uint64_t row = ways > 0 ? pick_row(c, taken(c, p->use, domain), ways) : 0;

	if (ways > 0 && !row) {
		(void)snprintf(p->why, CACHE_WHY_ROOM,
			       "cache %" PRIu32 " has %" PRIu32 " ways free of %" PRIu32
			       ", %" PRIu32 " are asked for",
			       d->id, cache_ways_free(c, p->use, domain), cache_ways(c->mask),
			       ways);
		return CACHE_SHORT;
	}
	return cache_shares_add(&p->shares, d->id, row);
}

static int check(const struct cache_control *c, const struct cache_use *u,
		 const struct cache_request *r, char why[CACHE_WHY_ROOM])
{
	if ((r->ways > 0 || r->bytes > 0) && !c->ways)
		return refuse(why, CACHE_UNSUPPORTED,
			      "this host has no cache allocation that can be set (resctrl)");
	if (r->bandwidth_percent > 0 && !c->bandwidth)
		return refuse(why, CACHE_UNSUPPORTED,
			      "this host has no memory bandwidth allocation in per cent (resctrl)");
	if (cache_classes_free(c, u) == 0)
		return refuse(why, CACHE_SHORT,
			      "no class of the cache and memory controllers is left");
	return 0;
}

int cache_pick(const struct cache_control *c, const struct cache_use *u,
	       const struct cache_wish *wish, struct cache_shares *ret, char why[CACHE_WHY_ROOM])
{
	struct picking p = { .control = c, .use = u, .request = wish->request, .why = why };
	int r = check(c, u, wish->request, why);

	for (size_t i = 0; r == 0 && i < c->domains_count; i++)
		if (cpuset_intersects(c->domains[i].cpus, wish->cpus))
			r = pick_domain(&p, i);
	if (r == 0 && p.shares.count == 0)
		r = refuse(why, CACHE_UNSUPPORTED,
			   "none of its CPUs has a cache that can be shared out");
	if (r != 0) {
		cache_shares_done(&p.shares);
		return r;
	}
	p.shares.bandwidth_percent = bandwidth_of(c, wish->request->bandwidth_percent);
	*ret = p.shares;
	return 0;
}
