/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of devices, firmware and slices in a few words, for the drawings. Text from the documents
 * is passed on as it is: what draws it makes it safe. */
#include "ctl/picture.h"

#include "ctl/look.h"
#include "ctl/unit.h"
#include "util/cleanup.h"

#include <string.h>

static void separate(struct buf *into)
{
	if (into->size)
		buf_text(into, " · ");
}

static void add_text(struct buf *into, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	separate(into);
	buf_format(into, "%s%s", before, text);
}

static void add_bytes(struct buf *into, const json_t *object, const char *path)
{
	uint64_t bytes;

	if (!look_u64(object, path, &bytes) || bytes == 0)
		return;
	separate(into);
	unit_bytes(into, bytes);
}

static void gpu_facts(struct buf *into, const json_t *gpu)
{
	const char *model = look_text(gpu, "model");

	add_text(into, "", model ? model : look_text(gpu, "vendor"));
	add_bytes(into, gpu, "memory_bytes");
	if (json_is_false(look(gpu, "compute")))
		add_text(into, "", "display only");
}

static void nic_facts(struct buf *into, const json_t *nic)
{
	const char *link = look_text(nic, "link");
	uint64_t value;

	if (look_u64(nic, "speed_mbps", &value) && value) {
		separate(into);
		unit_rate(into, value);
	}
	add_text(into, "link ", link);
	add_text(into, "", look_text(nic, "driver"));
	if (look_u64(nic, "virtual_functions", &value) && value) {
		separate(into);
		buf_format(into, "%llu VFs", (unsigned long long)value);
	}
	add_text(into, "", look_text(nic, "rdma"));
}

static void disk_facts(struct buf *into, const json_t *disk)
{
	uint64_t bytes;

	add_text(into, "", look_text(disk, "model"));
	if (look_u64(disk, "size_bytes", &bytes)) {
		separate(into);
		unit_size(into, bytes);
	}
	add_text(into, "", look_text(disk, "transport"));
	if (look_true(disk, "rotational"))
		add_text(into, "", "rotating");
}

void picture_device_facts(struct buf *into, const struct picture_device *d)
{
	if (strcmp(d->kind, "gpu") == 0)
		gpu_facts(into, d->json);
	else if (strcmp(d->kind, "nic") == 0)
		nic_facts(into, d->json);
	else
		disk_facts(into, d->json);
}

const char *picture_device_name(const struct picture_device *d)
{
	const char *dash = strchr(d->id, '-');
	const char *name = dash ? dash + 1 : d->id;

	/* the PCI domain is nearly always 0000 and says nothing then */
	return strncmp(name, "0000:", 5) == 0 ? name + 5 : name;
}

static void add_count(struct buf *into, const json_t *summary, const char *key, const char *noun)
{
	uint64_t count;

	if (!look_u64(summary, key, &count) || count == 0)
		return;
	separate(into);
	buf_format(into, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}

void picture_machine(struct buf *into, const struct picture *p)
{
	const json_t *summary = look_object(p->inventory, "summary");

	add_count(into, summary, "packages", "package");
	add_count(into, summary, "numa_nodes", "NUMA node");
	add_count(into, summary, "cores", "core");
	add_count(into, summary, "threads", "thread");
	add_count(into, summary, "gpus", "GPU");
	add_count(into, summary, "nics", "NIC");
	add_count(into, summary, "disks", "disk");
	add_text(into, "", look_text(p->inventory, "machine.architecture"));
	add_text(into, "Linux ", look_text(p->inventory, "machine.kernel"));
}

void picture_memory(struct buf *into, const struct picture *p, const struct picture_node *n)
{
	uint64_t claimed = picture_claimed(p, n, SIZE_MAX);

	if (n->host_memory && claimed && claimed <= n->memory_bytes) {
		unit_bytes(into, n->memory_bytes - claimed);
		buf_text(into, " free of ");
	}
	unit_bytes(into, n->memory_bytes);
	if (!n->host_memory)
		buf_text(into, ", not for tasks");
}

void picture_hugepages(struct buf *into, const struct picture_node *n)
{
	json_t *item;
	size_t i;

	json_array_foreach (look_array(n->json, "hugepages"), i, item) {
		uint64_t total = look_u64_or(item, "total", 0), size, unused;

		if (total == 0 || !look_u64(item, "size_bytes", &size))
			continue;
		separate(into);
		buf_format(into, "%llu × ", (unsigned long long)total);
		unit_bytes(into, size);
		if (look_u64(item, "free", &unused) && unused != total)
			buf_format(into, " (%llu free)", (unsigned long long)unused);
	}
}

static const json_t *component(const struct picture *p, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (look_array(p->inventory, "firmware"), i, item) {
		const char *is = look_text(item, "component");

		if (is && strcmp(is, name) == 0)
			return item;
	}
	return NULL;
}

static void add_words(struct buf *into, const char *before, const char *one, const char *two)
{
	if (!one && !two)
		return;
	separate(into);
	buf_format(into, "%s%s%s%s", before, one ? one : "", one && two ? " " : "", two ? two : "");
}

void picture_firmware(struct buf *into, const struct picture *p)
{
	const json_t *system = component(p, "system"), *bios = component(p, "bios");
	const json_t *tpm = component(p, "tpm"), *bmc = component(p, "bmc");

	add_words(into, "", look_text(system, "vendor"), look_text(system, "product"));
	add_words(into, "BIOS ", look_text(bios, "version"), look_text(bios, "date"));
	add_text(into, "", look_text(component(p, "boot"), "state"));
	add_text(into, "secure boot ", look_text(component(p, "secure-boot"), "state"));
	if (tpm)
		add_words(into, "", "TPM", look_text(tpm, "version"));
	if (bmc)
		add_text(into, "", "BMC");
	add_text(into, "microcode ", look_text(component(p, "microcode"), "version"));
}

/* DIMMs of the first one's size and speed are counted together; others are said to be there. */
void picture_dimms(struct buf *into, const struct picture *p)
{
	uint64_t size = 0, speed = 0, alike = 0, others = 0, empty = 0;
	json_t *item;
	size_t i;

	json_array_foreach (look_array(p->inventory, "firmware"), i, item) {
		const char *is = look_text(item, "component");
		uint64_t its_size = look_u64_or(item, "size_bytes", 0);
		uint64_t its_speed = look_u64_or(item, "speed_mts", 0);

		if (!is || strcmp(is, "dimm") != 0)
			continue;
		if (its_size == 0) {
			empty++;
			continue;
		}
		if (alike == 0) {
			size = its_size;
			speed = its_speed;
		}
		*(its_size == size && its_speed == speed ? &alike : &others) += 1;
	}
	if (alike) {
		buf_format(into, "%llu × ", (unsigned long long)alike);
		unit_bytes(into, size);
		if (speed)
			buf_format(into, " at %llu MT/s", (unsigned long long)speed);
	}
	if (others) {
		separate(into);
		buf_format(into, "%llu of other sizes or speeds", (unsigned long long)others);
	}
	if (empty) {
		separate(into);
		buf_format(into, "%llu empty slot%s", (unsigned long long)empty,
			   empty == 1 ? "" : "s");
	}
}

void picture_slice(struct buf *into, const json_t *slice)
{
	double shared = look_number_or(slice, "resources.shared_cpus", 0);
	json_t *item;
	size_t i;

	add_text(into, "", look_text(slice, "owner"));
	if (shared > 0) {
		separate(into);
		buf_format(into, "%.6g shared CPUs", shared);
	} else {
		add_text(into, "cpus ", look_text(slice, "resources.cpus"));
	}
	add_bytes(into, slice, "resources.memory_bytes");
	json_array_foreach (look_array(slice, "resources.devices"), i, item)
		add_text(into, "", json_string_value(item));
	json_array_foreach (look_array(slice, "enforcement"), i, item) {
		const char *resource = look_text(item, "resource");

		if (!resource || strcmp(resource, "cpu") != 0)
			continue;
		add_text(into, "by ", look_text(item, "mechanism"));
		break;
	}
}

void picture_cpus_left(struct buf *into, const struct picture *p)
{
	_cleanup_(cpuset_freep) struct cpuset *online = NULL, *allowed = NULL;
	const json_t *machine = look_object(p->inventory, "machine");
	const char *online_text = look_text(machine, "online");
	const char *allowed_text = look_text(machine, "allowed");

	add_text(into, "offline ", look_text(machine, "offline"));
	if (online_text && allowed_text && cpuset_parse(online_text, &online) == 0 &&
	    cpuset_parse(allowed_text, &allowed) == 0 && cpuset_subtract(online, allowed) == 0) {
		_cleanup_free_ char *text = cpuset_format(online);

		add_text(into, "not allowed to us ", text);
	}
	add_text(into, "isolated ", look_text(machine, "isolated"));
	if (p->left_out) {
		separate(into);
		buf_format(into, "%zu cores not drawn", p->left_out);
	}
}
