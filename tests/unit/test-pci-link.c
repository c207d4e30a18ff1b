/* SPDX-License-Identifier: Apache-2.0 */
/* Text of PCI: link speeds and addresses. */
#include "drivers/pci-link.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_pci_link_speed_reads_what_kernels_print(void **state)
{
	static const struct {
		const char *text;
		uint32_t mts;
	} vectors[] = {
		{ "2.5 GT/s", 2500 },
		{ "2.5 GT/s PCIe", 2500 },
		{ "5 GT/s", 5000 },
		{ "5.0 GT/s PCIe", 5000 },
		{ "8 GT/s", 8000 },
		{ "16.0 GT/s PCIe", 16000 },
		{ "32.0 GT/s PCIe", 32000 },
		{ "64.0 GT/s PCIe", 64000 },
		{ "128.0 GT/s PCIe", 128000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(pci_link_speed_mts(vectors[i].text), vectors[i].mts);
}

static void test_pci_link_speed_refuses_what_is_none(void **state)
{
	static const char *const garbage[] = {
		"",	   " ",	      "Unknown",     "Unknown speed",	 "16",
		"16.0",	   "16.0 GT", "16.0 GT/sec", "-8 GT/s",		 "0x8 GT/s",
		".5 GT/s", "8. GT/s", "8.05 GT/s",   "99999999999 GT/s", "8GT/s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_int_equal(pci_link_speed_mts(garbage[i]), DEVICE_UNKNOWN_U32);
}

static void test_pci_address_accepts_domains_of_16_to_32_bits(void **state)
{
	static const char *const valid[] = { "0000:00:00.0", "0000:ff:1f.7", "10000:e1:00.0",
					     "ffffffff:00:1f.7" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		assert_true(pci_address_valid(valid[i]));
}

static void test_pci_address_refuses_other_names(void **state)
{
	static const char *const garbage[] = {
		"",
		"0",
		"00:00.0",
		"000:00:00.0",
		"0000:00:00",
		"0000:00:00.",
		"0000:00:00.00",
		"0000:0:00.0",
		"0000:00:0.0",
		"0000:000:00.0",
		"0000:00:00.g",
		"pci0000:00",
		"0000-00:00.0",
		"..",
		"0000:00:00.0/",
		" 0000:00:00.0",
		"123456789:00:00.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
		assert_false(pci_address_valid(garbage[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_link_speed_reads_what_kernels_print),
		cmocka_unit_test(test_pci_link_speed_refuses_what_is_none),
		cmocka_unit_test(test_pci_address_accepts_domains_of_16_to_32_bits),
		cmocka_unit_test(test_pci_address_refuses_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
