/* SPDX-License-Identifier: Apache-2.0 */
/* The search over devices; see search.h. How many of each class: what is known of a choice so far,
 * and the least that the rest can add, cuts off what cannot be better. */
#include "model/search.h"

#include <string.h>

enum { SLOTS = 2 * STOCK_KINDS }; /* of each kind those of known place, and those of open place */

struct item { /* a class that may be chosen from */
	uint32_t class, count, slot;
	uint64_t path, lack; /* of one more of it: to the home and to all that is chosen */
};

struct choosing {
	struct search *search;
	struct item items[LAYOUT_CLASSES_MAX];
	size_t items_count;
	uint32_t wanted[SLOTS];
	size_t begin[SLOTS + 1];		 /* of the items of each slot */
	uint32_t suffix[LAYOUT_CLASSES_MAX + 1]; /* devices from an item to the end of its slot */
	uint16_t counts[LAYOUT_CLASSES_MAX];
	uint64_t links, paths; /* of what is chosen */
	struct device_choice *best;
	bool found;
};

static uint32_t path_home(const struct search *s, const struct layout_class *class, uint64_t home)
{
	uint32_t least = UINT32_MAX;

	for (uint64_t left = home; left; left &= left - 1) {
		uint32_t weight = s->layout->to_node[class->to + (unsigned)__builtin_ctzll(left)];

		least = weight < least ? weight : least;
	}
	return least == UINT32_MAX ? path_weight(PATH_UNKNOWN) : least;
}

/* Where all of known place have to be taken, the rest is of open place. */
static void count_slots(struct choosing *c, uint64_t used)
{
	const struct stock *stock = c->search->stock;

	for (int kind = 0; kind < STOCK_KINDS; kind++) {
		uint32_t known = stock->floating[kind], wanted = stock->wanted[kind];

		each_bit (i, used)
			known += stock->nodes[i].devices[kind];
		c->wanted[2 * kind] = known < wanted ? known : wanted;
		c->wanted[2 * kind + 1] = wanted - c->wanted[2 * kind];
	}
}

static void list_slot(struct choosing *c, uint32_t slot, uint64_t used, uint64_t home)
{
	const struct search *s = c->search;
	const struct layout *t = s->layout;

	c->begin[slot] = c->items_count;
	for (size_t i = 0; c->wanted[slot] > 0 && i < t->classes_count; i++) {
		const struct layout_class *class = &t->classes[i];

		if (s->stock->classes[i] == 0 || class->open != (slot % 2 == 1) ||
		    stock_kind(class->kind) != (int)slot / 2 ||
		    (class->node != LAYOUT_NONE && !(used >> class->node & 1)))
			continue;
		c->items[c->items_count++] = (struct item){
			.class = (uint32_t)i,
			.count = s->stock->classes[i],
			.slot = slot,
			.path = path_home(s, class, home),
		};
	}
	c->suffix[c->items_count] = 0;
}

static void list_items(struct choosing *c, uint64_t used, uint64_t home)
{
	count_slots(c, used);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		list_slot(c, slot, used, home);
	c->begin[SLOTS] = c->items_count;
	c->suffix[c->items_count] = 0;
	for (size_t i = c->items_count; i-- > 0;)
		c->suffix[i] = c->items[i].count +
			       (i + 1 < c->items_count && c->items[i + 1].slot == c->items[i].slot
					? c->suffix[i + 1]
					: 0);
}

static uint64_t pairs(uint64_t n)
{
	return n * (n - (n > 0)) / 2;
}

/* What `left` of the slot's items from `first` on, and all of the later slots, add at least. */
static uint64_t least_paths(const struct choosing *c, size_t first, uint32_t slot, uint32_t left)
{
	uint64_t sum = 0, devices = left;

	for (uint32_t k = slot; k < SLOTS; k++) {
		uint32_t wanted = k == slot ? left : c->wanted[k];
		uint64_t least = UINT64_MAX;

		for (size_t i = k == slot ? first : c->begin[k]; wanted && i < c->begin[k + 1]; i++)
			least = c->items[i].path < least ? c->items[i].path : least;
		if (wanted > 0 && least != UINT64_MAX)
			sum += least * wanted;
		devices += k == slot ? 0 : wanted;
	}
	return sum + pairs(devices) * path_weight(PATH_SWITCH);
}

static bool is_hopeless(const struct choosing *c, uint64_t paths)
{
	if (c->links != c->best->links)
		return c->links > c->best->links;
	return paths > c->best->paths ||
	       (paths == c->best->paths && c->best->groups == 0 && c->best->floating == 0);
}

/* See SCORE_GROUPS_BROKEN. */
static uint64_t broken_groups(const struct choosing *c)
{
	const struct stock *stock = c->search->stock;
	const struct layout *t = c->search->layout;
	uint64_t n = 0;

	for (size_t leader = 0; leader < t->classes_count; leader++) {
		uint32_t taken = 0;
		bool touched = false;

		if (stock->group_all[leader] == 0 ||
		    stock->group_free[leader] < stock->group_all[leader])
			continue;
		for (size_t i = 0; i < c->items_count; i++) {
			uint32_t class = c->items[i].class;

			if (c->counts[class] == 0 || t->classes[class].leader != (int)leader)
				continue;
			touched = true;
			taken += t->classes[class].kind == DEVICE_GPU ? c->counts[class] : 0;
		}
		n += touched && taken < stock->group_all[leader];
	}
	return n;
}

static uint64_t floating_gpus(const struct choosing *c)
{
	const struct layout *t = c->search->layout;
	uint64_t n = 0;

	for (size_t i = 0; i < c->items_count && c->search->stock->floating[0] > 0; i++) {
		const struct layout_class *class = &t->classes[c->items[i].class];

		n += class->kind == DEVICE_GPU && class->node == LAYOUT_NONE && !class->open
			     ? c->counts[c->items[i].class]
			     : 0;
	}
	return n;
}

static bool is_as_good(const struct device_choice *a, const struct choosing *c, uint64_t floating,
		       uint64_t groups)
{
	if (a->links != c->links || a->paths != c->paths)
		return false; /* what is worse in these was cut off */
	return a->floating != floating ? a->floating < floating : a->groups <= groups;
}

static void keep(struct choosing *c)
{
	uint64_t floating = floating_gpus(c), groups = broken_groups(c);

	if (is_as_good(c->best, c, floating, groups))
		return;
	c->best->links = c->links;
	c->best->paths = c->paths;
	c->best->floating = floating;
	c->best->groups = groups;
	memcpy(c->best->counts, c->counts, c->search->layout->classes_count * sizeof(*c->counts));
	c->found = true;
}

/* All choices of devices must be one switch away from each other, where that is asked for. */
static bool is_too_far(const struct choosing *c, const struct item *item, uint32_t n)
{
	const struct layout *t = c->search->layout;
	size_t row = item->class * t->classes_count;

	if (!c->search->place.one_switch || n == 0)
		return false;
	for (size_t i = 0; c->items + i < item; i++)
		if (c->counts[c->items[i].class] > 0 &&
		    t->weight[row + c->items[i].class] != path_weight(PATH_SWITCH))
			return true;
	return n > 1 && t->weight[row + item->class] != path_weight(PATH_SWITCH);
}

/* `sign` 1: n of the item are chosen, -1: they are not any more. */
static void account(struct choosing *c, size_t item, uint32_t n, int sign)
{
	const struct layout *t = c->search->layout;
	const struct item *x = &c->items[item];
	size_t row = x->class * t->classes_count;
	uint64_t times = sign > 0 ? n : -(uint64_t)n;
	bool lacks = t->lack && t->classes[x->class].kind == DEVICE_GPU;

	c->counts[x->class] = (uint16_t)(sign > 0 ? n : 0);
	c->paths += times * x->path;
	c->paths += (sign > 0 ? 1 : -(uint64_t)1) * pairs(n) * t->weight[row + x->class];
	if (lacks) {
		c->links += times * x->lack;
		c->links += (sign > 0 ? 1 : -(uint64_t)1) * pairs(n) * t->lack[row + x->class];
	}
	for (size_t i = item + 1; i < c->items_count; i++) {
		c->items[i].path += times * t->weight[row + c->items[i].class];
		if (lacks && t->classes[c->items[i].class].kind == DEVICE_GPU)
			c->items[i].lack += times * t->lack[row + c->items[i].class];
	}
}

static void choose(struct choosing *c, size_t item, uint32_t slot, uint32_t left)
{
	uint32_t most, least;

	while (left == 0 && ++slot < SLOTS) {
		left = c->wanted[slot];
		item = c->begin[slot];
	}
	if (slot >= SLOTS) {
		if (!is_hopeless(c, c->paths))
			keep(c);
		return;
	}
	if (item >= c->begin[slot + 1] || c->suffix[item] < left ||
	    is_hopeless(c, c->paths + least_paths(c, item, slot, left)))
		return;
	most = c->items[item].count < left ? c->items[item].count : left;
	least = left - (c->suffix[item] - c->items[item].count < left
				? c->suffix[item] - c->items[item].count
				: left);
	for (uint32_t n = most + 1;
	     n-- > least && c->search->device_steps < SEARCH_DEVICE_STEPS_MAX;) {
		c->search->device_steps++;
		if (is_too_far(c, &c->items[item], n))
			continue;
		if (n > 0)
			account(c, item, n, 1);
		choose(c, item + 1, slot, left - n);
		if (n > 0)
			account(c, item, n, -1);
	}
}

bool search_devices(struct search *s, uint64_t used, uint64_t home, struct device_choice *ret)
{
	struct choosing c;

	if (s->stock->wanted[0] + (uint64_t)s->stock->wanted[1] + s->stock->wanted[2] == 0) {
		ret->links = ret->paths = ret->floating = ret->groups = 0;
		return true;
	}
	c.search = s;
	c.items_count = 0;
	c.links = c.paths = 0;
	c.best = ret;
	c.found = false;
	memset(c.counts, 0, s->layout->classes_count * sizeof(*c.counts));
	list_items(&c, used, home);
	choose(&c, 0, 0, c.wanted[0]);
	return c.found;
}
