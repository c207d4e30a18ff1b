/* SPDX-License-Identifier: Apache-2.0 */
/* A network namespace for a test; see netns.h. */
#include "tests/unit/netns.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <linux/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

DEFINE_CLEANUP(struct nl_sock *, nl_socket_free);
DEFINE_CLEANUP(struct rtnl_link *, rtnl_link_put);
DEFINE_CLEANUP(struct rtnl_addr *, rtnl_addr_put);
DEFINE_CLEANUP(struct nl_addr *, nl_addr_put);

static struct nl_sock *connect_route(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	assert_non_null(socket);
	assert_int_equal(nl_connect(socket, NETLINK_ROUTE), 0);
	return socket;
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close_fd(fd);
	return done;
}

/* The kernel tells every network namespace of the initial user namespace of all of the host's
 * devices (uevent_net_broadcast_untagged in lib/kobject_uevent.c): a virtual machine that somebody
 * starts is heard in each. One of our own user namespace hears of its own interfaces alone. */
static bool leave_host(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && put("/proc/self/uid_map", "0 0 1") &&
	       put("/proc/self/setgroups", "deny") && put("/proc/self/gid_map", "0 0 1");
}

/* Whether a user namespace can be made here is tried by a child: there is no way back. */
static bool can_leave_host(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(leave_host() ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

const char *netns_enter(void)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = NULL;

	if (geteuid() != 0)
		return "only root can make a network namespace";
	if (can_leave_host() ? !leave_host() : unshare(CLONE_NEWNET) < 0)
		return "a network namespace cannot be made here";
	socket = connect_route();
	if (rtnl_link_veth_add(socket, "try0", "try1", getpid()) < 0)
		return "this kernel has no veth interfaces";
	netns_remove("try0");
	return NULL;
}

void netns_cable(const char *name, const char *other)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = connect_route();

	assert_int_equal(rtnl_link_veth_add(socket, name, other, getpid()), 0);
}

void netns_remove(const char *name)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = connect_route();
	_cleanup_(rtnl_link_putp) struct rtnl_link *link = rtnl_link_alloc();

	assert_non_null(link);
	rtnl_link_set_name(link, name);
	assert_int_equal(rtnl_link_delete(socket, link), 0);
}

static int number_of(struct nl_sock *socket, const char *name)
{
	_cleanup_(rtnl_link_putp) struct rtnl_link *link = NULL;

	assert_int_equal(rtnl_link_get_kernel(socket, 0, name, &link), 0);
	return rtnl_link_get_ifindex(link);
}

void netns_set_up(const char *name, bool up)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = connect_route();
	_cleanup_(rtnl_link_putp) struct rtnl_link *link = rtnl_link_alloc();
	_cleanup_(rtnl_link_putp) struct rtnl_link *change = rtnl_link_alloc();

	assert_true(link && change);
	rtnl_link_set_ifindex(link, number_of(socket, name));
	if (up)
		rtnl_link_set_flags(change, IFF_UP);
	else
		rtnl_link_unset_flags(change, IFF_UP);
	assert_int_equal(rtnl_link_change(socket, link, change, 0), 0);
}

static struct rtnl_addr *make(struct nl_sock *socket, const struct netns_address *address)
{
	_cleanup_(nl_addr_putp) struct nl_addr *local = NULL;
	struct rtnl_addr *made = rtnl_addr_alloc();

	assert_non_null(made);
	assert_int_equal(nl_addr_parse(address->text, AF_UNSPEC, &local), 0);
	rtnl_addr_set_ifindex(made, number_of(socket, address->interface));
	assert_int_equal(rtnl_addr_set_local(made, local), 0);
	if (address->lifetime_sec) {
		rtnl_addr_set_valid_lifetime(made, address->lifetime_sec);
		rtnl_addr_set_preferred_lifetime(made, address->lifetime_sec);
	}
	return made;
}

void netns_add(const struct netns_address *address)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = connect_route();
	_cleanup_(rtnl_addr_putp) struct rtnl_addr *made = make(socket, address);

	assert_int_equal(rtnl_addr_add(socket, made, NLM_F_REPLACE), 0);
}

void netns_drop(const struct netns_address *address)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = connect_route();
	_cleanup_(rtnl_addr_putp) struct rtnl_addr *made = make(socket, address);

	assert_int_equal(rtnl_addr_delete(socket, made, 0), 0);
}
