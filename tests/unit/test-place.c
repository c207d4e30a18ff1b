/* SPDX-License-Identifier: Apache-2.0 */
/* Where a class device sits, by the text of its link. */
#include "drivers/place.h"

#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *path, *class, *pci, *parent;
	bool is_virtual;
} vectors[] = {
	{ "../../devices/pci0000:00/0000:00:03.0/virtio0/net/ens3", "net", "0000:00:03.0",
	  "virtio0", false },
	{ "../../devices/pci10000:00/10000:00:04.0/virtio1/block/vda", "block", "10000:00:04.0",
	  "virtio1", false },
	{ "../../devices/pci0000:00/0000:00:01.1/0000:02:00.0/net/eth0", "net", "0000:02:00.0",
	  "0000:02:00.0", false },
	{ "../../../0000:43:00.0", "net", "0000:43:00.0", "", false },
	{ "../../devices/virtual/net/lo", "net", "", "virtual", true },
	{ "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "block", "", "", false },
	{ "../../devices/platform/vgem/drm/renderD128", "drm", "", "vgem", false },
	{ "", "net", "", "", false },
};

static void test_place_is_read_from_the_link(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(place_done) struct place p = { 0 };

		assert_int_equal(place_parse(vectors[i].path, vectors[i].class, &p), 0);
		assert_string_equal(p.pci, vectors[i].pci);
		assert_string_equal(p.parent, vectors[i].parent);
		assert_int_equal(p.is_virtual, vectors[i].is_virtual);
		assert_string_equal(p.path, vectors[i].path);
	}
}

static void test_place_knows_pci_addresses(void **state)
{
	(void)state;
	assert_true(place_is_pci_address("0000:17:00.0"));
	assert_true(place_is_pci_address("00010000:AF:1f.7"));
	assert_false(place_is_pci_address("pci0000:00"));
	assert_false(place_is_pci_address("0000:17:00.8"));
	assert_false(place_is_pci_address("0000:17:00.01"));
	assert_false(place_is_pci_address("000:17:00.0"));
	assert_false(place_is_pci_address("000000000:17:00.0"));
	assert_false(place_is_pci_address("0000:17:00."));
	assert_false(place_is_pci_address("0:0:0:0"));
	assert_false(place_is_pci_address(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_is_read_from_the_link),
		cmocka_unit_test(test_place_knows_pci_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
