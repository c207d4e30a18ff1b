/* SPDX-License-Identifier: Apache-2.0 */
/* The processors as a whole: which CPUs are online, allowed and isolated, and the packages they sit
 * in. What the kernel's lists say wins over hwloc; an XML topology has hwloc alone. Cores are in
 * core.c. */
#include "drivers/cpuinfo.h"
#include "drivers/driver.h"
#include "drivers/package.h"
#include "drivers/sysfs.h"
#include "drivers/topology.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define CPU_FOLDER "devices/system/cpu/"

static void replace(struct cpuset **set, struct cpuset *by)
{
	cpuset_free(*set);
	*set = by;
}

/* Replaces the set when the kernel has such a list. */
static int kernel_list(struct discovery *d, const char *file, struct cpuset **set)
{
	struct cpuset *found = NULL;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), CPU_FOLDER "%s", file); /* names below: short */
	r = sysfs_list(d->host->sys_fd, path, &found);
	if (r == SYSFS_FOUND)
		replace(set, found);
	if (r == SYSFS_GARBAGE)
		return discovery_note(d, "cpu", "the list of CPUs in %s is garbled", path);
	return r < 0 ? r : 0;
}

static int hwloc_set(struct cpuset **set, hwloc_const_bitmap_t bitmap, hwloc_const_bitmap_t within)
{
	hwloc_bitmap_t both = hwloc_bitmap_alloc();
	struct cpuset *found = NULL;
	int r = both && hwloc_bitmap_and(both, bitmap, within) == 0 ? 0 : -ENOMEM;

	if (r == 0)
		r = cpuset_from_hwloc(&found, both);
	if (r == 0)
		replace(set, found);
	hwloc_bitmap_free(both);
	return r;
}

static int fill_online(struct discovery *d)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	_cleanup_(cpuset_freep) struct cpuset *shown = NULL;
	int r = cpuset_from_hwloc(&shown, hwloc_topology_get_topology_cpuset(h));

	if (r == 0)
		r = hwloc_set(&d->machine->online, hwloc_topology_get_topology_cpuset(h),
			      hwloc_topology_get_topology_cpuset(h));
	if (r == 0)
		r = kernel_list(d, "online", &d->machine->online);
	if (r < 0 || cpuset_subset(d->machine->online, shown))
		return r;
	return discovery_note(d, "cpu", "some online CPUs are in no core: they are left out");
}

/* `offline` of the kernel also lists CPUs that could be plugged in one day: present ones count. */
static int fill_offline(struct discovery *d)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	struct machine *m = d->machine;
	int r = hwloc_set(&m->offline, hwloc_topology_get_complete_cpuset(h),
			  hwloc_topology_get_complete_cpuset(h));

	if (r == 0)
		r = kernel_list(d, "present", &m->offline);
	if (r == 0)
		r = cpuset_subtract(m->offline, m->online);
	return r;
}

static int fill_allowed(struct discovery *d)
{
	hwloc_topology_t h = topology_hwloc(d->topology);
	struct machine *m = d->machine;
	int r = hwloc_set(&m->allowed, hwloc_topology_get_allowed_cpuset(h),
			  hwloc_topology_get_topology_cpuset(h));

	if (r == 0 && d->lent)
		r = cpuset_union(m->allowed, d->lent);
	if (r == 0)
		r = cpuset_intersect(m->allowed, m->online);
	if (r == 0)
		r = hwloc_set(&m->allowed_nodes, hwloc_topology_get_allowed_nodeset(h),
			      hwloc_topology_get_topology_nodeset(h));
	return r;
}

static int fill_names(struct discovery *d)
{
	struct machine *m = d->machine;
	struct utsname names;
	int r = sysfs_string(d->host->proc_fd, "sys/kernel/osrelease", &m->kernel);

	if (r == 0) /* since Linux 6.1 */
		r = sysfs_string(d->host->proc_fd, "sys/kernel/arch", &m->architecture);
	if (r == 0 && !m->kernel)
		r = device_set_string(&m->kernel, topology_info(d->topology, "OSRelease"));
	if (r == 0 && !m->architecture && d->host->live && !topology_is_xml(d->topology) &&
	    uname(&names) == 0)
		r = device_set_string(&m->architecture, names.machine);
	if (r == 0 && !m->architecture)
		r = device_set_string(&m->architecture, topology_info(d->topology, "Architecture"));
	return r;
}

/* /proc/cpuinfo is long on a large machine: read once for all packages, and only when something is
 * missing elsewhere. */
static int from_cpuinfo(struct discovery *d, struct cpuinfo *cpuinfo, int cpu, const char *key,
			char **field)
{
	char text[256];
	int r = 0;

	if (*field || cpu < 0)
		return 0;
	if (!cpuinfo->text)
		r = cpuinfo_read(cpuinfo, d->host);
	if (r == 0 && cpuinfo_value(cpuinfo, (unsigned)cpu, key, text, sizeof(text)))
		r = device_set_string(field, text);
	return r;
}

static int package_microcode(struct discovery *d, struct device_package *p, int cpu)
{
	char path[80];

	(void)snprintf(path, sizeof(path), CPU_FOLDER "cpu%d/microcode/version", cpu);
	return sysfs_string(d->host->sys_fd, path, &p->microcode);
}

/* Old AMD processors fill their brand string with blanks, at both ends. */
static int set_trimmed(char **field, const char *text)
{
	char room[256] = "";
	size_t length;

	if (!text)
		return 0;
	(void)snprintf(room, sizeof(room), "%s", text + strspn(text, " "));
	length = strlen(room);
	while (length > 0 && room[length - 1] == ' ')
		room[--length] = 0;
	return device_set_string(field, room);
}

static int package_names(struct discovery *d, struct device_package *p, hwloc_obj_t object,
			 struct cpuinfo *cpuinfo)
{
	int cpu = cpuset_next(p->cpus, -1);
	int r = set_trimmed(&p->vendor, hwloc_obj_get_info_by_name(object, "CPUVendor"));

	if (r == 0)
		r = from_cpuinfo(d, cpuinfo, cpu, "vendor_id", &p->vendor);
	if (r == 0)
		r = set_trimmed(&p->model, hwloc_obj_get_info_by_name(object, "CPUModel"));
	if (r == 0)
		r = from_cpuinfo(d, cpuinfo, cpu, "model name", &p->model);
	if (r == 0)
		r = package_microcode(d, p, cpu);
	if (r == 0)
		r = from_cpuinfo(d, cpuinfo, cpu, "microcode", &p->microcode);
	return r;
}

static int package_add(struct discovery *d, hwloc_obj_t object, struct cpuinfo *cpuinfo)
{
	_cleanup_(device_freep) struct device *package = NULL;
	uint32_t number = package_number(d->topology, object);
	char name[16];
	int r;

	(void)snprintf(name, sizeof(name), "%u", number);
	r = device_new(&package, DEVICE_PACKAGE, name);
	if (r < 0)
		return r;
	package->package.number = number;
	r = cpuset_from_hwloc(&package->package.cpus, object->cpuset);
	if (r == 0)
		r = cpuset_intersect(package->package.cpus, d->machine->allowed);
	if (r == 0)
		r = package_names(d, &package->package, object, cpuinfo);
	if (r == 0 && cpuset_empty(package->package.cpus)) {
		package->offerable = false;
		r = device_set_string(&package->reason, "none of its CPUs may be used");
	}
	return r < 0 ? r : discovery_add(d, &package);
}

static int cpu_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(cpuinfo_done) struct cpuinfo cpuinfo = { 0 };
	hwloc_topology_t h = topology_hwloc(d->topology);
	hwloc_obj_t package = NULL;
	int r = fill_online(d);

	if (r == 0)
		r = fill_offline(d);
	if (r == 0)
		r = fill_allowed(d);
	if (r == 0)
		r = kernel_list(d, "isolated", &d->machine->isolated);
	if (r == 0)
		r = fill_names(d);
	if (r == 0 && topology_is_guessed(d->topology))
		r = discovery_note(d, "cpu", "the machine does not tell where its CPUs are");
	while (r == 0 && (package = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PACKAGE, package)))
		r = package_add(d, package, &cpuinfo);
	return r < 0 ? fail_set(f, r, "cannot list the CPUs: %s", strerror(-r)) : 0;
}

static const char *const cpu_watch[] = { "cpu", NULL };

const struct driver driver_cpu = {
	.name = "cpu",
	.phase = DRIVER_PHASE_CPU,
	.probe = cpu_probe,
	.watch = cpu_watch,
};
