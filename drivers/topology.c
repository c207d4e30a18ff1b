/* SPDX-License-Identifier: Apache-2.0 */
/* hwloc's view of one machine; see topology.h. hwloc 2 has no call to point it at a captured root,
 * only environment variables, and the same variables would let a user's shell redirect the live
 * discovery: so every variable that decides what is loaded is stated for the length of the load,
 * and put back. Only its Linux component is let in: the one that asks cpuid would bind to every CPU
 * in turn, and would mix this machine's answers into a captured one; the plugins for GPUs load
 * whole vendor stacks. Loading is for single-threaded programs (setenv). */
#include "drivers/topology.h"

#include "drivers/topology-trial.h"
#include "drivers/topology-xml.h"
#include "model/device.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct topology {
	hwloc_topology_t hwloc;
	bool xml;
	bool guessed; /* hwloc made up what it could not read: its words may be about this machine
		       */
};

struct variable {
	const char *name;
	const char *value; /* NULL: not set while loading */
	char *saved;
};

struct source {
	const struct host *host;
	const char *xml; /* NULL: from the host's root */
	size_t xml_size;
};

enum { VARIABLES = 10 };

static void variable_set(const char *name, const char *value)
{
	/* Fails only without memory; what is loaded then is still bounded and checked. */
	if (value)
		(void)setenv(name, value, 1);
	else
		(void)unsetenv(name);
}

static int environment_enter(struct variable variables[VARIABLES])
{
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *now = getenv(variables[i].name);

		variables[i].saved = now ? strdup(now) : NULL;
		if (now && !variables[i].saved)
			return -ENOMEM;
	}
	for (size_t i = 0; i < VARIABLES; i++)
		variable_set(variables[i].name, variables[i].value);
	return 0;
}

static void environment_leave(struct variable variables[VARIABLES])
{
	for (size_t i = 0; i < VARIABLES; i++) {
		variable_set(variables[i].name, variables[i].saved);
		free(variables[i].saved);
	}
}

/* Functions and devices are read from sysfs; hwloc's view of them is asked where sysfs does not
 * tell the place. On a machine of one node there is one place, and hwloc need not read the
 * configuration space of every function (milliseconds each where a hypervisor answers). */
static bool needs_io(const struct host *host, bool live)
{
	_cleanup_(cpuset_freep) struct cpuset *nodes = NULL;
	_cleanup_free_ char *online = NULL;

	if (!live || !fs_exists(host->sys_fd, "bus/pci/devices"))
		return true;
	if (fs_read_line_new(host->sys_fd, "devices/system/node/online", &online) < 0)
		return false; /* a kernel without NUMA */
	return cpuset_parse(online, &nodes) < 0 || cpuset_count(nodes) > 1;
}

/* What is drawn and placed by needs no level-1 caches and no instruction caches: leaving them out
 * saves their objects, one a core. */
static int set_filters(hwloc_topology_t h, bool with_io)
{
	static const hwloc_obj_type_t unused[] = { HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L4CACHE,
						   HWLOC_OBJ_L5CACHE };
	int r = hwloc_topology_set_flags(h, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);

	if (r == 0)
		r = hwloc_topology_set_io_types_filter(h, with_io ? HWLOC_TYPE_FILTER_KEEP_ALL
								  : HWLOC_TYPE_FILTER_KEEP_NONE);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(unused); i++)
		r = hwloc_topology_set_type_filter(h, unused[i], HWLOC_TYPE_FILTER_KEEP_NONE);
	return r;
}

static int load_hwloc(struct topology *t, const struct source *s, bool with_io)
{
	const char *xml = s->xml;
	int r = hwloc_topology_init(&t->hwloc);

	if (r < 0) {
		t->hwloc = NULL;
		return -ENOMEM;
	}
	errno = EINVAL; /* hwloc does not always say more than -1 */
	r = set_filters(t->hwloc, with_io);
	if (r == 0 && xml) /* its size counts the terminating NUL */
		r = hwloc_topology_set_xmlbuffer(t->hwloc, xml, (int)s->xml_size + 1);
	if (r == 0)
		r = hwloc_topology_load(t->hwloc);
	return r == 0 ? 0 : errno > 0 ? -errno : -EINVAL;
}

static int load_with(struct topology *t, const struct source *s, const char *components)
{
	const struct host *host = s->host;
	const char *xml = s->xml;
	bool live = host->live && !xml;
	struct variable variables[VARIABLES] = {
		{ .name = "HWLOC_FSROOT", .value = live || xml ? NULL : host->root },
		{ .name = "HWLOC_THISSYSTEM", .value = live ? NULL : "0" },
		{ .name = "HWLOC_COMPONENTS", .value = xml ? NULL : components },
		{ .name = "HWLOC_XMLFILE" },
		{ .name = "HWLOC_SYNTHETIC" },
		{ .name = "HWLOC_DUMPED_HWDATA_DIR" },
		{ .name = "HWLOC_PLUGINS_PATH", .value = "" },
		{ .name = "HWLOC_HIDE_ERRORS", .value = "2" },
		/* A GPU's memory is shown as such instead of being left out. */
		{ .name = "HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES", .value = "1" },
		/* An administrator's correction of the firmware is for this machine alone. */
		{ .name = "HWLOC_PCI_LOCALITY",
		  .value = live ? getenv("HWLOC_PCI_LOCALITY") : NULL },
	};
	_cleanup_free_ char *locality = NULL;
	int r;

	if (variables[VARIABLES - 1].value) { /* setenv frees what getenv returned */
		locality = strdup(variables[VARIABLES - 1].value);
		variables[VARIABLES - 1].value = locality;
	}
	r = environment_enter(variables);
	if (r == 0)
		r = load_hwloc(t, s, needs_io(host, live));
	environment_leave(variables);
	return r;
}

/* A machine that tells no CPU at all is one to its component no_os. */
static int load(struct topology *t, const struct source *s)
{
	int r = load_with(t, s, "linux,stop");

	if (r != -EINVAL || s->xml)
		return r;
	hwloc_topology_destroy(t->hwloc);
	t->hwloc = NULL;
	t->guessed = true;
	return load_with(t, s, "linux,no_os,stop");
}

static int try_source(void *argument)
{
	struct topology t = { 0 };

	return load(&t, argument);
}

static int load_xml(struct topology *t, const struct host *host, const char *path, struct fail *f)
{
	_cleanup_free_ char *xml = NULL;
	struct source source = { .host = host };
	int r = topology_xml_read(path, &xml, &source.xml_size, f);

	if (r < 0)
		return r;
	source.xml = xml;
	r = topology_trial(try_source, &source, f);
	if (r == -EBADMSG)
		return fail_prefix(f, "%s is not a topology", path);
	if (r == 0)
		r = load(t, &source);
	if (r < 0)
		return fail_set(f, r, "%s is not a topology that hwloc can read: %s", path,
				strerror(-r));
	return 0;
}

/* The live kernel is trusted to be one; a captured tree is no better than an XML file. */
static int load_root(struct topology *t, const struct host *host, struct fail *f)
{
	struct source source = { .host = host };
	int r = host->live ? 0 : topology_trial(try_source, &source, f);

	if (r == -EBADMSG)
		return fail_prefix(f, "%s is not a machine's root", host->root);
	if (r == 0)
		r = load(t, &source);
	if (r < 0)
		return fail_set(f, r, "hwloc cannot read the topology below %s: %s", host->root,
				strerror(-r));
	return 0;
}

int topology_load(struct topology **ret, const struct host *host, const char *xml_path,
		  struct fail *f)
{
	_cleanup_(topology_freep) struct topology *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return fail_set(f, -ENOMEM, "out of memory");
	t->xml = xml_path;
	r = xml_path ? load_xml(t, host, xml_path, f) : load_root(t, host, f);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

struct topology *topology_free(struct topology *t)
{
	if (!t)
		return NULL;
	if (t->hwloc)
		hwloc_topology_destroy(t->hwloc);
	free(t);
	return NULL;
}

hwloc_topology_t topology_hwloc(const struct topology *t)
{
	return t->hwloc;
}

bool topology_is_xml(const struct topology *t)
{
	return t->xml;
}

bool topology_is_guessed(const struct topology *t)
{
	return t->guessed;
}

const char *topology_info(const struct topology *t, const char *name)
{
	return t->guessed ? NULL : hwloc_obj_get_info_by_name(hwloc_get_root_obj(t->hwloc), name);
}

bool topology_node_is_gpu(hwloc_obj_t node)
{
	return node->subtype && strcmp(node->subtype, "GPUMemory") == 0;
}

/* Of nodes that share their CPUs (DRAM and HBM of one die, and GPUs' memory) the kernel numbers the
 * one that the CPUs belong to first. */
bool topology_node_is_main(const struct topology *t, hwloc_obj_t node)
{
	hwloc_obj_t other = NULL;

	if (topology_node_is_gpu(node))
		return false;
	while ((other = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_NUMANODE, other)))
		if (other->os_index < node->os_index && !topology_node_is_gpu(other) &&
		    hwloc_bitmap_isequal(other->cpuset, node->cpuset))
			return false;
	return true;
}

int32_t topology_nearest_node(const struct topology *t, hwloc_obj_t object)
{
	int32_t found = DEVICE_NO_NODE;
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_NUMANODE, node))) {
		if (!hwloc_bitmap_isset(object->nodeset, node->os_index) ||
		    !topology_node_is_main(t, node))
			continue;
		if (found != DEVICE_NO_NODE)
			return DEVICE_NO_NODE; /* between several */
		found = (int32_t)node->os_index;
	}
	return found;
}

int topology_locality(const struct topology *t, hwloc_obj_t object, int32_t *ret_node,
		      struct cpuset **ret_cpus)
{
	hwloc_obj_t near =
		object->cpuset ? object : hwloc_get_non_io_ancestor_obj(t->hwloc, object);
	struct cpuset *cpus = NULL;
	int32_t node = DEVICE_NO_NODE;
	int r = 0;

	if (near && near->nodeset)
		node = topology_nearest_node(t, near);
	if (near && (near != hwloc_get_root_obj(t->hwloc) || node != DEVICE_NO_NODE))
		r = cpuset_from_hwloc(&cpus, near->cpuset);
	if (r < 0)
		return r;
	*ret_node = node;
	*ret_cpus = cpus;
	return 0;
}

void topology_pci_address(hwloc_obj_t object, char room[32])
{
	const struct hwloc_pcidev_attr_s *pci = object->type == HWLOC_OBJ_BRIDGE
							? &object->attr->bridge.upstream.pci
							: &object->attr->pcidev;

	(void)snprintf(room, 32, "%04x:%02x:%02x.%01x", (unsigned)pci->domain, pci->bus, pci->dev,
		       pci->func); /* 8 + 1 + 2 + 1 + 2 + 1 + 1 always fit */
}
