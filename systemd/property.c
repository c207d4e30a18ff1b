/* SPDX-License-Identifier: Apache-2.0 */
/* Unit properties as one table: name and type, and for each type how a value is put into a message.
 * Which properties a slice gets is decided elsewhere. */
#include "systemd/property.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_YES, TYPE_SET, TYPE_NUMBERS, TYPE_PAIRS };

/* org.freedesktop.systemd1(5) for what is read; bus_unit_set_transient_property() and its like in
 * systemd's dbus-unit.c, dbus-scope.c, dbus-cgroup.c and dbus-kill.c for what may be set. */
static const struct {
	const char *name;
	enum type type;
} table[PROPERTIES] = {
	[PROPERTY_DESCRIPTION] = { "Description", TYPE_TEXT },
	[PROPERTY_SLICE] = { "Slice", TYPE_TEXT },
	[PROPERTY_DELEGATE] = { "Delegate", TYPE_YES },
	[PROPERTY_PIDS] = { "PIDs", TYPE_NUMBERS },
	[PROPERTY_ALLOWED_CPUS] = { "AllowedCPUs", TYPE_SET },
	[PROPERTY_ALLOWED_MEMORY_NODES] = { "AllowedMemoryNodes", TYPE_SET },
	[PROPERTY_CPU_WEIGHT] = { "CPUWeight", TYPE_NUMBER },
	[PROPERTY_CPU_QUOTA_PER_SEC_USEC] = { "CPUQuotaPerSecUSec", TYPE_NUMBER },
	[PROPERTY_MEMORY_MIN] = { "MemoryMin", TYPE_NUMBER },
	[PROPERTY_MEMORY_LOW] = { "MemoryLow", TYPE_NUMBER },
	[PROPERTY_MEMORY_HIGH] = { "MemoryHigh", TYPE_NUMBER },
	[PROPERTY_MEMORY_MAX] = { "MemoryMax", TYPE_NUMBER },
	[PROPERTY_MEMORY_SWAP_MAX] = { "MemorySwapMax", TYPE_NUMBER },
	[PROPERTY_TASKS_MAX] = { "TasksMax", TYPE_NUMBER },
	[PROPERTY_IO_READ_BANDWIDTH_MAX] = { "IOReadBandwidthMax", TYPE_PAIRS },
	[PROPERTY_IO_WRITE_BANDWIDTH_MAX] = { "IOWriteBandwidthMax", TYPE_PAIRS },
	[PROPERTY_IO_READ_IOPS_MAX] = { "IOReadIOPSMax", TYPE_PAIRS },
	[PROPERTY_IO_WRITE_IOPS_MAX] = { "IOWriteIOPSMax", TYPE_PAIRS },
	[PROPERTY_IO_DEVICE_WEIGHT] = { "IODeviceWeight", TYPE_PAIRS },
	[PROPERTY_IO_DEVICE_LATENCY_TARGET_USEC] = { "IODeviceLatencyTargetUSec", TYPE_PAIRS },
	[PROPERTY_COLLECT_MODE] = { "CollectMode", TYPE_TEXT },
	[PROPERTY_DEFAULT_DEPENDENCIES] = { "DefaultDependencies", TYPE_YES },
	[PROPERTY_OOM_POLICY] = { "OOMPolicy", TYPE_TEXT },
	[PROPERTY_KILL_MODE] = { "KillMode", TYPE_TEXT },
};

static int append_text(sd_bus_message *m, const struct property_value *value)
{
	return value->text ? sd_bus_message_append_basic(m, 's', value->text) : -EINVAL;
}

static int append_number(sd_bus_message *m, const struct property_value *value)
{
	return sd_bus_message_append_basic(m, 't', &value->number);
}

static int append_yes(sd_bus_message *m, const struct property_value *value)
{
	int yes = value->yes; /* D-Bus booleans are ints in sd-bus */

	return sd_bus_message_append_basic(m, 'b', &yes);
}

/* A bitmask, least significant byte first: CPU n is bit n % 8 of byte n / 8 (cpu_set_to_dbus()).
 * The empty set is the empty array, which resets the property. */
static int append_set(sd_bus_message *m, const struct property_value *value)
{
	_cleanup_free_ uint8_t *mask = NULL;
	size_t size = 0;

	cpuset_each (n, value->set)
		size = (size_t)n / 8 + 1;
	mask = calloc(1, size + 1); /* never 0 bytes */
	if (!mask)
		return -ENOMEM;
	cpuset_each (n, value->set)
		mask[n / 8] |= (uint8_t)(1u << (n % 8));
	return sd_bus_message_append_array(m, 'y', mask, size);
}

static int append_numbers(sd_bus_message *m, const struct property_value *value)
{
	return sd_bus_message_append_array(m, 'u', value->numbers.values,
					   value->numbers.count * sizeof(uint32_t));
}

static int append_pairs(sd_bus_message *m, const struct property_value *value)
{
	int r = sd_bus_message_open_container(m, 'a', "(st)");

	for (size_t i = 0; r >= 0 && i < value->pairs.count; i++)
		r = sd_bus_message_append(m, "(st)", value->pairs.items[i].path,
					  value->pairs.items[i].number);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static const struct {
	const char *signature;
	int (*append)(sd_bus_message *m, const struct property_value *value);
} types[] = {
	[TYPE_TEXT] = { "s", append_text },	   [TYPE_NUMBER] = { "t", append_number },
	[TYPE_YES] = { "b", append_yes },	   [TYPE_SET] = { "ay", append_set },
	[TYPE_NUMBERS] = { "au", append_numbers }, [TYPE_PAIRS] = { "a(st)", append_pairs },
};

const char *property_name(enum property p)
{
	return (unsigned)p < PROPERTIES ? table[p].name : NULL;
}

const char *property_signature(enum property p)
{
	return (unsigned)p < PROPERTIES ? types[table[p].type].signature : NULL;
}

int property_append(sd_bus_message *m, const struct property_value *value)
{
	const char *name = property_name(value->property);
	int r;

	if (!name)
		return -EINVAL;
	r = sd_bus_message_open_container(m, 'r', "sv");
	if (r >= 0)
		r = sd_bus_message_append_basic(m, 's', name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', property_signature(value->property));
	if (r >= 0)
		r = types[table[value->property].type].append(m, value);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : 0;
}

static int set_from_mask(const uint8_t *mask, size_t size, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	int r = cpuset_new(&set);

	for (size_t i = 0; r == 0 && i < size; i++)
		for (unsigned bit = 0; r == 0 && bit < 8; bit++) {
			if (!(mask[i] & (1u << bit)))
				continue;
			if (i * 8 + bit > CPUSET_MAX)
				return -ERANGE;
			r = cpuset_add(set, (unsigned)(i * 8 + bit));
		}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(set);
	return 0;
}

int property_read_set(sd_bus_message *m, struct cpuset **ret)
{
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	const void *mask = NULL;
	const char *contents;
	size_t size = 0;
	char type;
	int r = sd_bus_message_peek_type(m, &type, &contents);

	if (r <= 0)
		return r < 0 ? r : -EINVAL;
	if (type != 'v' && type != 'a')
		return -EINVAL;
	if (type == 'v') {
		r = sd_bus_message_enter_container(m, 'v', "ay");
		if (r < 0)
			return r == -ENXIO ? -EINVAL : r;
	} else if (*contents != 'y') {
		return -EINVAL;
	}
	r = sd_bus_message_read_array(m, 'y', &mask, &size);
	if (r >= 0)
		r = set_from_mask(mask, size, &set);
	if (r >= 0 && type == 'v')
		r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(set);
	return 0;
}
