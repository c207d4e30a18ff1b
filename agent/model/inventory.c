/* SPDX-License-Identifier: Apache-2.0 */
/* All devices of a machine; see inventory.h. Sorting on seal is what makes two inventories of one
 * machine comparable and the printed form stable. */
#include "model/inventory.h"

#include "model/layout.h"
#include "util/cleanup.h"
#include "util/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(change_kind, enum change_kind, [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed",
	      [CHANGE_CHANGED] = "changed");

enum { NOTES_MAX = 1000, NOTE_BYTES_MAX = 1000 };

int inventory_new(struct inventory **ret)
{
	_cleanup_(inventory_freep) struct inventory *inv = calloc(1, sizeof(*inv));
	int r;

	if (!inv)
		return -ENOMEM;
	r = machine_init(&inv->machine);
	if (r == 0)
		r = map_new(&inv->by_id);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(inv);
	return 0;
}

struct inventory *inventory_free(struct inventory *inv)
{
	if (!inv)
		return NULL;
	for (size_t i = 0; i < inv->count; i++)
		device_free(inv->devices[i]);
	for (size_t i = 0; i < inv->notes_count; i++) {
		free(inv->notes[i].driver);
		free(inv->notes[i].text);
	}
	free(inv->devices);
	free(inv->notes);
	map_free(inv->by_id);
	layout_free(inv->layout);
	machine_done(&inv->machine);
	cache_control_done(&inv->cache);
	free(inv);
	return NULL;
}

static int make_room(struct inventory *inv)
{
	size_t capacity = inv->capacity ? inv->capacity * 2 : 64;
	struct device **grown;

	if (inv->count < inv->capacity)
		return 0;
	grown = reallocarray(inv->devices, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	inv->devices = grown;
	inv->capacity = capacity;
	return 0;
}

int inventory_add(struct inventory *inv, struct device **d)
{
	int r;

	assert(!inv->sealed);
	r = make_room(inv);
	if (r == 0)
		r = map_put(inv->by_id, (*d)->id, *d);
	if (r < 0)
		return r;
	inv->devices[inv->count++] = TAKE_PTR(*d);
	return 0;
}

int inventory_note(struct inventory *inv, const char *driver, const char *text)
{
	struct inventory_note *grown;
	_cleanup_free_ char *who = strdup(driver);
	_cleanup_free_ char *what = strndup(text, NOTE_BYTES_MAX);

	if (!who || !what)
		return -ENOMEM;
	if (inv->notes_count >= NOTES_MAX)
		return 0; /* a machine that lies a thousand times has been understood */
	grown = reallocarray(inv->notes, inv->notes_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	inv->notes = grown;
	inv->notes[inv->notes_count++] =
		(struct inventory_note){ .driver = TAKE_PTR(who), .text = TAKE_PTR(what) };
	return 0;
}

static int compare_devices(const void *left, const void *right)
{
	const struct device *a = *(struct device *const *)left;
	const struct device *b = *(struct device *const *)right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strverscmp(a->id, b->id);
}

void inventory_seal(struct inventory *inv)
{
	size_t i = 0;

	assert(!inv->sealed);
	if (inv->count > 1)
		qsort(inv->devices, inv->count, sizeof(*inv->devices), compare_devices);
	for (int kind = 0; kind <= DEVICE_KINDS; kind++) {
		while (i < inv->count && (int)inv->devices[i]->kind < kind)
			i++;
		inv->first[kind] = i;
	}
	for (i = 0; i < inv->count; i++)
		inv->devices[i]->place = i;
	inv->sealed = true;
	inv->layout = layout_free(inv->layout); /* of before more was added */
	(void)layout_new(inv, &inv->layout);	/* without it, places are not searched for */
}

struct device *inventory_find(const struct inventory *inv, const char *id)
{
	return map_get(inv->by_id, id);
}

struct device *inventory_next(const struct inventory *inv, enum device_kind kind, size_t *cursor)
{
	size_t end = inv->sealed ? inv->first[kind + 1] : inv->count;

	if (inv->sealed && *cursor < inv->first[kind])
		*cursor = inv->first[kind];
	for (; *cursor < end; (*cursor)++)
		if (inv->devices[*cursor]->kind == kind)
			return inv->devices[(*cursor)++];
	return NULL;
}

static bool node_counts(const struct device *d)
{
	return !cpuset_empty(d->memory.cpus) ||
	       (d->memory.host_memory && d->memory.memory_bytes > 0 &&
		d->memory.memory_bytes != DEVICE_UNKNOWN_U64);
}

static void count_device(const struct device *d, struct inventory_summary *s)
{
	switch (d->kind) {
	case DEVICE_PACKAGE:
		s->packages += !cpuset_empty(d->package.cpus);
		break;
	case DEVICE_NODE:
		s->numa_nodes += node_counts(d);
		break;
	case DEVICE_CORE:
		s->cores += !cpuset_empty(d->core.cpus);
		s->threads += cpuset_count(d->core.cpus);
		break;
	case DEVICE_GPU:
		s->gpus += d->gpu.compute;
		break;
	case DEVICE_NIC:
		s->nics += d->nic.physical;
		break;
	case DEVICE_DISK:
		s->disks++;
		break;
	case DEVICE_PCI:
	case DEVICE_FIRMWARE:
	case DEVICE_KINDS:
		break;
	}
}

void inventory_summarise(const struct inventory *inv, struct inventory_summary *ret)
{
	*ret = (struct inventory_summary){ 0 };
	for (size_t i = 0; i < inv->count; i++)
		count_device(inv->devices[i], ret);
}

static int diff_fields(const struct device *before, const struct device *after,
		       inventory_changed callback, void *userdata)
{
	const struct device_field *tables[] = { device_common_fields(),
						device_own_fields(after->kind) };

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct device_field *f = tables[t]; f->name; f++) {
			int r = 0;

			if (!device_field_equal(f, before, after))
				r = callback(CHANGE_CHANGED, before, after, f, userdata);
			if (r != 0)
				return r;
		}
	return 0;
}

int inventory_diff(const struct inventory *before, const struct inventory *after,
		   inventory_changed callback, void *userdata)
{
	size_t i = 0, k = 0;
	int r = 0;

	assert(before->sealed && after->sealed);
	while (r == 0 && (i < before->count || k < after->count)) {
		int order;

		if (i == before->count)
			order = 1;
		else if (k == after->count)
			order = -1;
		else
			order = compare_devices(&before->devices[i], &after->devices[k]);
		if (order < 0)
			r = callback(CHANGE_REMOVED, before->devices[i++], NULL, NULL, userdata);
		else if (order > 0)
			r = callback(CHANGE_ADDED, NULL, after->devices[k++], NULL, userdata);
		else
			r = diff_fields(before->devices[i++], after->devices[k++], callback,
					userdata);
	}
	return r;
}
