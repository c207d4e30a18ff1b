/* SPDX-License-Identifier: Apache-2.0 */
/* What could be given, as numbers; see stock.h: the devices. */
#include "model/stock.h"

#include <string.h>

/* Its place in the layout, which has them in the order of the inventory. */
static int place_of(const struct stock *s, const struct device *d)
{
	return d->kind == DEVICE_GPU || d->kind == DEVICE_NIC || d->kind == DEVICE_DISK
		       ? (int)(d->place - s->view->inventory->first[DEVICE_GPU])
		       : LAYOUT_NONE;
}

void stock_mark_held(struct stock *s, const struct allocation *a)
{
	for (size_t i = 0; i < a->devices_count; i++) {
		const struct device *d = inventory_find(s->view->inventory, a->devices[i]);
		int place = d ? place_of(s, d) : LAYOUT_NONE;
		int node = d && d->node >= 0 ? layout_node_of(s->layout, (uint32_t)d->node)
					     : LAYOUT_NONE;

		if (place == LAYOUT_NONE)
			continue;
		s->devices[place] |= STOCK_DEVICE_HELD;
		if (node != LAYOUT_NONE)
			s->nodes[node].touched = true;
	}
}

void stock_mark_ill(struct stock *s, const struct device *d)
{
	int place = place_of(s, d);

	if (place != LAYOUT_NONE)
		s->devices[place] |= STOCK_DEVICE_ILL;
}

/* A virtual function whose whole port was given to somebody is not free either. */
static bool is_held_as_whole(const struct stock *s, const struct layout_device *d)
{
	const struct layout *t = s->layout;

	if (d->device->kind != DEVICE_NIC || !d->device->nic.physical_function || d->port < 0)
		return false;
	for (size_t i = (size_t)d->port; i < t->devices_count; i++)
		if (t->devices[i].port == d->port && t->devices[i].device->nic.physical &&
		    t->devices[i].device->kind == DEVICE_NIC && (s->devices[i] & STOCK_DEVICE_HELD))
			return true;
	return false;
}

static bool is_as_asked(const struct request *q, const struct layout_device *d)
{
	if (d->device->kind != DEVICE_NIC)
		return true;
	if (q->nic.function != NIC_FUNCTION_ANY &&
	    (q->nic.function == NIC_FUNCTION_WHOLE) != d->device->nic.physical)
		return false;
	return q->nic.speed_mbps == 0 ||
	       (d->speed_mbps != DEVICE_UNKNOWN_U32 && d->speed_mbps >= q->nic.speed_mbps);
}

static bool is_within(const struct request *q, const char *id)
{
	if (!q->offer)
		return true;
	for (size_t i = 0; i < q->within_devices_count; i++)
		if (strcmp(q->within_devices[i], id) == 0)
			return true;
	return false;
}

static void count_group(struct stock *s, const struct layout_class *c, bool is_free)
{
	if (c->leader == LAYOUT_NONE || c->kind != DEVICE_GPU)
		return;
	s->group_all[c->leader]++;
	s->group_free[c->leader] += is_free;
}

static void count_place(struct stock *s, const struct layout_class *c, int kind)
{
	if (c->open)
		s->open[kind]++;
	else if (c->node == LAYOUT_NONE)
		s->floating[kind]++;
	else
		s->nodes[c->node].devices[kind]++;
}

static void count_device(struct stock *s, size_t place)
{
	const struct layout_device *d = &s->layout->devices[place];
	const struct layout_class *c = &s->layout->classes[d->class];
	int kind = stock_kind(c->kind);
	bool is_free;

	if (!d->device->offerable || (c->kind != DEVICE_GPU && s->wanted[kind] == 0))
		return;
	is_free = !(s->devices[place] & (STOCK_DEVICE_HELD | STOCK_DEVICE_ILL)) &&
		  !is_held_as_whole(s, d);
	count_group(s, c, is_free);
	if (!is_free)
		return;
	s->devices[place] |= STOCK_DEVICE_FREE;
	if (c->kind == DEVICE_GPU && c->node != LAYOUT_NONE)
		s->nodes[c->node].gpus_free++;
	if (s->wanted[kind] == 0 || !is_as_asked(s->request, d) ||
	    !is_within(s->request, d->device->id))
		return;
	s->devices[place] |= STOCK_DEVICE_FITS;
	s->classes[d->class]++;
	count_place(s, c, kind);
}

void stock_count_devices(struct stock *s)
{
	for (size_t i = 0; i < s->layout->devices_count; i++)
		count_device(s, i);
}
