/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces below made trees, and the live host's own. */
#include "discover.h"

#include "drivers/nic-link.h"
#include "util/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct driver driver_nic;

static const struct device *find(struct inventory *inventory, const char *id)
{
	const struct device *d = inventory_find(inventory, id);

	if (!d)
		fail_msg("%s is not in the inventory", id);
	return d;
}

/* An interface below a directory of sys/devices, its files as "name=text" words. */
static void interface(const char *root, const char *device, const char *name, const char *files)
{
	_cleanup_free_ char *words = strdup(files);
	char path[256], target[256], *rest;

	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/net/%s", device, name);
	tree_link(root, path, target);
	snprintf(path, sizeof(path), "sys/devices/%s/net/%s/mtu", device, name);
	tree_file(root, path, "1500\n");
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(w, '=');

		*value = 0;
		snprintf(path, sizeof(path), "sys/devices/%s/net/%s/%s", device, name, w);
		tree_file(root, path, value + 1);
	}
	if (strncmp(device, "virtual", 7) == 0)
		return;
	snprintf(path, sizeof(path), "sys/devices/%s/net/%s/device", device, name);
	tree_link(root, path, "../..");
}

#define PF "pci0000:00/0000:02:00.0"
#define VF "pci0000:00/0000:02:10.0"

static void make_machine(const char *root, const char *functions)
{
	tree_pci(root, "0000:02:00.0", "0x020000 0x15b3 0x1017", "mlx5_core");
	tree_pci(root, "0000:02:10.0", "0x020000 0x15b3 0x1018", "mlx5_core");
	tree_pci(root, "0000:04:00.0", "0x020700 0x15b3 0x1017", "mlx5_core");
	tree_file(root, "sys/devices/" PF "/sriov_numvfs", functions);
	tree_file(root, "sys/devices/" PF "/sriov_totalvfs", "8\n");
	tree_link(root, "sys/devices/" VF "/physfn", "../0000:02:00.0");
	interface(root, PF, "eth0",
		  "type=1 address=aa:bb:cc:dd:ee:ff carrier=1 speed=100000 flags=0x1003 "
		  "queues/rx-0/x= queues/rx-1/x= queues/tx-0/x=");
	interface(root, PF, "rep0", "type=1 phys_port_name=pf0vf0 carrier=1");
	interface(root, PF, "eth1", "type=1 speed=-1 operstate=down flags=0x1003 carrier=0");
	interface(root, VF, "vf0", "type=1");
	tree_directory(root, "sys/devices/" PF "/net/eth1/upper_br0");
	interface(root, "virtual", "br0", "type=1 address=00:00:00:00:00:00");
	tree_directory(root, "sys/devices/virtual/net/br0/bridge");
	interface(root, "virtual", "lo", "type=772");
	interface(root, "virtual", "bond0", "type=1 uevent=DEVTYPE=bond");
	tree_file(root, "sys/class/net/bonding_masters", "bond0\n");
	tree_link(root, "sys/class/infiniband/mlx5_0", "../../devices/" PF "/infiniband/mlx5_0");
	tree_link(root, "sys/class/infiniband/mlx5_1",
		  "../../devices/pci0000:00/0000:04:00.0/infiniband/mlx5_1");
	tree_file(root, "sys/devices/pci0000:00/0000:04:00.0/infiniband/mlx5_1/ports/1/rate",
		  "200 Gb/sec (4X HDR)\n");
	tree_link(root, "sys/class/infiniband/mlx5_2", "../../devices/" VF "/infiniband/mlx5_2");
	tree_link(root, "sys/bus/pci/devices/0000:06:00.1/physfn", "../0000:06:00.0");
	tree_link(root, "sys/class/infiniband/mlx5_3",
		  "../../devices/pci0000:00/0000:06:00.1/infiniband/mlx5_3");
	tree_link(root, "sys/class/infiniband/rxe0", "../../devices/virtual/infiniband/rxe0");
}

static void test_nic_tells_physical_from_the_rest(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	struct inventory_summary summary;
	char *root = tree_new();
	const struct device *nic;

	(void)state;
	make_machine(root, "1\n");
	inventory = discover(root, NULL);
	tree_remove(root);
	inventory_summarise(inventory, &summary);
	assert_int_equal(summary.nics, 3); /* eth0, eth1, and mlx5_1 that has no interface */
	nic = find(inventory, "nic-eth0");
	assert_true(nic->nic.physical && !nic->offerable);
	assert_string_equal(nic->reason,
			    "its virtual functions are offered instead, of which it has 1");
	assert_string_equal(nic->pci, "0000:02:00.0");
	assert_string_equal(nic->nic.mac, "aa:bb:cc:dd:ee:ff");
	assert_string_equal(nic->nic.link, "up");
	assert_string_equal(nic->nic.driver, "mlx5_core");
	assert_string_equal(nic->nic.rdma, "mlx5_0");
	assert_int_equal(nic->nic.speed_mbps, 100000);
	assert_int_equal(nic->nic.mtu_bytes, 1500);
	assert_int_equal(nic->nic.receive_queues, 2);
	assert_int_equal(nic->nic.transmit_queues, 1);
	assert_int_equal(nic->nic.virtual_functions, 1);
	assert_int_equal(nic->nic.virtual_functions_maximum, 8);
	nic = find(inventory, "nic-eth1");
	assert_string_equal(nic->nic.link, "down");
	assert_int_equal(nic->nic.speed_mbps, DEVICE_UNKNOWN_U32);
	assert_int_equal(nic->nic.receive_queues, DEVICE_UNKNOWN_U32);
	assert_false(nic->offerable);
	assert_non_null(strstr(nic->reason, "br0"));
	nic = find(inventory, "nic-vf0");
	assert_string_equal(nic->nic.nic_kind, "virtual-function");
	assert_string_equal(nic->nic.physical_function, "0000:02:00.0");
	assert_true(!nic->nic.physical && nic->offerable);
	assert_string_equal(find(inventory, "nic-rep0")->nic.nic_kind, "representor");
	assert_string_equal(find(inventory, "nic-br0")->nic.nic_kind, "bridge");
	assert_null(find(inventory, "nic-br0")->nic.mac);
	assert_string_equal(find(inventory, "nic-bond0")->nic.nic_kind, "bond");
	assert_string_equal(find(inventory, "nic-lo")->nic.nic_kind, "loopback");
	nic = find(inventory, "nic-mlx5_1");
	assert_int_equal(nic->nic.speed_mbps, 200000);
	assert_true(nic->nic.physical);
	assert_null(inventory_find(inventory, "nic-bonding_masters"));
	assert_null(inventory_find(inventory, "nic-rxe0"));
	assert_string_equal(find(inventory, "nic-vf0")->nic.rdma, "mlx5_2");
	assert_null(inventory_find(inventory, "nic-mlx5_3")); /* a function without interface */
}

static void test_nic_without_functions_is_offered_as_a_whole(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	char *root = tree_new();

	(void)state;
	make_machine(root, "0\n");
	tree_directory(root, "sys/devices/" VF "/net/vf0/upper_bond0");
	inventory = discover(root, NULL);
	tree_remove(root);
	assert_true(find(inventory, "nic-eth0")->offerable);
	assert_int_equal(find(inventory, "nic-eth0")->nic.virtual_functions, 0);
	assert_false(find(inventory, "nic-vf0")->offerable);
	assert_non_null(strstr(find(inventory, "nic-vf0")->reason, "bond0"));
}

static int keep(const struct reading *reading, void *userdata)
{
	*(enum verdict *)userdata = reading->verdict;
	assert_string_equal(reading->type, "link");
	assert_true((reading->verdict == VERDICT_OK) == !reading->evidence);
	return 0;
}

static void test_nic_set_up_without_carrier_is_degraded(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = NULL;
	_cleanup_(host_freep) struct host *host = NULL;
	enum verdict verdict = VERDICTS;
	char *root = tree_new();

	(void)state;
	make_machine(root, "1\n");
	inventory = discover(root, NULL);
	assert_int_equal(host_open(&host, root, NULL), 0);
	assert_int_equal(driver_nic.check(host, find(inventory, "nic-eth0"), keep, &verdict), 0);
	assert_int_equal(verdict, VERDICT_OK);
	assert_int_equal(driver_nic.check(host, find(inventory, "nic-eth1"), keep, &verdict), 0);
	assert_int_equal(verdict, VERDICT_DEGRADED);
	verdict = VERDICTS;
	assert_int_equal(driver_nic.check(host, find(inventory, "nic-br0"), keep, &verdict), 0);
	assert_int_equal(verdict, VERDICTS); /* nothing is said of virtual ones */
	tree_remove(root);
}

static void test_nic_of_the_live_host_has_its_loopback(void **state)
{
	_cleanup_(inventory_freep) struct inventory *inventory = discover(NULL, NULL);
	const struct device *lo = inventory_find(inventory, "nic-lo");

	(void)state;
	if (access("/sys/class/net/lo", F_OK) < 0)
		skip();
	assert_non_null(lo);
	assert_string_equal(lo->nic.nic_kind, "loopback");
	assert_false(lo->offerable);
}

static void test_nic_links_are_what_rtnetlink_tells(void **state)
{
	_cleanup_(nic_links_done) struct nic_links links = { 0 };
	const struct nic_link *lo;

	(void)state;
	assert_null(nic_links_find(&links, "lo"));
	if (nic_links_load(&links) == -EPROTO) {
		print_message("rtnetlink does not answer here\n");
		skip();
	}
	lo = nic_links_find(&links, "lo");
	assert_non_null(lo);
	assert_int_equal(lo->number, 1);
	assert_string_equal(lo->address, ""); /* 127.0.0.1 does not leave the host */
	assert_null(nic_links_find(&links, "no-such-interface"));
}

static void test_nic_addresses_of_the_link_do_not_count(void **state)
{
	static const struct {
		const char *text;
		unsigned scope;
		bool counts;
	} rows[] = {
		{ "192.0.2.1", RT_SCOPE_UNIVERSE, true },
		{ "192.0.2.1", RT_SCOPE_SITE, true },
		{ "192.0.2.1", RT_SCOPE_LINK, false },
		{ "192.0.2.1", RT_SCOPE_HOST, false },
		{ "169.254.0.1", RT_SCOPE_UNIVERSE, false },
		{ "169.254.255.255", RT_SCOPE_LINK, false },
		{ "169.253.0.1", RT_SCOPE_UNIVERSE, true },
		{ "168.254.0.1", RT_SCOPE_UNIVERSE, true },
		{ "127.0.0.2", RT_SCOPE_UNIVERSE, false },
		{ "0.0.0.0", RT_SCOPE_UNIVERSE, true },
		{ "fe80::1", RT_SCOPE_LINK, false },
		{ "fe80::1", RT_SCOPE_UNIVERSE, false },
		{ "febf::1", RT_SCOPE_UNIVERSE, false },
		{ "fec0::1", RT_SCOPE_SITE, true }, /* RFC 3879 took its meaning, not its use */
		{ "fe7f::1", RT_SCOPE_UNIVERSE, true },
		{ "fd00::1", RT_SCOPE_UNIVERSE, true },
		{ "2001:db8::1", RT_SCOPE_UNIVERSE, true },
		{ "::1", RT_SCOPE_HOST, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool six = strchr(rows[i].text, ':');
		uint8_t bytes[16];

		assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, rows[i].text, bytes), 1);
		if (nic_address_counts(six ? AF_INET6 : AF_INET, rows[i].scope, bytes,
				       six ? 16 : 4) != rows[i].counts)
			fail_msg("%s, scope %u", rows[i].text, rows[i].scope);
	}
	assert_true(nic_address_counts(AF_INET, RT_SCOPE_UNIVERSE, NULL, 0));
	assert_true(nic_address_counts(AF_INET6, RT_SCOPE_UNIVERSE, "\xfe\x80", 2));
	assert_true(nic_address_counts(-1, RT_SCOPE_UNIVERSE, "\xfe\x80", 2));
	assert_false(nic_address_counts(AF_INET6, UINT32_MAX, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic_tells_physical_from_the_rest),
		cmocka_unit_test(test_nic_without_functions_is_offered_as_a_whole),
		cmocka_unit_test(test_nic_set_up_without_carrier_is_degraded),
		cmocka_unit_test(test_nic_of_the_live_host_has_its_loopback),
		cmocka_unit_test(test_nic_links_are_what_rtnetlink_tells),
		cmocka_unit_test(test_nic_addresses_of_the_link_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
