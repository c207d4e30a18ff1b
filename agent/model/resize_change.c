/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of size; see resize_change.h. */
#include "model/resize_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void resize_change_init(struct resize_change *c)
{
	*c = (struct resize_change){ .cores = RESIZE_SAME,
				     .shared_millicpus = RESIZE_SAME,
				     .memory_bytes = RESIZE_SAME,
				     .processes_max = RESIZE_SAME };
	for (int kind = 0; kind < DEVICE_KINDS; kind++)
		c->devices[kind] = RESIZE_SAME;
}

void resize_change_done(struct resize_change *c)
{
	for (size_t i = 0; i < c->keep_devices_count; i++)
		free(c->keep_devices[i]);
	free(c->keep_devices);
	cpuset_free(c->keep_cpus);
	free(c->limits);
	resize_change_init(c);
}

struct amounts amounts_of(const struct request *r)
{
	struct amounts a = { .cores = r->cores,
			     .shared_millicpus = r->shared_millicpus,
			     .memory_bytes = r->memory_bytes,
			     .processes_max = r->processes_max,
			     .hugepages_count = r->hugepages_count };

	memcpy(a.devices, r->devices, sizeof(a.devices));
	memcpy(a.hugepages, r->hugepages, sizeof(a.hugepages));
	return a;
}

void amounts_put(struct request *r, const struct amounts *a)
{
	r->cores = a->cores;
	r->shared_millicpus = a->shared_millicpus;
	r->memory_bytes = a->memory_bytes;
	r->processes_max = a->processes_max;
	memcpy(r->devices, a->devices, sizeof(r->devices));
	memcpy(r->hugepages, a->hugepages, sizeof(r->hugepages));
	r->hugepages_count = a->hugepages_count;
}

bool amounts_equal(const struct amounts *a, const struct amounts *b)
{
	bool same = a->cores == b->cores && a->shared_millicpus == b->shared_millicpus &&
		    a->memory_bytes == b->memory_bytes && a->processes_max == b->processes_max &&
		    memcmp(a->devices, b->devices, sizeof(a->devices)) == 0 &&
		    a->hugepages_count == b->hugepages_count;

	for (size_t i = 0; same && i < a->hugepages_count; i++)
		same = a->hugepages[i].size_bytes == b->hugepages[i].size_bytes &&
		       a->hugepages[i].count == b->hugepages[i].count;
	return same;
}

/* All pages of that size are in one entry afterwards; a size of no pages has none. */
static int set_pages(struct amounts *a, uint64_t size_bytes, uint64_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->hugepages_count; i++)
		if (a->hugepages[i].size_bytes != size_bytes)
			a->hugepages[kept++] = a->hugepages[i];
	if (count > 0 && kept == REQUEST_HUGEPAGES_MAX)
		return -E2BIG;
	if (count > 0)
		a->hugepages[kept++] =
			(struct request_hugepages){ .size_bytes = size_bytes, .count = count };
	a->hugepages_count = kept;
	return 0;
}

int amounts_change(struct amounts *a, const struct resize_change *c)
{
	struct amounts changed = *a;

	if (c->cores != RESIZE_SAME)
		changed.cores = (uint32_t)c->cores;
	if (c->shared_millicpus != RESIZE_SAME)
		changed.shared_millicpus = (uint32_t)c->shared_millicpus;
	if (c->memory_bytes != RESIZE_SAME)
		changed.memory_bytes = c->memory_bytes;
	if (c->processes_max != RESIZE_SAME)
		changed.processes_max = c->processes_max;
	for (int kind = 0; kind < DEVICE_KINDS; kind++)
		if (c->devices[kind] != RESIZE_SAME)
			changed.devices[kind] = (uint32_t)c->devices[kind];
	for (size_t i = 0; i < c->hugepages_count; i++)
		if (set_pages(&changed, c->hugepages[i].size_bytes, c->hugepages[i].count) < 0)
			return -E2BIG;
	*a = changed;
	return 0;
}
