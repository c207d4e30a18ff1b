/* SPDX-License-Identifier: Apache-2.0 */
/* What could be given, as numbers; see stock.h. Every slice is looked at once, every core once. */
#include "model/stock.h"

#include "model/bounded.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *carve(char **room, size_t count, size_t size)
{
	char *at = *room;

	*room += (count * size + 15) / 16 * 16;
	return at;
}

/* One piece of memory for all tables: called first with no room, for the size. */
static size_t lay_out(struct stock *s, char *room)
{
	const struct layout *t = s->layout;
	char *at = room;

	s->groups = carve(&at, t->groups_count, sizeof(*s->groups));
	s->l3s = carve(&at, t->l3s_count, sizeof(*s->l3s));
	s->takeable = carve(&at, t->cores_count, sizeof(*s->takeable));
	s->classes = carve(&at, t->classes_count, sizeof(*s->classes));
	s->devices = carve(&at, t->devices_count, sizeof(*s->devices));
	s->pages_held = carve(&at, t->pools_count, sizeof(*s->pages_held));
	s->group_all = carve(&at, t->classes_count, sizeof(*s->group_all));
	s->group_free = carve(&at, t->classes_count, sizeof(*s->group_free));
	return (size_t)(at - room);
}

static void add_size(struct stock *s, uint64_t bytes, uint64_t count)
{
	size_t i = 0;

	while (i < s->sizes && s->hugepage_bytes[i] != bytes)
		i++;
	if (i == s->sizes) {
		for (; i > 0 && s->hugepage_bytes[i - 1] < bytes; i--) {
			s->hugepage_bytes[i] = s->hugepage_bytes[i - 1];
			s->hugepages[i] = s->hugepages[i - 1];
		}
		s->hugepage_bytes[i] = bytes;
		s->hugepages[i] = 0;
		s->sizes++;
	}
	s->hugepages[i] = add_bounded(s->hugepages[i], count);
}

static void read_request(struct stock *s)
{
	const struct request *q = s->request;

	for (size_t i = 0; i < q->hugepages_count; i++)
		if (q->hugepages[i].count > 0)
			add_size(s, q->hugepages[i].size_bytes, q->hugepages[i].count);
	for (int i = 0; i < STOCK_KINDS; i++)
		s->wanted[i] = q->devices[DEVICE_GPU + i];
}

static void mark_memory(struct stock *s, uint32_t number, uint64_t bytes)
{
	int place = layout_node_of(s->layout, number);

	if (place == LAYOUT_NONE)
		return;
	s->nodes[place].memory_held = add_bounded(s->nodes[place].memory_held, bytes);
	s->nodes[place].touched |= bytes > 0;
}

static void mark_pages(struct stock *s, const struct allocation_hugepages *h)
{
	const struct device *node;
	int place = layout_node_of(s->layout, h->node);

	if (place == LAYOUT_NONE || !s->layout->nodes[place].device)
		return;
	node = s->layout->nodes[place].device;
	for (size_t i = 0; i < node->memory.hugepages_count; i++)
		if (node->memory.hugepages[i].size_bytes == h->size_bytes) {
			uint64_t *held = &s->pages_held[s->layout->nodes[place].first_pool + i];

			*held = add_bounded(*held, h->count);
			s->nodes[place].touched |= h->count > 0;
		}
}

/* Returns what all slices are promised from the shared pool. */
static uint64_t read_ledger(struct stock *s)
{
	size_t cursor = 0;
	uint64_t shared = 0;

	for (const struct allocation *a; (a = ledger_next(s->view->ledger, &cursor));) {
		shared += a->shared_millicpus;
		for (size_t i = 0; i < a->memory_count; i++)
			mark_memory(s, a->memory[i].node, a->memory[i].bytes);
		for (size_t i = 0; i < a->hugepages_count; i++)
			mark_pages(s, &a->hugepages[i]);
		stock_mark_held(s, a);
	}
	return shared;
}

/* Few say failed. */
static void read_health(struct stock *s)
{
	size_t cursor = 0;

	for (const struct condition *c;
	     s->view->health && (c = health_next(s->view->health, &cursor));) {
		const struct device *d = c->verdict == VERDICT_FAILED
						 ? inventory_find(s->view->inventory, c->subject)
						 : NULL;

		if (d && d->kind == DEVICE_CORE)
			s->takeable[d->place - s->view->inventory->first[DEVICE_CORE]] =
				true; /* turned round by count_cores */
		else if (d && d->kind == DEVICE_NODE)
			s->nodes[layout_node_of(s->layout, d->memory.number)].ill = true;
		else if (d)
			stock_mark_ill(s, d);
	}
}

struct cpu_words { /* bits of CPUs */
	uint64_t *busy, *kept, *within, *seen;
};

static bool meets(const struct layout_core *c, const uint64_t *words)
{
	return (words[c->word[0]] & c->mask[0]) || (words[c->word[1]] & c->mask[1]);
}

static bool lies_in(const struct layout_core *c, const uint64_t *words)
{
	return !(c->mask[0] & ~words[c->word[0]]) && !(c->mask[1] & ~words[c->word[1]]);
}

static bool core_free(const struct stock *s, const struct layout_core *c, const struct cpu_words *w,
		      bool ill)
{
	if (ill || !c->device->offerable || c->mask[0] == 0)
		return false;
	return c->wide ? view_core_free(s->view, c->device)
		       : !meets(c, w->busy) && !meets(c, w->kept);
}

/* A CPU of two cores, on a machine that lies, counts once. */
static bool is_seen(const struct layout_core *c, const uint64_t *seen)
{
	if (!c->wide)
		return meets(c, seen);
	cpuset_each (cpu, c->device->core.cpus)
		if (seen[cpu / 64] >> (cpu % 64) & 1)
			return true;
	return false;
}

static void see(const struct layout_core *c, uint64_t *seen)
{
	if (!c->wide) {
		seen[c->word[0]] |= c->mask[0];
		seen[c->word[1]] |= c->mask[1];
		return;
	}
	cpuset_each (cpu, c->device->core.cpus)
		seen[cpu / 64] |= (uint64_t)1 << (cpu % 64);
}

static bool core_fits(const struct stock *s, const struct layout_core *c, const struct cpu_words *w)
{
	const struct cpuset *within = s->request->within_cpus;

	if (within &&
	    !(c->wide ? cpuset_subset(c->device->core.cpus, within) : lies_in(c, w->within)))
		return false;
	return !is_seen(c, w->seen);
}

static void count_on_nodes(struct stock *s, const struct layout_core *c, bool is_held, bool is_free)
{
	for (uint64_t left = s->layout->groups[c->group].nodes; left; left &= left - 1) {
		struct stock_node *node = &s->nodes[__builtin_ctzll(left)];

		node->cores_all++;
		node->cores_held += is_held;
		node->cores_free += is_free;
		node->touched |= is_held;
	}
}

static void count_core(struct stock *s, size_t place, const struct cpu_words *w)
{
	const struct layout_core *c = &s->layout->cores[place];
	const struct layout_group *g = &s->layout->groups[c->group];
	bool is_held =
		c->wide ? cpuset_intersects(c->device->core.cpus, ledger_cpus(s->view->ledger))
			: meets(c, w->busy);
	bool fits;
	bool is_free = core_free(s, c, w, s->takeable[place]);

	s->l3s[g->l3].all++;
	s->l3s[g->l3].free += is_free;
	count_on_nodes(s, c, is_held, is_free);
	fits = is_free && core_fits(s, c, w);
	s->takeable[place] = fits;
	if (!fits)
		return;
	see(c, w->seen);
	s->groups[c->group]++;
}

static int count_cores(struct stock *s)
{
	size_t words = s->layout->words ? s->layout->words : 1;
	_cleanup_free_ uint64_t *room = calloc(words * 4, sizeof(*room));
	struct cpu_words w = { room, room + words, room + 2 * words, room + 3 * words };

	if (!room)
		return -ENOMEM;
	cpuset_words(ledger_cpus(s->view->ledger), w.busy, words);
	cpuset_words(s->view->reserve->cpus, w.kept, words);
	cpuset_words(s->request->within_cpus, w.within, words);
	for (size_t i = 0; i < s->layout->cores_count; i++)
		count_core(s, i, &w);
	return 0;
}

static uint64_t share_of(const struct cpuset *pool, const struct layout_core *c)
{
	uint64_t share = 0;

	cpuset_each (cpu, c->device->core.cpus)
		share += cpuset_has(pool, (unsigned)cpu) ? 1000 : 0;
	return share;
}

/* Where the pool cannot spare that many of just any cores, those that it can spare are the first in
 * order, as view_cores_free has it. */
static void leave_to_pool(struct stock *s, const struct cpuset *pool)
{
	int64_t spare = s->shared_spare;

	for (size_t i = 0; i < s->layout->cores_count; i++) {
		const struct layout_core *c = &s->layout->cores[i];
		int64_t share = s->takeable[i] ? (int64_t)share_of(pool, c) : 0;

		if (share <= (spare > 0 ? spare : 0)) {
			spare -= share;
			continue;
		}
		s->takeable[i] = false;
		s->groups[c->group]--;
	}
}

static int count_shared(struct stock *s, uint64_t promised)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	uint64_t most = 0;

	s->shared_spare = INT64_MAX;
	promised += s->request->shared_millicpus;
	if (promised == 0)
		return 0;
	if (view_shared_pool(s->view, &pool) < 0)
		return -ENOMEM;
	s->shared_spare = (int64_t)cpuset_count(pool) * 1000 - (int64_t)promised;
	for (size_t i = 0; i < s->layout->cores_count && s->request->cores > 0; i++) {
		uint64_t share = s->takeable[i] ? share_of(pool, &s->layout->cores[i]) : 0;

		most = share > most ? share : most;
	}
	if ((int64_t)multiply_bounded(most, s->request->cores) > s->shared_spare)
		leave_to_pool(s, pool);
	return 0;
}

static void count_pages(struct stock *s, unsigned place, uint64_t *memory)
{
	const struct device *node = s->layout->nodes[place].device;
	const uint64_t *held = &s->pages_held[s->layout->nodes[place].first_pool];

	for (size_t i = 0; i < node->memory.hugepages_count; i++) {
		const struct device_hugepages *pool = &node->memory.hugepages[i];

		*memory = subtract_bounded(
			*memory, multiply_bounded(pool->size_bytes,
						  held[i] > pool->total ? held[i] : pool->total));
		for (size_t k = 0; k < s->sizes; k++)
			if (s->hugepage_bytes[k] == pool->size_bytes &&
			    !s->nodes[place].has_pool[k]) {
				s->nodes[place].has_pool[k] = true;
				s->nodes[place].pages[k] = subtract_bounded(pool->total, held[i]);
			}
	}
}

/* The reserve of the host is taken from the nodes in order; see view_memory_left. */
static void count_memory(struct stock *s)
{
	const struct view *v = s->view;
	uint64_t reserve = v->reserve->memory_bytes;

	for (unsigned i = 0; i < s->layout->nodes_count; i++) {
		const struct device *d = s->layout->nodes[i].device;
		struct stock_node *node = &s->nodes[i];
		uint64_t bytes, part;

		if (!d || !d->offerable || !d->memory.host_memory ||
		    d->memory.memory_bytes == DEVICE_UNKNOWN_U64)
			continue;
		bytes = d->memory.memory_bytes;
		part = reserve < bytes / 2 ? reserve : bytes / 2;
		reserve -= part;
		if (node->ill || (s->request->within_nodes &&
				  !cpuset_has(s->request->within_nodes, d->memory.number)))
			continue;
		count_pages(s, i, &bytes);
		bytes = subtract_bounded(bytes, part);
		node->memory = subtract_bounded(bytes, node->memory_held);
	}
}

/* By package: every node of a package that has one of them. */
static void count_apart(struct stock *s)
{
	const struct request *q = s->request;
	const struct layout *t = s->layout;

	if (q->apart == APART_NONE)
		return;
	for (unsigned i = 0; i < t->nodes_count; i++)
		if (cpuset_has(q->apart_nodes, t->nodes[i].number))
			s->apart |= 1ULL << i;
	if (q->apart == APART_NODE)
		return;
	for (unsigned i = 0; i < t->packages_count; i++)
		for (unsigned k = 0; k < t->nodes_count; k++)
			if ((t->packages[i].nodes >> k & 1) &&
			    cpuset_has(q->apart_nodes, t->nodes[k].number))
				s->apart |= t->packages[i].nodes;
}

static void count_fullness(struct stock *s)
{
	if (s->request->strategy == STRATEGY_LEAVE_LARGEST_HOLE)
		return;
	for (unsigned i = 0; i < s->layout->nodes_count; i++) {
		const struct device *d = s->layout->nodes[i].device;
		struct stock_node *node = &s->nodes[i];
		uint64_t kib = d ? d->memory.memory_bytes >> 10 : 0, held = 0;

		if (!d)
			continue;
		if (node->cores_all > 0)
			held = (uint64_t)node->cores_held * 1000 / node->cores_all;
		held += kib > 0 ? (node->memory_held >> 10) * 1000 / kib : 0;
		node->fullness = (uint32_t)(s->request->strategy == STRATEGY_SPREAD
						    ? held
						    : subtract_bounded(2000, held));
	}
}

int stock_take(const struct view *v, const struct request *request, struct stock **ret)
{
	_cleanup_(stock_freep) struct stock *s = NULL;
	struct stock measure = { .layout = v->inventory->layout };
	size_t head = (sizeof(*s) + 15) / 16 * 16;
	uint64_t promised;

	s = calloc(1, head + lay_out(&measure, NULL));
	if (!s)
		return -ENOMEM;
	s->view = v;
	s->request = request;
	s->layout = v->inventory->layout;
	(void)lay_out(s, (char *)s + head);
	read_request(s);
	promised = read_ledger(s);
	read_health(s);
	if (count_cores(s) < 0 || count_shared(s, promised) < 0)
		return -ENOMEM;
	count_memory(s);
	stock_count_devices(s);
	count_apart(s);
	count_fullness(s);
	*ret = TAKE_PTR(s);
	return 0;
}

struct stock *stock_free(struct stock *s)
{
	free(s);
	return NULL;
}
