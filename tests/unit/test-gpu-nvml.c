/* SPDX-License-Identifier: Apache-2.0 */
/* NVML against a stand-in that speaks its ABI: two GPUs, one in MIG mode; and the library absent,
 * of another make, refusing, and lying. */
#include "drivers/gpu-nvml.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* As nvml.h has it, stated here once more so that a slip in the driver's own shows. */
struct pci_info {
	char legacy[16];
	unsigned domain, bus, device, ids, subsystem_ids;
	char bus_id[32];
};

static const struct {
	const char *bus_id, *uuid;
	unsigned long long memory;
	unsigned minor, mig;
} gpus[] = {
	{ "00000000:17:00.0", "GPU-aaaa", 80ULL << 30, 3, 0 },
	{ "00010000:AF:00.1", "GPU-bbbb", 40ULL << 30, 1, 1 },
};

static int ok(void)
{
	return 0;
}

static int refuse(void)
{
	return 9; /* NVML_ERROR_DRIVER_NOT_LOADED */
}

static int count(unsigned *ret)
{
	*ret = ARRAY_SIZE(gpus);
	return 0;
}

static int count_too_many(unsigned *ret)
{
	*ret = 4000000000U;
	return 0;
}

static int handle(unsigned index, void **ret)
{
	if (index >= ARRAY_SIZE(gpus))
		return 2; /* NVML_ERROR_INVALID_ARGUMENT */
	*ret = (void *)(uintptr_t)(index + 1);
	return 0;
}

static size_t index_of(void *device)
{
	return (size_t)(uintptr_t)device - 1;
}

static int pci(void *device, struct pci_info *ret)
{
	*ret = (struct pci_info){ 0 };
	snprintf(ret->bus_id, sizeof(ret->bus_id), "%s", gpus[index_of(device)].bus_id);
	return 0;
}

static int pci_unterminated(void *device, struct pci_info *ret)
{
	(void)device;
	memset(ret, 'x', sizeof(*ret));
	return 0;
}

static int uuid(void *device, char *room, unsigned size)
{
	snprintf(room, size, "%s", gpus[index_of(device)].uuid);
	return 0;
}

static int name(void *device, char *room, unsigned size)
{
	(void)device;
	snprintf(room, size, "%s", "NVIDIA H100\x80 80GB");
	return 0;
}

static int memory(void *device, unsigned long long ret[3])
{
	ret[0] = gpus[index_of(device)].memory;
	ret[1] = ret[2] = 1;
	return 0;
}

static int minor(void *device, unsigned *ret)
{
	*ret = gpus[index_of(device)].minor;
	return 0;
}

static int mig(void *device, unsigned *current, unsigned *pending)
{
	*current = gpus[index_of(device)].mig;
	*pending = 0;
	return 0;
}

struct function {
	const char *name;
	void *address;
};

static const struct function good[] = {
	{ "nvmlInit_v2", ok },
	{ "nvmlShutdown", ok },
	{ "nvmlDeviceGetCount_v2", count },
	{ "nvmlDeviceGetHandleByIndex_v2", handle },
	{ "nvmlDeviceGetPciInfo_v3", pci },
	{ "nvmlDeviceGetUUID", uuid },
	{ "nvmlDeviceGetName", name },
	{ "nvmlDeviceGetMemoryInfo", memory },
	{ "nvmlDeviceGetMinorNumber", minor },
	{ "nvmlDeviceGetMigMode", mig },
	{ NULL, NULL },
};

/* What a test changes of the library: one function by name; NULL takes it away. */
struct library {
	const char *changed;
	void *to;
	int opened, closed;
};

static struct library *library;

static void *open_library(const char *file)
{
	assert_string_equal(file, "libnvidia-ml.so.1");
	library->opened++;
	return library;
}

static void *open_nothing(const char *file)
{
	(void)file;
	return NULL;
}

static void *symbol(void *handle_, const char *wanted)
{
	struct library *l = handle_;

	if (l->changed && strcmp(l->changed, wanted) == 0)
		return l->to;
	for (const struct function *f = good; f->name; f++)
		if (strcmp(f->name, wanted) == 0)
			return f->address;
	return NULL;
}

static void close_library(void *handle_)
{
	((struct library *)handle_)->closed++;
}

static const struct gpu_nvml_loader stand_in = { open_library, symbol, close_library };

static int list(struct library *l, struct gpu_nvml **ret, size_t *ret_count)
{
	int r;

	library = l;
	r = gpu_nvml_list(&stand_in, ret, ret_count);
	assert_int_equal(l->opened, 1);
	assert_int_equal(l->closed, 1);
	return r;
}

static void test_nvml_tells_of_each_gpu(void **state)
{
	_cleanup_free_ struct gpu_nvml *told = NULL;
	struct library l = { 0 };
	size_t n = 0;

	(void)state;
	assert_int_equal(list(&l, &told, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(told[0].pci, "0000:17:00.0");
	assert_string_equal(told[0].uuid, "GPU-aaaa");
	assert_string_equal(told[0].name, "NVIDIA H100? 80GB");
	assert_string_equal(told[0].firmware, ""); /* the library lacks that function */
	assert_true(told[0].memory_bytes == 80ULL << 30);
	assert_int_equal(told[0].minor, 3);
	assert_false(told[0].mig);
	assert_string_equal(told[1].pci, "10000:af:00.1");
	assert_true(told[1].mig);
}

static void test_nvml_absent_is_enoent(void **state)
{
	static const struct gpu_nvml_loader absent = { open_nothing, symbol, close_library };
	struct gpu_nvml *told = NULL;
	size_t n = 7;

	(void)state;
	assert_int_equal(gpu_nvml_list(&absent, &told, &n), -ENOENT);
	assert_null(told);
	assert_int_equal(n, 7);
}

static void test_nvml_that_lacks_a_function_is_not_called(void **state)
{
	struct library l = { .changed = "nvmlDeviceGetPciInfo_v3" };
	struct gpu_nvml *told = NULL;
	size_t n;

	(void)state;
	assert_int_equal(list(&l, &told, &n), -EPROTO);
	assert_null(told);
}

static void test_nvml_without_its_driver_is_eio(void **state)
{
	struct library l = { .changed = "nvmlInit_v2", .to = refuse };
	struct gpu_nvml *told = NULL;
	size_t n;

	(void)state;
	assert_int_equal(list(&l, &told, &n), -EIO);
	assert_null(told);
}

static void test_nvml_that_counts_too_many_is_bounded(void **state)
{
	struct library l = { .changed = "nvmlDeviceGetCount_v2", .to = count_too_many };
	_cleanup_free_ struct gpu_nvml *told = NULL;
	size_t n;

	(void)state;
	assert_int_equal(list(&l, &told, &n), 0);
	assert_int_equal(n, 2);
}

static void test_nvml_leaves_out_a_gpu_without_an_address(void **state)
{
	struct library l = { .changed = "nvmlDeviceGetPciInfo_v3", .to = pci_unterminated };
	_cleanup_free_ struct gpu_nvml *told = NULL;
	size_t n = 7;

	(void)state;
	assert_int_equal(list(&l, &told, &n), 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nvml_tells_of_each_gpu),
		cmocka_unit_test(test_nvml_absent_is_enoent),
		cmocka_unit_test(test_nvml_that_lacks_a_function_is_not_called),
		cmocka_unit_test(test_nvml_without_its_driver_is_eio),
		cmocka_unit_test(test_nvml_that_counts_too_many_is_bounded),
		cmocka_unit_test(test_nvml_leaves_out_a_gpu_without_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
