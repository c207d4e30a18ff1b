/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's parts by SMBIOS: from the raw table, else from its single structures, and what
 * these do not tell from the strings the kernel took from it (/sys/class/dmi/id), which anyone may
 * read; of an XML topology from hwloc's copy of those. */
#include "drivers/component.h"
#include "drivers/driver.h"
#include "drivers/label.h"
#include "drivers/smbios-parse.h"
#include "drivers/topology.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	TABLE_LIMIT_BYTES = 4 << 20,	  /* real ones are of some tens of KiB */
	STRUCTURE_LIMIT_BYTES = 64 << 10, /* 255 bytes and the strings */
	PARTS_LIMIT = 4096,
};

struct walk {
	struct discovery *d;
	size_t parts;
	bool truncated;
};

/* Of what a machine may have several the name tells them apart; the rest are named as they are. */
static void name_part(const struct smbios_part *part, char room[96])
{
	const char *component = part->component;

	if (strcmp(component, "dimm") == 0)
		(void)snprintf(room, 96, "dimm-%s", part->slot[0] ? part->slot : "unnamed");
	else if (strcmp(component, "bmc") == 0 || strcmp(component, "tpm") == 0)
		(void)snprintf(room, 96, "%s-0", component);
	else
		(void)snprintf(room, 96, "%s", component);
}

static int set_texts(struct device *device, const struct smbios_part *part)
{
	struct device_firmware *f = &device->firmware;

	if (device_set_string(&f->vendor, part->vendor) < 0 ||
	    device_set_string(&f->product, part->product) < 0 ||
	    device_set_string(&f->version, part->version) < 0 ||
	    device_set_string(&f->date, part->date) < 0 ||
	    device_set_string(&f->serial, part->serial) < 0 ||
	    device_set_string(&f->slot, part->slot) < 0)
		return -ENOMEM;
	return 0;
}

static const char *state_of(const struct smbios_part *part)
{
	if (strcmp(part->component, "dimm") == 0 && part->size_bytes == 0)
		return "empty";
	return strcmp(part->component, "bmc") == 0 || strcmp(part->component, "tpm") == 0
		       ? "present"
		       : NULL;
}

static int take_part(const struct smbios_part *part, void *userdata)
{
	struct walk *w = userdata;
	struct device *device;
	char name[96];
	int r;

	if (w->parts++ >= PARTS_LIMIT)
		return -E2BIG;
	name_part(part, name);
	r = component_add(w->d, part->component, name, &device);
	if (r < 0)
		return r;
	device->firmware.size_bytes = part->size_bytes;
	device->firmware.speed_mts = part->speed_mts;
	r = device_set_string(&device->firmware.state, state_of(part));
	return r < 0 ? r : set_texts(device, part);
}

/* Shorter than its entry point says: the kernel or the capture cut it. */
static bool is_short(const struct host *host, size_t size)
{
	_cleanup_free_ char *entry = NULL;
	size_t entry_size, length;
	int exact;

	return fs_read(host->sys_fd, "firmware/dmi/tables/smbios_entry_point", 256, &entry,
		       &entry_size) == 0 &&
	       smbios_entry_length(entry, entry_size, &length, &exact) == 0 && exact &&
	       size < length;
}

static int from_table(struct walk *w)
{
	_cleanup_free_ char *table = NULL;
	size_t size;
	int r = fs_read(w->d->host->sys_fd, "firmware/dmi/tables/DMI", TABLE_LIMIT_BYTES, &table,
			&size);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = smbios_parse(table, size, take_part, w);
	w->truncated = r == SMBIOS_TRUNCATED || is_short(w->d->host, size);
	return r < 0 ? r : 0;
}

static int from_entry(struct walk *w, const char *name)
{
	_cleanup_free_ char *path = NULL, *raw = NULL;
	size_t size;
	int r;

	if (asprintf(&path, "firmware/dmi/entries/%s/raw", name) < 0)
		return -ENOMEM;
	r = fs_read(w->d->host->sys_fd, path, STRUCTURE_LIMIT_BYTES, &raw, &size);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = smbios_parse(raw, size, take_part, w);
	w->truncated |= r == SMBIOS_TRUNCATED;
	return r < 0 ? r : 0;
}

static int from_entries(struct walk *w)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = 0;

	if (w->parts > 0 || fs_list(w->d->host->sys_fd, "firmware/dmi/entries", &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++)
		r = from_entry(w, *name);
	return r;
}

/* drivers/firmware/dmi-id.c, and hwloc's names of the same ("DMI info attributes"). */
static const struct {
	const char *component;
	const char *attribute, *info;
	size_t field;
} strings[] = {
	{ "bios", "bios_vendor", "DMIBIOSVendor", offsetof(struct device_firmware, vendor) },
	{ "bios", "bios_version", "DMIBIOSVersion", offsetof(struct device_firmware, version) },
	{ "bios", "bios_date", "DMIBIOSDate", offsetof(struct device_firmware, date) },
	{ "board", "board_vendor", "DMIBoardVendor", offsetof(struct device_firmware, vendor) },
	{ "board", "board_name", "DMIBoardName", offsetof(struct device_firmware, product) },
	{ "board", "board_version", "DMIBoardVersion", offsetof(struct device_firmware, version) },
	{ "board", "board_serial", "DMIBoardSerial", offsetof(struct device_firmware, serial) },
	{ "chassis", "chassis_vendor", "DMIChassisVendor",
	  offsetof(struct device_firmware, vendor) },
	{ "chassis", "chassis_version", "DMIChassisVersion",
	  offsetof(struct device_firmware, version) },
	{ "chassis", "chassis_serial", "DMIChassisSerial",
	  offsetof(struct device_firmware, serial) },
	{ "system", "sys_vendor", "DMISysVendor", offsetof(struct device_firmware, vendor) },
	{ "system", "product_name", "DMIProductName", offsetof(struct device_firmware, product) },
	{ "system", "product_version", "DMIProductVersion",
	  offsetof(struct device_firmware, version) },
	{ "system", "product_serial", "DMIProductSerial",
	  offsetof(struct device_firmware, serial) },
};

static int read_string(struct discovery *d, size_t i, char **ret)
{
	char path[64];

	if (topology_is_xml(d->topology))
		return label_set(ret, hwloc_obj_get_info_by_name(
					      hwloc_get_root_obj(topology_hwloc(d->topology)),
					      strings[i].info));
	(void)snprintf(path, sizeof(path), "class/dmi/id/%s", strings[i].attribute); /* fits */
	return label_read(d->host->sys_fd, path, ret);
}

static struct device *find_component(struct discovery *d, const char *component)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "firmware-%s", component); /* fits */
	return discovery_find(d, id);
}

/* Only what the table left untold: it and these strings have one source. */
static int from_strings(struct discovery *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		struct device *device = find_component(d, strings[i].component);
		_cleanup_free_ char *value = NULL;
		char **field;
		int r = read_string(d, i, &value);

		if (r == 0 && value && !device)
			r = component_add(d, strings[i].component, strings[i].component, &device);
		if (r < 0)
			return r;
		if (!value)
			continue;
		field = (char **)(void *)((char *)&device->firmware + strings[i].field);
		if (!*field)
			*field = TAKE_PTR(value);
	}
	return 0;
}

static int smbios_probe(struct discovery *d, struct fail *f)
{
	struct walk w = { .d = d };
	int r = from_table(&w);

	if (r == 0)
		r = from_entries(&w);
	if (r == -E2BIG || r == -ENOSPC) {
		w.truncated = true; /* no machine has that many parts */
		r = 0;
	}
	if (r == 0)
		r = from_strings(d);
	if (r == 0 && w.truncated)
		r = discovery_note(d, "smbios",
				   "the SMBIOS table is truncated or damaged: %zu parts "
				   "were read from it",
				   w.parts);
	return r < 0 ? fail_set(f, r, "cannot list what SMBIOS tells: %s", strerror(-r)) : 0;
}

const struct driver driver_smbios = {
	.name = "smbios",
	.phase = DRIVER_PHASE_ANNOTATE,
	.probe = smbios_probe,
};
