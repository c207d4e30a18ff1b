/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What rtnetlink alone tells of the live host's interfaces: two dumps, kept until freed. */

#include <stdbool.h>
#include <stddef.h>

/* IFNAMSIZ; kinds are short words; an IPv6 address with its prefix length. */
enum { NIC_LINK_NAME_SIZE = 16, NIC_LINK_KIND_SIZE = 32, NIC_ADDRESS_SIZE = 64 };

struct nic_link {
	int number; /* ifindex */
	char name[NIC_LINK_NAME_SIZE];
	char kind[NIC_LINK_KIND_SIZE];	/* IFLA_INFO_KIND, "" for hardware */
	char address[NIC_ADDRESS_SIZE]; /* the first of those that count; "" none does */
};

struct nic_links {
	struct nic_link *links;
	size_t count;
};

/* Whether an address shows that the host talks by the interface. One of the link alone does not:
 * every interface that is up gives itself one (fe80::/10, RFC 4291 2.5.6; 169.254/16, RFC 3927),
 * nor does one of the host itself. family: AF_INET, AF_INET6; scope: RT_SCOPE_* of rtnetlink(7);
 * bytes: in network order, size of them. */
bool nic_address_counts(int family, unsigned scope, const void *bytes, size_t size);

/* 0, or a negative errno with *ret untouched; -EPROTO where netlink answers with an error. */
int nic_links_load(struct nic_links *ret);
void nic_links_done(struct nic_links *links);
/* NULL where there is no such interface, or nothing was loaded. */
const struct nic_link *nic_links_find(const struct nic_links *links, const char *name);
