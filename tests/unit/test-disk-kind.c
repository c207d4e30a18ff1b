/* SPDX-License-Identifier: Apache-2.0 */
/* Which block devices are disks, and how they are attached. */
#include "drivers/disk.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PCI "../../devices/pci0000:00/0000:00:1f.2"

static const struct {
	const char *path, *name;
	bool real;
	const char *transport;
} vectors[] = {
	{ PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda", "sda", true, "sata" },
	{ PCI "/host4/port-4:0/end_device-4:0/target4:0:0/4:0:0:0/block/sdb", "sdb", true, "sas" },
	{ PCI "/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc", "sdc", true, "usb" },
	{ PCI "/host4/target4:0:0/4:0:0:0/block/sda", "sda", true, "scsi" },
	{ "../../devices/pseudo_0/adapter0/host0/target0:0:0/0:0:0:0/block/sda", "sda", true,
	  "scsi" },
	{ PCI "/nvme/nvme0/nvme0n1", "nvme0n1", true, "nvme" },
	{ "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "nvme0n1", true, "nvme" },
	{ PCI "/virtio1/block/vda", "vda", true, "virtio" },
	{ "../../devices/platform/soc/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "mmcblk0", true,
	  "mmc" },
	{ "../../devices/LNXSYSTM:00/ndbus0/region0/pfn0.0/block/pmem0.1", "pmem0.1", true,
	  "pmem" },
	{ "../../devices/vbd-51712/block/xvda", "xvda", true, "xen" },
	{ "", "sda", true, "scsi" },
	{ "", "nvme1n1", true, "nvme" },
	{ "", "mdisk", true, NULL },
	{ PCI "/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda1", "sda1", false, "sata" },
	{ PCI "/nvme/nvme0/nvme0n1/nvme0n1p1", "nvme0n1p1", false, "nvme" },
	{ PCI "/nvme/nvme0/nvme0c0n1", "nvme0c0n1", false, "nvme" },
	{ PCI "/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0", "mmcblk0boot0", false, "mmc" },
	{ "", "sr0", false, NULL },
	{ "", "fd0", false, NULL },
	{ "", "loop7", false, NULL },
	{ "", "ram0", false, NULL },
	{ "", "zram0", false, NULL },
	{ "", "dm-3", false, NULL },
	{ "", "md127", false, NULL },
	{ "", "nbd0", false, NULL },
	{ "", "zd16", false, NULL },
};

static void test_disk_is_told_from_what_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		if (disk_is_real(vectors[i].path, vectors[i].name) != vectors[i].real)
			fail_msg("%s is taken for what it is not", vectors[i].name);
}

static void test_disk_transport_is_the_bus_nearest_to_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const char *transport = disk_transport(vectors[i].path, vectors[i].name);

		if (!vectors[i].transport)
			assert_null(transport);
		else
			assert_string_equal(transport, vectors[i].transport);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_is_told_from_what_is_none),
		cmocka_unit_test(test_disk_transport_is_the_bus_nearest_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
