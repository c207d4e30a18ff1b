/* SPDX-License-Identifier: Apache-2.0 */
/* Moving interfaces by libnl; see nic-move.h. One is known again by the device on its bus that
 * carries it (IFLA_PARENT_DEV_NAME, Linux 5.14), since a task may rename what is in its namespace,
 * and by its number, which dev_change_net_namespace() keeps unless it is taken there. */
#include "drivers/nic-move.h"

#include "drivers/sysfs.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

DEFINE_CLEANUP(struct nl_sock *, nl_socket_free);
DEFINE_CLEANUP(struct nl_addr *, nl_addr_put);
DEFINE_CLEANUP(struct rtnl_route *, rtnl_route_put);

/* What a task with rights over it may have set and the next one must not find. */
enum { MAC_MAX = 32 /* MAX_ADDR_LEN of linux/netdevice.h */ };
enum { FLAGS_KEPT = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST };

/* --- what it is at home --- */

int nic_home_read(const struct host *host, const char *name, struct nic_home *ret, struct fail *f)
{
	struct nic_home home = { 0 };
	_cleanup_free_ char *path = NULL, *parent = NULL;
	_cleanup_close_ int fd = -1;

	if (strlen(name) >= sizeof(home.name) || asprintf(&path, "class/net/%s", name) < 0)
		return fail_set(f, -ENODEV, "there is no network interface %s", name);
	fd = fs_open_dir(host->sys_fd, path);
	(void)snprintf(home.name, sizeof(home.name), "%s", name); /* fits */
	sysfs_u32(fd, "ifindex", &home.number);
	sysfs_hex(fd, "flags", &home.flags);
	sysfs_u32(fd, "mtu", &home.mtu_bytes);
	if (home.number == 0)
		return fail_set(f, -ENODEV, "there is no network interface %s", name);
	if (fs_read_line(fd, "address", home.mac, sizeof(home.mac)) < 0 ||
	    !home.mac[strspn(home.mac, "0:")])
		home.mac[0] = 0;
	if (fs_link_name(fd, "device", &parent) == 0 && strlen(parent) < sizeof(home.parent))
		(void)snprintf(home.parent, sizeof(home.parent), "%s", parent); /* fits */
	*ret = home;
	return 0;
}

/* --- a namespace's interfaces --- */

/* netns -1: the caller's. It is in the other for a moment only. */
static int connect_in(int netns, struct nl_sock **ret, struct fail *f)
{
	_cleanup_(nl_socket_freep) struct nl_sock *socket = nl_socket_alloc();
	_cleanup_close_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (!socket || here < 0)
		return fail_set(f, socket ? -errno : -ENOMEM, "netlink cannot be asked");
	if (netns >= 0 && setns(netns, CLONE_NEWNET) < 0)
		return fail_set(f, -errno, "the network namespace cannot be entered: %s",
				strerror(errno));
	r = nl_connect(socket, NETLINK_ROUTE);
	if (netns >= 0 && setns(here, CLONE_NEWNET) < 0)
		return fail_set(f, -errno, "there is no way back to the host's namespace: %s",
				strerror(errno));
	if (r < 0)
		return fail_set(f, -EIO, "netlink cannot be asked: %s", nl_geterror(r));
	*ret = TAKE_PTR(socket);
	return 0;
}

struct seen { /* as it stands in a namespace; its number is 0: it is not there */
	struct nic_seen is;
	uint8_t mac[MAC_MAX];
	size_t mac_size;
	uint32_t mtu_bytes;
};

struct look {
	const struct nic_home *home; /* whom to look for */
	bool at_home;
	struct seen best, namesake; /* namesake: another one of its name */
	int score;
};

int nic_likeness(const struct nic_home *home, const struct nic_seen *s, bool at_home)
{
	bool number = s->number == (int)home->number, told = s->parent[0] && home->parent[0];

	if (told && strcmp(s->parent, home->parent) != 0)
		return 0;
	if (number)
		return told ? 3 : 2;
	return told && (!at_home || strcmp(s->name, home->name) == 0);
}

static void copy(char *room, size_t size, const struct nlattr *text)
{
	if (text)
		(void)snprintf(room, size, "%s", nla_get_string((struct nlattr *)text));
}

static int on_link(struct nl_msg *message, void *userdata)
{
	static const struct nla_policy policy[IFLA_MAX + 1] = {
		[IFLA_IFNAME] = { .type = NLA_STRING, .maxlen = NIC_LINK_NAME_SIZE },
		[IFLA_PARENT_DEV_NAME] = { .type = NLA_STRING },
		[IFLA_MTU] = { .type = NLA_U32 },
	};
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *about;
	struct look *l = userdata;
	struct seen s = { 0 };
	int score;

	if (nlmsg_parse(header, sizeof(*about), attributes, IFLA_MAX, policy) < 0)
		return NL_SKIP;
	about = nlmsg_data(header);
	s.is.number = about->ifi_index;
	s.mtu_bytes = attributes[IFLA_MTU] ? nla_get_u32(attributes[IFLA_MTU]) : 0;
	if (attributes[IFLA_ADDRESS])
		s.mac_size = (size_t)nla_memcpy(s.mac, attributes[IFLA_ADDRESS], sizeof(s.mac));
	copy(s.is.name, sizeof(s.is.name), attributes[IFLA_IFNAME]);
	copy(s.is.parent, sizeof(s.is.parent), attributes[IFLA_PARENT_DEV_NAME]);
	score = nic_likeness(l->home, &s.is, l->at_home);
	if (score > l->score) {
		l->score = score;
		l->best = s;
	}
	if (strcmp(s.is.name, l->home->name) == 0)
		l->namesake = s;
	return NL_OK;
}

static int look_in(struct nl_sock *socket, struct look *l, struct fail *f)
{
	struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	int r;

	l->best = l->namesake = (struct seen){ 0 };
	l->score = 0;
	r = nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_link, l);
	if (r == 0)
		r = nl_send_simple(socket, RTM_GETLINK, NLM_F_DUMP, &all, sizeof(all));
	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	if (r < 0)
		return fail_set(f, -EIO, "the network interfaces cannot be listed: %s",
				nl_geterror(r));
	if (l->namesake.is.number == l->best.is.number)
		l->namesake = (struct seen){ 0 };
	return 0;
}

/* --- changes of one --- */

struct change {
	const char *name, *mac; /* NULL: as it is */
	uint32_t mtu_bytes;	/* 0: as it is */
	uint32_t flags, mask;	/* mask: those that are set to what flags has */
	int netns;		/* -1: where it is */
};

/* A libnl error, negative. */
static int put(struct nl_msg *message, const struct change *c, struct nl_addr *mac)
{
	int r = 0;

	if (c->name)
		r = nla_put_string(message, IFLA_IFNAME, c->name);
	if (r == 0 && mac)
		r = nla_put_addr(message, IFLA_ADDRESS, mac);
	if (r == 0 && c->mtu_bytes)
		r = nla_put_u32(message, IFLA_MTU, c->mtu_bytes);
	if (r == 0 && c->netns >= 0)
		r = nla_put_u32(message, IFLA_NET_NS_FD, (uint32_t)c->netns);
	return r;
}

static int change(struct nl_sock *socket, int number, const struct change *c)
{
	_cleanup_(nl_addr_putp) struct nl_addr *mac = NULL;
	struct ifinfomsg about = {
		.ifi_index = number,
		.ifi_flags = c->flags,
		.ifi_change = c->mask,
	};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	int r = message ? nlmsg_append(message, &about, sizeof(about), NLMSG_ALIGNTO) : -NLE_NOMEM;

	if (r == 0 && c->mac)
		r = nl_addr_parse(c->mac, AF_LLC, &mac);
	if (r == 0)
		r = put(message, c, mac);
	if (r == 0)
		return nl_send_sync(socket, message); /* frees it */
	nlmsg_free(message);
	return r;
}

static int set_down(struct nl_sock *socket, int number)
{
	return change(socket, number, &(struct change){ .mask = IFF_UP, .netns = -1 });
}

/* udev gives one that comes home under a foreign name the other as an alternative one
 * (AlternativeNamesPolicy= of systemd.link(5)), and the kernel renames nothing to its own alias. */
static void drop_alias(struct nl_sock *socket, int number, const char *alias)
{
	struct ifinfomsg about = { .ifi_index = number };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_DELLINKPROP, 0);
	struct nlattr *list = NULL;

	if (message && nlmsg_append(message, &about, sizeof(about), NLMSG_ALIGNTO) == 0)
		list = nla_nest_start(message, IFLA_PROP_LIST | NLA_F_NESTED);
	if (!list || nla_put_string(message, IFLA_ALT_IFNAME, alias) < 0) {
		nlmsg_free(message); /* takes NULL */
		return;
	}
	nla_nest_end(message, list);
	(void)nl_send_sync(socket, message); /* most have none */
}

static int refused(int error, const char *what, const struct nic_home *home, struct fail *f)
{
	int r = error == -NLE_EXIST ? -EEXIST : error == -NLE_NODEV ? -ENODEV : -EIO;

	return fail_set(f, r, "%s cannot be %s: %s", home->name, what, nl_geterror(error));
}

/* --- there --- */

/* The way to anywhere, tried with addresses that nobody has (RFC 5737, RFC 3849). */
static bool is_way_out(struct nl_sock *socket, const struct nic_home *home)
{
	static const char *const nobody[] = { "192.0.2.1", "2001:db8::1" };

	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
		_cleanup_(nl_addr_putp) struct nl_addr *to = NULL;
		_cleanup_(rtnl_route_putp) struct rtnl_route *way = NULL;
		struct rtnl_nexthop *hop;

		if (nl_addr_parse(nobody[i], AF_UNSPEC, &to) < 0 ||
		    rtnl_route_lookup(socket, to, &way) < 0)
			continue; /* there is none */
		hop = rtnl_route_nexthop_n(way, 0);
		if (hop && rtnl_route_nh_get_ifindex(hop) == (int)home->number)
			return true;
	}
	return false;
}

int nic_move_check(const struct nic_home *home, struct fail *f)
{
	_cleanup_(nic_links_done) struct nic_links links = { 0 };
	_cleanup_(nl_socket_freep) struct nl_sock *socket = NULL;
	const struct nic_link *link;
	int r = connect_in(-1, &socket, f);

	if (r < 0)
		return r;
	r = nic_links_load(&links);
	if (r < 0)
		return fail_set(f, r, "rtnetlink does not tell what the host uses: %s",
				strerror(-r));
	link = nic_links_find(&links, home->name);
	if (link && link->address[0])
		return fail_code(f, -EBUSY, "nic-in-use", "%s carries an address of the host, %s",
				 home->name, link->address);
	if (is_way_out(socket, home))
		return fail_code(f, -EBUSY, "nic-in-use", "the host's default route is over %s",
				 home->name);
	return 0;
}

static int settle_there(struct nl_sock *there, const struct nic_home *home,
			const struct nic_dress *dress, struct fail *f)
{
	struct look l = { .home = home };
	int r = look_in(there, &l, f);

	if (r < 0)
		return r;
	if (!l.best.is.number)
		return fail_set(f, -ENODEV, "%s is gone", home->name);
	r = change(there, l.best.is.number,
		   &(struct change){ .flags = IFF_UP, .mask = IFF_UP, .netns = -1 });
	return r < 0 ? refused(r, "set up", home, f) : nic_dress(there, l.best.is.number, dress, f);
}

int nic_move_there(const struct nic_home *home, int netns, const struct nic_dress *dress,
		   struct fail *f)
{
	_cleanup_(nl_socket_freep) struct nl_sock *here = NULL, *there = NULL;
	struct look l = { .home = home, .at_home = true };
	int r = connect_in(-1, &here, f);

	if (r == 0)
		r = connect_in(netns, &there, f);
	if (r == 0)
		r = look_in(here, &l, f);
	if (r < 0)
		return r;
	if (!l.best.is.number)
		return fail_set(f, -ENODEV, "there is no network interface %s any more",
				home->name);
	/* One message: it is never there under a name that is not asked for. */
	r = change(here, l.best.is.number, &(struct change){ .name = dress->name, .netns = netns });
	if (r < 0)
		return refused(r, "moved to the task's network namespace", home, f);
	return settle_there(there, home, dress, f);
}

/* --- back --- */

static int name_is_taken(const struct nic_home *home, struct fail *f)
{
	return fail_set(f, -EEXIST, "its name %s has been given to another interface", home->name);
}

/* It is named before it is moved, so that the host sees it come under its name; where its name is
 * taken there, by an interface of the task's, it is named on arrival. */
static int fetch(struct nl_sock *there, int number, const struct nic_home *home, struct fail *f)
{
	_cleanup_close_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (here < 0)
		return fail_set(f, -errno, "/proc/self/ns/net: %s", strerror(errno));
	r = set_down(there, number);
	if (r == 0)
		r = change(there, number, &(struct change){ .name = home->name, .netns = -1 });
	if (r == 0 || r == -NLE_EXIST)
		r = change(there, number, &(struct change){ .name = home->name, .netns = here });
	return r < 0 && r != -NLE_NODEV ? refused(r, "moved back", home, f) : 0;
}

static bool has_mac(const struct seen *s, const char *text)
{
	_cleanup_(nl_addr_putp) struct nl_addr *mac = NULL;

	return !*text || nl_addr_parse(text, AF_LLC, &mac) < 0 ||
	       (nl_addr_get_len(mac) == s->mac_size &&
		memcmp(nl_addr_get_binary_addr(mac), s->mac, s->mac_size) == 0);
}

/* As it was: a task may have changed all of it. Not all drivers take a name or a MAC while they are
 * up, so only what differs is said. */
static int restore(struct nl_sock *here, const struct nic_home *home, const struct seen *s,
		   struct fail *f)
{
	struct change c = { .netns = -1 };
	int r = 0;

	c.name = strcmp(s->is.name, home->name) != 0 ? home->name : NULL;
	c.mac = has_mac(s, home->mac) ? NULL : home->mac;
	c.mtu_bytes = s->mtu_bytes != home->mtu_bytes ? home->mtu_bytes : 0;
	if (c.name || c.mac)
		r = set_down(here, s->is.number);
	if (c.name)
		drop_alias(here, s->is.number, c.name);
	if (r == 0)
		r = change(here, s->is.number, &c);
	c = (struct change){ .flags = home->flags, .mask = FLAGS_KEPT, .netns = -1 };
	if (r == 0)
		r = change(here, s->is.number, &c);
	return r < 0 && r != -NLE_NODEV ? refused(r, "set as it was", home, f) : 0;
}

/* Out of the other namespace, if it is there. */
static int bring(struct nl_sock *here, struct nl_sock *there, struct look *l, struct fail *f)
{
	struct look away = { .home = l->home };
	int r = look_in(there, &away, f);

	if (r < 0 || !away.best.is.number)
		return r; /* it is gone */
	if (l->namesake.is.number)
		return name_is_taken(l->home, f);
	r = fetch(there, away.best.is.number, l->home, f);
	return r < 0 ? r : look_in(here, l, f);
}

int nic_move_back(const struct nic_home *home, int netns, struct fail *f)
{
	_cleanup_(nl_socket_freep) struct nl_sock *here = NULL, *there = NULL;
	struct look l = { .home = home, .at_home = true };
	int r = connect_in(-1, &here, f);
	bool fetched; /* its number may be another one now */

	if (r == 0 && netns >= 0)
		r = connect_in(netns, &there, f);
	if (r == 0)
		r = look_in(here, &l, f);
	fetched = r == 0 && !l.best.is.number && there;
	if (fetched)
		r = bring(here, there, &l, f);
	if (r < 0)
		return r;
	if (!l.best.is.number)
		return NIC_MOVE_GONE;
	if (l.namesake.is.number)
		return name_is_taken(home, f);
	if (!fetched && l.best.is.number != (int)home->number)
		return 0; /* plugged in anew: nobody had it */
	return restore(here, home, &l.best, f);
}
