/* SPDX-License-Identifier: Apache-2.0 */
/* From what was found to the allocation; see settle.h. Of what is alike the lowest numbers. */
#include "model/settle.h"

#include "model/path.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int take_cores_of(const struct search *s, uint32_t l3, bool slow, uint32_t *left,
			 struct allocation *a)
{
	const struct layout *t = s->layout;

	for (size_t i = 0; i<t->cores_count && * left> 0; i++) {
		const struct layout_core *c = &t->cores[i];

		if (!s->stock->takeable[i] || t->groups[c->group].l3 != l3 ||
		    t->groups[c->group].slow != slow ||
		    !search_takes_group(s, c->group, s->best.core_nodes))
			continue;
		if (cpuset_union(a->cpus, c->device->core.cpus) < 0 ||
		    cpuset_add(a->cores, c->device->core.number) < 0)
			return -ENOMEM;
		(*left)--;
	}
	return 0;
}

/* Performance cores of all caches go before efficiency cores. */
static int take_cores(struct search *s, struct allocation *a)
{
	uint32_t left = s->stock->request->cores;
	struct core_choice choice;
	int r = 0;

	search_cores(s, s->best.core_nodes, &choice);
	for (int slow = 0; slow < 2; slow++)
		for (uint32_t i = 0; r == 0 && i < s->picked_count; i++)
			r = take_cores_of(s, s->picked[i], slow, &left, a);
	return r;
}

static int take_memory(const struct search *s, struct allocation *a)
{
	struct search_memory filled[LAYOUT_NODES_MAX];
	const struct plan *plan = &s->best;
	int r = 0;

	if (s->stock->request->memory_bytes == 0 && s->stock->sizes == 0)
		return 0;
	(void)search_fill(s, plan->used, plan->core_nodes, filled); /* it did before */
	each_bit (i, plan->used) {
		uint32_t number = s->layout->nodes[i].number;

		if (r == 0 && filled[i].bytes > 0)
			r = allocation_add_memory(a, number, filled[i].bytes);
		for (size_t size = 0; r == 0 && size < s->stock->sizes; size++)
			if (filled[i].pages[size] > 0)
				r = allocation_add_hugepages(a, number,
							     s->stock->hugepage_bytes[size],
							     filled[i].pages[size]);
	}
	return r;
}

static uint32_t path_home(const struct search *s, const struct layout_class *class)
{
	uint64_t home = s->best.core_nodes ? s->best.core_nodes : s->best.used;
	uint32_t least = path_weight(PATH_UNKNOWN);

	each_bit (i, home) {
		uint32_t weight = s->layout->to_node[class->to + i];

		least = weight < least ? weight : least;
	}
	return least;
}

/* Those of one kind that are so far from the cores. */
static int take_devices_at(struct search *s, enum device_kind kind, uint32_t weight,
			   struct allocation *a)
{
	const struct layout *t = s->layout;

	for (size_t i = 0; i < t->devices_count; i++) {
		uint32_t class = t->devices[i].class;

		if (t->classes[class].kind != kind || s->best.devices[class] == 0 ||
		    !(s->stock->devices[i] & STOCK_DEVICE_FITS) ||
		    path_home(s, &t->classes[class]) != weight)
			continue;
		if (allocation_add_device(a, t->devices[i].device->id) < 0)
			return -ENOMEM;
		s->best.devices[class]--;
	}
	return 0;
}

static int take_devices(struct search *s, struct allocation *a)
{
	int r = 0;

	for (int kind = 0; kind < STOCK_KINDS; kind++)
		for (int class = PATH_NODE; class < PATH_UNKNOWN; class ++)
			if (r == 0 && s->stock->wanted[kind] > 0)
				r = take_devices_at(s, DEVICE_GPU + kind, path_weight(class), a);
	return r;
}

/* Without memory asked for, it still belongs near the cores: on those of their nodes that have
 * memory of the host. The kernel refuses others in cpuset.mems and memory policies. */
static int add_near_nodes(const struct search *s, struct allocation *a)
{
	each_bit (i, s->best.core_nodes) {
		const struct device *node = s->layout->nodes[i].device;

		if (node->memory.host_memory && node->memory.memory_bytes > 0 &&
		    cpuset_add(a->nodes, node->memory.number) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int say_where(const struct search *s, const char *label, struct allocation *a)
{
	const uint64_t *value = s->best.score.value;
	_cleanup_(cpuset_freep) struct cpuset *used = NULL;
	_cleanup_free_ char *list = NULL;
	uint32_t open = 0;

	if (cpuset_new(&used) < 0)
		return -ENOMEM;
	each_bit (i, s->best.used)
		if (cpuset_add(used, s->layout->nodes[i].number) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < s->layout->classes_count; i++)
		open += s->layout->classes[i].open ? s->best.devices[i] : 0;
	list = cpuset_format(used);
	a->cost = (uint32_t)value[SCORE_COST];
	if (!list ||
	    asprintf(&a->why,
		     "%s is the tightest place that fits%s%s%s; the largest distance within is "
		     "%u%s",
		     label, *list ? " (memory nodes " : "", list, *list ? ")" : "",
		     a->cost - open * SCORE_UNKNOWN_PLACE,
		     open ? "; the machine does not tell where some devices are" : "") < 0) {
		a->why = NULL;
		return -ENOMEM;
	}
	return 0;
}

int settle(struct search *s, const char *label, struct allocation **ret)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;
	int r = allocation_new(&a);

	s->place = s->best.place;
	if (r == 0)
		r = say_where(s, label, a);
	if (r == 0)
		r = take_cores(s, a);
	if (r == 0)
		r = take_memory(s, a);
	if (r == 0)
		r = take_devices(s, a);
	if (r == 0 && s->stock->request->memory_bytes == 0)
		r = add_near_nodes(s, a);
	if (r < 0)
		return r;
	a->shared_millicpus = s->stock->request->shared_millicpus;
	*ret = TAKE_PTR(a);
	return 0;
}
