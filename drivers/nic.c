/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: all of /sys/class/net, physical ones told from virtual functions and virtual
 * kinds (nic-kind.c). Only what is hardware and carries nothing of the host's is offered: to hand
 * out the port behind a bridge, a VLAN or the host's own address would cut the host off. A port is
 * offered as a whole or as its virtual functions, as many as there are made, and never both. */
#include "drivers/nic.h"

#include "drivers/nic-kind.h"
#include "drivers/nic-link.h"
#include "drivers/place.h"
#include "drivers/sysfs.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>

struct interface { /* one directory of /sys/class/net while it is read */
	struct discovery *d;
	const char *name;
	int fd; /* -1 where only the name is there (a capture without its target) */
	struct place place;
	const struct nic_link *link; /* NULL: rtnetlink was not asked, or does not know it */
};

static void interface_done(struct interface *i)
{
	close_fd(i->fd);
	place_done(&i->place);
}

static int interface_open(struct discovery *d, const char *name, const struct nic_links *links,
			  struct interface *ret)
{
	struct interface i = { .d = d, .name = name, .link = nic_links_find(links, name) };
	_cleanup_free_ char *path = NULL;
	int r = place_find(d->host, "net", name, &i.place);

	if (r == -ENOMEM || asprintf(&path, "class/net/%s", name) < 0) {
		place_done(&i.place);
		return -ENOMEM;
	}
	i.fd = fs_open_dir(d->host->sys_fd, path);
	*ret = i;
	return 0;
}

/* DEVTYPE=... of a uevent file; "" where there is none. */
static void read_devtype(int fd, char room[32])
{
	_cleanup_free_ char *text = NULL;
	const char *found;

	room[0] = 0;
	if (fs_read(fd, "uevent", 4096, &text, NULL) < 0)
		return;
	found = strstr(text, "DEVTYPE=");
	if (found)
		(void)sscanf(found, "DEVTYPE=%31s", room); /* none: stays "" */
}

static bool is_vlan(const struct interface *i)
{
	_cleanup_free_ char *path = NULL;

	return asprintf(&path, "net/vlan/%s", i->name) >= 0 && fs_exists(i->d->host->proc_fd, path);
}

/* netdevsim makes interfaces below a bus of its own: a test double of the kernel's, no hardware. */
static bool on_hardware(const struct place *place)
{
	return place->path && !place->is_virtual && strncmp(place->parent, "netdevsim", 9) != 0;
}

static int set_kind(const struct interface *i, struct device *nic)
{
	char devtype[32], port[64] = "";
	uint32_t flags = DEVICE_UNKNOWN_U32, type = DEVICE_UNKNOWN_U32;
	struct nic_facts facts;

	read_devtype(i->fd, devtype);
	sysfs_u32(i->fd, "type", &type);
	sysfs_hex(i->fd, "tun_flags", &flags);
	(void)fs_read_line(i->fd, "phys_port_name", port, sizeof(port)); /* none: stays "" */
	facts = (struct nic_facts){
		.name = i->name,
		.link_kind = i->link && i->link->kind[0] ? i->link->kind : NULL,
		.devtype = devtype[0] ? devtype : NULL,
		.port_name = port[0] ? port : NULL,
		.type = type,
		.tun_flags = flags,
		.on_hardware = on_hardware(&i->place),
		.virtual_function = fs_exists(i->fd, "device/physfn"),
		.child = fs_exists(i->fd, "parent"),
		.bridge = fs_exists(i->fd, "bridge"),
		.bond = fs_exists(i->fd, "bonding"),
		.vlan = is_vlan(i),
	};
	nic->nic.physical = strcmp(nic_kind(&facts), "physical") == 0;
	return device_set_string(&nic->nic.nic_kind, nic_kind(&facts));
}

/* Before Linux 2.6.38 only receive queues were shown: none of a kind means not told. */
static uint32_t count_queues(int fd, const char *prefix)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	uint32_t count = 0;

	if (fs_list(fd, "queues", &names, NULL) < 0)
		return DEVICE_UNKNOWN_U32;
	for (char **name = names; *name; name++)
		count += strncmp(*name, prefix, strlen(prefix)) == 0;
	return count > 0 ? count : DEVICE_UNKNOWN_U32;
}

/* `carrier` cannot be read while the interface is set down (EINVAL); operstate can. Drivers that
 * tell of no carrier leave operstate "unknown" (Documentation/networking/operstates.rst). */
static int set_link(const struct interface *i, struct device *nic)
{
	char state[32];
	int32_t carrier;

	if (fs_read_i32(i->fd, "carrier", &carrier) == 0)
		return device_set_string(&nic->nic.link, carrier ? "up" : "down");
	if (fs_read_line(i->fd, "operstate", state, sizeof(state)) < 0 ||
	    strcmp(state, "unknown") == 0)
		return 0;
	return device_set_string(&nic->nic.link, strcmp(state, "up") == 0 ? "up" : "down");
}

static int set_mac(const struct interface *i, struct device *nic)
{
	char mac[128];

	if (fs_read_line(i->fd, "address", mac, sizeof(mac)) < 0 || !mac[strspn(mac, "0:")])
		return 0; /* all zero: it has none */
	return device_set_string(&nic->nic.mac, mac);
}

/* The functions that a physical one has, and the physical one of a function. */
static int set_functions(const struct interface *i, struct device *nic)
{
	sysfs_u32(i->fd, "device/sriov_numvfs", &nic->nic.virtual_functions);
	sysfs_u32(i->fd, "device/sriov_totalvfs", &nic->nic.virtual_functions_maximum);
	return sysfs_link_name(i->fd, "device/physfn", &nic->nic.physical_function);
}

static int set_facts(const struct interface *i, struct device *nic)
{
	int r = set_kind(i, nic);

	sysfs_u32(i->fd, "mtu", &nic->nic.mtu_bytes);
	sysfs_u32(i->fd, "speed", &nic->nic.speed_mbps); /* -1 or EINVAL: unknown */
	if (nic->nic.speed_mbps == 0)
		nic->nic.speed_mbps = DEVICE_UNKNOWN_U32;
	nic->nic.receive_queues = count_queues(i->fd, "rx-");
	nic->nic.transmit_queues = count_queues(i->fd, "tx-");
	if (r == 0)
		r = set_mac(i, nic);
	if (r == 0)
		r = set_link(i, nic);
	if (r == 0)
		r = sysfs_link_name(i->fd, "device/driver", &nic->nic.driver);
	if (r == 0 && nic->nic.physical)
		r = set_functions(i, nic);
	if (r == 0 && strcmp(nic->nic.nic_kind, "virtual-function") == 0)
		r = sysfs_link_name(i->fd, "device/physfn", &nic->nic.physical_function);
	if (r == 0 && i->d->host->live)
		nic_firmware_read(nic);
	return r;
}

/* An interface that another is made of: "upper_br0" (net/core/dev.c, netdev_adjacent_sysfs_add),
 * and before Linux 3.9 a bridge port's `brport` or a bond member's `master`. Blank: none. */
static void read_upper(const struct interface *i, char room[64])
{
	_cleanup_(fs_names_freep) char **names = NULL;
	_cleanup_free_ char *master = NULL;

	room[0] = 0;
	if (fs_link_name(i->fd, "master", &master) == 0)
		(void)snprintf(room, 64, "%s", master); /* a name has at most 15 bytes */
	else if (fs_list(i->fd, ".", &names, NULL) == 0)
		for (char **name = names; !room[0] && *name; name++)
			if (strncmp(*name, "upper_", 6) == 0)
				(void)snprintf(room, 64, "%s", *name + 6); /* as above */
}

static int refuse(struct device *nic, const char *reason)
{
	nic->offerable = false;
	return device_set_string(&nic->reason, reason);
}

static bool has_functions(const struct device *nic)
{
	return nic->nic.virtual_functions != DEVICE_UNKNOWN_U32 && nic->nic.virtual_functions > 0;
}

static int set_offerable(const struct interface *i, struct device *nic)
{
	const char *kind = nic->nic.nic_kind;
	char upper[64], reason[160];

	if (!nic->nic.physical && strcmp(kind, "virtual-function") != 0)
		return refuse(nic, "a virtual interface: no hardware of its own stands behind it");
	read_upper(i, upper);
	(void)snprintf(reason, sizeof(reason), "it carries the interface %s", upper); /* fits */
	if (upper[0])
		return refuse(nic, reason);
	if (i->link && i->link->address[0]) {
		(void)snprintf(reason, sizeof(reason), "it carries an address of the host, %s",
			       i->link->address); /* fits */
		return refuse(nic, reason);
	}
	if (has_functions(nic)) {
		(void)snprintf(reason, sizeof(reason),
			       "its virtual functions are offered instead, of which it has %u",
			       nic->nic.virtual_functions); /* fits */
		return refuse(nic, reason);
	}
	if (i->d->host->live && !i->link)
		return refuse(nic,
			      "rtnetlink does not tell whether it carries an address of the host");
	return 0;
}

static int add(const struct interface *i)
{
	_cleanup_(device_freep) struct device *nic = NULL;
	int r = device_new(&nic, DEVICE_NIC, i->name);

	if (r == 0)
		r = device_set_string(&nic->nic.name, i->name);
	if (r == 0)
		r = set_facts(i, nic);
	if (r == 0)
		r = place_at_pci(i->d, nic, i->place.pci[0] ? i->place.pci : "");
	if (r == 0)
		r = set_offerable(i, nic);
	if (r == 0)
		r = discovery_add(i->d, &nic);
	return r == -EEXIST ? 0 : r;
}

/* bonding_masters is a file in that directory, no interface. */
static bool is_interface(const char *name)
{
	return strcmp(name, "bonding_masters") != 0 && strlen(name) < IFNAMSIZ;
}

static int nic_from_sysfs(struct discovery *d, const struct nic_links *links)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	int r = fs_list(d->host->sys_fd, "class/net", &names, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r >= 0 && *name; name++) {
		_cleanup_(interface_done) struct interface i = { .fd = -1 };

		if (!is_interface(*name))
			continue;
		r = interface_open(d, *name, links, &i);
		if (r == 0)
			r = add(&i);
	}
	return r < 0 ? r : nic_rdma_from_sysfs(d);
}

static int nic_probe(struct discovery *d, struct fail *f)
{
	_cleanup_(nic_links_done) struct nic_links links = { 0 };
	int r = d->host->live ? nic_links_load(&links) : 0;

	if (r < 0)
		r = discovery_note(
			d, "nic",
			"rtnetlink does not answer, so kinds are guessed and no interface is "
			"offered: %s",
			strerror(-r));
	if (r >= 0)
		r = topology_is_xml(d->topology) ? nic_from_hwloc(d) : nic_from_sysfs(d, &links);
	return r < 0 ? fail_set(f, r, "cannot list the network interfaces: %s", strerror(-r)) : 0;
}

/* An interface that an administrator set up and that has no carrier: a pulled cable, a dead port of
 * the switch. One that is set down is no trouble. */
static int nic_check(const struct host *host, const struct device *device, driver_report report,
		     void *userdata)
{
	struct reading reading = { .subject = device->id, .type = "link", .verdict = VERDICT_OK };
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uint32_t flags = 0;
	int32_t carrier;

	if (device->kind != DEVICE_NIC || !device->nic.physical)
		return 0;
	if (asprintf(&path, "class/net/%s", device->nic.name) < 0)
		return -ENOMEM;
	fd = fs_open_dir(host->sys_fd, path);
	sysfs_hex(fd, "flags", &flags);
	if ((flags & IFF_UP) && fs_read_i32(fd, "carrier", &carrier) == 0 && carrier == 0) {
		reading.verdict = VERDICT_DEGRADED;
		reading.evidence = "the interface is set up and has no carrier";
	}
	return report(&reading, userdata);
}

static const char *const nic_subsystems[] = { "net", "infiniband", NULL };

const struct driver driver_nic = {
	.name = "nic",
	.phase = DRIVER_PHASE_IO,
	.probe = nic_probe,
	.watch = nic_subsystems,
	.bell = &nic_bell,
	.check = nic_check,
	.nodes = nic_nodes,
};
