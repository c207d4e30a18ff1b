/* SPDX-License-Identifier: Apache-2.0 */
/* What NVML tells of the live host's GPUs, put into the inventory. A host without the library, or
 * whose driver is not loaded, is the common case and no fault: gpu-nvidia.c, DRM and PCI stay. */
#include "drivers/gpu-nvml.h"
#include "drivers/gpu.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fill(struct device *gpu, const struct gpu_nvml *told)
{
	char control[32] = "";

	if (told->minor != DEVICE_UNKNOWN_U32)
		(void)snprintf(control, sizeof(control), "nvidia%u", told->minor); /* fits */
	if (gpu->gpu.memory_bytes == DEVICE_UNKNOWN_U64)
		gpu->gpu.memory_bytes = told->memory_bytes;
	if (gpu_set_unknown(&gpu->gpu.uuid, told->uuid) < 0 ||
	    gpu_set_unknown(&gpu->gpu.model, told->name) < 0 ||
	    gpu_set_unknown(&gpu->gpu.firmware, told->firmware) < 0 ||
	    gpu_set_unknown(&gpu->gpu.control, control) < 0 ||
	    gpu_set_unknown(&gpu->gpu.driver, "nvidia") < 0)
		return -ENOMEM;
	/* In that mode a program gets no further than an instance, and those are not handed out. */
	if (told->mig && gpu_set_unknown(&gpu->reason, "its Multi-Instance (MIG) mode is on") < 0)
		return -ENOMEM;
	return gpu_told(gpu, "nvml");
}

int gpu_from_nvml(struct discovery *d)
{
	_cleanup_free_ struct gpu_nvml *told = NULL;
	size_t count = 0;
	int r;

	if (!d->host->live)
		return 0;
	r = gpu_nvml_list(&gpu_nvml_dynamic, &told, &count);
	if (r < 0)
		log_debug(NULL, "NVML tells nothing: %s", strerror(-r));
	for (size_t i = 0; i < count; i++) {
		struct device *gpu = gpu_find(d, told[i].pci);

		if (gpu && fill(gpu, &told[i]) < 0)
			return -ENOMEM;
	}
	return r == -ENOMEM ? r : 0;
}
