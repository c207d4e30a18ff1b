/* SPDX-License-Identifier: Apache-2.0 */
/* What hwloc's OS devices tell of GPUs: in an XML file of another machine, written with hwloc's
 * NVML, RSMI, CUDA, OpenCL or Level Zero back ends, they are all there is. Several of them on one
 * PCI function ("nvml0", "cuda0", "card1") are one GPU. */
#include "drivers/gpu.h"
#include "drivers/place.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* hwloc's manual, "OS device info attributes"; the memory sizes are in KiB. */
static const char *const uuid_infos[] = { "NVIDIAUUID", "AMDUUID", "LevelZeroUUID", NULL };
static const char *const memory_infos[] = { "CUDAGlobalMemorySize", "OpenCLGlobalMemorySize",
					    "LevelZeroHBMSize", NULL };
/* DRM's names, hwloc lists them too; they do not show that anything computes. */
static const char *const drm_names[] = { "card", "renderD", "controlD", NULL };

static const char *first_info(hwloc_obj_t object, const char *const *names)
{
	const char *value = NULL;

	for (size_t i = 0; !value && names[i]; i++)
		value = hwloc_obj_get_info_by_name(object, names[i]);
	return value;
}

static bool is_drm(const char *name)
{
	for (size_t i = 0; drm_names[i]; i++)
		if (strncmp(name, drm_names[i], strlen(drm_names[i])) == 0)
			return true;
	return false;
}

static int take_node(struct device *gpu, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "dri/%s",
		       name); /* longer is no name of DRM: cut, shown */
	if (strncmp(name, "card", 4) == 0)
		return gpu_set_unknown(&gpu->gpu.card, path);
	if (strncmp(name, "renderD", 7) == 0)
		return gpu_set_unknown(&gpu->gpu.render, path);
	return 0;
}

static int take_runtime(struct device *gpu, hwloc_obj_t object)
{
	const char *memory = first_info(object, memory_infos);
	uint64_t kib;

	if (memory && gpu->gpu.memory_bytes == DEVICE_UNKNOWN_U64 && parse_u64(memory, &kib) == 0 &&
	    kib < UINT64_MAX >> 10)
		gpu->gpu.memory_bytes = kib << 10;
	if (gpu_set_unknown(&gpu->gpu.uuid, first_info(object, uuid_infos)) < 0 ||
	    gpu_set_unknown(&gpu->gpu.vendor, hwloc_obj_get_info_by_name(object, "GPUVendor")) <
		    0 ||
	    gpu_set_unknown(&gpu->gpu.model, hwloc_obj_get_info_by_name(object, "GPUModel")) < 0)
		return -ENOMEM;
	return gpu_told(gpu, "hwloc");
}

static bool is_gpu(hwloc_obj_t object)
{
	hwloc_obj_osdev_type_t type = object->attr->osdev.type;

	return type == HWLOC_OBJ_OSDEV_GPU || type == HWLOC_OBJ_OSDEV_COPROC;
}

int gpu_from_hwloc(struct discovery *d)
{
	for (hwloc_obj_t o = NULL; (o = place_next_object(d, o));) {
		char pci[PLACE_PCI_SIZE];
		struct device *gpu = is_gpu(o) && place_of_object(o, pci) ? gpu_find(d, pci) : NULL;

		if (gpu && (is_drm(o->name) ? take_node(gpu, o->name) : take_runtime(gpu, o)) < 0)
			return -ENOMEM;
	}
	return 0;
}
