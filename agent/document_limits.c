/* SPDX-License-Identifier: Apache-2.0 */
/* A request's limits as JSON, in the form that decode_limits.c takes: the record of a slice is read
 * back by it. */
#include "document.h"

#include "util/cleanup.h"

#include <string.h>

static bool put_count(json_t *into, const char *key, uint64_t value, uint64_t absent)
{
	return value == absent || json_put(into, key, json_integer((json_int_t)value)) == 0;
}

static json_t *seconds(uint64_t usec)
{
	return json_real((double)usec / 1e6);
}

static json_t *disk(const struct limits_io *io)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o ||
	    json_put_string(o, io->disk ? "disk" : "class", io->disk ? io->disk : "all") < 0 ||
	    !put_count(o, "read_bytes_per_second", io->read_bytes_per_second, 0) ||
	    !put_count(o, "write_bytes_per_second", io->write_bytes_per_second, 0) ||
	    !put_count(o, "read_operations_per_second", io->read_operations_per_second, 0) ||
	    !put_count(o, "write_operations_per_second", io->write_operations_per_second, 0) ||
	    !put_count(o, "weight", io->weight, 0) ||
	    (io->latency_usec && json_put(o, "latency", seconds(io->latency_usec)) < 0))
		return NULL;
	return TAKE_PTR(o);
}

static json_t *rdma_device(const struct limits_rdma *rdma)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_put_string(o, "device", rdma->device) < 0 ||
	    !put_count(o, "handles", rdma->handles, LIMITS_UNSET) ||
	    !put_count(o, "objects", rdma->objects, LIMITS_UNSET))
		return NULL;
	return TAKE_PTR(o);
}

static json_t *region(const struct limits_region *r)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_put_string(o, "region", r->region) < 0 ||
	    !put_count(o, "min", r->min_bytes, LIMITS_UNSET) ||
	    !put_count(o, "low", r->low_bytes, LIMITS_UNSET) ||
	    !put_count(o, "max", r->max_bytes, LIMITS_UNSET))
		return NULL;
	return TAKE_PTR(o);
}

/* Each list is left out when it is empty. */
static int put_lists(const struct request_limits *l, json_t *into)
{
	_cleanup_json_ json_t *io = json_array(), *rdma = json_array(), *regions = json_array(),
			      *misc = json_object();
	int r = io && rdma && regions && misc ? 0 : -1;

	for (size_t i = 0; r == 0 && i < l->io_count; i++)
		r = json_array_append_new(io, disk(&l->io[i]));
	for (size_t i = 0; r == 0 && i < l->rdma_count; i++)
		r = json_array_append_new(rdma, rdma_device(&l->rdma[i]));
	for (size_t i = 0; r == 0 && i < l->regions_count; i++)
		r = json_array_append_new(regions, region(&l->regions[i]));
	for (size_t i = 0; r == 0 && i < l->misc_count; i++)
		r = json_object_set_new(misc, l->misc[i].resource,
					json_integer((json_int_t)l->misc[i].max));
	if (r == 0 && l->io_count)
		r = json_put(into, "io", TAKE_PTR(io));
	if (r == 0 && l->rdma_count)
		r = json_put(into, "rdma", TAKE_PTR(rdma));
	if (r == 0 && l->misc_count)
		r = json_put(into, "misc", TAKE_PTR(misc));
	if (r == 0 && l->regions_count)
		r = json_put(into, "device_memory", TAKE_PTR(regions));
	return r;
}

json_t *document_limits(const struct request_limits *l)
{
	_cleanup_json_ json_t *o = json_object();

	if (!o ||
	    (l->cpus_max_millicpus &&
	     json_put(o, "cpus_max", json_real(l->cpus_max_millicpus / 1000.0)) < 0) ||
	    (l->burst_usec && json_put(o, "burst", seconds(l->burst_usec)) < 0) ||
	    !put_count(o, "memory_min", l->memory_min_bytes, 0) ||
	    !put_count(o, "memory_low", l->memory_low_bytes, 0) ||
	    !put_count(o, "memory_high", l->memory_high_bytes, 0) ||
	    (l->swap_limited && !put_count(o, "swap_max", l->swap_max_bytes, LIMITS_UNSET)) ||
	    put_lists(l, o) < 0)
		return NULL;
	return TAKE_PTR(o);
}
