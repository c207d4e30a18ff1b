/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of network interfaces, and the rates of InfiniBand ports. */
#include "drivers/nic-kind.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UNKNOWN DEVICE_UNKNOWN_U32

/* tun_flags has no default that means "none": a test says so each time. */
#define FACTS(...)                                                        \
	{                                                                 \
		.name = "x", .type = 1, .tun_flags = UNKNOWN, __VA_ARGS__ \
	}

static const struct {
	const char *kind;
	struct nic_facts facts;
} vectors[] = {
	{ "physical", FACTS(.on_hardware = true) },
	{ "physical", FACTS(.on_hardware = true, .devtype = "wlan") },
	{ "physical", FACTS(.on_hardware = true, .port_name = "p0") },
	{ "physical", FACTS(.on_hardware = true, .port_name = "pf0") },
	{ "physical", FACTS(.on_hardware = true, .port_name = "pf0vf") },
	{ "virtual-function", FACTS(.on_hardware = true, .virtual_function = true) },
	{ "representor", FACTS(.on_hardware = true, .port_name = "pf0vf12") },
	{ "representor", FACTS(.on_hardware = true, .port_name = "c1pf1sf88") },
	{ "ipoib", FACTS(.on_hardware = true, .child = true) },
	{ "bridge", FACTS(.bridge = true) },
	{ "bond", FACTS(.bond = true, .link_kind = "bond") },
	{ "vlan", FACTS(.vlan = true) },
	{ "veth", FACTS(.link_kind = "veth") },
	{ "vxlan", FACTS(.devtype = "vxlan") },
	{ "tap", { .name = "t", .type = 1, .tun_flags = 0x1002, .link_kind = "tun" } },
	{ "tun", { .name = "t", .type = 65534, .tun_flags = 0x1001 } },
	{ "loopback", { .name = "lo", .type = 772, .tun_flags = UNKNOWN } },
	{ "loopback", { .name = "lo", .type = UNKNOWN, .tun_flags = UNKNOWN } },
	{ "sit", { .name = "sit0", .type = 776, .tun_flags = UNKNOWN } },
	{ "virtual", FACTS(.link_kind = NULL) },
};

static void test_nic_kind_tells_hardware_from_what_software_makes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_string_equal(nic_kind(&vectors[i].facts), vectors[i].kind);
}

static void test_nic_rate_reads_what_the_kernel_writes_only(void **state)
{
	(void)state;
	assert_int_equal(nic_rate_mbps("40 Gb/sec (4X QDR)"), 40000);
	assert_int_equal(nic_rate_mbps("2.5 Gb/sec (1X SDR)"), 2500);
	assert_int_equal(nic_rate_mbps("800 Gb/sec (4X XDR)"), 800000);
	assert_int_equal(nic_rate_mbps(""), UNKNOWN);
	assert_int_equal(nic_rate_mbps("fast"), UNKNOWN);
	assert_int_equal(nic_rate_mbps("40"), UNKNOWN);
	assert_int_equal(nic_rate_mbps("99999999999999999999 Gb/sec"), UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nic_kind_tells_hardware_from_what_software_makes),
		cmocka_unit_test(test_nic_rate_reads_what_the_kernel_writes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
