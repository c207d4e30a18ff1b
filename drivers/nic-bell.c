/* SPDX-License-Identifier: Apache-2.0 */
/* The bell of network interfaces: rtnetlink(7) tells of every carrier that comes or goes and of
 * every address, udev of neither. It keeps nothing: what is the case is asked by the probe. Passed
 * over is only what changes nothing that the inventory shows, told from the message alone: states
 * of bridge ports, addresses that do not count, and leases that were renewed, so that a router's
 * advertisements or a DHCP client make no discovery each time. */
#include "drivers/nic-link.h"
#include "drivers/nic.h"
#include "util/cleanup.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	READS_MAX = 64,		/* datagrams at one go; the rest keeps the descriptor readable */
	DATAGRAM_BYTES = 32768, /* a link with all its attributes: NLMSG_GOODSIZE, and some */
	/* An address is told when duplicate detection is done with it, its times being those of
	 * its birth; both are in hundredths of a second (IFA_CACHEINFO). */
	SAME_TIME_TICKS = 100,
};

static int bell_open(struct fail *f)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_set(f, -errno, "rtnetlink cannot be listened to: %s", strerror(errno));
	return TAKE_FD(fd);
}

static bool is_renewal(const struct nlattr *cache)
{
	const struct ifa_cacheinfo *times = cache ? nla_data(cache) : NULL;

	return times && (int32_t)(times->tstamp - times->cstamp) > SAME_TIME_TICKS;
}

static bool address_matters(struct nlmsghdr *message)
{
	static const struct nla_policy policy[IFA_MAX + 1] = {
		[IFA_CACHEINFO] = { .minlen = sizeof(struct ifa_cacheinfo) },
	};
	struct nlattr *attributes[IFA_MAX + 1], *local;
	const struct ifaddrmsg *about;

	if (nlmsg_parse(message, sizeof(*about), attributes, IFA_MAX, policy) < 0)
		return true; /* not understood: the probe will see */
	about = nlmsg_data(message);
	local = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (local && !nic_address_counts(about->ifa_family, about->ifa_scope, nla_data(local),
					 (size_t)nla_len(local)))
		return false;
	return message->nlmsg_type == RTM_DELADDR || !is_renewal(attributes[IFA_CACHEINFO]);
}

static bool link_matters(struct nlmsghdr *message)
{
	const struct ifinfomsg *about = nlmsg_data(message);

	return !nlmsg_valid_hdr(message, sizeof(*about)) || about->ifi_family != AF_BRIDGE;
}

static bool message_matters(struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_matters(message);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return address_matters(message);
	default:
		return false;
	}
}

static bool datagram_matters(void *datagram, int size)
{
	struct nlmsghdr *message = datagram;

	for (; nlmsg_ok(message, size); message = nlmsg_next(message, &size))
		if (message_matters(message))
			return true;
	return false;
}

/* One datagram: 1 it matters, 0 it does not, or a negative errno of recvfrom(2). What was too long
 * for the room, or lost because we were slow (ENOBUFS), may have been anything. */
static int read_one(int fd, void *room, size_t size)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_size = sizeof(from);
	ssize_t n = recvfrom(fd, room, size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
			     &from_size);

	if (n < 0)
		return errno == ENOBUFS ? 1 : -errno;
	if (from.nl_pid != 0)
		return 0; /* only the kernel has number 0 */
	return (size_t)n > size || datagram_matters(room, (int)n);
}

static int bell_heard(int fd)
{
	_cleanup_free_ void *room = malloc(DATAGRAM_BYTES);
	int heard = 0;

	if (!room)
		return 1; /* it stays readable; a look does no harm */
	for (int i = 0; i < READS_MAX; i++) {
		int r = read_one(fd, room, DATAGRAM_BYTES);

		if (r == -EAGAIN)
			break;
		if (r < 0 && r != -EINTR)
			return r;
		heard |= r > 0;
	}
	return heard;
}

const struct driver_bell nic_bell = {
	.open = bell_open,
	.heard = bell_heard,
};
