/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink by libnl; see nic-link.h. It only dumps: links for their kinds, addresses to know which
 * interfaces carry the host's own traffic. Routes are not dumped, a router has millions. */
#include "drivers/nic-link.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(struct nl_sock *, nl_socket_free);
DEFINE_CLEANUP(struct nl_cache *, nl_cache_free);

void nic_links_done(struct nic_links *links)
{
	free(links->links);
	*links = (struct nic_links){ 0 };
}

static void copy(char *room, size_t size, const char *text)
{
	(void)snprintf(room, size, "%s", text ? text : ""); /* the kernel bounds both names */
}

static void take_link(struct nl_object *object, void *userdata)
{
	struct nic_links *all = userdata;
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct nic_link *l = &all->links[all->count++];

	l->number = rtnl_link_get_ifindex(link);
	copy(l->name, sizeof(l->name), rtnl_link_get_name(link));
	copy(l->kind, sizeof(l->kind), rtnl_link_get_type(link));
}

bool nic_address_counts(int family, unsigned scope, const void *bytes, size_t size)
{
	const uint8_t *b = bytes;

	if (scope >= RT_SCOPE_LINK)
		return false;
	/* For IPv4 the scope is whatever the tool that added it said: most say global. */
	if (family == AF_INET && size == 4)
		return b[0] != 127 && !(b[0] == 169 && b[1] == 254);
	if (family == AF_INET6 && size == 16)
		return !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
	return true; /* what is not understood is not given away */
}

static void note_address(struct nic_link *link, struct nl_addr *address)
{
	if (!link->address[0])
		(void)nl_addr2str(address, link->address, sizeof(link->address)); /* it fits */
}

static void take_address(struct nl_object *object, void *userdata)
{
	struct nic_links *all = userdata;
	struct rtnl_addr *address = (struct rtnl_addr *)object;
	struct nl_addr *local = rtnl_addr_get_local(address);

	if (local &&
	    !nic_address_counts(nl_addr_get_family(local), (unsigned)rtnl_addr_get_scope(address),
				nl_addr_get_binary_addr(local), nl_addr_get_len(local)))
		return;
	for (size_t i = 0; i < all->count; i++)
		if (all->links[i].number == rtnl_addr_get_ifindex(address))
			note_address(&all->links[i], local);
}

static int dump_links(struct nl_sock *socket, struct nic_links *all)
{
	_cleanup_(nl_cache_freep) struct nl_cache *cache = NULL;

	if (rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache) < 0)
		return -EPROTO;
	all->links = calloc((size_t)nl_cache_nitems(cache) + 1, sizeof(*all->links));
	if (!all->links)
		return -ENOMEM;
	nl_cache_foreach(cache, take_link, all);
	return 0;
}

static int dump_addresses(struct nl_sock *socket, struct nic_links *all)
{
	_cleanup_(nl_cache_freep) struct nl_cache *cache = NULL;

	if (rtnl_addr_alloc_cache(socket, &cache) < 0)
		return -EPROTO;
	nl_cache_foreach(cache, take_address, all);
	return 0;
}

int nic_links_load(struct nic_links *ret)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	_cleanup_(nic_links_done) struct nic_links all = { 0 };
	int r;

	if (!socket)
		return -ENOMEM;
	if (nl_connect(socket, NETLINK_ROUTE) < 0)
		return -EPROTO;
	r = dump_links(socket, &all);
	if (r == 0)
		r = dump_addresses(socket, &all);
	if (r < 0)
		return r;
	*ret = all;
	all = (struct nic_links){ 0 };
	return 0;
}

const struct nic_link *nic_links_find(const struct nic_links *links, const char *name)
{
	for (size_t i = 0; i < links->count; i++)
		if (strcmp(links->links[i].name, name) == 0)
			return &links->links[i];
	return NULL;
}
