/* SPDX-License-Identifier: Apache-2.0 */
/* Disks below made trees: what is read of them, and which of them the host uses. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

extern const struct driver driver_disk;

static const struct device *find(struct inventory *inventory, const char *id)
{
	const struct device *d = inventory_find(inventory, id);

	if (!d)
		fail_msg("%s is not in the inventory", id);
	return d;
}

/* A file of the disk's directory, which sits below sys/devices/PARENT. */
static void put(const char *root, const char *parent, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "sys/devices/%s/%s", parent, name);
	tree_file(root, path, text);
}

static void disk(const char *root, const char *parent, const char *name, const char *number)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/%s", parent, name);
	tree_link(root, path, target);
	snprintf(path, sizeof(path), "%s/%s", parent, name);
	put(root, path, "dev", number);
	put(root, path, "size", "2048\n");
}

#define AHCI "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0"
#define NVME "pci0000:00/0000:05:00.0/nvme/nvme0"

static void make_machine(const char *root)
{
	static const char page[] = "\0\x80\0\x08  WD-123 ";

	disk(root, AHCI "/block", "sda", "8:0\n");
	disk(root, AHCI "/block/sda", "sda1", "8:1\n");
	put(root, AHCI "/block/sda/sda1", "partition", "1\n");
	put(root, AHCI "/block/sda", "queue/rotational", "1\n");
	put(root, AHCI, "model", "WDC WD40     \n");
	put(root, AHCI, "vendor", "ATA     \n");
	put(root, AHCI, "rev", "0A80\n");
	put(root, AHCI, "state", "running\n");
	tree_bytes(root, "sys/devices/" AHCI "/vpd_pg80", page, sizeof(page) - 1);
	tree_link(root, "sys/devices/" AHCI "/block/sda/device", "../..");
	disk(root, NVME, "nvme0n1", "259:0\n");
	put(root, NVME, "model", "Fast 1T\n");
	put(root, NVME, "serial", "S123\n");
	put(root, NVME, "firmware_rev", "1.0\n");
	put(root, NVME, "state", "dead\n");
	tree_link(root, "sys/devices/" NVME "/nvme0n1/device", "..");
	tree_pci(root, "0000:05:00.0", "0x010802 0x144d 0xa80a", "nvme");
	disk(root, "virtual/block", "loop0", "7:0\n");
	disk(root, "virtual/block", "dm-0", "253:0\n");
	disk(root, "pci0000:00/0000:00:05.0/virtio2/block", "vdb", "252:16\n");
	tree_directory(root, "sys/devices/pci0000:00/0000:00:05.0/virtio2/block/vdb/holders/dm-0");
	disk(root, "pci0000:00/0000:00:06.0/virtio3/block", "vdc", "252:32\n");
	disk(root, "pci0000:00/0000:00:07.0/virtio4/block", "vdd", "252:48\n");
	tree_directory(root, "sys/fs/xfs/vdd");
	disk(root, "pci0000:00/0000:00:08.0/usb1/1-1/host9/target9:0:0/9:0:0:0/block", "sdz",
	     "65:0\n");
	put(root, "pci0000:00/0000:00:08.0/usb1/1-1/host9/target9:0:0/9:0:0:0/block/sdz",
	    "removable", "1\n");
	put(root, "pci0000:00/0000:00:08.0/usb1/1-1/host9/target9:0:0/9:0:0:0/block/sdz", "size",
	    "0\n");
	tree_file(root, "proc/1/mountinfo",
		  "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
	tree_file(root, "proc/swaps",
		  "Filename Type Size Used Priority\n/dev/vdc partition 1 0 -2\n");
}

static void test_disk_is_described_by_its_bus_and_its_names(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	struct inventory_summary summary;
	char *root = tree_new();
	const struct device *d;

	(void)state;
	make_machine(root);
	inventory = discover(root, NULL);
	tree_remove(root);
	inventory_summarise(inventory, &summary);
	assert_int_equal(summary.disks, 5); /* no partition, loop, mapper or empty card reader */
	d = find(inventory, "disk-sda");
	assert_string_equal(d->disk.model, "WDC WD40");
	assert_string_equal(d->disk.serial, "WD-123");
	assert_string_equal(d->disk.firmware, "0A80");
	assert_string_equal(d->disk.transport, "sata");
	assert_true(d->disk.size_bytes == 1 << 20);
	assert_true(d->disk.rotational);
	d = find(inventory, "disk-nvme0n1");
	assert_string_equal(d->pci, "0000:05:00.0");
	assert_string_equal(d->disk.serial, "S123");
	assert_string_equal(d->disk.firmware, "1.0");
	assert_false(d->disk.rotational);
	assert_true(d->offerable);
}

static void test_disk_that_the_host_uses_is_not_offered(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	make_machine(root);
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_string_equal(find(inventory, "disk-sda")->reason,
			    "its partition sda1 holds a mounted file system");
	assert_string_equal(find(inventory, "disk-vdb")->reason, "it carries another block device");
	assert_string_equal(find(inventory, "disk-vdc")->reason, "it holds swap");
	assert_string_equal(find(inventory, "disk-vdd")->reason, "it holds a mounted file system");
	assert_false(find(inventory, "disk-vdd")->offerable);
}

static void test_disk_shared_by_nvme_paths_is_one_with_the_controller_s_place(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	struct inventory_summary summary;
	char *root = tree_new();

	(void)state;
	disk(root, "virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", "259:1\n");
	put(root, "virtual/nvme-subsystem/nvme-subsys0", "serial", "S9\n");
	tree_link(root, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/device", "..");
	tree_link(root, "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0",
		  "../../../pci0000:00/0000:05:00.0/nvme/nvme0");
	disk(root, NVME, "nvme0c0n1", "0:0\n");
	put(root, NVME "/nvme0c0n1", "hidden", "1\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	inventory_summarise(inventory, &summary);
	assert_int_equal(summary.disks, 1);
	assert_string_equal(find(inventory, "disk-nvme0n1")->pci, "0000:05:00.0");
	assert_string_equal(find(inventory, "disk-nvme0n1")->disk.serial, "S9");
}

static int keep(const struct reading *reading, void *userdata)
{
	*(enum verdict *)userdata = reading->verdict;
	return 0;
}

static void test_disk_that_the_kernel_gave_up_has_failed(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	enum verdict verdict = VERDICTS;
	char *root = tree_new();

	(void)state;
	make_machine(root);
	inventory = discover(root, NULL);
	assert_int_equal(host_open(&host, root, NULL), 0);
	assert_int_equal(driver_disk.check(host, find(inventory, "disk-sda"), keep, &verdict), 0);
	assert_int_equal(verdict, VERDICT_OK);
	assert_int_equal(driver_disk.check(host, find(inventory, "disk-nvme0n1"), keep, &verdict),
			 0);
	assert_int_equal(verdict, VERDICT_FAILED);
	verdict = VERDICTS;
	assert_int_equal(driver_disk.check(host, find(inventory, "disk-vdb"), keep, &verdict), 0);
	assert_int_equal(verdict, VERDICTS); /* it has no such state */
	tree_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_is_described_by_its_bus_and_its_names),
		cmocka_unit_test(test_disk_that_the_host_uses_is_not_offered),
		cmocka_unit_test(test_disk_shared_by_nvme_paths_is_one_with_the_controller_s_place),
		cmocka_unit_test(test_disk_that_the_kernel_gave_up_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
