/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs below made trees: each source of facts, and that one GPU is listed once. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct device *find(struct inventory *inventory, const char *id)
{
	const struct device *d = inventory_find(inventory, id);

	if (!d)
		fail_msg("%s is not in the inventory", id);
	return d;
}

static uint32_t gpus(struct inventory *inventory)
{
	struct inventory_summary s;

	inventory_summarise(inventory, &s);
	return s.gpus;
}

static void drm_node(const char *root, const char *device, const char *name)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/devices/%s/drm/%s/dev", device, name);
	tree_file(root, path, "226:0\n");
	snprintf(path, sizeof(path), "sys/devices/%s/drm/%s/device", device, name);
	tree_link(root, path, "../..");
	snprintf(path, sizeof(path), "sys/class/drm/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/drm/%s", device, name);
	tree_link(root, path, target);
}

static void test_gpu_of_amd_is_one_by_pci_drm_and_kfd(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();
	const struct device *gpu;

	(void)state;
	tree_pci(root, "0000:03:00.0", "0x030000 0x1002 0x73bf", "amdgpu");
	drm_node(root, "pci0000:00/0000:03:00.0", "card1");
	drm_node(root, "pci0000:00/0000:03:00.0", "renderD128");
	tree_file(root, "sys/class/drm/card1-DP-1/status", "connected\n");
	tree_file(root, "sys/devices/pci0000:00/0000:03:00.0/mem_info_vram_total", "1024\n");
	tree_file(root, "sys/devices/pci0000:00/0000:03:00.0/vbios_version", "113-D4120\n");
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/0/gpu_id", "0\n");
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/1/gpu_id", "51234\n");
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/1/properties",
		  "cpu_cores_count 0\nsimd_count 160\nlocation_id 768\ndomain 0\n"
		  "drm_render_minor 128\nunique_id 4660\n");
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/1/mem_banks/0/properties",
		  "heap_type 1\nsize_in_bytes 17163091968\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_int_equal(gpus(inventory), 1);
	gpu = find(inventory, "gpu-0000:03:00.0");
	assert_string_equal(gpu->gpu.source, "kfd");
	assert_string_equal(gpu->gpu.card, "dri/card1");
	assert_string_equal(gpu->gpu.render, "dri/renderD128");
	assert_string_equal(gpu->gpu.control, "kfd");
	assert_string_equal(gpu->gpu.uuid, "GPU-0000000000001234");
	assert_string_equal(gpu->gpu.firmware, "113-D4120");
	assert_string_equal(gpu->gpu.driver, "amdgpu");
	assert_true(gpu->gpu.memory_bytes == 17163091968);
	assert_true(gpu->gpu.compute && gpu->offerable);
	assert_null(gpu->reason);
}

static void test_gpu_of_nvidia_is_told_by_its_kernel_driver(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();
	const struct device *gpu;

	(void)state;
	tree_pci(root, "0000:17:00.0", "0x030200 0x10de 0x2330", "nvidia");
	tree_pci(root, "0000:18:00.0", "0x030200 0x10de 0x2330", NULL);
	tree_pci(root, "0000:19:00.0", "0x030200 0x10de 0x2330", "vfio-pci");
	tree_file(root, "proc/driver/nvidia/gpus/0000:17:00.0/information",
		  "Model: \t\t NVIDIA H100 PCIe\nIRQ:   \t\t 99\nGPU UUID: \t GPU-1-2-3\n"
		  "Video BIOS: \t ??.??.??.??.??\nDevice Minor: \t 4\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_int_equal(gpus(inventory), 3);
	gpu = find(inventory, "gpu-0000:17:00.0");
	assert_string_equal(gpu->gpu.model, "NVIDIA H100 PCIe");
	assert_string_equal(gpu->gpu.uuid, "GPU-1-2-3");
	assert_string_equal(gpu->gpu.control, "nvidia4");
	assert_null(gpu->gpu.firmware); /* the driver does not know it yet */
	assert_true(gpu->offerable);
	gpu = find(inventory, "gpu-0000:18:00.0");
	assert_true(gpu->gpu.compute && !gpu->offerable);
	assert_string_equal(gpu->reason, "no driver is bound to it");
	gpu = find(inventory, "gpu-0000:19:00.0");
	assert_true(gpu->gpu.compute && !gpu->offerable);
	assert_non_null(strstr(gpu->reason, "vfio-pci"));
}

static void test_gpu_that_only_drives_a_screen_is_listed_and_not_offered(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();
	const struct device *gpu;

	(void)state;
	tree_pci(root, "0000:01:00.0", "0x030000 0x1a03 0x2000", "ast");
	tree_pci(root, "0000:02:00.0", "0x030000 0x1af4 0x1050", "virtio-pci");
	drm_node(root, "pci0000:00/0000:01:00.0", "card0");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_int_equal(gpus(inventory), 0);
	gpu = find(inventory, "gpu-0000:01:00.0");
	assert_false(gpu->gpu.compute || gpu->offerable);
	assert_string_equal(gpu->gpu.card, "dri/card0");
	assert_non_null(gpu->reason);
	assert_non_null(find(inventory, "gpu-0000:02:00.0")->reason);
}

static void test_gpu_without_a_pci_bus_is_one_when_it_renders(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();
	const struct device *gpu;

	(void)state;
	drm_node(root, "platform/vgem", "card0");
	drm_node(root, "platform/vgem", "renderD128");
	drm_node(root, "platform/simple-framebuffer.0", "card1");
	tree_link(root, "sys/devices/platform/vgem/driver", "../../../bus/platform/drivers/vgem");
	tree_link(root, "sys/class/drm/renderD129", "../../devices/pci0000:00/0000:09:00.0/drm/x");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_int_equal(gpus(inventory), 1);
	gpu = find(inventory, "gpu-vgem");
	assert_string_equal(gpu->gpu.render, "dri/renderD128");
	assert_string_equal(gpu->gpu.card, "dri/card0");
	assert_true(gpu->gpu.compute && gpu->offerable);
	assert_null(gpu->pci);
}

static void test_gpu_sources_full_of_garbage_add_nothing(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "sys/class/drm/card99999999999/dev", "");
	tree_file(root, "sys/class/drm/renderD/dev", "");
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/x/gpu_id", "1");
	tree_bytes(root, "sys/class/kfd/kfd/topology/nodes/x/properties", "\0\xff\nlocation_id x",
		   17);
	tree_file(root, "sys/class/kfd/kfd/topology/nodes/1/gpu_id", "-1");
	tree_file(root, "proc/driver/nvidia/gpus/nonsense/information", ":::\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_int_equal(gpus(inventory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpu_of_amd_is_one_by_pci_drm_and_kfd),
		cmocka_unit_test(test_gpu_of_nvidia_is_told_by_its_kernel_driver),
		cmocka_unit_test(test_gpu_that_only_drives_a_screen_is_listed_and_not_offered),
		cmocka_unit_test(test_gpu_without_a_pci_bus_is_one_when_it_renders),
		cmocka_unit_test(test_gpu_sources_full_of_garbage_add_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
