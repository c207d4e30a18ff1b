/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and default routes of an interface in a namespace of its own; see nic-move.h. */
#include "drivers/nic-move.h"
#include "util/cleanup.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>
#include <sys/socket.h>

DEFINE_CLEANUP(struct nl_addr *, nl_addr_put);
DEFINE_CLEANUP(struct rtnl_addr *, rtnl_addr_put);
DEFINE_CLEANUP(struct rtnl_route *, rtnl_route_put);

static int add_address(struct nl_sock *socket, int number, const char *text, struct fail *f)
{
	_cleanup_(nl_addr_putp) struct nl_addr *local = NULL;
	_cleanup_(rtnl_addr_putp) struct rtnl_addr *address = rtnl_addr_alloc();
	int r = nl_addr_parse(text, AF_UNSPEC, &local);

	if (!address)
		return fail_set(f, -ENOMEM, "out of memory");
	if (r == 0)
		r = rtnl_addr_set_local(address, local);
	rtnl_addr_set_ifindex(address, number);
	/* Who asked for it says that it is free; a task that starts now could not use it for a
	 * second otherwise. */
	rtnl_addr_set_flags(address, IFA_F_NODAD);
	if (r == 0)
		r = rtnl_addr_add(socket, address, 0);
	return r < 0 ? fail_set(f, -EIO, "the address %s cannot be set: %s", text, nl_geterror(r))
		     : 0;
}

static int add_hop(struct rtnl_route *route, int number, struct nl_addr *gateway)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	if (!hop)
		return -NLE_NOMEM;
	rtnl_route_nh_set_ifindex(hop, number);
	rtnl_route_nh_set_gateway(hop, gateway);
	rtnl_route_add_nexthop(route, hop); /* it is the route's now */
	return 0;
}

static int add_default(struct nl_sock *socket, int number, const char *text, struct fail *f)
{
	_cleanup_(nl_addr_putp) struct nl_addr *gateway = NULL, *everything = NULL;
	_cleanup_(rtnl_route_putp) struct rtnl_route *route = rtnl_route_alloc();
	int r = nl_addr_parse(text, AF_UNSPEC, &gateway);

	if (!route)
		return fail_set(f, -ENOMEM, "out of memory");
	if (r == 0)
		r = nl_addr_parse("default", nl_addr_get_family(gateway), &everything);
	if (r == 0)
		r = rtnl_route_set_dst(route, everything);
	if (r == 0)
		r = add_hop(route, number, gateway);
	if (r == 0)
		r = rtnl_route_add(socket, route, NLM_F_EXCL);
	return r < 0 ? fail_set(f, -EIO, "there is no way over the gateway %s: %s", text,
				nl_geterror(r))
		     : 0;
}

int nic_dress(struct nl_sock *socket, int number, const struct nic_dress *dress, struct fail *f)
{
	int r = 0;

	for (const char *const *a = dress->addresses; r == 0 && a && *a; a++)
		r = add_address(socket, number, *a, f);
	for (const char *const *g = dress->gateways; r == 0 && g && *g; g++)
		r = add_default(socket, number, *g, f);
	return r;
}
