/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery and dump; see machine.h. The dump walks the tables of fields, so that a new field shows
 * in the expected files without a change here. */
#include "tests/nodes/machine.h"

#include "drivers/driver.h"
#include "drivers/topology.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

static int sink_add(void *sink, struct device **d)
{
	return inventory_add(sink, d);
}

static struct device *sink_find(void *sink, const char *id)
{
	return inventory_find(sink, id);
}

static struct device *sink_next(void *sink, enum device_kind kind, size_t *cursor)
{
	return inventory_next(sink, kind, cursor);
}

static int sink_note(void *sink, const char *driver, const char *text)
{
	return inventory_note(sink, driver, text);
}

static const struct discovery_sink into_inventory = {
	.add = sink_add,
	.find = sink_find,
	.next = sink_next,
	.note = sink_note,
};

int machine_discover(struct inventory **ret, const char *root, const char *xml, struct fail *f)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	_cleanup_(topology_freep) struct topology *topology = NULL;
	_cleanup_(host_freep) struct host *opened = NULL;
	struct host none = { .root_fd = -1, .sys_fd = -1, .proc_fd = -1, .cgroup_fd = -1 };
	struct discovery d = { .to = &into_inventory };
	int r = root ? host_open(&opened, root, f) : 0;

	if (r < 0)
		return r;
	d.host = opened ? opened : &none;
	r = topology_load(&topology, d.host, xml, f);
	if (r < 0)
		return r;
	r = inventory_new(&inv);
	if (r < 0)
		return fail_set(f, r, "out of memory");
	d.topology = topology;
	d.machine = &inv->machine;
	d.sink = inv;
	r = discovery_run(&d);
	if (r < 0)
		return fail_set(f, r, "the discovery failed");
	inventory_seal(inv);
	*ret = TAKE_PTR(inv);
	return 0;
}

static void dump_numbers(struct buf *out, const struct device_numbers *numbers)
{
	for (size_t i = 0; i < numbers->count; i++)
		buf_format(out, "%s%" PRIu32 ":%" PRIu32, i ? " " : "", numbers->number[i],
			   numbers->value[i]);
}

static void dump_hugepages(struct buf *out, const struct device *d)
{
	for (size_t i = 0; i < d->memory.hugepages_count; i++) {
		const struct device_hugepages *pool = &d->memory.hugepages[i];

		buf_format(out, "%s%" PRIu64 ":%" PRIu64 "/%" PRIu64, i ? " " : "",
			   pool->size_bytes, pool->free, pool->total);
	}
}

static void dump_set(struct buf *out, const struct cpuset *set)
{
	_cleanup_free_ char *text = cpuset_format(set);

	buf_text(out, text ? text : "?");
}

static void dump_field(struct buf *out, const struct device_field *field, const struct device *d)
{
	const void *at = (const char *)d + field->offset;

	if (!device_field_known(field, d))
		return;
	buf_format(out, "  %s ", field->name);
	switch (field->type) {
	case FIELD_STRING:
		buf_text(out, *(char *const *)at);
		break;
	case FIELD_U32:
		buf_format(out, "%" PRIu32, *(const uint32_t *)at);
		break;
	case FIELD_HEX:
		buf_format(out, "0x%04" PRIx32, *(const uint32_t *)at);
		break;
	case FIELD_U64:
		buf_format(out, "%" PRIu64, *(const uint64_t *)at);
		break;
	case FIELD_I32:
		buf_format(out, "%" PRId32, *(const int32_t *)at);
		break;
	case FIELD_BOOL:
		buf_text(out, *(const bool *)at ? "yes" : "no");
		break;
	case FIELD_CPUSET:
		dump_set(out, *(struct cpuset *const *)at);
		break;
	case FIELD_NUMBERS:
		dump_numbers(out, at);
		break;
	case FIELD_HUGEPAGES:
		dump_hugepages(out, d);
		break;
	}
	buf_text(out, "\n");
}

static void dump_device(struct buf *out, const struct device *d)
{
	const struct device_field *tables[] = { device_common_fields(),
						device_own_fields(d->kind) };

	buf_format(out, "%s\n", d->id);
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct device_field *field = tables[t]; field->name; field++)
			if (t > 0 || field->offset != offsetof(struct device, id))
				dump_field(out, field, d);
}

static void dump_machine(struct buf *out, const struct machine *m)
{
	const struct {
		const char *name;
		const struct cpuset *set;
	} sets[] = {
		{ "online", m->online },       { "offline", m->offline },
		{ "allowed", m->allowed },     { "isolated", m->isolated },
		{ "nodes", m->allowed_nodes },
	};

	buf_format(out, "machine\n  architecture %s\n  kernel %s\n  smt %s\n",
		   m->architecture ? m->architecture : "-", m->kernel ? m->kernel : "-",
		   m->smt ? "yes" : "no");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		buf_format(out, "  %s ", sets[i].name);
		dump_set(out, sets[i].set);
		buf_text(out, "\n");
	}
}

char *machine_dump(const struct inventory *inv)
{
	_cleanup_(buf_done) struct buf out = { 0 };
	struct inventory_summary s;

	inventory_summarise(inv, &s);
	buf_format(&out,
		   "summary packages=%" PRIu32 " numa_nodes=%" PRIu32 " cores=%" PRIu32
		   " threads=%" PRIu32 " gpus=%" PRIu32 " nics=%" PRIu32 " disks=%" PRIu32 "\n",
		   s.packages, s.numa_nodes, s.cores, s.threads, s.gpus, s.nics, s.disks);
	dump_machine(&out, &inv->machine);
	for (size_t i = 0; i < inv->count; i++)
		dump_device(&out, inv->devices[i]);
	for (size_t i = 0; i < inv->notes_count; i++)
		buf_format(&out, "note %s: %s\n", inv->notes[i].driver, inv->notes[i].text);
	return buf_steal(&out);
}

void machine_remove(const char *folder)
{
	(void)fs_remove_tree(AT_FDCWD,
			     folder); /* a leftover in the temporary folder is no failure */
}
