/* SPDX-License-Identifier: Apache-2.0 */
/* DRM's cards and render nodes (/sys/class/drm), what drivers add to them in sysfs, and GPUs that
 * sit on no PCI bus: such a one is listed when it has a render node (vgem, a system-on-chip's GPU);
 * one without is a boot screen of an adapter that is listed as a PCI function already. */
#include "drivers/gpu.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum drm_node { DRM_NONE, DRM_CARD, DRM_RENDER };

/* "card0" and "renderD128"; connectors are "card0-VGA-1". */
static enum drm_node node_kind(const char *name)
{
	uint32_t number;

	if (strncmp(name, "card", 4) == 0 && parse_u32(name + 4, &number) == 0)
		return DRM_CARD;
	if (strncmp(name, "renderD", 7) == 0 && parse_u32(name + 7, &number) == 0)
		return DRM_RENDER;
	return DRM_NONE;
}

static int read_text(struct discovery *d, const char *name, const char *attribute, char **field)
{
	_cleanup_free_ char *path = NULL;
	char line[256];

	if (asprintf(&path, "class/drm/%s/device/%s", name, attribute) < 0)
		return -ENOMEM;
	if (fs_read_line(d->host->sys_fd, path, line, sizeof(line)) < 0)
		return 0;
	return gpu_set_unknown(field, line);
}

/* Documentation/gpu/amdgpu: bytes. xe and i915 tell no total in a stable place. */
static int read_memory(struct discovery *d, const char *name, struct device *gpu)
{
	_cleanup_free_ char *path = NULL;
	uint64_t bytes;

	if (asprintf(&path, "class/drm/%s/device/mem_info_vram_total", name) < 0)
		return -ENOMEM;
	if (gpu->gpu.memory_bytes == DEVICE_UNKNOWN_U64 &&
	    fs_read_u64(d->host->sys_fd, path, &bytes) == 0)
		gpu->gpu.memory_bytes = bytes;
	return 0;
}

static int read_driver(struct discovery *d, const char *name, struct device *gpu)
{
	_cleanup_free_ char *path = NULL, *driver = NULL;

	if (asprintf(&path, "class/drm/%s/device/driver", name) < 0)
		return -ENOMEM;
	if (fs_link_name(d->host->sys_fd, path, &driver) < 0)
		return 0;
	return gpu_set_unknown(&gpu->gpu.driver, driver);
}

static int take_node(struct discovery *d, struct device *gpu, const char *name, enum drm_node kind)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "dri/%s", name) < 0)
		return -ENOMEM;
	r = gpu_set_unknown(kind == DRM_CARD ? &gpu->gpu.card : &gpu->gpu.render, path);
	if (r == 0)
		r = read_driver(d, name, gpu);
	if (r == 0)
		r = read_memory(d, name, gpu);
	if (r == 0)
		r = read_text(d, name, "product_name", &gpu->gpu.model);
	if (r == 0)
		r = read_text(d, name, "vbios_version", &gpu->gpu.firmware);
	return r < 0 ? r : gpu_told(gpu, "drm");
}

/* The bus device's name, or the node's where the kernel gave it no parent. */
static const char *name_off_pci(const struct place *place, const char *node)
{
	if (!place->parent[0] || strcmp(place->parent, "virtual") == 0)
		return node;
	return place->parent;
}

static int add_off_pci(struct discovery *d, const char *name, struct device **ret)
{
	_cleanup_(device_freep) struct device *gpu = NULL;
	struct device *added;
	int r = device_new(&gpu, DEVICE_GPU, name);

	if (r < 0)
		return r;
	added = gpu;
	r = discovery_add(d, &gpu);
	if (r == 0)
		*ret = added;
	return r;
}

/* *ret stays NULL where the node belongs to nothing that is listed. */
static int find_owner(struct discovery *d, const struct place *place, const char *node,
		      struct device **ret)
{
	const char *name = name_off_pci(place, node);

	*ret = gpu_find(d, place->pci[0] ? place->pci : name);
	if (*ret || place->pci[0] || node_kind(node) != DRM_RENDER)
		return 0;
	return add_off_pci(d, name, ret);
}

static int visit(struct discovery *d, const char *name)
{
	_cleanup_(place_done) struct place place = { 0 };
	enum drm_node kind = node_kind(name);
	struct device *gpu = NULL;
	int r;

	if (kind == DRM_NONE)
		return 0;
	r = place_find(d->host, "drm", name, &place);
	if (r == 0)
		r = find_owner(d, &place, name, &gpu);
	if (r == 0 && gpu)
		r = take_node(d, gpu, name, kind);
	return r == -ENOMEM ? r : 0;
}

/* Render nodes first: it is they that make a device off PCI a GPU, and its card follows. */
int gpu_from_drm(struct discovery *d)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = 0;

	if (fs_list(d->host->sys_fd, "class/drm", &names, NULL) < 0)
		return 0;
	for (enum drm_node kind = DRM_RENDER; kind > DRM_NONE; kind--)
		for (char **name = names; r == 0 && *name; name++)
			if (node_kind(*name) == kind)
				r = visit(d, *name);
	return r;
}
