/* SPDX-License-Identifier: Apache-2.0 */
/* API documents -> what is drawn. Grouping is by sorting: the drawings walk runs of equal package,
 * node and L3, so there is no tree to get wrong. CPUs above PICTURE_CPUS_MAX are counted, not
 * drawn. */
#include "ctl/picture.h"

#include "ctl/look.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int number_or_nowhere(const json_t *object, const char *path)
{
	uint64_t value;

	return look_u64(object, path, &value) && value <= INT16_MAX * 2 ? (int)value
									: PICTURE_NOWHERE;
}

/* --- health --- */

static enum mark mark_of_verdict(const char *verdict)
{
	if (verdict && strcmp(verdict, "failed") == 0)
		return MARK_FAILED;
	return verdict && strcmp(verdict, "degraded") == 0 ? MARK_DEGRADED : MARK_NONE;
}

static enum mark mark_of(const struct picture *p, const char *id)
{
	enum mark worst = MARK_NONE;

	for (size_t i = 0; id && i < p->conditions_count; i++) {
		const char *subject = look_text(p->conditions[i], "subject");
		enum mark mark = mark_of_verdict(look_text(p->conditions[i], "verdict"));

		if (subject && strcmp(subject, id) == 0 && mark > worst)
			worst = mark;
	}
	return worst;
}

static int take_conditions(struct picture *p, const json_t *health)
{
	json_t *conditions = look_array(health, "conditions"), *item;
	size_t i;

	p->conditions = calloc(json_array_size(conditions) + 1, sizeof(*p->conditions));
	if (!p->conditions)
		return -ENOMEM;
	json_array_foreach (conditions, i, item)
		if (mark_of_verdict(look_text(item, "verdict")) != MARK_NONE)
			p->conditions[p->conditions_count++] = item;
	return 0;
}

/* --- who holds what --- */

static bool array_has(const json_t *array, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (json_is_string(item) && word && strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

static int holder_of(const struct picture *p, const char *id, const char *path)
{
	for (size_t i = 0; i < p->slices_count; i++)
		if (array_has(look_array(p->slices[i], path), id))
			return (int)i;
	return HOLDER_FREE;
}

static void mark_cpus(struct picture *p, const struct cpuset *cpus, int holder, bool over_all)
{
	cpuset_each (cpu, cpus) {
		if (cpu >= PICTURE_CPUS_MAX)
			break;
		if (over_all || p->holders[cpu] == HOLDER_FREE)
			p->holders[cpu] = (int16_t)holder;
	}
}

static void mark_text(struct picture *p, const char *list, int holder, bool over_all)
{
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;

	if (list && cpuset_parse(list, &cpus) == 0)
		mark_cpus(p, cpus, holder, over_all);
}

/* Exclusive CPUs first, then the pool: a pool that is told too wide must not hide an owner. */
static void mark_slices(struct picture *p)
{
	for (size_t i = 0; i < p->slices_count; i++)
		if (look_number_or(p->slices[i], "resources.shared_cpus", 0) <= 0 ||
		    json_array_size(look_array(p->slices[i], "resources.cores")))
			mark_text(p, look_text(p->slices[i], "resources.cpus"), (int)i, true);
	for (size_t i = 0; i < p->slices_count; i++)
		if (look_number_or(p->slices[i], "resources.shared_cpus", 0) > 0)
			mark_text(p, look_text(p->slices[i], "resources.shared_pool"),
				  HOLDER_SHARED, false);
}

static int take_slices(struct picture *p, const json_t *slices)
{
	json_t *array = look_array(slices, "slices"), *item;
	size_t i;

	p->slices = calloc(json_array_size(array) + 1, sizeof(*p->slices));
	if (!p->slices)
		return -ENOMEM;
	json_array_foreach (array, i, item)
		if (json_is_object(item) && p->slices_count < INT16_MAX)
			p->slices[p->slices_count++] = item;
	return 0;
}

/* --- the parts --- */

static int take_packages(struct picture *p)
{
	json_t *array = look_array(p->inventory, "packages"), *item;
	size_t i;

	p->packages = calloc(json_array_size(array) + 1, sizeof(*p->packages));
	if (!p->packages)
		return -ENOMEM;
	json_array_foreach (array, i, item)
		p->packages[p->packages_count++] = (struct picture_package){
			.number = number_or_nowhere(item, "number"),
			.model = look_text(item, "model"),
			.mark = mark_of(p, look_text(item, "id")),
		};
	return 0;
}

static int take_core(struct picture *p, const json_t *core)
{
	const char *cpus = look_text(core, "cpus"), *kind = look_text(core, "core_kind");
	const char *id = look_text(core, "id");
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	struct picture_core *c = &p->cores[p->cores_count];
	int holder = holder_of(p, id, "resources.cores");
	unsigned count;

	if (!cpus || cpuset_parse(cpus, &set) < 0 || cpuset_empty(set) ||
	    cpuset_next(set, PICTURE_CPUS_MAX - 1) >= 0) {
		p->left_out++;
		return 0;
	}
	count = cpuset_count(set);
	cpuset_each (cpu, set)
		p->highest_cpu = (unsigned)cpu > p->highest_cpu ? (unsigned)cpu : p->highest_cpu;
	p->threads_maximum = count > p->threads_maximum ? count : p->threads_maximum;
	if (holder >= 0)
		mark_cpus(p, set, holder, true);
	if (look_true(core, "isolated"))
		mark_cpus(p, set, HOLDER_ISOLATED, false);
	else if (json_is_false(look(core, "offerable")))
		mark_cpus(p, set, HOLDER_RESERVED, false);
	*c = (struct picture_core){
		.package = number_or_nowhere(core, "package"),
		.node = number_or_nowhere(core, "node"),
		.l3 = number_or_nowhere(core, "l3"),
		.efficiency = kind && strcmp(kind, "efficiency") == 0,
		.cpus = TAKE_PTR(set),
		.mark = mark_of(p, id),
	};
	p->has_efficiency |= c->efficiency;
	p->cores_count++;
	return 0;
}

static int order(int a, int b)
{
	return (a > b) - (a < b);
}

static int compare_cores(const void *one, const void *other)
{
	const struct picture_core *a = one, *b = other;
	int r = order(a->package, b->package);

	r = r ? r : order(a->node, b->node);
	r = r ? r : order(a->efficiency, b->efficiency);
	r = r ? r : order(a->l3, b->l3);
	return r ? r : order(cpuset_next(a->cpus, -1), cpuset_next(b->cpus, -1));
}

static int take_cores(struct picture *p)
{
	json_t *array = look_array(p->inventory, "cores"), *item;
	size_t i;

	p->cores = calloc(json_array_size(array) + 1, sizeof(*p->cores));
	if (!p->cores)
		return -ENOMEM;
	json_array_foreach (array, i, item)
		take_core(p, item);
	return 0;
}

/* The one package that has the node's cores; PICTURE_NOWHERE with none or several. */
static int package_of_node(const struct picture *p, int node)
{
	int found = PICTURE_NOWHERE;

	for (size_t i = 0; i < p->cores_count; i++) {
		if (p->cores[i].node != node)
			continue;
		if (found != PICTURE_NOWHERE && found != p->cores[i].package)
			return PICTURE_NOWHERE;
		found = p->cores[i].package;
	}
	return found;
}

static int take_nodes(struct picture *p)
{
	json_t *array = look_array(p->inventory, "nodes"), *item;
	size_t i;

	p->nodes = calloc(json_array_size(array) + 1, sizeof(*p->nodes));
	if (!p->nodes)
		return -ENOMEM;
	json_array_foreach (array, i, item) {
		int number = number_or_nowhere(item, "number");

		if (number == PICTURE_NOWHERE)
			continue;
		p->nodes[p->nodes_count++] = (struct picture_node){
			.number = number,
			.package = package_of_node(p, number),
			.memory_bytes = look_u64_or(item, "memory_bytes", 0),
			.host_memory = look_true(item, "host_memory"),
			.json = item,
			.mark = mark_of(p, look_text(item, "id")),
		};
	}
	return 0;
}

static bool drawn_in_package(const struct picture *p, int node)
{
	for (size_t i = 0; i < p->nodes_count; i++)
		if (p->nodes[i].number == node)
			return p->nodes[i].package != PICTURE_NOWHERE;
	return false;
}

static int compare_devices(const void *one, const void *other)
{
	const struct picture_device *a = one, *b = other;
	int r = order(a->node, b->node);

	if (!r && strcmp(a->kind, b->kind) != 0)
		return strcmp(a->kind, "gpu") == 0   ? -1
		       : strcmp(b->kind, "gpu") == 0 ? 1
						     : -strcmp(a->kind, b->kind); /* nic, disk */
	return r ? r : strverscmp(a->id, b->id);
}

static bool hidden(struct picture *p, const char *kind, const json_t *device)
{
	if (strcmp(kind, "nic") != 0 || look_true(device, "physical") ||
	    look(device, "physical_function"))
		return false;
	p->virtual_nics++;
	return true;
}

static int take_devices(struct picture *p, const char *kind, const char *key)
{
	json_t *array = look_array(p->inventory, key), *item;
	struct picture_device *grown;
	size_t i;

	grown = reallocarray(p->devices, p->devices_count + json_array_size(array) + 1,
			     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->devices = grown;
	json_array_foreach (array, i, item) {
		const char *id = look_text(item, "id");
		int holder = holder_of(p, id, "resources.devices");
		int node = number_or_nowhere(item, "node");

		if (!id || hidden(p, kind, item))
			continue;
		if (holder == HOLDER_FREE && json_is_false(look(item, "offerable")))
			holder = HOLDER_RESERVED;
		p->devices[p->devices_count++] = (struct picture_device){
			.kind = kind,
			.id = id,
			.node = drawn_in_package(p, node) ? node : PICTURE_NOWHERE,
			.holder = holder,
			.json = item,
			.mark = mark_of(p, id),
		};
	}
	return 0;
}

/* Cores of a node that spans packages stand in their package without a node around them. */
static void settle_cores(struct picture *p)
{
	for (size_t i = 0; i < p->cores_count; i++) {
		if (!drawn_in_package(p, p->cores[i].node))
			p->cores[i].node = PICTURE_NOWHERE;
		cpuset_each (cpu, p->cores[i].cpus) {
			p->has_shared |= p->holders[cpu] == HOLDER_SHARED;
			p->has_reserved |= p->holders[cpu] == HOLDER_RESERVED;
			p->has_isolated |= p->holders[cpu] == HOLDER_ISOLATED;
		}
	}
	if (p->cores_count)
		qsort(p->cores, p->cores_count, sizeof(*p->cores), compare_cores);
	if (p->devices_count)
		qsort(p->devices, p->devices_count, sizeof(*p->devices), compare_devices);
}

static int fill(struct picture *p, const json_t *slices, const json_t *health)
{
	int r = take_conditions(p, health);

	for (size_t i = 0; i < PICTURE_CPUS_MAX; i++)
		p->holders[i] = HOLDER_FREE;
	if (r == 0)
		r = take_slices(p, slices);
	mark_slices(p);
	if (r == 0)
		r = take_packages(p);
	if (r == 0)
		r = take_cores(p);
	if (r == 0)
		r = take_nodes(p);
	if (r == 0)
		r = take_devices(p, "gpu", "gpus");
	if (r == 0)
		r = take_devices(p, "nic", "nics");
	if (r == 0)
		r = take_devices(p, "disk", "disks");
	if (r == 0)
		settle_cores(p);
	return r;
}

int picture_new(struct picture **ret, const json_t *inventory, const json_t *slices,
		const json_t *health, const json_t *node)
{
	_cleanup_(picture_freep) struct picture *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->inventory = inventory;
	p->node = node;
	p->marked = SIZE_MAX;
	r = fill(p, slices, health);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

struct picture *picture_free(struct picture *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->cores_count; i++)
		cpuset_free(p->cores[i].cpus);
	free(p->cores);
	free(p->packages);
	free(p->nodes);
	free(p->devices);
	free(p->slices);
	free(p->conditions);
	free(p);
	return NULL;
}

int picture_mark(struct picture *p, const char *id)
{
	size_t slice = 0;

	while (slice < p->slices_count) {
		const char *there = look_text(p->slices[slice], "id");

		if (there && strcmp(there, id) == 0)
			break;
		slice++;
	}
	if (slice == p->slices_count)
		return -ENOENT;
	p->marked = slice;
	for (size_t cpu = 0; cpu < PICTURE_CPUS_MAX; cpu++)
		if (p->holders[cpu] == (int)slice)
			p->holders[cpu] = HOLDER_MARKED;
	for (size_t i = 0; i < p->devices_count; i++)
		if (p->devices[i].holder == (int)slice)
			p->devices[i].holder = HOLDER_MARKED;
	return 0;
}

int picture_holder(const struct picture *p, size_t slice)
{
	return slice == p->marked ? HOLDER_MARKED : (int)slice;
}

char picture_letter(size_t slice)
{
	if (slice < 26)
		return (char)('A' + slice);
	return slice < 52 ? (char)('a' + slice - 26) : '+';
}

size_t picture_run(const struct picture *p, size_t from, size_t end, unsigned depth)
{
	const struct picture_core *first = &p->cores[from];
	size_t i = from;

	for (; i < end; i++) {
		const struct picture_core *c = &p->cores[i];

		if (c->package != first->package || (depth >= 2 && c->node != first->node) ||
		    (depth >= 3 && (c->l3 != first->l3 || c->efficiency != first->efficiency)))
			break;
	}
	return i;
}

uint64_t picture_claimed(const struct picture *p, const struct picture_node *n, size_t slice)
{
	uint64_t total = 0;

	for (size_t i = 0; i < p->slices_count; i++) {
		json_t *item;
		size_t k;

		if (slice != SIZE_MAX && slice != i)
			continue;
		json_array_foreach (look_array(p->slices[i], "resources.memory_by_node"), k, item)
			if (number_or_nowhere(item, "node") == n->number &&
			    __builtin_add_overflow(total, look_u64_or(item, "bytes", 0), &total))
				return UINT64_MAX;
	}
	return total;
}

const struct picture_node *picture_node_of(const struct picture *p, int number)
{
	for (size_t i = 0; number != PICTURE_NOWHERE && i < p->nodes_count; i++)
		if (p->nodes[i].number == number)
			return &p->nodes[i];
	return NULL;
}
