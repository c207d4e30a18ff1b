/* SPDX-License-Identifier: Apache-2.0 */
/* The device nodes of hardware, below made trees: which numbers each kind has, and that what is
 * absent, another's, or garbage adds none. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char devices_file[] = "Character devices:\n  1 mem\n 10 misc\n195 nvidia\n"
				   "195 nvidiactl\n234 nvidia-uvm\n510 aux\n"
				   "\nBlock devices:\n  8 sd\n 77 nvidia-frontend\n";

/* sys/class/CLASS/NAME as a link below a device, with its numbers. */
static void node(const char *root, const char *device, const char *name, const char *numbers)
{
	const char *slash = strchr(name, '/');
	char path[256], target[256];

	(void)snprintf(path, sizeof(path), "sys/devices/%s/%s/dev", device, name);
	tree_file(root, path, numbers);
	(void)snprintf(path, sizeof(path), "sys/class/%s", name);
	(void)snprintf(target, sizeof(target), "../../devices/%s/%s", device, name);
	assert_non_null(slash);
	tree_link(root, path, target);
}

/* The nodes of a device below the root, as text; and the root is gone. */
static char *nodes_of(char *root, const struct device *device)
{
	_cleanup_(device_rules_done) struct device_rules rules = { 0 };
	_cleanup_(host_freep) struct host *host = NULL;

	assert_int_equal(host_open(&host, root, NULL), 0);
	assert_int_equal(driver_nodes(host, device, &rules), 0);
	tree_remove(root);
	return device_rules_text(&rules);
}

static struct device *a_device(enum device_kind kind, const char *pci)
{
	struct device *d = NULL;

	assert_int_equal(device_new(&d, kind, pci ? pci : "x"), 0);
	assert_int_equal(device_set_string(&d->pci, pci), 0);
	return d;
}

static void test_nodes_of_a_gpu_are_its_card_its_render_node_and_kfd(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:03:00.0");
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	assert_int_equal(device_set_string(&gpu->gpu.control, "kfd"), 0);
	assert_int_equal(device_set_string(&gpu->gpu.card, "dri/card1"), 0);
	assert_int_equal(device_set_string(&gpu->gpu.render, "dri/renderD128"), 0);
	node(root, "pci0000:00/0000:03:00.0", "drm/card1", "226:1\n");
	node(root, "pci0000:00/0000:03:00.0", "drm/renderD128", "226:128\n");
	node(root, "pci0000:00/0000:03:00.0", "drm/renderD129", "226:129\n"); /* a partition */
	node(root, "pci0000:00/0000:04:00.0", "drm/card2", "226:2\n");
	node(root, "pci0000:00/0000:04:00.0", "drm/renderD130", "226:130\n");
	tree_link(root, "sys/class/drm/card1-DP-1",
		  "../../devices/pci0000:00/0000:03:00.0/drm/card1/card1-DP-1");
	tree_file(root, "sys/class/kfd/kfd/dev", "240:0\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 226:1 rw, c 226:128 rw, c 226:129 rw, c 240:0 rw");
}

static void test_nodes_of_a_gpu_off_pci_go_by_their_names(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, NULL);
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	assert_int_equal(device_set_string(&gpu->gpu.render, "dri/renderD128"), 0);
	node(root, "platform/vgem", "drm/card0", "226:0\n");
	node(root, "platform/vgem", "drm/renderD128", "226:128\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 226:128 rw");
}

static void test_nodes_of_an_nvidia_gpu_are_its_minor_and_the_drivers_own(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:17:00.0");
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	tree_file(root, "proc/devices", devices_file);
	tree_file(root, "proc/driver/nvidia/gpus/0000:17:00.0/information",
		  "Model: \t\t NVIDIA H100 PCIe\nGPU UUID: \t GPU-1-2-3\nDevice Minor: \t 4\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 195:4 rw, c 195:255 rw, c 195:254 rw, c 234:0 rw, "
				  "c 234:1 rw");
}

static void test_nodes_of_an_nvidia_gpu_go_by_what_nvml_said_without_proc(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:17:00.0");
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	assert_int_equal(device_set_string(&gpu->gpu.control, "nvidia2"), 0);
	tree_file(root, "proc/devices", "Character devices:\n195 nvidia-frontend\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 195:2 rw, c 195:255 rw, c 195:254 rw");
}

static void test_nodes_of_an_nvidia_gpu_never_are_those_of_all_by_a_lie(void **state)
{
	static const char *const minors[] = { "255", "254", "-1", "4x", "", "99999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(minors); i++) {
		_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:17:00.0");
		_cleanup_free_ char *text = NULL;
		char *root = tree_new(), information[64];

		(void)snprintf(information, sizeof(information), "Device Minor: \t %s\n",
			       minors[i]);
		tree_file(root, "proc/devices", devices_file);
		tree_file(root, "proc/driver/nvidia/gpus/0000:17:00.0/information", information);
		text = nodes_of(root, gpu);
		assert_string_equal(text, "");
	}
}

static void test_nodes_of_an_accelerator_are_those_of_its_class(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:33:00.0");
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	node(root, "pci0000:30/0000:33:00.0", "accel/accel0", "261:0\n");
	node(root, "pci0000:30/0000:33:00.0", "accel/accel_controlD0", "261:64\n");
	node(root, "pci0000:30/0000:34:00.0", "accel/accel1", "261:1\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 261:0 rw, c 261:64 rw");
}

static void test_nodes_of_a_function_for_virtual_machines_are_its_groups(void **state)
{
	_cleanup_(device_freep) struct device *gpu = a_device(DEVICE_GPU, "0000:19:00.0");
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	tree_pci(root, "0000:19:00.0", "0x030200 0x10de 0x2330", "vfio-pci");
	tree_link(root, "sys/bus/pci/devices/0000:19:00.0/iommu_group",
		  "../../../../kernel/iommu_groups/42");
	tree_file(root, "sys/class/vfio/42/dev", "243:0\n");
	tree_file(root, "sys/class/vfio/43/dev", "243:1\n");
	tree_file(root, "sys/class/misc/vfio/dev", "10:196\n");
	text = nodes_of(root, gpu);
	assert_string_equal(text, "c 243:0 rw, c 10:196 rw");
}

static void test_nodes_of_a_nic_are_those_of_its_rdma_device(void **state)
{
	static const struct {
		const char *path, *text;
	} files[] = {
		{ "sys/class/infiniband_verbs/uverbs0/ibdev", "mlx5_0\n" },
		{ "sys/class/infiniband_verbs/uverbs0/dev", "231:192\n" },
		{ "sys/class/infiniband_verbs/uverbs1/ibdev", "mlx5_1\n" },
		{ "sys/class/infiniband_verbs/uverbs1/dev", "231:193\n" },
		{ "sys/class/infiniband_verbs/abi_version", "6\n" },
		{ "sys/class/infiniband_mad/umad0/ibdev", "mlx5_0\n" },
		{ "sys/class/infiniband_mad/umad0/dev", "231:0\n" },
		{ "sys/class/infiniband_mad/issm0/ibdev", "mlx5_0\n" },
		{ "sys/class/infiniband_mad/issm0/dev", "231:64\n" },
		{ "sys/class/misc/rdma_cm/dev", "10:58\n" },
	};
	_cleanup_(device_freep) struct device *nic = a_device(DEVICE_NIC, NULL),
					      *plain = a_device(DEVICE_NIC, NULL);
	_cleanup_free_ char *text = NULL, *none = NULL;

	(void)state;
	assert_int_equal(device_set_string(&nic->nic.rdma, "mlx5_0"), 0);
	for (unsigned round = 0; round < 2; round++) {
		char *root = tree_new();

		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			tree_file(root, files[i].path, files[i].text);
		if (round == 0)
			text = nodes_of(root, nic);
		else
			none = nodes_of(root, plain);
	}
	assert_string_equal(text, "c 231:192 rw, c 231:64 rw, c 231:0 rw, c 10:58 rw");
	assert_string_equal(none, "");
}

static void test_nodes_of_a_disk_are_it_and_its_partitions(void **state)
{
	_cleanup_(device_freep) struct device *disk = a_device(DEVICE_DISK, NULL);
	_cleanup_free_ char *text = NULL;
	char *root = tree_new();

	(void)state;
	assert_int_equal(device_set_string(&disk->disk.name, "nvme0n1"), 0);
	tree_file(root, "sys/class/block/nvme0n1/dev", "259:0\n");
	tree_file(root, "sys/class/block/nvme0n1/nvme0n1p1/partition", "1\n");
	tree_file(root, "sys/class/block/nvme0n1/nvme0n1p1/dev", "259:1\n");
	tree_file(root, "sys/class/block/nvme0n1/ng0n1/dev", "241:0\n");
	tree_file(root, "sys/class/block/nvme0n1p1/dev", "259:1\n");
	tree_file(root, "sys/class/nvme/nvme0/dev", "242:0\n");
	text = nodes_of(root, disk);
	assert_string_equal(text, "b 259:0 rw, b 259:1 rw");
}

static void test_nodes_of_what_is_absent_or_garbage_are_none(void **state)
{
	static const char *const garbage[] = { "",	  "x\n",      "1\n",   ":\n",
					       "1:2:3\n", "9999:1\n", "1:*\n", "-1:0\n" };
	_cleanup_(device_freep) struct device *disk = a_device(DEVICE_DISK, NULL),
					      *gpu = a_device(DEVICE_GPU, "0000:03:00.0"),
					      *core = a_device(DEVICE_CORE, NULL);
	_cleanup_free_ char *nothing = NULL, *of_core = NULL;

	(void)state;
	nothing = nodes_of(tree_new(), gpu);
	of_core = nodes_of(tree_new(), core);
	assert_string_equal(nothing, "");
	assert_string_equal(of_core, "");
	assert_int_equal(device_set_string(&disk->disk.name, "sda"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		_cleanup_free_ char *text = NULL;
		char *root = tree_new();

		tree_file(root, "sys/class/block/sda/dev", garbage[i]);
		text = nodes_of(root, disk);
		assert_string_equal(text, "");
	}
}

static void test_nodes_of_this_machines_disks_are_block_devices(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = discover(NULL, NULL);
	_cleanup_(host_freep) struct host *host = NULL;
	size_t cursor = 0;

	(void)state;
	assert_int_equal(host_open(&host, NULL, NULL), 0);
	for (const struct device *d; (d = inventory_next(inventory, DEVICE_DISK, &cursor));) {
		_cleanup_(device_rules_done) struct device_rules rules = { 0 };

		assert_int_equal(driver_nodes(host, d, &rules), 0);
		assert_in_range(rules.count, 1, 256);
		for (size_t i = 0; i < rules.count; i++)
			assert_true(rules.items[i].block);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_of_a_gpu_are_its_card_its_render_node_and_kfd),
		cmocka_unit_test(test_nodes_of_a_gpu_off_pci_go_by_their_names),
		cmocka_unit_test(test_nodes_of_an_nvidia_gpu_are_its_minor_and_the_drivers_own),
		cmocka_unit_test(test_nodes_of_an_nvidia_gpu_go_by_what_nvml_said_without_proc),
		cmocka_unit_test(test_nodes_of_an_nvidia_gpu_never_are_those_of_all_by_a_lie),
		cmocka_unit_test(test_nodes_of_an_accelerator_are_those_of_its_class),
		cmocka_unit_test(test_nodes_of_a_function_for_virtual_machines_are_its_groups),
		cmocka_unit_test(test_nodes_of_a_nic_are_those_of_its_rdma_device),
		cmocka_unit_test(test_nodes_of_a_disk_are_it_and_its_partitions),
		cmocka_unit_test(test_nodes_of_what_is_absent_or_garbage_are_none),
		cmocka_unit_test(test_nodes_of_this_machines_disks_are_block_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
