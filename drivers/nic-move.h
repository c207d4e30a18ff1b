/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A network interface into another network namespace and back: rtnetlink(7), RTM_NEWLINK with
 * IFLA_NET_NS_FD. Where it is now is asked of the kernel each time, so that a move that was broken
 * off anywhere is gone on with by a second one. These may be called by a child that may be killed
 * at any moment; the caller's own namespace is the host's. */

#include "drivers/nic-link.h"
#include "util/fail.h"
#include "util/host.h"

#include <stdbool.h>
#include <stdint.h>

enum { NIC_PARENT_SIZE = 64, NIC_MAC_SIZE = 64 };

struct nic_home { /* where it belongs, and how it was there */
	char name[NIC_LINK_NAME_SIZE];
	char parent[NIC_PARENT_SIZE]; /* the device on its bus that carries it; "" not told */
	char mac[NIC_MAC_SIZE];	      /* "" it has none */
	uint32_t number;	      /* ifindex; it is kept where the other namespace has none */
	uint32_t flags;		      /* IFF_* */
	uint32_t mtu_bytes;
};

struct nic_dress { /* what it is to be there; it is set up in any case */
	const char *name;
	const char *const *addresses; /* "192.0.2.2/24"; NULL-terminated, NULL: none */
	const char *const *gateways;  /* of default routes, likewise */
};

struct nic_seen { /* an interface of some namespace */
	int number;
	char name[NIC_LINK_NAME_SIZE], parent[NIC_PARENT_SIZE]; /* "" not told */
};
/* How sure it is that this is the one: 0 it is not, to 3. At home another port of the same device
 * is not taken for it. */
int nic_likeness(const struct nic_home *home, const struct nic_seen *s, bool at_home);

/* From sysfs. -ENODEV: there is no such interface. */
int nic_home_read(const struct host *host, const char *name, struct nic_home *ret, struct fail *f);

/* -EBUSY (code "nic-in-use") where the host's own traffic goes over it. */
int nic_move_check(const struct nic_home *home, struct fail *f);
/* netns: a descriptor of the other namespace. What was done until a failure is undone by
 * nic_move_back. -ENODEV: it is gone. */
int nic_move_there(const struct nic_home *home, int netns, const struct nic_dress *dress,
		   struct fail *f);
/* netns -1: the other namespace is gone, and the kernel brings what was in it home a moment later,
 * under whatever name is free (default_device_exit_net in net/core/dev.c). NIC_MOVE_GONE: it is in
 * neither. -EEXIST: its name is taken, and it stays where it is. Idempotent. */
enum { NIC_MOVE_GONE = 1 };
int nic_move_back(const struct nic_home *home, int netns, struct fail *f);

/* nic-dress.c: addresses and routes, in the namespace of the socket. */
struct nl_sock;
int nic_dress(struct nl_sock *socket, int number, const struct nic_dress *dress, struct fail *f);
