/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory as numbers; see layout.h. Devices are put into classes in two steps: those with
 * the same text of bridges, then classes between which all distances are the same. */
#include "model/layout.h"

#include "model/inventory.h"
#include "model/path.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct classing {
	struct layout *t;
	const struct inventory *inv;
	const struct device **first; /* of each class, a device of it */
	uint32_t *members;
	uint32_t *becomes; /* of a class that was joined to another */
	uint32_t best_link;
};

static void classing_done(struct classing *c)
{
	free(c->first);
	free(c->members);
	free(c->becomes);
}

/* The NIC whose port it is, for a virtual function and for the port itself. */
static int port_of(const struct layout *t, const struct device *d)
{
	const char *pci = d->kind != DEVICE_NIC ? NULL
			  : d->nic.physical	? d->pci
						: d->nic.physical_function;

	for (size_t i = 0; pci && i < t->devices_count; i++) {
		const struct device *port = t->devices[i].device;

		if (port->kind == DEVICE_NIC && port->nic.physical && port->pci &&
		    strcmp(port->pci, pci) == 0)
			return (int)i;
	}
	return LAYOUT_NONE;
}

static int list_devices(struct layout *t, const struct inventory *inv)
{
	static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };
	size_t all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		all += inv->first[kinds[i] + 1] - inv->first[kinds[i]];
	t->devices = calloc(all ? all : 1, sizeof(*t->devices));
	if (!t->devices)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		inventory_each (d, inv, kinds[i])
			t->devices[t->devices_count++].device = d;
	for (size_t i = 0; i < t->devices_count; i++) {
		struct layout_device *d = &t->devices[i];
		const struct device *told = d->device;

		d->port = port_of(t, told);
		if (told->kind == DEVICE_NIC)
			d->speed_mbps = told->nic.speed_mbps == DEVICE_UNKNOWN_U32 &&
							told->nic.physical_function && d->port >= 0
						? t->devices[d->port].device->nic.speed_mbps
						: told->nic.speed_mbps;
	}
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Certainly equally far from everything. */
static bool look_alike(const struct inventory *inv, const struct device *a, const struct device *b)
{
	return a->kind == b->kind && a->node == b->node && a->offerable == b->offerable &&
	       a->kind != DEVICE_GPU && cpuset_equal(a->local_cpus, b->local_cpus) &&
	       same_text(path_bridges(inv, a), path_bridges(inv, b));
}

static int list_classes(struct classing *c)
{
	struct layout *t = c->t;

	for (size_t i = 0; i < t->devices_count; i++) {
		const struct device *d = t->devices[i].device;
		size_t k = t->classes_count;

		while (k > 0 && !look_alike(c->inv, c->first[k - 1], d))
			k--;
		if (k == 0) {
			if (t->classes_count == LAYOUT_CLASSES_MAX)
				return -ERANGE;
			k = ++t->classes_count;
			c->first[k - 1] = d;
			t->classes[k - 1] = (struct layout_class){
				.kind = d->kind,
				.open = path_open(c->inv, d),
				.node = d->node < 0 ? LAYOUT_NONE
						    : layout_node_of(t, (uint32_t)d->node),
				.leader = LAYOUT_NONE,
			};
		}
		t->devices[i].class = (uint32_t)(k - 1);
		c->members[k - 1]++;
	}
	return 0;
}

static int measure(struct classing *c)
{
	struct layout *t = c->t;
	size_t n = t->classes_count;

	t->weight = calloc(n > 0 ? n * n : 1, sizeof(*t->weight));
	t->lack = calloc(n > 0 ? n * n : 1, sizeof(*t->lack));
	if (!t->weight || !t->lack)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			uint32_t link = i == k ? 0 : path_link(c->first[i], c->first[k]);

			t->weight[i * n + k] = (uint8_t)path_weight(
				path_between(c->inv, c->first[i], c->first[k]));
			t->lack[i * n + k] = link;
			c->best_link = link > c->best_link ? link : c->best_link;
		}
	for (size_t i = 0; i < n * n; i++)
		if (t->classes[i / n].kind == DEVICE_GPU && t->classes[i % n].kind == DEVICE_GPU)
			t->lack[i] = c->best_link - t->lack[i];
	return 0;
}

/* The first GPU behind the switch of each; one that is alone there leads nothing. */
static void find_leaders(struct classing *c)
{
	struct layout *t = c->t;
	size_t n = t->classes_count;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n && t->classes[i].leader == LAYOUT_NONE; k++)
			if (t->classes[k].kind == DEVICE_GPU && c->first[k]->offerable &&
			    (i == k || t->weight[i * n + k] == path_weight(PATH_SWITCH)))
				t->classes[i].leader = (int)k;
	for (size_t i = 0; i < n; i++) {
		bool alone = t->classes[i].leader == (int)i;

		for (size_t k = 0; k < n; k++)
			alone &= k == i || t->classes[k].leader != (int)i;
		t->classes[i].leader = alone ? LAYOUT_NONE : t->classes[i].leader;
	}
}

/* Two devices of one class are as far from each other as those of the two classes. */
static bool within_as_between(const struct classing *c, size_t a, size_t b, size_t one)
{
	const struct layout *t = c->t;
	size_t n = t->classes_count;

	return c->members[one] < 2 || (t->weight[one * n + one] == t->weight[a * n + b] &&
				       t->lack[one * n + one] == t->lack[a * n + b]);
}

static bool are_alike(const struct classing *c, size_t a, size_t b)
{
	const struct layout *t = c->t;
	const struct layout_class *x = &t->classes[a], *y = &t->classes[b];
	size_t n = t->classes_count;

	if (x->kind != y->kind || x->node != y->node || x->open != y->open ||
	    x->leader != y->leader || c->first[a]->offerable != c->first[b]->offerable ||
	    !cpuset_equal(c->first[a]->local_cpus, c->first[b]->local_cpus) ||
	    !within_as_between(c, a, b, a) || !within_as_between(c, a, b, b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (i != a && i != b && c->becomes[i] == i &&
		    (t->weight[a * n + i] != t->weight[b * n + i] ||
		     t->lack[a * n + i] != t->lack[b * n + i]))
			return false;
	return true;
}

static void join_classes(struct classing *c)
{
	struct layout *t = c->t;
	size_t n = t->classes_count;

	for (size_t i = 0; i < n; i++)
		c->becomes[i] = (uint32_t)i;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; c->becomes[i] == i && k < n; k++) {
			if (c->becomes[k] != k || !are_alike(c, i, k))
				continue;
			c->becomes[k] = (uint32_t)i;
			c->members[i] += c->members[k];
			t->weight[i * n + i] = t->weight[i * n + k];
			t->lack[i * n + i] = t->lack[i * n + k];
		}
	for (size_t i = 0; i < t->devices_count; i++)
		t->devices[i].class = c->becomes[t->devices[i].class];
}

static int measure_to_nodes(struct classing *c)
{
	struct layout *t = c->t;
	size_t all = t->classes_count * t->nodes_count;

	t->to_node = calloc(all ? all : 1, sizeof(*t->to_node));
	if (!t->to_node)
		return -ENOMEM;
	for (size_t i = 0; i < t->classes_count; i++) {
		t->classes[i].to = (uint32_t)(i * t->nodes_count);
		for (unsigned k = 0; k < t->nodes_count; k++) {
			_cleanup_(cpuset_freep) struct cpuset *one = NULL;

			if (cpuset_new(&one) < 0 || cpuset_add(one, t->nodes[k].number) < 0)
				return -ENOMEM;
			t->to_node[t->classes[i].to + k] =
				(uint8_t)path_weight(path_to_nodes(c->inv, c->first[i], one));
		}
	}
	return 0;
}

int layout_add_devices(struct layout *t, const struct inventory *inv)
{
	_cleanup_(classing_done) struct classing c = { .t = t, .inv = inv };
	int r = list_devices(t, inv);
	size_t most = t->devices_count ? t->devices_count : 1;

	if (r < 0)
		return r;
	t->classes = calloc(most, sizeof(*t->classes));
	c.first = calloc(most, sizeof(*c.first));
	c.members = calloc(most, sizeof(*c.members));
	c.becomes = calloc(most, sizeof(*c.becomes));
	if (!t->classes || !c.first || !c.members || !c.becomes)
		return -ENOMEM;
	r = list_classes(&c);
	if (r == 0)
		r = measure(&c);
	if (r < 0)
		return r;
	find_leaders(&c);
	join_classes(&c);
	if (c.best_link == 0) {
		free(t->lack);
		t->lack = NULL;
	}
	return measure_to_nodes(&c);
}
