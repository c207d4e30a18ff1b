/* SPDX-License-Identifier: Apache-2.0 */
/* Cores and their hardware threads. Every core that hwloc shows has a number, in order of its
 * lowest CPU, and those with a CPU that is online and allowed become devices: so a core keeps its
 * number when a cpuset takes others away. A CPU without a core (a machine that tells no topology)
 * is a core of its own. Which node a core belongs to is found by memory.c. */
#include "drivers/driver.h"
#include "drivers/package.h"
#include "drivers/sysfs.h"
#include "drivers/topology.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's lists of hybrid x86 processors (perf's two PMUs); NULL where there is but one. */
struct kinds {
	struct cpuset *performance, *efficiency;
	uint32_t fastest_mhz; /* of all kinds that hwloc tells apart; 0 unknown */
};

struct cores {
	hwloc_obj_t *objects;
	size_t count;
	struct kinds kinds;
};

static void cores_done(struct cores *c)
{
	free(c->objects);
	cpuset_free(c->kinds.performance);
	cpuset_free(c->kinds.efficiency);
}

static int by_lowest_cpu(const void *a, const void *b)
{
	hwloc_obj_t first = *(const hwloc_obj_t *)a, second = *(const hwloc_obj_t *)b;

	return hwloc_bitmap_first(first->cpuset) - hwloc_bitmap_first(second->cpuset);
}

static int collect(struct cores *c, hwloc_topology_t h)
{
	hwloc_obj_t core = NULL, pu = NULL;
	int threads = hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PU);

	if (threads <= 0)
		return -ENODATA;
	c->objects = calloc((size_t)threads, sizeof(*c->objects));
	if (!c->objects)
		return -ENOMEM;
	while ((core = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_CORE, core)))
		if (c->count < (size_t)threads && !hwloc_bitmap_iszero(core->cpuset))
			c->objects[c->count++] = core;
	while ((pu = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PU, pu)))
		if (c->count < (size_t)threads &&
		    !hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_CORE, pu))
			c->objects[c->count++] = pu;
	qsort(c->objects, c->count, sizeof(*c->objects), by_lowest_cpu);
	return 0;
}

static const char *kind_info(hwloc_topology_t h, int kind, const char *name)
{
	struct hwloc_info_s *infos = NULL;
	unsigned count = 0;
	int efficiency;

	if (kind < 0 ||
	    hwloc_cpukinds_get_info(h, (unsigned)kind, NULL, &efficiency, &count, &infos, 0) < 0)
		return NULL;
	for (unsigned i = 0; i < count; i++)
		if (strcmp(infos[i].name, name) == 0)
			return infos[i].value;
	return NULL;
}

static uint32_t kind_mhz(hwloc_topology_t h, int kind, const char *name)
{
	const char *text = kind_info(h, kind, name);
	unsigned long mhz = text ? strtoul(text, NULL, 10) : 0;

	return mhz > 0 && mhz < DEVICE_UNKNOWN_U32 ? (uint32_t)mhz : DEVICE_UNKNOWN_U32;
}

static int kinds_read(struct kinds *k, const struct discovery *d)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	int count = hwloc_cpukinds_get_nr(h, 0);
	int r = sysfs_list(d->host->sys_fd, "devices/cpu_core/cpus", &k->performance);

	if (r >= 0)
		r = sysfs_list(d->host->sys_fd, "devices/cpu_atom/cpus", &k->efficiency);
	for (int i = 0; count > 1 && i < count; i++) {
		uint32_t mhz = kind_mhz(h, i, "FrequencyMaxMHz");

		if (mhz != DEVICE_UNKNOWN_U32 && mhz > k->fastest_mhz)
			k->fastest_mhz = mhz;
	}
	return r < 0 ? r : 0;
}

/* Who tells best is asked first: the kernel's lists, the processor's own word (CoreType, in XML of
 * a hwloc that asked cpuid), the capacities that ARM firmware gives, and at last highest
 * frequencies that differ. hwloc has already merged those within a tenth of each other (favoured
 * cores), and processors with one highest frequency but different base ones have cores of one kind.
 */
static const char *core_kind(const struct discovery *d, const struct kinds *k, hwloc_obj_t core)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	int cpu = hwloc_bitmap_first(core->cpuset), count = hwloc_cpukinds_get_nr(h, 0);
	int kind = hwloc_cpukinds_get_by_cpuset(h, core->cpuset, 0);
	const char *type = kind_info(h, kind, "CoreType");

	if (k->performance && k->efficiency && cpuset_has(k->performance, (unsigned)cpu))
		return "performance";
	if (k->performance && k->efficiency && cpuset_has(k->efficiency, (unsigned)cpu))
		return "efficiency";
	if (count < 2 || kind < 0)
		return NULL;
	if (type)
		return strcmp(type, "IntelAtom") == 0 ? "efficiency" : "performance";
	if (kind_info(h, kind, "LinuxCapacity"))
		return kind == count - 1 ? "performance" : "efficiency";
	if (k->fastest_mhz == 0 || kind_mhz(h, 0, "FrequencyMaxMHz") == k->fastest_mhz)
		return NULL; /* kinds are ranked: the least is as fast as the fastest */
	return kind_mhz(h, kind, "FrequencyMaxMHz") == k->fastest_mhz ? "performance"
								      : "efficiency";
}

static uint32_t sysfs_frequency(const struct discovery *d, int cpu, const char *file)
{
	uint32_t value = DEVICE_UNKNOWN_U32;
	char path[80];

	(void)snprintf(path, sizeof(path), "devices/system/cpu/cpu%d/%s", cpu, file);
	sysfs_u32(d->host->sys_fd, path, &value);
	return value == 0 ? DEVICE_UNKNOWN_U32 : value; /* 0: firmware that does not say */
}

/* Kilohertz: Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst. */
static uint32_t cpufreq_mhz(const struct discovery *d, int cpu, const char *file)
{
	uint32_t khz = sysfs_frequency(d, cpu, file);

	return khz == DEVICE_UNKNOWN_U32 ? khz : khz / 1000;
}

/* hwloc reads the same files leniently, so that its numbers count only where there are no files. */
static void core_frequencies(struct device_core *c, const struct discovery *d, hwloc_obj_t object)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	int cpu = hwloc_bitmap_first(object->cpuset);
	int kind = hwloc_cpukinds_get_by_cpuset(h, object->cpuset, 0);

	if (topology_is_xml(d->topology)) {
		c->base_mhz = kind_mhz(h, kind, "FrequencyBaseMHz");
		c->maximum_mhz = kind_mhz(h, kind, "FrequencyMaxMHz");
		return;
	}
	c->base_mhz = cpufreq_mhz(d, cpu, "cpufreq/base_frequency");
	if (c->base_mhz == DEVICE_UNKNOWN_U32) /* megahertz: cppc_sysfs.rst */
		c->base_mhz = sysfs_frequency(d, cpu, "acpi_cppc/nominal_freq");
	c->maximum_mhz = cpufreq_mhz(d, cpu, "cpufreq/cpuinfo_max_freq");
}

static uint32_t cache_domain(hwloc_topology_t h, hwloc_obj_t object, hwloc_obj_type_t level)
{
	hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(h, level, object);
	int lowest = cache ? hwloc_bitmap_first(cache->cpuset) : -1;

	return lowest < 0 ? DEVICE_UNKNOWN_U32 : (uint32_t)lowest;
}

static void core_places(struct device_core *c, const struct topology *t, hwloc_obj_t object)
{
	hwloc_topology_t h = topology_hwloc(t);
	hwloc_obj_t die = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_DIE, object);

	c->package = package_number(t, object);
	c->die = die ? die->os_index : DEVICE_UNKNOWN_U32;
	c->l3 = cache_domain(h, object, HWLOC_OBJ_L3CACHE);
	c->l2 = cache_domain(h, object, HWLOC_OBJ_L2CACHE);
}

static int core_add(struct discovery *d, const struct kinds *k, hwloc_obj_t object, size_t number)
{
	_cleanup_(device_freep) struct device *core = NULL;
	_cleanup_(cpuset_freep) struct cpuset *cpus = NULL;
	char name[24];
	int r = cpuset_from_hwloc(&cpus, object->cpuset);

	if (r == 0)
		r = cpuset_intersect(cpus, d->machine->online);
	if (r < 0)
		return r;
	d->machine->smt |= cpuset_count(cpus) > 1;
	r = cpuset_intersect(cpus, d->machine->allowed);
	if (r < 0 || cpuset_empty(cpus))
		return r;
	(void)snprintf(name, sizeof(name), "%zu", number);
	r = device_new(&core, DEVICE_CORE, name);
	if (r < 0)
		return r;
	core->core.number = (uint32_t)number;
	core->core.isolated = cpuset_subset(cpus, d->machine->isolated);
	core->core.cpus = TAKE_PTR(cpus);
	core_places(&core->core, d->topology, object);
	core_frequencies(&core->core, d, object);
	r = device_set_string(&core->core.core_kind, core_kind(d, k, object));
	return r < 0 ? r : discovery_add(d, &core);
}

static int core_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(cores_done) struct cores c = { 0 };
	int r = collect(&c, topology_hwloc(d->topology));

	if (r == 0)
		r = kinds_read(&c.kinds, d);
	for (size_t i = 0; r == 0 && i < c.count; i++)
		r = core_add(d, &c.kinds, c.objects[i], i);
	return r < 0 ? fail_set(f, r, "cannot list the cores: %s", strerror(-r)) : 0;
}

const struct driver driver_core = {
	.name = "core",
	.phase = DRIVER_PHASE_CPU,
	.probe = core_probe,
};
