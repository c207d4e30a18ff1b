/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's compute nodes: /sys/class/kfd/kfd/topology/nodes/N with `gpu_id`, `properties` and
 * mem_banks/M/properties (drivers/gpu/drm/amd/amdkfd/kfd_topology.c,
 * include/uapi/linux/kfd_sysfs.h). A node without a GPU id is a CPU. A GPU split into compute
 * partitions has several nodes on one PCI function: it is one GPU, and its memory is that of all of
 * them. */
#include "drivers/gpu.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES "class/kfd/kfd/topology/nodes"

enum {
	PROPERTIES_LIMIT_BYTES = 64 << 10,
	HEAP_PUBLIC = 1,  /* HSA_MEM_HEAP_TYPE_FB_PUBLIC */
	HEAP_PRIVATE = 2, /* HSA_MEM_HEAP_TYPE_FB_PRIVATE */
};

/* The number behind "key " at a line's start; 0 where it is not told. */
static uint64_t property(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strtoull(line + n + 1, NULL, 10);
	}
	return 0;
}

static char *read_properties(struct discovery *d, const char *directory)
{
	_cleanup_free_ char *path = NULL;
	char *text = NULL;

	if (asprintf(&path, "%s/properties", directory) < 0)
		return NULL;
	if (fs_read(d->host->sys_fd, path, PROPERTIES_LIMIT_BYTES, &text, NULL) < 0)
		return NULL;
	return text;
}

static uint64_t local_memory(struct discovery *d, const char *node)
{
	_cleanup_(fs_names_freep) char **banks = NULL;
	_cleanup_free_ char *directory = NULL;
	uint64_t total = 0;

	if (asprintf(&directory, NODES "/%s/mem_banks", node) < 0 ||
	    fs_list(d->host->sys_fd, directory, &banks, NULL) < 0)
		return 0;
	for (char **bank = banks; *bank; bank++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		uint64_t heap;

		if (asprintf(&path, "%s/%s", directory, *bank) < 0)
			return 0;
		text = read_properties(d, path);
		heap = text ? property(text, "heap_type") : 0;
		if (heap == HEAP_PUBLIC || heap == HEAP_PRIVATE)
			total += property(text, "size_in_bytes");
	}
	return total;
}

/* location_id is bus << 8 | device << 3 | function (kfd_topology.c: pci_dev_id()). */
static struct device *find_gpu(struct discovery *d, const char *text)
{
	uint64_t location = property(text, "location_id");
	char pci[PLACE_PCI_SIZE];

	(void)snprintf(pci, sizeof(pci), "%04x:%02x:%02x.%x", (unsigned)property(text, "domain"),
		       (unsigned)(location >> 8 & 0xff), (unsigned)(location >> 3 & 0x1f),
		       (unsigned)(location & 7)); /* fits */
	return gpu_find(d, pci);
}

static int take_node(struct discovery *d, const char *node, const char *text)
{
	struct device *gpu = find_gpu(d, text);
	uint64_t unique = property(text, "unique_id"), memory = local_memory(d, node);
	char word[64];

	if (!gpu)
		return 0;
	if (memory > 0)
		gpu->gpu.memory_bytes =
			memory +
			(gpu->gpu.memory_bytes == DEVICE_UNKNOWN_U64 ? 0 : gpu->gpu.memory_bytes);
	(void)snprintf(word, sizeof(word), "GPU-%016llx", (unsigned long long)unique); /* fits */
	if (unique != 0 && gpu_set_unknown(&gpu->gpu.uuid, word) < 0)
		return -ENOMEM;
	(void)snprintf(word, sizeof(word), "dri/renderD%u",
		       (unsigned)property(text, "drm_render_minor")); /* fits */
	if (property(text, "drm_render_minor") > 0 && gpu_set_unknown(&gpu->gpu.render, word) < 0)
		return -ENOMEM;
	if (gpu_set_unknown(&gpu->gpu.control, "kfd") < 0)
		return -ENOMEM;
	return gpu_told(gpu, "kfd");
}

static int visit(struct discovery *d, const char *node)
{
	_cleanup_free_ char *path = NULL, *directory = NULL, *text = NULL;
	uint64_t id = 0;

	if (asprintf(&path, NODES "/%s/gpu_id", node) < 0)
		return -ENOMEM;
	if (fs_read_u64(d->host->sys_fd, path, &id) < 0 || id == 0)
		return 0;
	if (asprintf(&directory, NODES "/%s", node) < 0)
		return -ENOMEM;
	text = read_properties(d, directory);
	return text ? take_node(d, node, text) : 0;
}

int gpu_from_kfd(struct discovery *d)
{
	_cleanup_(fs_names_freep) char **nodes = NULL;
	int r = 0;

	if (fs_list(d->host->sys_fd, NODES, &nodes, NULL) < 0)
		return 0;
	for (char **node = nodes; r == 0 && *node; node++)
		r = visit(d, *node);
	return r;
}
