/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The GPU driver's own sources, one file each; gpu.c calls them in the order below, and each fills
 * only what the ones before left unknown. All return 0 or -ENOMEM; what cannot be read is left. */

#include "drivers/driver.h"

/* The GPU on that PCI address, NULL where there is none. */
struct device *gpu_find(struct discovery *d, const char *pci);
/* Sets a string that is still unknown. -ENOMEM. */
int gpu_set_unknown(char **field, const char *value);
/* Notes who told of the GPU, the first above mere PCI; source is one of device_gpu.source. -ENOMEM.
 */
int gpu_told(struct device *gpu, const char *source);

int gpu_from_nvml(struct discovery *d);	  /* gpu-live.c: the live host's NVML */
int gpu_from_kfd(struct discovery *d);	  /* kfd.c: AMD's compute nodes */
int gpu_from_nvidia(struct discovery *d); /* gpu-nvidia.c: /proc/driver/nvidia */
int gpu_from_hwloc(struct discovery *d);  /* gpu-hwloc.c: what an XML file names */
int gpu_from_drm(struct discovery *d);	  /* drm.c: cards and render nodes; adds GPUs off PCI */

/* gpu-nodes.c: struct driver's nodes() */
int gpu_nodes(const struct host *host, const struct device *device, struct device_rules *into);
