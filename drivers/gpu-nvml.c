/* SPDX-License-Identifier: Apache-2.0 */
/* NVML by dlopen; see gpu-nvml.h. Only the calls used here are declared, as the NVML API Reference
 * (nvml.h, stable since R450) defines them: every function returns nvmlReturn_t, 0 is success, a
 * device handle is one pointer. Nothing is linked and no NVIDIA file is needed to build. */
#include "drivers/gpu-nvml.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NVML_OK = 0,	      /* NVML_SUCCESS */
	NVML_MIG_ENABLED = 1, /* NVML_DEVICE_MIG_ENABLE */
	GPUS_MAX = 256,	      /* more than any machine has: a library that says more lies */
};

struct nvml_device; /* behind nvmlDevice_t; the library's */

struct nvml_pci { /* nvmlPciInfo_t, the layout of nvmlDeviceGetPciInfo_v3 */
	char bus_id_legacy[16];
	unsigned domain, bus, device, device_and_vendor, subsystem;
	char bus_id[32]; /* "00000000:17:00.0" */
};

struct nvml_memory { /* nvmlMemory_t */
	unsigned long long total, available, used;
};

struct nvml {
	int (*init)(void);
	int (*shutdown)(void);
	int (*count)(unsigned *count);
	int (*handle)(unsigned index, struct nvml_device **device);
	int (*pci)(struct nvml_device *device, struct nvml_pci *pci);
	int (*uuid)(struct nvml_device *device, char *text, unsigned size);
	int (*name)(struct nvml_device *device, char *text, unsigned size);
	int (*vbios)(struct nvml_device *device, char *text, unsigned size);
	int (*memory)(struct nvml_device *device, struct nvml_memory *memory);
	int (*minor)(struct nvml_device *device, unsigned *minor);
	int (*mig)(struct nvml_device *device, unsigned *current, unsigned *pending);
};

static const struct {
	const char *name;
	size_t offset;
	bool needed;
} symbols[] = {
	{ "nvmlInit_v2", offsetof(struct nvml, init), true },
	{ "nvmlShutdown", offsetof(struct nvml, shutdown), true },
	{ "nvmlDeviceGetCount_v2", offsetof(struct nvml, count), true },
	{ "nvmlDeviceGetHandleByIndex_v2", offsetof(struct nvml, handle), true },
	{ "nvmlDeviceGetPciInfo_v3", offsetof(struct nvml, pci), true },
	{ "nvmlDeviceGetUUID", offsetof(struct nvml, uuid), true },
	{ "nvmlDeviceGetName", offsetof(struct nvml, name), true },
	{ "nvmlDeviceGetVbiosVersion", offsetof(struct nvml, vbios), false },
	{ "nvmlDeviceGetMemoryInfo", offsetof(struct nvml, memory), true },
	{ "nvmlDeviceGetMinorNumber", offsetof(struct nvml, minor), false },
	{ "nvmlDeviceGetMigMode", offsetof(struct nvml, mig), false }, /* since R450 */
};

static void *dynamic_open(const char *name)
{
	return dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

static void *dynamic_symbol(void *library, const char *name)
{
	return dlsym(library, name);
}

static void dynamic_close(void *library)
{
	(void)dlclose(library); /* what stays mapped does no harm */
}

const struct gpu_nvml_loader gpu_nvml_dynamic = {
	.open = dynamic_open,
	.symbol = dynamic_symbol,
	.close = dynamic_close,
};

static int bind_symbols(const struct gpu_nvml_loader *loader, void *library, struct nvml *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *address = loader->symbol(library, symbols[i].name);

		if (!address && symbols[i].needed)
			return -EPROTO;
		/* POSIX (dlsym) has an object pointer carry a function's address; the table's
		 * members are all pointers to functions. */
		memcpy((char *)ret + symbols[i].offset, &address, sizeof(address));
	}
	return 0;
}

/* NVML writes 8 digits of domain and capitals, the kernel at least 4 digits and small letters. */
static bool kernel_address(const struct nvml_pci *pci, char room[32])
{
	unsigned domain, bus, device, function;
	char text[sizeof(pci->bus_id) + 1] = { 0 };

	memcpy(text, pci->bus_id, sizeof(pci->bus_id));
	if (sscanf(text, "%8x:%2x:%2x.%1x", &domain, &bus, &device, &function) != 4)
		return false;
	(void)snprintf(room, 32, "%04x:%02x:%02x.%x", domain, bus, device, function); /* fits */
	return true;
}

static void read_text(int (*get)(struct nvml_device *, char *, unsigned),
		      struct nvml_device *device, char *room, size_t size)
{
	if (!get || get(device, room, (unsigned)size) != NVML_OK)
		room[0] = 0;
	room[size - 1] = 0;
	for (char *c = room; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static bool read_gpu(const struct nvml *nvml, unsigned index, struct gpu_nvml *ret)
{
	struct gpu_nvml g = { .memory_bytes = DEVICE_UNKNOWN_U64, .minor = DEVICE_UNKNOWN_U32 };
	struct nvml_memory memory = { 0 };
	struct nvml_pci pci = { 0 };
	unsigned minor, current = 0, pending = 0;
	struct nvml_device *device;

	if (nvml->handle(index, &device) != NVML_OK || nvml->pci(device, &pci) != NVML_OK ||
	    !kernel_address(&pci, g.pci))
		return false;
	read_text(nvml->uuid, device, g.uuid, sizeof(g.uuid));
	read_text(nvml->name, device, g.name, sizeof(g.name));
	read_text(nvml->vbios, device, g.firmware, sizeof(g.firmware));
	if (nvml->memory(device, &memory) == NVML_OK)
		g.memory_bytes = memory.total;
	if (nvml->minor && nvml->minor(device, &minor) == NVML_OK)
		g.minor = minor;
	if (nvml->mig && nvml->mig(device, &current, &pending) == NVML_OK)
		g.mig = current == NVML_MIG_ENABLED;
	*ret = g;
	return true;
}

static int read_all(const struct nvml *nvml, struct gpu_nvml **ret, size_t *ret_count)
{
	_cleanup_free_ struct gpu_nvml *gpus = NULL;
	unsigned count = 0;
	size_t n = 0;

	if (nvml->count(&count) != NVML_OK)
		return -EIO;
	if (count > GPUS_MAX)
		count = GPUS_MAX;
	gpus = calloc(count + 1, sizeof(*gpus));
	if (!gpus)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		n += read_gpu(nvml, i, &gpus[n]);
	*ret = TAKE_PTR(gpus);
	*ret_count = n;
	return 0;
}

int gpu_nvml_list(const struct gpu_nvml_loader *loader, struct gpu_nvml **ret, size_t *ret_count)
{
	void *library = loader->open("libnvidia-ml.so.1");
	struct nvml nvml = { 0 };
	int r;

	if (!library)
		return -ENOENT;
	r = bind_symbols(loader, library, &nvml);
	if (r == 0 && nvml.init() != NVML_OK)
		r = -EIO;
	if (r == 0) {
		r = read_all(&nvml, ret, ret_count);
		(void)nvml.shutdown(); /* what was read stands, whatever it says */
	}
	loader->close(library);
	return r;
}
