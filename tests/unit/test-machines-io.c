/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs, NICs and disks of captured machines, where the folder of them is there. */
#include "discover.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *file;
	uint32_t gpus, nics, disks;
} machines[] = {
	{ "nvidiaDGX2.xml", 16, 0, 0 }, /* its NICs were filtered out when it was written */
	{ "nvidiagpunumanodes.tar.bz2", 6, 0, 0 }, /* VGA class, known by NVIDIA's /proc alone */
	{ "24em64t-2n6c2t-pci.xml", 3, 4, 1 },	   /* Tesla beside an ES1000; eth0-2 and ib0 */
	{ "96em64t-4n4d3ca2co-pci.xml", 0, 8, 3 }, /* an optical drive is no disk */
	{ "192em64t-24n8c2t.xml", 0, 7, 2 },
	{ "16intel64-manyVFs.xml", 0, 6, 0 }, /* the functions have no interface */
	{ "32em64t-2n8c+dax+nvme+mic+dimms.tar.bz2", 0, 3, 8 }, /* sda, NVMe, 6 of pmem */
	{ "40intel64-2g2n4c+pcilocality.tar.bz2", 0, 5, 1 },
	{ "2pa-pcidomain32bits.tar.bz2", 0, 1, 1 },
	{ "64intel64-heteromem.xml", 0, 0, 0 },
};

static void test_machines_have_the_gpus_nics_and_disks_that_they_have(void **state)
{
	_cleanup_free_ char *folder = machines_folder();

	(void)state;
	if (!folder) {
		print_message("no folder of captured machines (REEVE_MACHINES)\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		_cleanup_(inventory_freep) struct inventory *inventory =
			discover_machine(folder, machines[i].file);
		struct inventory_summary s;

		if (!inventory)
			continue;
		inventory_summarise(inventory, &s);
		if (s.gpus != machines[i].gpus || s.nics != machines[i].nics ||
		    s.disks != machines[i].disks)
			fail_msg("%s: %u GPUs, %u NICs, %u disks", machines[i].file, s.gpus, s.nics,
				 s.disks);
	}
}

static void test_machines_tell_of_their_dimms(void **state)
{
	_cleanup_free_ char *folder = machines_folder();
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	size_t full = 0, empty = 0, cursor = 0;
	const struct device *dimm;

	(void)state;
	if (folder)
		inventory = discover_machine(folder, "32em64t-2n8c+dax+nvme+mic+dimms.tar.bz2");
	if (!inventory) {
		print_message("no folder of captured machines (REEVE_MACHINES)\n");
		skip();
	}
	while ((dimm = inventory_next(inventory, DEVICE_FIRMWARE, &cursor)))
		if (strcmp(dimm->firmware.component, "dimm") == 0)
			*(dimm->firmware.size_bytes > 0 ? &full : &empty) += 1;
	assert_int_equal(full, 8);
	assert_int_equal(empty, 16);
	dimm = inventory_find(inventory, "firmware-dimm-DIMM_A1");
	assert_non_null(dimm);
	assert_true(dimm->firmware.size_bytes == 4ULL << 30);
	assert_int_equal(dimm->firmware.speed_mts, 1600);
	assert_string_equal(dimm->firmware.product, "HMT351R7CFR8C-PB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines_have_the_gpus_nics_and_disks_that_they_have),
		cmocka_unit_test(test_machines_tell_of_their_dimms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
