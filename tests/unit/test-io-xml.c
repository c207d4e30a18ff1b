/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs, NICs, disks and firmware of an XML topology: what hwloc names several times is one device,
 * what it hangs below the machine is none. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
#define PCI(id, class, busid, inside) \
	"<object type=\"PCIDev\" gp_index=\"" #id "\" pci_busid=\"" busid "\" pci_type=\"" class \
	"\" pci_link_speed=\"0.000000\">" inside "</object>"
#define OS(id, name, type, inside) \
	"<object type=\"OSDev\" gp_index=\"" #id "\" name=\"" name "\" osdev_type=\"" #type "\">" \
	inside "</object>"
#define INFO(name, value) "<info name=\"" name "\" value=\"" value "\"/>"
#define SETS \
	"cpuset=\"0x00000001\" complete_cpuset=\"0x00000001\" " \
	"nodeset=\"0x00000001\" complete_nodeset=\"0x00000001\""
/* osdev_type: 0 block, 1 GPU, 2 network, 3 OpenFabrics, 5 coprocessor (hwloc_obj_osdev_type_t) */

static const char machine[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
	"<topology version=\"2.0\">"
	"<object type=\"Machine\" os_index=\"0\" " SETS
	" allowed_cpuset=\"0x00000001\" allowed_nodeset=\"0x00000001\" gp_index=\"1\">"
	INFO("DMIProductName", "Server") INFO("DMISysVendor", "Not Specified")
	INFO("DMIBIOSVersion", "1.2")
	"<object type=\"Package\" os_index=\"0\" " SETS " gp_index=\"2\">"
	"<object type=\"NUMANode\" os_index=\"0\" " SETS " gp_index=\"3\" local_memory=\"4096\"/>"
	"<object type=\"Core\" os_index=\"0\" " SETS " gp_index=\"4\">"
	"<object type=\"PU\" os_index=\"0\" " SETS " gp_index=\"5\"/></object>"
	"<object type=\"Bridge\" gp_index=\"6\" bridge_type=\"0-1\" depth=\"0\" bridge_pci=\"0000:[00-09]\">"
	PCI(10, "0302 [10de:2330] [10de:16c1] a1", "0000:01:00.0",
	    OS(11, "nvml0", 1, INFO("GPUModel", "NVIDIA H100") INFO("NVIDIAUUID", "GPU-1"))
	    OS(12, "card1", 1, "") OS(13, "renderD128", 1, "")
	    OS(14, "cuda0", 5, INFO("CUDAGlobalMemorySize", "83886080")))
	PCI(20, "0300 [1a03:2000] [1a03:2000] 41", "0000:02:00.0", OS(21, "card0", 1, ""))
	PCI(30, "0200 [15b3:1017] [15b3:0001] 00", "0000:03:00.0",
	    OS(31, "eth0", 2, INFO("Address", "aa:bb:cc:dd:ee:ff")) OS(32, "mlx5_0", 3, ""))
	PCI(40, "0207 [15b3:1017] [15b3:0001] 00", "0000:04:00.0", OS(41, "mlx5_1", 3, ""))
	PCI(50, "0108 [144d:a80a] [144d:a801] 00", "0000:05:00.0",
	    OS(51, "nvme0n1", 0, INFO("Size", "1048576") INFO("Model", "Fast 1T")
	       INFO("SerialNumber", "S1")))
	PCI(60, "0106 [8086:1d02] [8086:1d02] 00", "0000:06:00.0", OS(61, "sr0", 0, ""))
	"</object></object>"
	OS(70, "lo", 2, "") OS(71, "mlx4_9", 3, "") OS(72, "dm-0", 0, "") OS(73, "opencl0d0", 5, "")
	"</object></topology>\n";
/* clang-format on */

static struct inventory *load(void)
{
	char *root = tree_new();
	char path[256];
	struct inventory *inventory;

	tree_file(root, "machine.xml", machine);
	snprintf(path, sizeof(path), "%s/machine.xml", root);
	inventory = discover(NULL, path);
	tree_remove(root);
	return inventory;
}

static void test_io_of_an_xml_file_lists_each_thing_once(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = load();
	struct inventory_summary s;
	const struct device *d;

	(void)state;
	inventory_summarise(inventory, &s);
	assert_int_equal(s.gpus, 1);
	assert_int_equal(s.nics, 2);
	assert_int_equal(s.disks, 1);
	d = inventory_find(inventory, "gpu-0000:01:00.0");
	assert_non_null(d);
	assert_string_equal(d->gpu.uuid, "GPU-1");
	assert_string_equal(d->gpu.model, "NVIDIA H100");
	assert_string_equal(d->gpu.source, "hwloc");
	assert_string_equal(d->gpu.card, "dri/card1");
	assert_string_equal(d->gpu.render, "dri/renderD128");
	assert_true(d->gpu.memory_bytes == 80ULL << 30);
	assert_int_equal(d->node, 0);
	assert_true(d->offerable);
	d = inventory_find(inventory, "gpu-0000:02:00.0");
	assert_non_null(d);
	assert_false(d->gpu.compute || d->offerable);
}

static void test_io_of_an_xml_file_names_nics_and_disks(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = load();
	const struct device *d;

	(void)state;
	d = inventory_find(inventory, "nic-eth0");
	assert_non_null(d);
	assert_string_equal(d->nic.mac, "aa:bb:cc:dd:ee:ff");
	assert_string_equal(d->nic.rdma, "mlx5_0");
	assert_non_null(inventory_find(inventory, "nic-mlx5_1"));
	d = inventory_find(inventory, "disk-nvme0n1");
	assert_non_null(d);
	assert_true(d->disk.size_bytes == 1ULL << 30);
	assert_string_equal(d->disk.serial, "S1");
	assert_string_equal(d->disk.transport, "nvme");
}

static void test_io_of_an_xml_file_keeps_the_dmi_strings(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = load();
	const struct device *d = inventory_find(inventory, "firmware-system");

	(void)state;
	assert_non_null(d);
	assert_string_equal(d->firmware.product, "Server");
	assert_null(d->firmware.vendor);
	assert_non_null(inventory_find(inventory, "firmware-bios"));
	assert_null(inventory_find(inventory, "firmware-boot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_io_of_an_xml_file_lists_each_thing_once),
		cmocka_unit_test(test_io_of_an_xml_file_names_nics_and_disks),
		cmocka_unit_test(test_io_of_an_xml_file_keeps_the_dmi_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
