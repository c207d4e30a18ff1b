/* SPDX-License-Identifier: Apache-2.0 */
/* Names of PCI classes. */
#include "drivers/pci-class.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_pci_class_names_the_subclass_it_knows(void **state)
{
	(void)state;
	assert_string_equal(pci_class_name(0x030000), "VGA compatible controller");
	assert_string_equal(pci_class_name(0x030200), "3D controller");
	assert_string_equal(pci_class_name(0x010802), "Non-Volatile memory controller");
	assert_string_equal(pci_class_name(0x060400), "PCI bridge");
	assert_string_equal(pci_class_name(0x120000), "Processing accelerator");
}

static void test_pci_class_falls_back_to_the_base_class(void **state)
{
	(void)state;
	assert_string_equal(pci_class_name(0x0380ff), "Display controller");
	assert_string_equal(pci_class_name(0x02ff00), "Network controller");
}

static void test_pci_class_has_no_name_for_unassigned_codes(void **state)
{
	(void)state;
	assert_null(pci_class_name(0x000000));
	assert_null(pci_class_name(0x770000));
	assert_null(pci_class_name(0xff0000));
	assert_null(pci_class_name(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_class_names_the_subclass_it_knows),
		cmocka_unit_test(test_pci_class_falls_back_to_the_base_class),
		cmocka_unit_test(test_pci_class_has_no_name_for_unassigned_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
