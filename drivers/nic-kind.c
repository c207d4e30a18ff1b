/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of network interfaces; see nic-kind.h. rtnetlink's word is the best; without it (a captured
 * tree, a host without netlink) DEVTYPE and the files that only one kind has must do. */
#include "drivers/nic-kind.h"

#include "model/device.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t type;
	const char *kind;
} types[] = {
	{ ARPHRD_LOOPBACK, "loopback" }, { ARPHRD_TUNNEL, "ipip" }, { ARPHRD_TUNNEL6, "ip6tnl" },
	{ ARPHRD_SIT, "sit" },		 { ARPHRD_IPGRE, "gre" },   { ARPHRD_IP6GRE, "ip6gre" },
	{ ARPHRD_PPP, "ppp" },		 { ARPHRD_CAN, "can" },	    { ARPHRD_NETLINK, "nlmon" },
};

/* "pf0vf1", "c1pf0vf1", "pf0sf88": devlink's names of the ports of an embedded switch
 * (Documentation/networking/devlink/devlink-port.rst). */
static bool is_representor(const char *port)
{
	const char *p = port ? strstr(port, "pf") : NULL;

	if (!p || (p != port && port[0] != 'c'))
		return false;
	p += 2 + strspn(p + 2, "0123456789");
	return (strncmp(p, "vf", 2) == 0 || strncmp(p, "sf", 2) == 0) &&
	       isdigit((unsigned char)p[2]);
}

static const char *hardware_kind(const struct nic_facts *facts)
{
	if (is_representor(facts->port_name))
		return "representor";
	if (facts->child)
		return "ipoib";
	return facts->virtual_function ? "virtual-function" : "physical";
}

static const char *kind_by_files(const struct nic_facts *facts)
{
	if (facts->bridge)
		return "bridge";
	if (facts->bond)
		return "bond";
	if (facts->vlan)
		return "vlan";
	if (facts->tun_flags != DEVICE_UNKNOWN_U32)
		return facts->tun_flags & IFF_TAP ? "tap" : "tun";
	return NULL;
}

static const char *kind_by_type(const struct nic_facts *facts)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == facts->type)
			return types[i].kind;
	return strcmp(facts->name, "lo") == 0 ? "loopback" : NULL;
}

const char *nic_kind(const struct nic_facts *facts)
{
	const char *kind = kind_by_files(facts);

	if (facts->on_hardware)
		return hardware_kind(facts);
	if (!kind)
		kind = facts->link_kind;
	if (!kind)
		kind = facts->devtype;
	if (!kind)
		kind = kind_by_type(facts);
	return kind ? kind : "virtual";
}

uint32_t nic_rate_mbps(const char *text)
{
	unsigned whole, tenth = 0;
	int end = 0;

	/* "2.5 Gb/sec (1X SDR)" is the one rate that is no whole number. */
	if (sscanf(text, "%6u Gb/sec%n", &whole, &end) == 1 && end > 0)
		return whole * 1000;
	if (sscanf(text, "%6u.%1u Gb/sec%n", &whole, &tenth, &end) == 2 && end > 0)
		return whole * 1000 + tenth * 100;
	return DEVICE_UNKNOWN_U32;
}
