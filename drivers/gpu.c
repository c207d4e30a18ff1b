/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs and accelerators. Every PCI function of a fitting class is one; NVML, KFD, the NVIDIA kernel
 * driver, hwloc and DRM then tell more about it (gpu.h), found by PCI address so that nothing is
 * listed twice; at last gpu-rule.c says whether it computes. It opens no device node and starts no
 * compute runtime. */
#include "drivers/gpu.h"

#include "drivers/gpu-rule.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct device *gpu_find(struct discovery *d, const char *pci)
{
	char id[PLACE_PCI_SIZE + 8];

	(void)snprintf(id, sizeof(id), "gpu-%s", pci); /* longer than any address: finds nothing */
	return discovery_find(d, id);
}

int gpu_set_unknown(char **field, const char *value)
{
	return *field ? 0 : device_set_string(field, value);
}

int gpu_told(struct device *gpu, const char *source)
{
	const char *old = gpu->gpu.source;

	return old && strcmp(old, "pci") != 0 ? 0 : device_set_string(&gpu->gpu.source, source);
}

/* The PCI ID names where hwloc has them (the live host, some XML files), else our short table. */
static int name_by_pci(struct discovery *d, struct device *gpu, const struct device *function)
{
	hwloc_obj_t o = place_function(d, function->pci);
	const char *vendor = o ? hwloc_obj_get_info_by_name(o, "PCIVendor") : NULL;
	const char *model = o ? hwloc_obj_get_info_by_name(o, "PCIDevice") : NULL;

	if (gpu_set_unknown(&gpu->gpu.vendor, vendor) < 0 ||
	    gpu_set_unknown(&gpu->gpu.vendor, gpu_rule_vendor(function->function.vendor_id)) < 0)
		return -ENOMEM;
	return gpu_set_unknown(&gpu->gpu.model, model);
}

static int add_function(struct discovery *d, const struct device *function)
{
	_cleanup_(device_freep) struct device *gpu = NULL;
	int r = device_new(&gpu, DEVICE_GPU, function->pci);

	if (r == 0)
		r = place_at_pci(d, gpu, function->pci);
	if (r == 0)
		r = device_set_string(&gpu->gpu.driver, function->function.driver);
	if (r == 0)
		r = gpu_told(gpu, "pci");
	if (r == 0)
		r = discovery_add(d, &gpu);
	return r == -EEXIST ? 0 : r; /* the same function twice: one GPU */
}

/* A virtual function is part of a GPU that is listed already. */
static int add_functions(struct discovery *d)
{
	size_t cursor = 0;

	for (struct device *p; (p = discovery_next(d, DEVICE_PCI, &cursor));) {
		int r;

		if (!p->pci || p->function.class_code == DEVICE_UNKNOWN_U32 ||
		    !gpu_rule_class(p->function.class_code) || p->function.physical_function)
			continue;
		r = add_function(d, p);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct device *function_of(struct discovery *d, const struct device *gpu)
{
	char id[PLACE_PCI_SIZE + 8];

	if (!gpu->pci)
		return NULL;
	(void)snprintf(id, sizeof(id), "pci-%s", gpu->pci); /* as gpu_find */
	return discovery_find(d, id);
}

/* Who besides the bus and the screen's driver knows it is one that computes with it. */
static bool has_runtime(const struct device *gpu)
{
	const char *source = gpu->gpu.source;

	return source && strcmp(source, "pci") != 0 && strcmp(source, "drm") != 0;
}

static const char *why_not_offered(const struct discovery *d, const struct device *gpu)
{
	const char *driver = gpu->gpu.driver;

	if (gpu->reason)
		return gpu->reason;
	if (driver && strcmp(driver, "vfio-pci") == 0)
		return "it is bound to vfio-pci, for a virtual machine";
	/* An XML file tells no drivers; a tree that does, and names none, says that none is there.
	 */
	if (!driver && !topology_is_xml(d->topology) && !has_runtime(gpu))
		return "no driver is bound to it";
	return NULL;
}

static int judge(struct discovery *d, struct device *gpu)
{
	const struct device *function = function_of(d, gpu);
	struct gpu_evidence e = {
		.class_code = function ? function->function.class_code : DEVICE_UNKNOWN_U32,
		.vendor_id = function ? function->function.vendor_id : DEVICE_UNKNOWN_U32,
		.device_id = function ? function->function.device_id : DEVICE_UNKNOWN_U32,
		.runtime = has_runtime(gpu),
		.render = gpu->gpu.render,
	};
	struct gpu_verdict verdict = gpu_rule(&e);
	const char *reason = verdict.compute ? why_not_offered(d, gpu) : verdict.reason;

	gpu->gpu.compute = verdict.compute;
	gpu->offerable = !reason;
	if (reason != gpu->reason && device_set_string(&gpu->reason, reason) < 0)
		return -ENOMEM;
	return function ? name_by_pci(d, gpu, function) : 0;
}

static int gpu_probe(struct discovery *d, struct fail *f)
{
	static int (*const sources[])(struct discovery * d) = {
		add_functions,	 gpu_from_nvml,	 gpu_from_kfd,
		gpu_from_nvidia, gpu_from_hwloc, gpu_from_drm,
	};
	size_t cursor = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sources); i++)
		r = sources[i](d);
	for (struct device *gpu; r == 0 && (gpu = discovery_next(d, DEVICE_GPU, &cursor));)
		r = judge(d, gpu);
	return r < 0 ? fail_set(f, r, "cannot list the GPUs: %s", strerror(-r)) : 0;
}

static const char *const gpu_subsystems[] = { "drm", "kfd", NULL };

const struct driver driver_gpu = {
	.name = "gpu",
	.phase = DRIVER_PHASE_IO,
	.probe = gpu_probe,
	.watch = gpu_subsystems,
	.nodes = gpu_nodes,
};
