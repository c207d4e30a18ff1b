/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* hwloc's view of one machine: the live one, a captured root, or an XML file. Drivers of this
 * folder share it; nobody else sees an hwloc object. */

#include "util/cpuset.h"
#include "util/fail.h"
#include "util/host.h"

#include <hwloc.h>

struct topology;

/* xml_path NULL: from the host's root. Includes I/O objects of every kind and disallowed CPUs
 * (hwloc_topology_get_allowed_cpuset tells them apart). */
int topology_load(struct topology **ret, const struct host *host, const char *xml_path,
		  struct fail *f);
struct topology *topology_free(struct topology *t);
static inline void topology_freep(struct topology **t)
{
	topology_free(*t);
}

hwloc_topology_t topology_hwloc(const struct topology *t);
bool topology_is_xml(const struct topology *t);
/* The machine tells nothing of its CPUs' places: what hwloc shows is their number at best. */
bool topology_is_guessed(const struct topology *t);
/* What hwloc knows of the whole machine by that name ("Architecture", "OSRelease"), or NULL. */
const char *topology_info(const struct topology *t, const char *name);

/* A NUMA node object that is a GPU's memory; one that its CPUs belong to (and not the HBM or the
 * GPU memory beside their DRAM). */
bool topology_node_is_gpu(hwloc_obj_t node);
bool topology_node_is_main(const struct topology *t, hwloc_obj_t node);
/* The one main node of an object that has CPUs, DEVICE_NO_NODE when it spans several. */
int32_t topology_nearest_node(const struct topology *t, hwloc_obj_t object);

/* The nearest NUMA node (os index) of an I/O object and the CPUs near it: node is DEVICE_NO_NODE
 * and *ret_cpus NULL where the machine does not tell (its parent is the whole machine and there are
 * several nodes). */
int topology_locality(const struct topology *t, hwloc_obj_t object, int32_t *ret_node,
		      struct cpuset **ret_cpus);
/* "0000:17:00.0" of a PCI object; room of 32 bytes. */
void topology_pci_address(hwloc_obj_t object, char room[32]);
