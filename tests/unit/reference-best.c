/* SPDX-License-Identifier: Apache-2.0 */
/* The best score on up to 16 nodes. The first five numbers of a score (level, standing apart, cost,
 * nodes, distances) are told by the set of used nodes and the number of devices in open places
 * alone, but for the level of a switch, which is tried first. None of them falls when a node is
 * added, and the number of nodes rises; so of all sets in which the request fits, those that begin
 * best are used wholly by every allocation within, and no other set can be better. Of these few
 * each is tried: with every home of the fewest nodes that have the cores (the sixth number), for
 * each the best cores, the nearest memory and the best devices, on which no number depends twice.
 * What comes out is scored by score_of, and its beginning must be the one that was foreseen. */
#include "tests/unit/reference-best.h"

#include "model/path.h"
#include "model/region.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { BEGIN = SCORE_DISTANCES + 1 };

struct reference {
	struct reference_stage stage;
	struct reference_cores cores;
	struct reference_devices devices;
	bool one_switch, found, given_up;
	uint64_t begin[BEGIN], after[BEGIN]; /* of what is tried now; all up to it were tried */
	struct placement_score best;
};

/* One set of nodes to be tried. */
struct choice {
	unsigned nodes, open;
};

static bool has_device(const struct reference_stage *s, const struct device *node)
{
	for (enum device_kind kind = DEVICE_GPU; kind <= DEVICE_DISK; kind++)
		inventory_each (d, s->view->inventory, kind)
			if (s->request->devices[kind] && d->node == (int)node->memory.number &&
			    reference_device_usable(s->view, s->request, d))
				return true;
	return false;
}

static bool has_core(const struct reference_stage *s, const struct device *node)
{
	inventory_each (core, s->view->inventory, DEVICE_CORE)
		if (cpuset_intersects(core->core.cpus, node->memory.cpus) &&
		    reference_core_usable(s->view, s->request, core))
			return s->request->cores > 0;
	return false;
}

static bool add_node(struct reference_stage *s, const struct device *node)
{
	const struct request *q = s->request;
	bool within = !q->within_nodes || cpuset_has(q->within_nodes, node->memory.number);
	uint64_t memory = within && q->memory_bytes ? view_memory_free(s->view, node) : 0;
	uint64_t pages = within && q->hugepages_count
				 ? view_hugepages_free(s->view, node, q->hugepages[0].size_bytes)
				 : 0;

	if (!memory && !pages && !has_core(s, node) && !has_device(s, node))
		return true; /* nothing of it can be used */
	if (s->nodes_count == REFERENCE_NODES)
		return false;
	s->nodes[s->nodes_count] = node;
	s->memory[s->nodes_count] = memory;
	s->pages[s->nodes_count++] = pages;
	return true;
}

static bool open_stage(struct reference_stage *s)
{
	assert_true(s->request->hugepages_count <= 1);
	assert_int_equal(view_shared_pool(s->view, &s->pool), 0);
	s->spare = view_shared_free(s->view) - s->request->shared_millicpus;
	inventory_each (node, s->view->inventory, DEVICE_NODE)
		if (!add_node(s, node))
			return false;
	return true;
}

static uint64_t sum_of(const uint64_t *of, size_t count, unsigned nodes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += nodes >> i & 1 ? of[i] : 0;
	return sum;
}

static bool fits(const struct reference *x, struct choice c)
{
	const struct reference_stage *s = &x->stage;
	const struct request *q = s->request;
	uint64_t pages = q->hugepages_count ? q->hugepages[0].count : 0;

	return sum_of(s->memory, s->nodes_count, c.nodes) >= q->memory_bytes &&
	       sum_of(s->pages, s->nodes_count, c.nodes) >= pages &&
	       reference_devices_fit(s, &x->devices, c.nodes, c.open) &&
	       reference_cores_fit(s, &x->cores, c.nodes);
}

static bool all_in_package(const struct reference_stage *s, const struct device *package,
			   unsigned nodes)
{
	if (cpuset_empty(package->package.cpus))
		return false;
	for (size_t i = 0; i < s->nodes_count; i++)
		if ((nodes >> i & 1) &&
		    !cpuset_intersects(s->nodes[i]->memory.cpus, package->package.cpus))
			return false;
	return true;
}

static bool any_node_with_cpus(const struct reference_stage *s)
{
	inventory_each (node, s->view->inventory, DEVICE_NODE)
		if (!cpuset_empty(node->memory.cpus))
			return true;
	return false;
}

static uint64_t level_of(const struct reference_stage *s, unsigned nodes)
{
	if (nodes == 0 && any_node_with_cpus(s))
		return SCORE_AT_NODE;
	for (size_t i = 0; i < s->nodes_count; i++)
		if (nodes == 1U << i && !cpuset_empty(s->nodes[i]->memory.cpus))
			return SCORE_AT_NODE;
	inventory_each (package, s->view->inventory, DEVICE_PACKAGE)
		if (all_in_package(s, package, nodes))
			return SCORE_AT_PACKAGE;
	return SCORE_AT_MACHINE;
}

static bool is_beside_owner(const struct reference_stage *s, const struct device *node)
{
	const struct request *q = s->request;

	if (q->apart == APART_NONE)
		return false;
	if (cpuset_has(q->apart_nodes, node->memory.number))
		return true;
	inventory_each (package, s->view->inventory, DEVICE_PACKAGE)
		inventory_each (other, s->view->inventory, DEVICE_NODE)
			if (q->apart == APART_PACKAGE &&
			    cpuset_has(q->apart_nodes, other->memory.number) &&
			    cpuset_intersects(other->memory.cpus, package->package.cpus) &&
			    cpuset_intersects(node->memory.cpus, package->package.cpus))
				return true;
	return false;
}

static void foresee(const struct reference *x, struct choice c, uint64_t begin[BEGIN])
{
	const struct reference_stage *s = &x->stage;
	uint64_t worst = 10;

	memset(begin, 0, sizeof(uint64_t) * BEGIN);
	begin[SCORE_LEVEL] = x->one_switch ? SCORE_AT_SWITCH : level_of(s, c.nodes);
	for (size_t i = 0; i < s->nodes_count; i++) {
		if (!(c.nodes >> i & 1))
			continue;
		begin[SCORE_NODES]++;
		begin[SCORE_APART] += is_beside_owner(s, s->nodes[i]);
		for (size_t k = 0; k < s->nodes_count; k++) {
			uint64_t far = region_distance(s->nodes[i], s->nodes[k]->memory.number);

			if (i == k || !(c.nodes >> k & 1))
				continue;
			begin[SCORE_DISTANCES] += far;
			worst = far > worst ? far : worst;
		}
	}
	begin[SCORE_COST] = worst + SCORE_UNKNOWN_PLACE * c.open;
}

static int compare(const uint64_t a[BEGIN], const uint64_t b[BEGIN])
{
	for (size_t i = 0; i < BEGIN; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* Each choice in which the request fits and that it allows. */
static void each_choice(struct reference *x, void (*visit)(struct reference *x, struct choice c))
{
	const struct request *q = x->stage.request;
	unsigned sets = 1U << x->stage.nodes_count, most = 0;

	for (enum device_kind kind = DEVICE_GPU; kind <= DEVICE_DISK; kind++)
		most += q->devices[kind];
	if (q->align_required && q->align != ALIGN_NONE)
		most = 0; /* what is required cannot be known of an open place */
	for (struct choice c = { 0 }; c.nodes < sets; c.nodes++)
		for (c.open = 0; c.open <= most; c.open++)
			if (fits(x, c))
				visit(x, c);
}

static bool is_allowed(const struct reference *x, const uint64_t begin[BEGIN])
{
	static const uint64_t levels[ALIGN_LEVELS] = {
		[ALIGN_SWITCH] = SCORE_AT_SWITCH,
		[ALIGN_NODE] = SCORE_AT_NODE,
		[ALIGN_PACKAGE] = SCORE_AT_PACKAGE,
		[ALIGN_NONE] = SCORE_AT_MACHINE,
	};
	const struct request *q = x->stage.request;

	return (!q->align_required || begin[SCORE_LEVEL] <= levels[q->align]) &&
	       (!q->apart_required || begin[SCORE_APART] == 0);
}

static void keep_beginning(struct reference *x, struct choice c)
{
	uint64_t begin[BEGIN];

	foresee(x, c, begin);
	if (x->one_switch && level_of(&x->stage, c.nodes) != SCORE_AT_NODE)
		return;
	if (is_allowed(x, begin) && compare(begin, x->begin) < 0 && compare(begin, x->after) > 0)
		memcpy(x->begin, begin, sizeof(begin));
}

static uint32_t far_of(const struct reference_stage *s, unsigned home, size_t node)
{
	uint32_t number = s->nodes[node]->memory.number, least = home >> node & 1 ? 0 : 255;

	for (size_t i = 0; i < s->nodes_count; i++)
		if ((home >> i & 1) && region_distance(s->nodes[i], number) < least)
			least = region_distance(s->nodes[i], number);
	return least;
}

/* From the nearest to the home on, which is the least sum of bytes times distance. */
static void lay_memory(const struct reference_stage *s, unsigned nodes, unsigned home,
		       struct allocation *a)
{
	uint64_t bytes = s->request->memory_bytes;
	uint64_t pages = s->request->hugepages_count ? s->request->hugepages[0].count : 0;

	for (uint32_t far = 0; far < 256; far++)
		for (size_t i = 0; i < s->nodes_count; i++) {
			uint32_t number = s->nodes[i]->memory.number;
			uint64_t part = s->memory[i] < bytes ? s->memory[i] : bytes;
			uint64_t some = s->pages[i] < pages ? s->pages[i] : pages;

			if (far_of(s, home, i) != far || !(nodes >> i & 1))
				continue;
			bytes -= part;
			pages -= some;
			if (part)
				assert_int_equal(allocation_add_memory(a, number, part), 0);
			if (some)
				assert_int_equal(allocation_add_hugepages(
							 a, number,
							 s->request->hugepages[0].size_bytes, some),
						 0);
		}
	assert_true(bytes == 0 && pages == 0);
}

static void look(struct reference *x, const struct allocation *a)
{
	struct placement_score score;

	assert_int_equal(score_of(x->stage.view, x->stage.request, a, &score), 0);
	if (compare(score.value, x->begin) != 0)
		fail_msg("the score begins otherwise than its nodes say");
	assert_true(reference_allowed(x->stage.view, x->stage.request, a, &score));
	if (!x->found || score_compare(&score, &x->best) < 0)
		x->best = score;
	x->found = true;
}

static void add_devices(struct reference *x, struct choice c, unsigned home, struct allocation *a)
{
	const struct reference_wish wish = {
		.nodes = c.nodes, .home = home, .open = c.open, .one_switch = x->one_switch
	};
	int r = reference_devices_take(&x->stage, &x->devices, &wish, a);

	x->given_up = x->given_up || r < 0;
	if (r > 0)
		look(x, a);
}

static void try_home(struct reference *x, struct choice c, unsigned home)
{
	_cleanup_(allocation_freep) struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	if (!reference_cores_take(&x->stage, &x->cores, home, a)) {
		x->given_up = true;
		return;
	}
	lay_memory(&x->stage, c.nodes, home, a);
	add_devices(x, c, home, a);
}

/* Fewest nodes first; more of them are worse in the sixth number, whatever else they bring. */
static void try_homes(struct reference *x, struct choice c)
{
	bool enough = false;

	for (int size = 1; size <= (int)x->stage.nodes_count && !enough; size++)
		for (unsigned home = 1; home <= c.nodes; home++)
			if ((home & ~c.nodes) == 0 && __builtin_popcount(home) == size &&
			    reference_cores_fit(&x->stage, &x->cores, home)) {
				enough = true;
				try_home(x, c, home);
			}
	if (!enough) /* cores of no node */
		try_home(x, c, 0);
}

static void try_choice(struct reference *x, struct choice c)
{
	const struct request *q = x->stage.request;
	uint64_t begin[BEGIN];

	foresee(x, c, begin);
	if (x->given_up || compare(begin, x->begin) != 0 ||
	    (x->one_switch && level_of(&x->stage, c.nodes) != SCORE_AT_NODE))
		return;
	if (q->cores > 0) {
		try_homes(x, c);
		return;
	}
	try_home(x, c, c.nodes); /* it is all that is used */
}

/* The sets that begin best, then those that begin next best: with all devices behind one switch the
 * first ones can turn out to have none such. Without, they never do. */
static void search_once(struct reference *x, bool one_switch)
{
	x->one_switch = one_switch;
	memset(x->after, 0, sizeof(x->after));
	while (!x->found && !x->given_up) {
		memset(x->begin, 0xff, sizeof(x->begin));
		each_choice(x, keep_beginning);
		if (x->begin[0] == UINT64_MAX)
			return;
		each_choice(x, try_choice);
		assert_true(one_switch || x->found || x->given_up);
		memcpy(x->after, x->begin, sizeof(x->after));
	}
}

int reference_best(const struct view *v, const struct request *q, uint64_t limit,
		   struct placement_score *ret)
{
	static struct reference x; /* large, and used by one test at a time */

	x = (struct reference){ .stage = { .view = v, .request = q, .limit = limit } };
	if (request_empty(q))
		return PLACEMENT_NO_FIT;
	if (!open_stage(&x.stage)) {
		cpuset_free(x.stage.pool);
		return REFERENCE_GIVEN_UP;
	}
	reference_cores_find(&x.stage, &x.cores);
	reference_devices_find(&x.stage, &x.devices);
	if (q->align == ALIGN_SWITCH)
		search_once(&x, true);
	if (!x.found && !x.given_up)
		search_once(&x, false);
	cpuset_free(x.stage.pool);
	if (x.given_up)
		return REFERENCE_GIVEN_UP;
	if (x.found)
		*ret = x.best;
	return x.found ? PLACEMENT_FITS : PLACEMENT_NO_FIT;
}
