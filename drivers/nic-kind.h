/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What kind of network interface it is, from what the kernel shows of it: pure. */

#include <stdbool.h>
#include <stdint.h>

struct nic_facts {
	const char *name;
	const char *link_kind;	 /* IFLA_INFO_KIND by rtnetlink: "bridge", "veth"; NULL not told */
	const char *devtype;	 /* DEVTYPE in uevent: "bond", "vlan", "wlan"; NULL not told */
	const char *port_name;	 /* phys_port_name: "pf0vf1" is the host's end of a VF; NULL */
	uint32_t type;		 /* ARPHRD_*, linux/if_arp.h; DEVICE_UNKNOWN_U32 */
	uint32_t tun_flags;	 /* IFF_TUN 1, IFF_TAP 2; DEVICE_UNKNOWN_U32: not one of these */
	bool on_hardware;	 /* a bus device carries it */
	bool virtual_function;	 /* ... which is an SR-IOV virtual function */
	bool child;		 /* an IPoIB interface made of another (it has a `parent`) */
	bool bridge, bond, vlan; /* it has the files of one */
};

/* "physical", "virtual-function", "representor", or the kernel's word for a virtual kind;
 * "virtual" where the machine does not say which. Points into facts or at a constant. */
const char *nic_kind(const struct nic_facts *facts);

/* "40 Gb/sec (4X QDR)", as infiniband/DEVICE/ports/N/rate has it, in Mbit/s;
 * DEVICE_UNKNOWN_U32 for anything else. */
uint32_t nic_rate_mbps(const char *text);
