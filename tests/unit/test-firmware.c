/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware below made trees: SMBIOS in each of its forms, boot, TPM, BMC, microcode. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct device_firmware *find(struct inventory *inventory, const char *id)
{
	const struct device *d = inventory_find(inventory, id);

	if (!d)
		fail_msg("%s is not in the inventory", id);
	return &d->firmware;
}

static bool is_noted(struct inventory *inventory, const char *driver)
{
	for (size_t i = 0; i < inventory->notes_count; i++)
		if (strcmp(inventory->notes[i].driver, driver) == 0)
			return true;
	return false;
}

static const uint8_t two_dimms[] = {
	17, 0x15, 0,   0,   0, 0, 0,  0,    0,	 0,   0, 0, 0,	0x10, 9, 0, 1, 0,    2, 0,
	0,  'D',  ' ', '1', 0, 0, 17, 0x15, 1,	 0,   0, 0, 0,	0,    0, 0, 0, 0,    0, 0x00,
	9,  0,	  1,   0,   2, 0, 0,  'D',  ' ', '1', 0, 0, 38, 6,    2, 0, 1, 0x20, 0, 0,
};

#define ID "sys/class/dmi/id/"

static void test_firmware_of_the_table_is_completed_by_the_kernel_s_strings(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_bytes(root, "sys/firmware/dmi/tables/DMI", two_dimms, sizeof(two_dimms));
	tree_file(root, ID "sys_vendor", "Acme\n");
	tree_file(root, ID "product_name", "To Be Filled By O.E.M.\n");
	tree_file(root, ID "bios_version", " 1.2 \n");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_true(find(inventory, "firmware-dimm-D_1")->size_bytes == 4ULL << 30);
	assert_string_equal(find(inventory, "firmware-dimm-D_1")->slot, "D 1");
	assert_true(find(inventory, "firmware-dimm-D_1-2")->size_bytes == 0);
	assert_string_equal(find(inventory, "firmware-dimm-D_1-2")->state, "empty");
	assert_string_equal(find(inventory, "firmware-bmc-0")->product, "IPMI 2.0");
	assert_string_equal(find(inventory, "firmware-system")->vendor, "Acme");
	assert_null(find(inventory, "firmware-system")->product);
	assert_string_equal(find(inventory, "firmware-bios")->version, "1.2");
	assert_false(is_noted(inventory, "smbios"));
}

static void test_firmware_of_a_truncated_table_is_partial_with_a_note(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_bytes(root, "sys/firmware/dmi/tables/DMI", two_dimms, 40);
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_non_null(find(inventory, "firmware-dimm-D_1"));
	assert_null(inventory_find(inventory, "firmware-dimm-D_1-2"));
	assert_true(is_noted(inventory, "smbios"));
}

static void test_firmware_is_read_from_single_structures_too(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_bytes(root, "sys/firmware/dmi/entries/17-0/raw", two_dimms, 26);
	tree_bytes(root, "sys/firmware/dmi/entries/17-1/raw", two_dimms + 26, 3);
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_true(find(inventory, "firmware-dimm-D_1")->size_bytes == 4ULL << 30);
	assert_true(is_noted(inventory, "smbios"));
}

#define EFI "sys/firmware/efi/"
#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void test_firmware_tells_of_uefi_secure_boot_and_esrt(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_bytes(root, EFI "efivars/SecureBoot" GLOBAL, "\6\0\0\0\1", 5);
	tree_bytes(root, EFI "efivars/SetupMode" GLOBAL, "\6\0\0\0\0", 5);
	tree_file(root, EFI "esrt/entries/entry0/fw_class", "ddc0ee61\n");
	tree_file(root, EFI "esrt/entries/entry0/fw_version", "65590\n");
	tree_file(root, EFI "esrt/entries/entry0/fw_type", "1\n");
	inventory = discover(root, NULL);
	assert_string_equal(find(inventory, "firmware-boot")->state, "uefi");
	assert_string_equal(find(inventory, "firmware-secure-boot")->state, "enabled");
	assert_string_equal(find(inventory, "firmware-esrt-ddc0ee61")->version, "65590");
	assert_string_equal(find(inventory, "firmware-esrt-ddc0ee61")->state, "system");
	inventory = inventory_free(inventory);
	tree_bytes(root, EFI "efivars/SetupMode" GLOBAL, "\6\0\0\0\1", 5);
	inventory = discover(root, NULL);
	assert_string_equal(find(inventory, "firmware-secure-boot")->state, "disabled");
	inventory = inventory_free(inventory);
	tree_bytes(root, EFI "efivars/SecureBoot" GLOBAL, "\6\0\0", 3);
	inventory = discover(root, NULL);
	assert_null(inventory_find(inventory, "firmware-secure-boot"));
	tree_remove(root);
}

static void test_firmware_claims_legacy_boot_only_where_the_kernel_shows_tables(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	inventory = discover(root, NULL);
	assert_null(inventory_find(inventory, "firmware-boot"));
	inventory = inventory_free(inventory);
	tree_directory(root, "sys/firmware/memmap");
	inventory = discover(root, NULL);
	assert_string_equal(find(inventory, "firmware-boot")->state, "legacy");
	tree_remove(root);
}

static void test_firmware_lists_tpm_and_bmc_once(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	tree_bytes(root, "sys/firmware/dmi/tables/DMI", two_dimms, sizeof(two_dimms));
	tree_file(root, "sys/class/tpm/tpm0/tpm_version_major", "2\n");
	tree_file(root, "sys/class/tpm/tpm1/caps", "TCG version: 1.2\n");
	tree_directory(root, "sys/class/ipmi/ipmi0");
	tree_file(root, "sys/bus/platform/devices/ipmi_bmc.0/firmware_revision", "2.88\n");
	tree_file(root, "sys/bus/platform/devices/ipmi_bmc.0/ipmi_version", "2.0\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_string_equal(find(inventory, "firmware-tpm-0")->version, "2.0");
	assert_string_equal(find(inventory, "firmware-tpm-1")->version, "1.2");
	assert_string_equal(find(inventory, "firmware-bmc-0")->version, "2.88");
	assert_string_equal(find(inventory, "firmware-bmc-0")->state, "present");
	assert_null(inventory_find(inventory, "firmware-bmc-0-2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_firmware_of_the_table_is_completed_by_the_kernel_s_strings),
		cmocka_unit_test(test_firmware_of_a_truncated_table_is_partial_with_a_note),
		cmocka_unit_test(test_firmware_is_read_from_single_structures_too),
		cmocka_unit_test(test_firmware_tells_of_uefi_secure_boot_and_esrt),
		cmocka_unit_test(
			test_firmware_claims_legacy_boot_only_where_the_kernel_shows_tables),
		cmocka_unit_test(test_firmware_lists_tpm_and_bmc_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
