/* SPDX-License-Identifier: Apache-2.0 */
/* Devices and the tables of their fields; see device.h. Construction, destruction and comparison
 * walk the tables, so that a new field needs no code here. */
#include "model/device.h"

#include "util/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

STRTAB_DEFINE(device_kind, enum device_kind, [DEVICE_PACKAGE] = "package", [DEVICE_NODE] = "node",
	      [DEVICE_CORE] = "core", [DEVICE_PCI] = "pci", [DEVICE_GPU] = "gpu",
	      [DEVICE_NIC] = "nic", [DEVICE_DISK] = "disk", [DEVICE_FIRMWARE] = "firmware");

const char *device_kind_plural(enum device_kind kind)
{
	static const char *const plurals[] = {
		[DEVICE_PACKAGE] = "packages", [DEVICE_NODE] = "nodes",
		[DEVICE_CORE] = "cores",       [DEVICE_PCI] = "pci",
		[DEVICE_GPU] = "gpus",	       [DEVICE_NIC] = "nics",
		[DEVICE_DISK] = "disks",       [DEVICE_FIRMWARE] = "firmware",
	};

	return strtab_name(plurals, ARRAY_SIZE(plurals), (int)kind);
}

#define FIELD(label, kind, member)                                                         \
	{                                                                                  \
		.name = (label), .type = (kind), .offset = offsetof(struct device, member) \
	}

static const struct device_field common_fields[] = {
	FIELD("id", FIELD_STRING, id),
	FIELD("pci", FIELD_STRING, pci),
	FIELD("node", FIELD_I32, node),
	FIELD("local_cpus", FIELD_CPUSET, local_cpus),
	FIELD("offerable", FIELD_BOOL, offerable),
	FIELD("reason", FIELD_STRING, reason),
	{ 0 },
};

static const struct device_field package_fields[] = {
	FIELD("number", FIELD_U32, package.number),
	FIELD("vendor", FIELD_STRING, package.vendor),
	FIELD("model", FIELD_STRING, package.model),
	FIELD("microcode", FIELD_STRING, package.microcode),
	FIELD("cpus", FIELD_CPUSET, package.cpus),
	{ 0 },
};

static const struct device_field node_fields[] = {
	FIELD("number", FIELD_U32, memory.number),
	FIELD("memory_bytes", FIELD_U64, memory.memory_bytes),
	FIELD("cpus", FIELD_CPUSET, memory.cpus),
	FIELD("memory_kind", FIELD_STRING, memory.memory_kind),
	FIELD("host_memory", FIELD_BOOL, memory.host_memory),
	FIELD("distances", FIELD_NUMBERS, memory.distances),
	FIELD("read_bandwidth_mbps", FIELD_U32, memory.read_bandwidth_mbps),
	FIELD("write_bandwidth_mbps", FIELD_U32, memory.write_bandwidth_mbps),
	FIELD("read_latency_ns", FIELD_U32, memory.read_latency_ns),
	FIELD("write_latency_ns", FIELD_U32, memory.write_latency_ns),
	FIELD("hugepages", FIELD_HUGEPAGES, memory.hugepages),
	{ 0 },
};

static const struct device_field core_fields[] = {
	FIELD("number", FIELD_U32, core.number),
	FIELD("package", FIELD_U32, core.package),
	FIELD("die", FIELD_U32, core.die),
	FIELD("l3", FIELD_U32, core.l3),
	FIELD("l2", FIELD_U32, core.l2),
	FIELD("cpus", FIELD_CPUSET, core.cpus),
	FIELD("core_kind", FIELD_STRING, core.core_kind),
	FIELD("base_mhz", FIELD_U32, core.base_mhz),
	FIELD("maximum_mhz", FIELD_U32, core.maximum_mhz),
	FIELD("isolated", FIELD_BOOL, core.isolated),
	{ 0 },
};

static const struct device_field pci_fields[] = {
	FIELD("class_code", FIELD_HEX, function.class_code),
	FIELD("vendor_id", FIELD_HEX, function.vendor_id),
	FIELD("device_id", FIELD_HEX, function.device_id),
	FIELD("subsystem_vendor_id", FIELD_HEX, function.subsystem_vendor_id),
	FIELD("subsystem_device_id", FIELD_HEX, function.subsystem_device_id),
	FIELD("class_name", FIELD_STRING, function.class_name),
	FIELD("driver", FIELD_STRING, function.driver),
	FIELD("path", FIELD_STRING, function.path),
	FIELD("link_speed_mts", FIELD_U32, function.link_speed_mts),
	FIELD("link_speed_maximum_mts", FIELD_U32, function.link_speed_maximum_mts),
	FIELD("link_width", FIELD_U32, function.link_width),
	FIELD("link_width_maximum", FIELD_U32, function.link_width_maximum),
	FIELD("iommu_group", FIELD_STRING, function.iommu_group),
	FIELD("virtual_functions", FIELD_U32, function.virtual_functions),
	FIELD("virtual_functions_maximum", FIELD_U32, function.virtual_functions_maximum),
	FIELD("physical_function", FIELD_STRING, function.physical_function),
	{ 0 },
};

static const struct device_field gpu_fields[] = {
	FIELD("vendor", FIELD_STRING, gpu.vendor),
	FIELD("model", FIELD_STRING, gpu.model),
	FIELD("uuid", FIELD_STRING, gpu.uuid),
	FIELD("card", FIELD_STRING, gpu.card),
	FIELD("render", FIELD_STRING, gpu.render),
	FIELD("control", FIELD_STRING, gpu.control),
	FIELD("driver", FIELD_STRING, gpu.driver),
	FIELD("firmware", FIELD_STRING, gpu.firmware),
	FIELD("memory_bytes", FIELD_U64, gpu.memory_bytes),
	FIELD("compute", FIELD_BOOL, gpu.compute),
	FIELD("source", FIELD_STRING, gpu.source),
	FIELD("links", FIELD_STRING, gpu.links),
	{ 0 },
};

static const struct device_field nic_fields[] = {
	FIELD("name", FIELD_STRING, nic.name),
	FIELD("mac", FIELD_STRING, nic.mac),
	FIELD("driver", FIELD_STRING, nic.driver),
	FIELD("firmware", FIELD_STRING, nic.firmware),
	FIELD("nic_kind", FIELD_STRING, nic.nic_kind),
	FIELD("physical", FIELD_BOOL, nic.physical),
	FIELD("link", FIELD_STRING, nic.link),
	FIELD("speed_mbps", FIELD_U32, nic.speed_mbps),
	FIELD("mtu_bytes", FIELD_U32, nic.mtu_bytes),
	FIELD("receive_queues", FIELD_U32, nic.receive_queues),
	FIELD("transmit_queues", FIELD_U32, nic.transmit_queues),
	FIELD("virtual_functions", FIELD_U32, nic.virtual_functions),
	FIELD("virtual_functions_maximum", FIELD_U32, nic.virtual_functions_maximum),
	FIELD("physical_function", FIELD_STRING, nic.physical_function),
	FIELD("rdma", FIELD_STRING, nic.rdma),
	{ 0 },
};

static const struct device_field disk_fields[] = {
	FIELD("name", FIELD_STRING, disk.name),
	FIELD("model", FIELD_STRING, disk.model),
	FIELD("serial", FIELD_STRING, disk.serial),
	FIELD("firmware", FIELD_STRING, disk.firmware),
	FIELD("transport", FIELD_STRING, disk.transport),
	FIELD("size_bytes", FIELD_U64, disk.size_bytes),
	FIELD("rotational", FIELD_BOOL, disk.rotational),
	{ 0 },
};

static const struct device_field firmware_fields[] = {
	FIELD("component", FIELD_STRING, firmware.component),
	FIELD("vendor", FIELD_STRING, firmware.vendor),
	FIELD("product", FIELD_STRING, firmware.product),
	FIELD("version", FIELD_STRING, firmware.version),
	FIELD("date", FIELD_STRING, firmware.date),
	FIELD("serial", FIELD_STRING, firmware.serial),
	FIELD("slot", FIELD_STRING, firmware.slot),
	FIELD("state", FIELD_STRING, firmware.state),
	FIELD("size_bytes", FIELD_U64, firmware.size_bytes),
	FIELD("speed_mts", FIELD_U32, firmware.speed_mts),
	{ 0 },
};

static const struct device_field *const own_fields[] = {
	[DEVICE_PACKAGE] = package_fields, [DEVICE_NODE] = node_fields,
	[DEVICE_CORE] = core_fields,	   [DEVICE_PCI] = pci_fields,
	[DEVICE_GPU] = gpu_fields,	   [DEVICE_NIC] = nic_fields,
	[DEVICE_DISK] = disk_fields,	   [DEVICE_FIRMWARE] = firmware_fields,
};

const struct device_field *device_common_fields(void)
{
	return common_fields;
}

const struct device_field *device_own_fields(enum device_kind kind)
{
	assert(kind >= 0 && kind < DEVICE_KINDS);
	return own_fields[kind];
}

/* A field's place in a device; the table says what lies there. */
static void *at(const struct device_field *field, const struct device *d)
{
	return (char *)d + field->offset;
}

/* FIELD_HUGEPAGES is an array with its count right behind the pointer. */
static size_t hugepages_count(const struct device_field *field, const struct device *d)
{
	static_assert(offsetof(struct device_node, hugepages_count) ==
			      offsetof(struct device_node, hugepages) + sizeof(void *),
		      "the count follows the array");
	return *(const size_t *)((const char *)at(field, d) + sizeof(void *));
}

static void clear_field(const struct device_field *field, struct device *d)
{
	struct device_numbers *numbers = at(field, d);

	switch (field->type) {
	case FIELD_U32:
	case FIELD_HEX:
		*(uint32_t *)at(field, d) = DEVICE_UNKNOWN_U32;
		break;
	case FIELD_U64:
		*(uint64_t *)at(field, d) = DEVICE_UNKNOWN_U64;
		break;
	case FIELD_I32:
		*(int32_t *)at(field, d) = DEVICE_NO_NODE;
		break;
	case FIELD_BOOL:
	case FIELD_STRING:
	case FIELD_CPUSET:
	case FIELD_HUGEPAGES:
		break; /* zero memory already says false or unknown */
	case FIELD_NUMBERS:
		*numbers = (struct device_numbers){ 0 };
		break;
	}
}

static void free_field(const struct device_field *field, struct device *d)
{
	struct device_numbers *numbers = at(field, d);

	switch (field->type) {
	case FIELD_STRING:
	case FIELD_HUGEPAGES:
		free(*(void **)at(field, d));
		break;
	case FIELD_CPUSET:
		cpuset_free(*(struct cpuset **)at(field, d));
		break;
	case FIELD_NUMBERS:
		free(numbers->number);
		free(numbers->value);
		break;
	case FIELD_U32:
	case FIELD_HEX:
	case FIELD_U64:
	case FIELD_I32:
	case FIELD_BOOL:
		break;
	}
}

static void each_field(struct device *d,
		       void (*visit)(const struct device_field *field, struct device *d))
{
	for (const struct device_field *f = common_fields; f->name; f++)
		visit(f, d);
	for (const struct device_field *f = own_fields[d->kind]; f->name; f++)
		visit(f, d);
}

int device_new(struct device **ret, enum device_kind kind, const char *name)
{
	_cleanup_(device_freep) struct device *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->kind = kind;
	each_field(d, clear_field);
	d->offerable = true;
	if (asprintf(&d->id, "%s-%s", device_kind_to_string(kind), name) < 0) {
		d->id = NULL;
		return -ENOMEM;
	}
	*ret = TAKE_PTR(d);
	return 0;
}

struct device *device_free(struct device *d)
{
	if (!d)
		return NULL;
	each_field(d, free_field);
	free(d);
	return NULL;
}

int device_set_string(char **field, const char *value)
{
	char *copy = NULL;

	if (value && *value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool numbers_equal(const struct device_numbers *a, const struct device_numbers *b)
{
	size_t size = a->count * sizeof(uint32_t);

	return a->count == b->count && (size == 0 || (memcmp(a->number, b->number, size) == 0 &&
						      memcmp(a->value, b->value, size) == 0));
}

static bool hugepages_equal(const struct device_field *field, const struct device *a,
			    const struct device *b)
{
	const struct device_hugepages *x = *(struct device_hugepages **)at(field, a);
	const struct device_hugepages *y = *(struct device_hugepages **)at(field, b);
	size_t n = hugepages_count(field, a);

	if (n != hugepages_count(field, b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (x[i].size_bytes != y[i].size_bytes || x[i].total != y[i].total ||
		    x[i].free != y[i].free)
			return false;
	return true;
}

bool device_field_equal(const struct device_field *field, const struct device *a,
			const struct device *b)
{
	const void *x = at(field, a), *y = at(field, b);

	switch (field->type) {
	case FIELD_STRING:
		return text_equal(*(char *const *)x, *(char *const *)y);
	case FIELD_U32:
	case FIELD_HEX:
	case FIELD_I32:
		return memcmp(x, y, sizeof(uint32_t)) == 0;
	case FIELD_U64:
		return memcmp(x, y, sizeof(uint64_t)) == 0;
	case FIELD_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case FIELD_CPUSET:
		/* not known is another answer than none */
		return device_field_known(field, a) == device_field_known(field, b) &&
		       cpuset_equal(*(struct cpuset *const *)x, *(struct cpuset *const *)y);
	case FIELD_NUMBERS:
		return numbers_equal(x, y);
	case FIELD_HUGEPAGES:
		return hugepages_equal(field, a, b);
	}
	return false;
}

bool device_field_known(const struct device_field *field, const struct device *d)
{
	const void *x = at(field, d);

	switch (field->type) {
	case FIELD_STRING:
	case FIELD_CPUSET:
		return *(void *const *)x != NULL;
	case FIELD_U32:
	case FIELD_HEX:
		return *(const uint32_t *)x != DEVICE_UNKNOWN_U32;
	case FIELD_U64:
		return *(const uint64_t *)x != DEVICE_UNKNOWN_U64;
	case FIELD_I32:
		return *(const int32_t *)x >= 0;
	case FIELD_BOOL:
		return true;
	case FIELD_NUMBERS:
		return ((const struct device_numbers *)x)->count > 0;
	case FIELD_HUGEPAGES:
		return hugepages_count(field, d) > 0;
	}
	return false;
}

int machine_init(struct machine *m)
{
	struct cpuset **sets[] = { &m->online, &m->offline, &m->allowed, &m->isolated,
				   &m->allowed_nodes };

	*m = (struct machine){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (cpuset_new(sets[i]) < 0) {
			machine_done(m);
			return -ENOMEM;
		}
	return 0;
}

void machine_done(struct machine *m)
{
	cpuset_free(m->online);
	cpuset_free(m->offline);
	cpuset_free(m->allowed);
	cpuset_free(m->isolated);
	cpuset_free(m->allowed_nodes);
	free(m->architecture);
	free(m->kernel);
	*m = (struct machine){ 0 };
}
