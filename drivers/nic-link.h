/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What rtnetlink alone tells of the live host's interfaces: two dumps, kept until freed. */

#include <stdbool.h>
#include <stddef.h>

enum { NIC_LINK_NAME_SIZE = 16, NIC_LINK_KIND_SIZE = 32 }; /* IFNAMSIZ; kinds are short words */

struct nic_link {
	int number; /* ifindex */
	char name[NIC_LINK_NAME_SIZE];
	char kind[NIC_LINK_KIND_SIZE]; /* IFLA_INFO_KIND, "" for hardware */
	bool addressed;		       /* has an address that reaches beyond its own link */
};

struct nic_links {
	struct nic_link *links;
	size_t count;
};

/* 0, or a negative errno with *ret untouched; -EPROTO where netlink answers with an error. */
int nic_links_load(struct nic_links *ret);
void nic_links_done(struct nic_links *links);
/* NULL where there is no such interface, or nothing was loaded. */
const struct nic_link *nic_links_find(const struct nic_links *links, const char *name);
