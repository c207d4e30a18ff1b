/* SPDX-License-Identifier: Apache-2.0 */
/* RDMA devices (/sys/class/infiniband, or hwloc's) and the NICs they belong to: a port with a
 * network interface is one NIC, known by that; a device whose function has none is one NIC by
 * itself, since a program can drive it. A device on no bus (soft-RoCE, SCIF) is no hardware and
 * adds nothing. */
#include "drivers/nic-kind.h"
#include "drivers/nic.h"
#include "drivers/place.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int add_alone(struct discovery *d, const char *rdma, const char *pci)
{
	_cleanup_(device_freep) struct device *nic = NULL;
	int r = device_new(&nic, DEVICE_NIC, rdma);

	if (r < 0)
		return r;
	nic->nic.physical = true;
	if (device_set_string(&nic->nic.name, rdma) < 0 ||
	    device_set_string(&nic->nic.rdma, rdma) < 0 ||
	    device_set_string(&nic->nic.nic_kind, "physical") < 0)
		return -ENOMEM;
	r = place_at_pci(d, nic, pci);
	if (r == 0)
		r = discovery_add(d, &nic);
	return r == -EEXIST ? 0 : r;
}

/* Names it at the NICs of that function; how many there are, or -ENOMEM. */
static int name_at_interfaces(struct discovery *d, const char *rdma, const char *pci)
{
	size_t cursor = 0;
	int count = 0;

	for (struct device *nic; (nic = discovery_next(d, DEVICE_NIC, &cursor));) {
		if (!nic->pci || strcmp(nic->pci, pci) != 0)
			continue;
		count++;
		if (!nic->nic.rdma && device_set_string(&nic->nic.rdma, rdma) < 0)
			return -ENOMEM;
	}
	return count;
}

int nic_rdma_place(struct discovery *d, const char *rdma, const char *pci)
{
	int r = name_at_interfaces(d, rdma, pci);

	if (r < 0)
		return r;
	return r > 0 ? 0 : add_alone(d, rdma, pci);
}

static bool is_virtual_function(struct discovery *d, const char *pci)
{
	_cleanup_free_ char *path = NULL;

	return asprintf(&path, "bus/pci/devices/%s/physfn", pci) >= 0 &&
	       fs_exists(d->host->sys_fd, path);
}

/* InfiniBand interfaces have no `speed`; the port's rate stands for it. */
static void read_rate(struct discovery *d, struct device *nic)
{
	_cleanup_free_ char *path = NULL;
	char line[64];

	if (nic->nic.speed_mbps != DEVICE_UNKNOWN_U32 || !nic->nic.rdma ||
	    asprintf(&path, "class/infiniband/%s/ports/1/rate", nic->nic.rdma) < 0)
		return;
	if (fs_read_line(d->host->sys_fd, path, line, sizeof(line)) == 0)
		nic->nic.speed_mbps = nic_rate_mbps(line);
}

static int read_firmware(struct discovery *d, struct device *nic)
{
	_cleanup_free_ char *path = NULL;
	char line[64];

	if (nic->nic.firmware || !nic->nic.rdma)
		return 0;
	if (asprintf(&path, "class/infiniband/%s/fw_ver", nic->nic.rdma) < 0)
		return -ENOMEM;
	if (fs_read_line(d->host->sys_fd, path, line, sizeof(line)) < 0)
		return 0;
	return device_set_string(&nic->nic.firmware, line);
}

/* A virtual function without an interface is no NIC of its own: functions are not counted. */
static int visit(struct discovery *d, const char *rdma)
{
	_cleanup_(place_done) struct place place = { 0 };
	int r = place_find(d->host, "infiniband", rdma, &place);

	if (r < 0 || !place.pci[0])
		return r == -ENOMEM ? r : 0;
	if (!is_virtual_function(d, place.pci))
		return nic_rdma_place(d, rdma, place.pci);
	r = name_at_interfaces(d, rdma, place.pci);
	return r < 0 ? r : 0;
}

int nic_rdma_from_sysfs(struct discovery *d)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	size_t cursor = 0;
	int r = 0;

	if (fs_list(d->host->sys_fd, "class/infiniband", &names, NULL) < 0)
		return 0;
	for (char **name = names; r == 0 && *name; name++)
		r = visit(d, *name);
	for (struct device *nic; r == 0 && (nic = discovery_next(d, DEVICE_NIC, &cursor));) {
		read_rate(d, nic);
		r = read_firmware(d, nic);
	}
	return r;
}
