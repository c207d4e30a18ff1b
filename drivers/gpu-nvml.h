/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What NVIDIA's management library tells of its GPUs. The library is opened at run time, used and
 * closed; a driver that hangs hangs the caller, so a daemon calls this in a child with a deadline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gpu_nvml {
	char pci[32];			       /* "0000:17:00.0": the kernel's spelling */
	char uuid[96], name[96], firmware[32]; /* "" where the library does not tell */
	uint64_t memory_bytes;		       /* DEVICE_UNKNOWN_U64 */
	uint32_t minor;			       /* of /dev/nvidiaN, DEVICE_UNKNOWN_U32 */
	bool mig;			       /* its Multi-Instance mode is on */
};

/* How the library is found: dlopen, dlsym and dlclose; a test puts its own. */
struct gpu_nvml_loader {
	void *(*open)(const char *name);
	void *(*symbol)(void *library, const char *name);
	void (*close)(void *library);
};
extern const struct gpu_nvml_loader gpu_nvml_dynamic;

/* All GPUs the library knows, the caller frees the array. -ENOENT without the library, -EPROTO
 * where it lacks a function we need, -EIO where it refuses to start (no driver), -ENOMEM. A GPU
 * whose address it cannot tell is left out. */
int gpu_nvml_list(const struct gpu_nvml_loader *loader, struct gpu_nvml **ret, size_t *ret_count);
