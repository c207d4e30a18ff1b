/* SPDX-License-Identifier: Apache-2.0 */
/* The search over nodes; see search.h. A set of nodes that serves the request says by itself what
 * of the score comes first: staying apart, the distances, how many. Of the least such sets each
 * node is used, or a smaller one would have served. */
#include "model/search.h"

#include "model/bounded.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_subset(uint64_t inner, uint64_t outer)
{
	return (inner & ~outer) == 0;
}

int search_open(struct search *s, const struct stock *stock)
{
	size_t l3s = stock->layout->l3s_count ? stock->layout->l3s_count : 1;

	*s = (struct search){ .stock = stock, .layout = stock->layout };
	s->l3s = calloc(l3s, sizeof(*s->l3s));
	s->picked = calloc(l3s, sizeof(*s->picked));
	if (s->l3s && s->picked)
		return 0;
	search_done(s);
	return -ENOMEM;
}

void search_done(struct search *s)
{
	free(s->l3s);
	free(s->picked);
	s->l3s = NULL;
	s->picked = NULL;
}

bool search_takes_group(const struct search *s, size_t group, uint64_t nodes)
{
	const struct layout_group *g = &s->layout->groups[group];

	if (s->stock->groups[group] == 0 || !is_subset(g->nodes, nodes))
		return false;
	if (s->place.level == SCORE_AT_NODE || s->place.level == SCORE_AT_SWITCH)
		return g->inside & nodes;
	return s->place.level != SCORE_AT_PACKAGE || g->packages >> s->place.package & 1;
}

static void count_cores(struct search *s)
{
	memset(s->cores, 0, sizeof(s->cores));
	s->loose = false;
	for (size_t i = 0; i < s->layout->groups_count; i++) {
		uint64_t nodes = s->layout->groups[i].nodes;

		if (!search_takes_group(s, i, s->place.nodes))
			continue;
		if (nodes && !(nodes & (nodes - 1)))
			s->cores[__builtin_ctzll(nodes)] += s->stock->groups[i];
		else
			s->loose = true;
	}
}

static uint64_t cores_of(const struct search *s, uint64_t nodes)
{
	uint64_t sum = 0;

	each_bit (i, nodes)
		sum += s->cores[i];
	for (size_t i = 0; s->loose && i < s->layout->groups_count; i++)
		if (!s->layout->groups[i].nodes ||
		    (s->layout->groups[i].nodes & (s->layout->groups[i].nodes - 1)))
			sum += search_takes_group(s, i, nodes) ? s->stock->groups[i] : 0;
	return sum;
}

uint32_t search_far(const struct layout *t, uint64_t from, unsigned to)
{
	uint32_t least = from ? UINT32_MAX : 0;

	if (from >> to & 1)
		return 0;
	each_bit (i, from)
		least = t->far[i][to] < least ? t->far[i][to] : least;
	return least;
}

struct order { /* of nodes, the nearest first */
	uint8_t node[LAYOUT_NODES_MAX];
	uint32_t far[LAYOUT_NODES_MAX];
	unsigned count;
};

static void order_nodes(const struct search *s, uint64_t nodes, uint64_t from, struct order *o)
{
	o->count = 0;
	each_bit (i, nodes) {
		uint32_t far = search_far(s->layout, from, (unsigned)i);
		unsigned k = o->count++;

		for (; k > 0 && o->far[k - 1] > far; k--) {
			o->far[k] = o->far[k - 1];
			o->node[k] = o->node[k - 1];
		}
		o->far[k] = far;
		o->node[k] = (uint8_t)i;
	}
}

/* Of the pools first; what they lack is made of memory, where that is allowed. */
static bool fill_pages(const struct search *s, const struct order *o, size_t size,
		       struct search_memory *m)
{
	const struct stock *stock = s->stock;
	uint64_t left = stock->hugepages[size], bytes = stock->hugepage_bytes[size];

	for (unsigned i = 0; i < o->count && left > 0; i++) {
		uint64_t part = stock->nodes[o->node[i]].pages[size];

		part = part < left ? part : left;
		m[o->node[i]].pages[size] = part;
		left -= part;
	}
	for (unsigned i = 0; i < o->count && left > 0 && stock->view->hugepages_grow; i++) {
		struct search_memory *node = &m[o->node[i]];
		uint64_t part = stock->nodes[o->node[i]].has_pool[size] ? node->bytes / bytes : 0;

		part = part < left ? part : left;
		node->pages[size] += part;
		node->bytes -= part * bytes;
		left -= part;
	}
	return left == 0;
}

bool search_fill(const struct search *s, uint64_t nodes, uint64_t core_nodes,
		 struct search_memory ret[LAYOUT_NODES_MAX])
{
	uint64_t left = s->stock->request->memory_bytes;
	struct order o;

	order_nodes(s, nodes, core_nodes, &o);
	for (unsigned i = 0; i < o.count; i++)
		ret[o.node[i]] =
			(struct search_memory){ .bytes = s->stock->nodes[o.node[i]].memory };
	for (size_t size = 0; size < s->stock->sizes; size++)
		if (!fill_pages(s, &o, size, ret))
			return false;
	for (unsigned i = 0; i < o.count; i++) {
		uint64_t part = ret[o.node[i]].bytes;

		part = part < left ? part : left;
		ret[o.node[i]].bytes = part;
		left -= part;
	}
	return left == 0;
}

static bool has_memory(const struct search *s, uint64_t nodes)
{
	struct search_memory filled[LAYOUT_NODES_MAX];
	uint64_t sum = 0;

	if (s->stock->sizes > 0)
		return search_fill(s, nodes, 0, filled);
	each_bit (i, nodes)
		sum = add_bounded(sum, s->stock->nodes[i].memory);
	return sum >= s->stock->request->memory_bytes;
}

/* How many devices of open place it takes; UINT32_MAX where that does not help. */
static uint32_t open_needed(const struct search *s, uint64_t nodes)
{
	const struct request *q = s->stock->request;
	bool allowed = !q->align_required || q->align == ALIGN_NONE;
	uint32_t sum = 0;

	for (int kind = 0; kind < STOCK_KINDS; kind++) {
		uint64_t known = s->stock->floating[kind], wanted = s->stock->wanted[kind];

		if (wanted == 0)
			continue;
		each_bit (i, nodes)
			known += s->stock->nodes[i].devices[kind];
		if (known >= wanted)
			continue;
		if (!allowed || wanted - known > s->stock->open[kind])
			return UINT32_MAX;
		sum += (uint32_t)(wanted - known);
	}
	return sum;
}

static bool serves(const struct search *s, uint64_t nodes)
{
	return cores_of(s, nodes) >= s->stock->request->cores && has_memory(s, nodes);
}

static uint64_t set_sum(const struct search *s, uint64_t nodes, enum score_field field)
{
	uint64_t sum = 0;

	each_bit (i, nodes) {
		const struct stock_node *node = &s->stock->nodes[i];

		switch (field) {
		case SCORE_FULLNESS:
			sum += node->fullness;
			break;
		case SCORE_GPUS_LEFT:
			sum += node->gpus_free;
			break;
		case SCORE_NODES_BROKEN:
			sum += node->cores_all > 0 && !node->touched;
			break;
		default:
			sum += node->cores_free;
			break;
		}
	}
	return sum;
}

static int compare_until(const struct placement_score *a, const struct placement_score *b,
			 enum score_field end)
{
	for (int i = 0; i < (int)end; i++)
		if (a->value[i] != b->value[i])
			return a->value[i] < b->value[i] ? -1 : 1;
	return 0;
}

static uint64_t far_memory(const struct search *s, uint64_t used, uint64_t core_nodes)
{
	struct search_memory filled[LAYOUT_NODES_MAX];
	uint64_t sum = 0;

	if ((s->stock->request->memory_bytes == 0 && s->stock->sizes == 0) || used == core_nodes ||
	    !core_nodes || !search_fill(s, used, core_nodes, filled))
		return 0;
	each_bit (i, used & ~core_nodes) {
		uint64_t far = search_far(s->layout, core_nodes, (unsigned)i);

		sum = add_bounded(sum, multiply_bounded(filled[i].bytes >> 10, far));
		for (size_t size = 0; size < s->stock->sizes; size++)
			sum = add_bounded(
				sum, multiply_bounded(
					     multiply_bounded(s->stock->hugepage_bytes[size] >> 10,
							      filled[i].pages[size]),
					     far));
	}
	return sum;
}

static uint64_t gpus_taken(const struct search *s, const struct device_choice *d)
{
	uint64_t n = 0;

	for (size_t i = 0; s->stock->wanted[0] > 0 && i < s->layout->classes_count; i++)
		if (s->layout->classes[i].kind == DEVICE_GPU &&
		    s->layout->classes[i].node != LAYOUT_NONE)
			n += d->counts[i];
	return n;
}

/* With the cores on these of the nodes, and as many as there are of them. */
static void try_core_nodes(struct search *s, struct plan *plan, uint64_t core_nodes)
{
	struct placement_score *score = &plan->score;
	struct device_choice devices = { .links = UINT64_MAX };
	struct core_choice cores;
	uint64_t *value = score->value;
	int than_best;

	value[SCORE_CORE_NODES] = (uint64_t)__builtin_popcountll(core_nodes);
	value[SCORE_FAR_MEMORY] = far_memory(s, plan->used, core_nodes);
	than_best = s->best.found ? compare_until(score, &s->best.score, SCORE_LINKS) : -1;
	if (than_best > 0)
		return;
	if (than_best == 0) {
		devices.links = s->best.score.value[SCORE_LINKS];
		devices.paths = s->best.score.value[SCORE_PATHS];
		devices.floating = devices.groups =
			UINT64_MAX; /* as good in these may be better in others */
	}
	if (!search_devices(s, plan->used, core_nodes ? core_nodes : plan->used, &devices))
		return;
	value[SCORE_LINKS] = devices.links;
	value[SCORE_PATHS] = devices.paths;
	value[SCORE_GROUPS_BROKEN] = devices.groups;
	search_cores(s, core_nodes, &cores);
	value[SCORE_SLOW_CORES] = cores.slow;
	value[SCORE_L3S] = cores.l3s;
	value[SCORE_L3S_BROKEN] = cores.broken;
	value[SCORE_L3S_LEFT] = cores.left;
	value[SCORE_GPUS_LEFT] = set_sum(s, plan->used, SCORE_GPUS_LEFT) - gpus_taken(s, &devices);
	if (s->best.found && score_compare(score, &s->best.score) >= 0)
		return;
	plan->core_nodes = core_nodes;
	plan->found = true;
	plan->place = s->place;
	memcpy(plan->devices, devices.counts, s->layout->classes_count * sizeof(*plan->devices));
	s->best = *plan;
}

/* All sets of `wanted` more of the nodes that have enough cores. */
static void choose_core_nodes(struct search *s, struct plan *plan, uint64_t chosen, uint64_t rest,
			      unsigned wanted)
{
	if (wanted == 0) {
		if (cores_of(s, chosen) >= s->stock->request->cores)
			try_core_nodes(s, plan, chosen);
		return;
	}
	while (rest && (unsigned)__builtin_popcountll(rest) >= wanted &&
	       s->node_steps < SEARCH_NODE_STEPS_MAX) {
		uint64_t first = rest & -rest;

		rest &= rest - 1;
		s->node_steps++;
		choose_core_nodes(s, plan, chosen | first, rest, wanted - 1);
	}
}

static unsigned fewest_core_nodes(const struct search *s, uint64_t nodes)
{
	uint64_t sum = 0;
	unsigned count = 0;

	while (sum < s->stock->request->cores && nodes) {
		uint64_t most = nodes & -nodes;

		each_bit (i, nodes)
			if (s->cores[i] > s->cores[__builtin_ctzll(most)])
				most = 1ULL << i;
		sum += s->cores[__builtin_ctzll(most)];
		nodes &= ~most;
		count++;
	}
	return count;
}

static void evaluate(struct search *s, struct plan *plan, uint64_t used)
{
	const struct request *q = s->stock->request;
	uint64_t *value = plan->score.value;

	plan->used = used;
	value[SCORE_FULLNESS] = set_sum(s, used, SCORE_FULLNESS);
	value[SCORE_NODES_BROKEN] = set_sum(s, used, SCORE_NODES_BROKEN);
	value[SCORE_CORES_LEFT] = subtract_bounded(set_sum(s, used, SCORE_CORES_LEFT), q->cores);
	if (q->cores == 0)
		try_core_nodes(s, plan, 0);
	else if (s->loose)
		try_core_nodes(s, plan, used);
	else
		choose_core_nodes(s, plan, 0, used, fewest_core_nodes(s, used));
}

struct branch {
	uint64_t used, rest; /* taken; not decided about yet */
	uint32_t worst;	     /* distance within */
	uint64_t distances;
};

/* The first numbers of the score, as they are for these nodes alone. */
static void score_set(const struct search *s, const struct branch *b, uint32_t open,
		      struct placement_score *ret)
{
	ret->value[SCORE_LEVEL] = s->place.level;
	ret->value[SCORE_APART] = (uint64_t)__builtin_popcountll(b->used & s->stock->apart);
	ret->value[SCORE_COST] = (uint64_t)b->worst + (uint64_t)open * SCORE_UNKNOWN_PLACE;
	ret->value[SCORE_NODES] = (uint64_t)__builtin_popcountll(b->used);
	ret->value[SCORE_DISTANCES] = b->distances;
}

static struct branch with(const struct search *s, const struct branch *b, unsigned node)
{
	struct branch next = *b;

	each_bit (i, b->used) {
		uint8_t far = s->layout->worst[i][node];

		next.worst = far > next.worst ? far : next.worst;
		next.distances += s->layout->both[i][node];
	}
	next.used |= 1ULL << node;
	return next;
}

/* At least so many nodes are lacking. */
static unsigned lacking(const struct search *s, const struct branch *b)
{
	uint64_t have = cores_of(s, b->used), most = 0, wanted = s->stock->request->cores;

	if (s->loose || have >= wanted)
		return 1;
	each_bit (i, b->rest)
		most = s->cores[i] > most ? s->cores[i] : most;
	return most > 0 ? (unsigned)((wanted - have + most - 1) / most) : 1;
}

/* Whether nothing that has these nodes and more can be as good as what was found. */
static bool is_hopeless(const struct search *s, const struct branch *b)
{
	struct placement_score least;
	uint32_t open = open_needed(s, b->used | b->rest);

	if (open == UINT32_MAX || !serves(s, b->used | b->rest))
		return true;
	if (!s->best.found)
		return false;
	score_set(s, b, open, &least);
	least.value[SCORE_NODES] += lacking(s, b);
	return compare_until(&least, &s->best.score, SCORE_DISTANCES + 1) > 0;
}

static void try_set(struct search *s, const struct branch *b, uint32_t open)
{
	struct plan plan = { .found = false };

	score_set(s, b, open, &plan.score);
	if (!s->best.found || compare_until(&plan.score, &s->best.score, SCORE_DISTANCES + 1) <= 0)
		evaluate(s, &plan, b->used);
}

static void grow(struct search *s, struct branch b)
{
	uint32_t open = open_needed(s, b.used);

	s->node_steps++;
	if (open != UINT32_MAX && serves(s, b.used)) {
		try_set(s, &b, open);
		if (open == 0)
			return; /* more nodes are never better */
	}
	while (b.rest && s->node_steps < SEARCH_NODE_STEPS_MAX && !is_hopeless(s, &b)) {
		unsigned node = (unsigned)__builtin_ctzll(b.rest);
		struct branch next;

		b.rest &= b.rest - 1;
		next = with(s, &b, node);
		grow(s, next);
	}
}

void search_region(struct search *s, const struct search_place *place)
{
	struct branch nothing = { .worst = 10, .rest = place->nodes };

	s->place = *place;
	if (s->stock->request->apart_required)
		nothing.rest &= ~s->stock->apart;
	s->place.nodes = nothing.rest;
	s->node_steps = s->device_steps = s->cache_steps = 0;
	count_cores(s);
	grow(s, nothing);
}
