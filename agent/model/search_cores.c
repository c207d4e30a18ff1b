/* SPDX-License-Identifier: Apache-2.0 */
/* The search over last-level caches; see search.h. Those that are alike are counted together; the
 * fewest caches first, then what is left of them. */
#include "model/search.h"

#include <stdlib.h>

struct kind_of_l3 { /* that are alike for what is looked for */
	uint32_t first, count, gain, free;
	bool whole;
};

struct narrowing {
	struct search *search;
	struct kind_of_l3 *kinds;
	size_t kinds_count;
	uint64_t broken, free;		 /* of what is chosen */
	uint64_t best_broken, best_free; /* UINT64_MAX: none yet */
	uint32_t *chosen, *best;	 /* how many of each kind */
};

/* Performance cores go before efficiency cores. Returns how many performance cores there are. */
static uint64_t list_l3s(struct search *s, uint64_t nodes, uint32_t *ret_count)
{
	const struct layout *t = s->layout;
	uint64_t fast = 0;
	uint32_t count = 0;

	for (size_t i = 0; i < t->l3s_count; i++)
		s->l3s[i] = (struct search_l3){ .l3 = (uint32_t)i,
						.free = s->stock->l3s[i].free,
						.whole = s->stock->l3s[i].free ==
							 s->stock->l3s[i].all };
	for (size_t i = 0; i < t->groups_count; i++) {
		struct search_l3 *l3 = &s->l3s[t->groups[i].l3];

		if (!search_takes_group(s, i, nodes))
			continue;
		*(t->groups[i].slow ? &l3->slow : &l3->fast) += s->stock->groups[i];
		fast += t->groups[i].slow ? 0 : s->stock->groups[i];
	}
	for (size_t i = 0; i < t->l3s_count; i++)
		if (s->l3s[i].fast + s->l3s[i].slow > 0)
			s->l3s[count++] = s->l3s[i];
	*ret_count = count;
	return fast;
}

/* The most first, of equals the whole ones last, then the fullest, then the lowest. */
static int compare_l3s(const void *left, const void *right)
{
	const struct search_l3 *a = left, *b = right;

	if (a->forced != b->forced)
		return a->forced ? -1 : 1;
	if (a->gain != b->gain)
		return a->gain > b->gain ? -1 : 1;
	if (a->whole != b->whole)
		return a->whole ? 1 : -1;
	if (a->free != b->free)
		return a->free < b->free ? -1 : 1;
	return a->l3 < b->l3 ? -1 : a->l3 > b->l3;
}

static bool is_better(const struct narrowing *n, uint64_t broken, uint64_t free_left)
{
	return broken != n->best_broken ? broken < n->best_broken : free_left < n->best_free;
}

/* `caches` more, of which the cores make up `wanted`. */
static void choose(struct narrowing *n, size_t kind, uint64_t caches, uint64_t wanted)
{
	const struct kind_of_l3 *k = &n->kinds[kind];
	uint64_t most;

	if (!is_better(n, n->broken, n->free))
		return;
	if (caches == 0) {
		n->best_broken = n->broken;
		n->best_free = n->free;
		for (size_t i = 0; i < n->kinds_count; i++)
			n->best[i] = i < kind ? n->chosen[i] : 0;
		return;
	}
	if (kind == n->kinds_count || caches * k->gain < wanted)
		return;
	most = caches < k->count ? caches : k->count;
	for (uint64_t m = most + 1; m-- > 0 && n->search->cache_steps < SEARCH_CACHE_STEPS_MAX;) {
		uint64_t gain = m * k->gain;

		n->search->cache_steps++;
		n->chosen[kind] = (uint32_t)m;
		n->broken += k->whole ? m : 0;
		n->free += m * k->free;
		choose(n, kind + 1, caches - m, gain < wanted ? wanted - gain : 0);
		n->broken -= k->whole ? m : 0;
		n->free -= m * k->free;
	}
}

/* Like ones of the sorted list from `first` on. */
static size_t list_kinds(const struct search *s, uint32_t first, uint32_t count,
			 struct kind_of_l3 *kinds)
{
	size_t n = 0;

	for (uint32_t i = first; i < count; i++) {
		const struct search_l3 *l3 = &s->l3s[i];

		if (n > 0 && kinds[n - 1].gain == l3->gain && kinds[n - 1].free == l3->free &&
		    kinds[n - 1].whole == l3->whole)
			kinds[n - 1].count++;
		else
			kinds[n++] = (struct kind_of_l3){ .first = i,
							  .count = 1,
							  .gain = l3->gain,
							  .free = l3->free,
							  .whole = l3->whole };
	}
	return n;
}

static void pick(struct search *s, const struct search_l3 *l3, struct core_choice *ret)
{
	s->picked[s->picked_count++] = l3->l3;
	ret->l3s++;
	ret->broken += l3->whole;
	ret->left += l3->free;
}

/* The fewest: how many of the largest make up what is wanted. */
static uint64_t fewest(const struct search *s, uint32_t first, uint32_t count, uint64_t wanted)
{
	uint64_t sum = 0, n = 0;

	for (uint32_t i = first; i < count && sum < wanted; i++, n++)
		sum += s->l3s[i].gain;
	return n;
}

enum { KINDS_MAX = 256 };

static void narrow(struct search *s, uint32_t first, uint32_t count, uint64_t wanted,
		   struct core_choice *ret)
{
	struct kind_of_l3 kinds[KINDS_MAX];
	uint32_t chosen[KINDS_MAX], best[KINDS_MAX];
	struct narrowing n = { .search = s,
			       .kinds = kinds,
			       .best_broken = UINT64_MAX,
			       .chosen = chosen,
			       .best = best };
	uint64_t caches = fewest(s, first, count, wanted);

	if (caches == 0)
		return;
	if (count - first <= KINDS_MAX) {
		n.kinds_count = list_kinds(s, first, count, kinds);
		choose(&n, 0, caches, wanted);
	}
	if (n.best_broken == UINT64_MAX) { /* more than can be looked at: the largest */
		for (uint32_t i = first; i < first + caches; i++)
			pick(s, &s->l3s[i], ret);
		return;
	}
	for (size_t k = 0; k < n.kinds_count; k++)
		for (uint32_t i = 0; i < best[k]; i++)
			pick(s, &s->l3s[kinds[k].first + i], ret);
}

/* Where performance cores do not suffice, all of them are taken: their caches are in use anyway. */
static uint64_t force(struct search *s, uint32_t count, uint64_t wanted, bool all_fast,
		      uint32_t *ret_forced)
{
	*ret_forced = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct search_l3 *l3 = &s->l3s[i];

		l3->forced = all_fast && l3->fast > 0;
		l3->gain = all_fast ? l3->slow : l3->fast;
		*ret_forced += l3->forced;
		if (l3->forced)
			wanted -= l3->gain < wanted ? l3->gain : wanted;
	}
	return wanted;
}

void search_cores(struct search *s, uint64_t nodes, struct core_choice *ret)
{
	uint64_t wanted = s->stock->request->cores, fast;
	uint32_t count, forced;

	*ret = (struct core_choice){ 0 };
	s->picked_count = 0;
	if (wanted == 0)
		return;
	fast = list_l3s(s, nodes, &count);
	ret->slow = wanted > fast ? wanted - fast : 0;
	wanted = force(s, count, ret->slow > 0 ? ret->slow : wanted, ret->slow > 0, &forced);
	qsort(s->l3s, count, sizeof(*s->l3s), compare_l3s);
	for (uint32_t i = 0; i < forced; i++)
		pick(s, &s->l3s[i], ret);
	narrow(s, forced, count, wanted, ret);
	ret->left -= s->stock->request->cores;
}
