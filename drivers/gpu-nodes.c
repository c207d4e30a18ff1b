/* SPDX-License-Identifier: Apache-2.0 */
/* The device nodes of a GPU or accelerator. Some drivers have, beside each GPU's own node, nodes
 * for all of them. Their owner needs those as well, and they open no other GPU's memory or engines:
 * KFD asks the cgroup for each GPU's render node (drivers/gpu/drm/amd/amdkfd/kfd_priv.h,
 * kfd_devcgroup_check_permission), and NVIDIA's driver wants /dev/nvidiaN opened. Instances of a
 * split GPU (MIG) are not handed out, so their capability nodes are not listed. */
#include "drivers/gpu.h"
#include "drivers/nodes.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <stdio.h>
#include <string.h>

enum {
	INFORMATION_LIMIT_BYTES = 16 << 10,
	DEVICES_LIMIT_BYTES = 64 << 10,
	NVIDIA_CONTROL_MINOR = 255, /* nvidia.ko: NV_MINOR_DEVICE_NUMBER_CONTROL_DEVICE */
	NVIDIA_MODESET_MINOR = 254, /* nvidia-modeset.ko */
};

/* The text behind a key at the start of a line, up to the line's end; false where it is not. */
static bool line_value(const char *text, const char *key, char room[32])
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0) {
			line += n + strspn(line + n, ": \t");
			(void)snprintf(room, 32, "%.*s", (int)strcspn(line, "\n"),
				       line); /* longer than a number: none */
			return true;
		}
	}
	return false;
}

/* Of "195 nvidia" in /proc/devices, its part on character devices (fs/proc/devices.c). */
static bool find_major(const char *devices, const char *name, uint32_t *ret)
{
	const char *end = devices ? strstr(devices, "Block devices:") : NULL;

	for (const char *line = devices; line && (!end || line < end); line = strchr(line, '\n')) {
		char word[64] = "";
		unsigned major = 0;

		line += *line == '\n';
		if (sscanf(line, "%4u %63s", &major, word) == 2 && strcmp(word, name) == 0 &&
		    major <= DEVICE_RULE_MAJOR_MAX) {
			*ret = major;
			return true;
		}
	}
	return false;
}

/* N of /dev/nvidiaN, as the kernel driver tells, else as NVML told the discovery. */
static bool nvidia_minor(const struct host *host, const struct device *gpu, uint32_t *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[128], number[32];
	const char *control = gpu->gpu.control;

	(void)snprintf(path, sizeof(path), "driver/nvidia/gpus/%s/information",
		       gpu->pci ? gpu->pci : ""); /* cut: absent */
	if (fs_read(host->proc_fd, path, INFORMATION_LIMIT_BYTES, &text, NULL) == 0 &&
	    line_value(text, "Device Minor", number))
		return parse_u32(number, ret) == 0 && *ret < NVIDIA_MODESET_MINOR;
	return control && strncmp(control, "nvidia", 6) == 0 && parse_u32(control + 6, ret) == 0 &&
	       *ret < NVIDIA_MODESET_MINOR;
}

static int add_nvidia(const struct host *host, const struct device *gpu, struct device_rules *into)
{
	_cleanup_free_ char *devices = NULL;
	uint32_t major, minor;
	int r;

	if (!nvidia_minor(host, gpu, &minor) ||
	    fs_read(host->proc_fd, "devices", DEVICES_LIMIT_BYTES, &devices, NULL) < 0 ||
	    (!find_major(devices, "nvidia", &major) &&
	     !find_major(devices, "nvidia-frontend", &major)))
		return 0;
	r = nodes_add(into, false, major, minor);
	if (r == 0)
		r = nodes_add(into, false, major, NVIDIA_CONTROL_MINOR);
	if (r == 0)
		r = nodes_add(into, false, major, NVIDIA_MODESET_MINOR);
	if (r == 0 && find_major(devices, "nvidia-uvm", &major))
		for (minor = 0; r == 0 && minor < 2; minor++) /* nvidia-uvm, nvidia-uvm-tools */
			r = nodes_add(into, false, major, minor);
	return r;
}

/* A GPU off PCI is known by the names that the discovery found. */
static int add_named(const struct host *host, const char *node, struct device_rules *into)
{
	char path[128];

	if (!node || strncmp(node, "dri/", 4) != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "class/drm/%s/dev", node + 4); /* cut: absent */
	return nodes_add_dev(host, false, path, into);
}

static int add_on_pci(const struct host *host, const char *pci, struct device_rules *into)
{
	/* accel: Documentation/accel/introduction.rst; habanalabs: its own class before Linux 6.2
	 */
	static const char *const classes[] = { "drm", "accel", "habanalabs" };
	int r = nodes_add_vfio(host, pci, into);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(classes); i++)
		r = nodes_add_class(host, &(struct nodes_class){ .name = classes[i], .pci = pci },
				    into);
	return r;
}

int gpu_nodes(const struct host *host, const struct device *device, struct device_rules *into)
{
	const char *control = device->gpu.control;
	int r = 0;

	if (device->kind != DEVICE_GPU)
		return 0;
	if (device->pci)
		r = add_on_pci(host, device->pci, into);
	if (r == 0)
		r = add_named(host, device->gpu.card, into);
	if (r == 0)
		r = add_named(host, device->gpu.render, into);
	if (r == 0 && control && strcmp(control, "kfd") == 0)
		r = nodes_add_dev(host, false, "class/kfd/kfd/dev", into);
	return r < 0 ? r : add_nvidia(host, device, into);
}
