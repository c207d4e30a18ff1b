/* SPDX-License-Identifier: Apache-2.0 */
/* reevectl inventory [KIND]: one table a kind of device, with the columns people look for first;
 * --output=json has every field. */
#include "ctl/look.h"
#include "ctl/text.h"
#include "ctl/verb.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>

const struct option_row inventory_options[] = {
	{ "notes", 0, OPTION_FLAG, NULL, NULL, NULL, "also what could not be found out, and why" },
	{ 0 },
};

static const struct column package_columns[] = {
	{ "PACKAGE", "id", COLUMN_TEXT, NULL },	   { "MODEL", "model", COLUMN_TEXT, NULL },
	{ "VENDOR", "vendor", COLUMN_TEXT, NULL }, { "MICROCODE", "microcode", COLUMN_TEXT, NULL },
	{ "CPUS", "cpus", COLUMN_TEXT, NULL },	   { 0 },
};
static const struct column node_columns[] = {
	{ "NODE", "id", COLUMN_TEXT, NULL },
	{ "MEMORY", "memory_bytes", COLUMN_BYTES, NULL },
	{ "KIND", "memory_kind", COLUMN_TEXT, NULL },
	{ "FOR TASKS", "host_memory", COLUMN_YES, NULL },
	{ "HUGEPAGES", "hugepages", COLUMN_HUGEPAGES, NULL },
	{ "CPUS", "cpus", COLUMN_TEXT, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column core_columns[] = {
	{ "CORE", "id", COLUMN_TEXT, NULL },
	{ "PACKAGE", "package", COLUMN_NUMBER, NULL },
	{ "DIE", "die", COLUMN_NUMBER, NULL },
	{ "NODE", "node", COLUMN_NUMBER, NULL },
	{ "L3", "l3", COLUMN_NUMBER, NULL },
	{ "L2", "l2", COLUMN_NUMBER, NULL },
	{ "CPUS", "cpus", COLUMN_TEXT, NULL },
	{ "KIND", "core_kind", COLUMN_TEXT, NULL },
	{ "BASE MHZ", "base_mhz", COLUMN_NUMBER, NULL },
	{ "MAX MHZ", "maximum_mhz", COLUMN_NUMBER, NULL },
	{ "ISOLATED", "isolated", COLUMN_YES, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column pci_columns[] = {
	{ "PCI", "id", COLUMN_TEXT, NULL },
	{ "CLASS", "class_code", COLUMN_TEXT, NULL },
	{ "VENDOR", "vendor_id", COLUMN_TEXT, NULL },
	{ "DEVICE", "device_id", COLUMN_TEXT, NULL },
	{ "NODE", "node", COLUMN_NUMBER, NULL },
	{ "DRIVER", "driver", COLUMN_TEXT, NULL },
	{ "MT/S", "link_speed_mts", COLUMN_NUMBER, NULL },
	{ "OF", "link_speed_maximum_mts", COLUMN_NUMBER, NULL },
	{ "LANES", "link_width", COLUMN_NUMBER, NULL },
	{ "OF", "link_width_maximum", COLUMN_NUMBER, NULL },
	{ "IOMMU", "iommu_group", COLUMN_TEXT, NULL },
	{ "NAME", "class_name", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column gpu_columns[] = {
	{ "GPU", "id", COLUMN_TEXT, NULL },
	{ "VENDOR", "vendor", COLUMN_TEXT, NULL },
	{ "MODEL", "model", COLUMN_TEXT, NULL },
	{ "MEMORY", "memory_bytes", COLUMN_BYTES, NULL },
	{ "NODE", "node", COLUMN_NUMBER, NULL },
	{ "DRIVER", "driver", COLUMN_TEXT, NULL },
	{ "COMPUTE", "compute", COLUMN_YES, NULL },
	{ "UUID", "uuid", COLUMN_TEXT, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column nic_columns[] = {
	{ "NIC", "id", COLUMN_TEXT, NULL },	     { "KIND", "nic_kind", COLUMN_TEXT, NULL },
	{ "LINK", "link", COLUMN_VERDICT, NULL },    { "MB/S", "speed_mbps", COLUMN_NUMBER, NULL },
	{ "MTU", "mtu_bytes", COLUMN_NUMBER, NULL }, { "NODE", "node", COLUMN_NUMBER, NULL },
	{ "DRIVER", "driver", COLUMN_TEXT, NULL },   { "MAC", "mac", COLUMN_TEXT, NULL },
	{ "PCI", "pci", COLUMN_TEXT, NULL },	     { "RDMA", "rdma", COLUMN_TEXT, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },   { 0 },
};
static const struct column disk_columns[] = {
	{ "DISK", "id", COLUMN_TEXT, NULL },
	{ "MODEL", "model", COLUMN_TEXT, NULL },
	{ "SIZE", "size_bytes", COLUMN_BYTES, NULL },
	{ "TRANSPORT", "transport", COLUMN_TEXT, NULL },
	{ "NODE", "node", COLUMN_NUMBER, NULL },
	{ "ROTATIONAL", "rotational", COLUMN_YES, NULL },
	{ "SERIAL", "serial", COLUMN_TEXT, NULL },
	{ "REASON", "reason", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column firmware_columns[] = {
	{ "FIRMWARE", "id", COLUMN_TEXT, NULL },
	{ "VENDOR", "vendor", COLUMN_TEXT, NULL },
	{ "PRODUCT", "product", COLUMN_TEXT, NULL },
	{ "VERSION", "version", COLUMN_TEXT, NULL },
	{ "DATE", "date", COLUMN_TEXT, NULL },
	{ "STATE", "state", COLUMN_TEXT, NULL },
	{ "SLOT", "slot", COLUMN_TEXT, NULL },
	{ "SIZE", "size_bytes", COLUMN_BYTES, NULL },
	{ "MT/S", "speed_mts", COLUMN_NUMBER, NULL },
	{ "SERIAL", "serial", COLUMN_TEXT, NULL },
	{ 0 },
};
static const struct column note_columns[] = {
	{ "DRIVER", "driver", COLUMN_TEXT, NULL },
	{ "NOTE", "text", COLUMN_TEXT, NULL },
	{ 0 },
};

static const struct kind {
	const char *key, *singular; /* member of the inventory; also understood */
	const struct column *columns;
} kinds[] = {
	{ "packages", "package", package_columns },
	{ "nodes", "node", node_columns },
	{ "cores", "core", core_columns },
	{ "pci", "pci", pci_columns },
	{ "gpus", "gpu", gpu_columns },
	{ "nics", "nic", nic_columns },
	{ "disks", "disk", disk_columns },
	{ "firmware", "firmware", firmware_columns },
};

static const struct kind *kind_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(word, kinds[i].key) == 0 || strcmp(word, kinds[i].singular) == 0)
			return &kinds[i];
	return NULL;
}

static void all_kinds(struct buf *into, const struct screen *screen, const json_t *inventory)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const json_t *rows = look_array(inventory, kinds[i].key);

		if (json_array_size(rows) == 0)
			continue;
		buf_text(into, into->size ? "\n" : "");
		writer_table(into, screen, kinds[i].columns, rows, NULL);
	}
}

static void add_notes(struct buf *into, const struct screen *screen, const json_t *inventory)
{
	const json_t *notes = look_array(inventory, "notes");

	buf_text(into, into->size ? "\n" : "");
	writer_table(into, screen, note_columns, notes, "nothing to note: all was found out");
}

enum ctl_exit verb_inventory(struct session *s, const struct args *args)
{
	const struct kind *kind = args->words_count ? kind_of(args->words[0]) : NULL;
	_cleanup_json_ json_t *inventory = NULL;
	_cleanup_(buf_done) struct buf text = { 0 };
	struct fail f = { 0 };
	enum ctl_exit e;

	if (args->words_count && !kind) {
		fail_code(
			&f, -EINVAL, "usage",
			"there is no kind '%s'; there are packages, nodes, cores, pci, gpus, nics, "
			"disks, firmware",
			args->words[0]);
		return session_usage(s, &f);
	}
	e = session_get(s, "/v1/inventory", &inventory);
	if (e)
		return e;
	if (s->screen.json)
		writer_json(&text, kind ? look(inventory, kind->key) : inventory);
	else if (kind)
		writer_table(&text, &s->screen, kind->columns, look_array(inventory, kind->key),
			     "(none)");
	else
		all_kinds(&text, &s->screen, inventory);
	if (args_value(args, "notes") && !s->screen.json)
		add_notes(&text, &s->screen, inventory);
	return session_print(s, &text);
}
