/* SPDX-License-Identifier: Apache-2.0 */
/* What the NVIDIA kernel driver tells of its GPUs by itself: /proc/driver/nvidia/gpus/ADDRESS (the
 * driver's README, "The /proc Interface"), with lines such as "GPU UUID:  GPU-..." in the file
 * information. It needs no library, so it is what is left without NVML, and in a captured tree. */
#include "drivers/gpu.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { INFORMATION_LIMIT_BYTES = 16 << 10 };

static const char *after_key(const char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

static int take_line(struct device *gpu, const char *line)
{
	const struct {
		const char *key;
		char **field;
	} keys[] = {
		{ "Model", &gpu->gpu.model },
		{ "GPU UUID", &gpu->gpu.uuid },
		{ "Video BIOS", &gpu->gpu.firmware },
	};
	const char *value = after_key(line, "Device Minor");
	char control[32];
	uint32_t minor;

	if (value && parse_u32(value, &minor) == 0) {
		(void)snprintf(control, sizeof(control), "nvidia%u", minor); /* fits */
		return gpu_set_unknown(&gpu->gpu.control, control);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		value = after_key(line, keys[i].key);
		/* Until a program first opens the GPU the driver writes question marks. */
		if (value && !strchr(value, '?'))
			return gpu_set_unknown(keys[i].field, value);
	}
	return 0;
}

static int take_gpu(struct discovery *d, struct device *gpu, const char *address)
{
	_cleanup_free_ char *text = NULL;
	char path[128];
	char *rest, *line;
	int r = gpu_told(gpu, "nvidia");

	if (r < 0 || gpu_set_unknown(&gpu->gpu.driver, "nvidia") < 0)
		return -ENOMEM;
	if (gpu_set_unknown(&gpu->gpu.vendor, "NVIDIA Corporation") < 0)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "driver/nvidia/gpus/%s/information", address); /* fits */
	if (fs_read(d->host->proc_fd, path, INFORMATION_LIMIT_BYTES, &text, NULL) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (take_line(gpu, line) < 0)
			return -ENOMEM;
	return 0;
}

int gpu_from_nvidia(struct discovery *d)
{
	_cleanup_(fs_names_freep) char **names = NULL;

	if (fs_list(d->host->proc_fd, "driver/nvidia/gpus", &names, NULL) < 0)
		return 0;
	for (char **name = names; *name; name++) {
		struct device *gpu = gpu_find(d, *name);

		if (gpu && take_gpu(d, gpu, gpu->pci) < 0)
			return -ENOMEM;
	}
	return 0;
}
