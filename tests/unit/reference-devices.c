/* SPDX-License-Identifier: Apache-2.0 */
/* The best devices. Four numbers of the score tell devices of the same nodes apart: links between
 * GPUs, paths, free GPUs that stay, groups that are broken. Two free devices with the same paths
 * and links to all others, of the same node and group, can change places; so of such the later one
 * is only tried with the earlier one. A sum that has passed the best one is not added to: no path
 * and no lack of a link is below 0. */
#include "tests/unit/reference-best.h"

#include "model/path.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { FIELDS = 4, LINKS = 0, PATHS = 1, GPUS_LEFT = 2, GROUPS_BROKEN = 3 };
enum { PLACE_OPEN = -1, PLACE_ANY = -2 }; /* any: the machine has one node and tells none */

static const enum device_kind kinds[] = { DEVICE_GPU, DEVICE_NIC, DEVICE_DISK };

struct search {
	struct reference_stage *stage;
	const struct reference_devices *devices;
	const struct reference_wish *wish;
	uint32_t home_path[REFERENCE_DEVICES];
	bool taken[REFERENCE_DEVICES], best_taken[REFERENCE_DEVICES];
	uint64_t best[FIELDS];
	bool found, given_up;
};

struct so_far {
	size_t next; /* the device to decide on */
	uint32_t left[DEVICE_KINDS], open;
	uint64_t links, paths;
};

static int node_index(const struct reference_stage *s, const struct device *d)
{
	if (d->node < 0)
		return path_open(s->view->inventory, d) ? PLACE_OPEN : PLACE_ANY;
	for (size_t i = 0; i < s->nodes_count; i++)
		if (s->nodes[i]->memory.number == (unsigned)d->node)
			return (int)i;
	fail_msg("%s is on node %d, which is not there", d->id, d->node);
	return PLACE_OPEN;
}

static uint32_t best_link(const struct inventory *inv)
{
	uint32_t best = 0;

	inventory_each (a, inv, DEVICE_GPU)
		inventory_each (b, inv, DEVICE_GPU)
			best = path_link(a, b) > best ? path_link(a, b) : best;
	return best;
}

static int leader_of(const struct inventory *inv, const struct reference_devices *d,
		     const struct device *of)
{
	for (size_t i = 0; i < d->gpus_count; i++)
		if (d->gpus[i] == of || path_between(inv, d->gpus[i], of) == PATH_SWITCH)
			return (int)i;
	return -1;
}

static bool can_stand_for(const struct reference_devices *d, size_t a, size_t b)
{
	if (d->item[a]->kind != d->item[b]->kind || d->node[a] != d->node[b] ||
	    d->leader[a] != d->leader[b])
		return false;
	for (size_t i = 0; i < d->count; i++)
		if (i != a && i != b &&
		    (d->path[a][i] != d->path[b][i] || d->link[a][i] != d->link[b][i]))
			return false;
	return cpuset_equal(d->item[a]->local_cpus, d->item[b]->local_cpus);
}

static void fill_tables(const struct inventory *inv, struct reference_devices *d)
{
	uint32_t best = best_link(inv);

	for (size_t i = 0; i < d->count; i++) {
		d->leader[i] = leader_of(inv, d, d->item[i]);
		for (size_t k = 0; k < d->count; k++) {
			bool gpus =
				d->item[i]->kind == DEVICE_GPU && d->item[k]->kind == DEVICE_GPU;

			d->path[i][k] = path_weight(path_between(inv, d->item[i], d->item[k]));
			d->link[i][k] = gpus ? best - path_link(d->item[i], d->item[k]) : 0;
		}
	}
	for (size_t i = 0; i < d->count; i++) {
		d->like[i] = -1;
		for (size_t k = 0; k < i; k++)
			if (can_stand_for(d, k, i))
				d->like[i] = (int)k;
	}
}

void reference_devices_find(const struct reference_stage *s, struct reference_devices *ret)
{
	const struct inventory *inv = s->view->inventory;

	memset(ret, 0, sizeof(*ret));
	inventory_each (gpu, inv, DEVICE_GPU)
		if (gpu->offerable) {
			assert_true(ret->gpus_count < REFERENCE_DEVICES);
			ret->gpus[ret->gpus_count++] = gpu;
		}
	for (size_t i = 0; i < ret->gpus_count; i++)
		ret->gpu_leader[i] = leader_of(inv, ret, ret->gpus[i]);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		inventory_each (d, inv, kinds[i]) {
			if (!s->request->devices[kinds[i]] ||
			    !reference_device_usable(s->view, s->request, d))
				continue;
			assert_true(ret->count < REFERENCE_DEVICES);
			ret->node[ret->count] = node_index(s, d);
			ret->item[ret->count++] = d;
		}
	fill_tables(inv, ret);
}

bool reference_devices_fit(const struct reference_stage *s, const struct reference_devices *d,
			   unsigned nodes, unsigned open)
{
	unsigned least = 0, most = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned known = 0, unknown = 0, wanted = s->request->devices[kinds[i]];

		for (size_t k = 0; k < d->count; k++) {
			if (d->item[k]->kind != kinds[i])
				continue;
			unknown += d->node[k] == PLACE_OPEN;
			known += d->node[k] == PLACE_ANY ||
				 (d->node[k] >= 0 && (nodes >> d->node[k] & 1));
		}
		if (known + unknown < wanted)
			return false;
		least += known < wanted ? wanted - known : 0;
		most += unknown < wanted ? unknown : wanted;
	}
	return least <= open && open <= most;
}

static unsigned count_broken(const struct search *s)
{
	const struct reference_devices *d = s->devices;
	unsigned n = 0;

	for (size_t leader = 0; leader < d->gpus_count; leader++) {
		bool all_free = true, touched = false, stays = false;

		for (size_t i = 0; i < d->count; i++)
			touched = touched || (s->taken[i] && d->leader[i] == (int)leader);
		for (size_t i = 0; touched && i < d->gpus_count; i++) {
			bool taken = false;

			if (d->gpu_leader[i] != (int)leader)
				continue;
			for (size_t k = 0; k < d->count; k++)
				taken = taken || (s->taken[k] && d->item[k] == d->gpus[i]);
			all_free = all_free && view_device_free(s->stage->view, d->gpus[i]);
			stays = stays || !taken;
		}
		n += touched && all_free && stays;
	}
	return n;
}

static void look(struct search *s, const struct so_far *at)
{
	uint64_t found[FIELDS] = { [LINKS] = at->links, [PATHS] = at->paths };

	found[GPUS_LEFT] = REFERENCE_DEVICES; /* how many are there is the same for all */
	for (size_t i = 0; i < s->devices->count; i++)
		found[GPUS_LEFT] -= s->taken[i] && s->devices->item[i]->kind == DEVICE_GPU &&
				    s->devices->node[i] >= 0;
	found[GROUPS_BROKEN] = count_broken(s);
	for (size_t i = 0; s->found && i < FIELDS; i++) {
		if (found[i] > s->best[i])
			return;
		if (found[i] < s->best[i])
			break;
		if (i == FIELDS - 1)
			return;
	}
	s->found = true;
	memcpy(s->best, found, sizeof(found));
	memcpy(s->best_taken, s->taken, sizeof(s->taken));
}

static bool can_take(const struct search *s, const struct so_far *at)
{
	const struct reference_devices *d = s->devices;
	size_t i = at->next;

	if (at->left[d->item[i]->kind] == 0 || (d->like[i] >= 0 && !s->taken[d->like[i]]))
		return false;
	if (d->node[i] == PLACE_OPEN && at->open == 0)
		return false;
	if (d->node[i] >= 0 && !(s->wish->nodes >> d->node[i] & 1))
		return false;
	for (size_t k = 0; s->wish->one_switch && k < i; k++)
		if (s->taken[k] && d->path[i][k] != path_weight(PATH_SWITCH))
			return false;
	return true;
}

static struct so_far with_next(const struct search *s, struct so_far at)
{
	const struct reference_devices *d = s->devices;
	size_t i = at.next++;

	at.left[d->item[i]->kind]--;
	at.open -= d->node[i] == PLACE_OPEN;
	at.paths += s->home_path[i];
	for (size_t k = 0; k < i; k++)
		if (s->taken[k]) {
			at.paths += d->path[i][k];
			at.links += d->link[i][k];
		}
	return at;
}

static bool hopeless(const struct search *s, const struct so_far *at)
{
	return s->found && (at->links > s->best[LINKS] ||
			    (at->links == s->best[LINKS] && at->paths > s->best[PATHS]));
}

static void try_devices(struct search *s, struct so_far at)
{
	s->given_up = s->given_up || s->stage->steps++ > s->stage->limit;
	if (s->given_up || hopeless(s, &at))
		return;
	if (at.left[DEVICE_GPU] + at.left[DEVICE_NIC] + at.left[DEVICE_DISK] == 0) {
		if (at.open == 0)
			look(s, &at);
		return;
	}
	if (at.next == s->devices->count)
		return;
	if (can_take(s, &at)) {
		size_t i = at.next;
		struct so_far with = with_next(s, at);

		s->taken[i] = true;
		try_devices(s, with);
		s->taken[i] = false;
	}
	at.next++;
	try_devices(s, at);
}

int reference_devices_take(struct reference_stage *stage, const struct reference_devices *d,
			   const struct reference_wish *wish, struct allocation *a)
{
	struct search s = { .stage = stage, .devices = d, .wish = wish };
	struct so_far at = { .open = wish->open };
	_cleanup_(cpuset_freep) struct cpuset *home = NULL;

	assert_int_equal(cpuset_new(&home), 0);
	for (unsigned i = 0; i < stage->nodes_count; i++)
		if (wish->home >> i & 1)
			assert_int_equal(cpuset_add(home, stage->nodes[i]->memory.number), 0);
	for (size_t i = 0; i < d->count; i++)
		s.home_path[i] =
			path_weight(path_to_nodes(stage->view->inventory, d->item[i], home));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		at.left[kinds[i]] = stage->request->devices[kinds[i]];
	try_devices(&s, at);
	if (s.given_up || !s.found)
		return s.given_up ? -1 : 0;
	for (size_t i = 0; i < d->count; i++)
		if (s.best_taken[i])
			assert_int_equal(allocation_add_device(a, d->item[i]->id), 0);
	return 1;
}
