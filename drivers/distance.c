/* SPDX-License-Identifier: Apache-2.0 */
/* Distances of NUMA nodes; see distance.h. hwloc has read both tables already, from the kernel's
 * node files or from XML, and drops a matrix that does not fit its nodes. */
#include "drivers/distance.h"

#include "util/cleanup.h"

#include <errno.h>
#include <hwloc/distances.h>
#include <hwloc/memattrs.h>
#include <stdlib.h>

static int copy_row(struct device_numbers *numbers, const struct hwloc_distances_s *matrix,
		    unsigned row)
{
	unsigned count = matrix->nbobjs;

	numbers->number = calloc(count, sizeof(*numbers->number));
	numbers->value = calloc(count, sizeof(*numbers->value));
	if (!numbers->number || !numbers->value)
		return -ENOMEM; /* the device frees what there is */
	for (unsigned i = 0; i < count; i++) {
		hwloc_uint64_t value = matrix->values[(size_t)row * count + i];

		if (!matrix->objs[i] || value >= DEVICE_UNKNOWN_U32)
			continue;
		numbers->number[numbers->count] = matrix->objs[i]->os_index;
		numbers->value[numbers->count++] = (uint32_t)value;
	}
	return 0;
}

static int fill_slit(struct device_node *node, hwloc_topology_t h, hwloc_obj_t object)
{
	struct hwloc_distances_s *matrix = NULL;
	unsigned count = 1;
	int r = 0;

	if (hwloc_distances_get_by_type(
		    h, HWLOC_OBJ_NUMANODE, &count, &matrix,
		    HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) < 0 ||
	    count == 0 || !matrix)
		return 0;
	for (unsigned row = 0; r == 0 && row < matrix->nbobjs; row++)
		if (matrix->objs[row] == object)
			r = copy_row(&node->distances, matrix, row);
	hwloc_distances_release(h, matrix);
	return r;
}

static void fill_attribute(uint32_t *field, hwloc_topology_t h, hwloc_memattr_id_t id,
			   hwloc_obj_t object)
{
	struct hwloc_location initiator;
	hwloc_uint64_t value = 0;

	if (hwloc_memattr_get_best_initiator(h, id, object, 0, &initiator, &value) == 0 &&
	    value > 0 && value < DEVICE_UNKNOWN_U32)
		*field = (uint32_t)value;
}

int distance_fill(struct device_node *node, const struct topology *t, hwloc_obj_t object)
{
	hwloc_topology_t h = topology_hwloc(t);

	fill_attribute(&node->read_bandwidth_mbps, h, HWLOC_MEMATTR_ID_READ_BANDWIDTH, object);
	fill_attribute(&node->write_bandwidth_mbps, h, HWLOC_MEMATTR_ID_WRITE_BANDWIDTH, object);
	fill_attribute(&node->read_latency_ns, h, HWLOC_MEMATTR_ID_READ_LATENCY, object);
	fill_attribute(&node->write_latency_ns, h, HWLOC_MEMATTR_ID_WRITE_LATENCY, object);
	return fill_slit(node, h, object);
}
