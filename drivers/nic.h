/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The NIC driver's own parts: nic.c lists interfaces below sysfs, nic-hwloc.c those of an XML file,
 * nic-rdma.c adds RDMA devices to both, nic-firmware.c asks the live kernel by ioctl,
 * nic-bell.c listens to it. All functions return 0 or -ENOMEM. */

#include "drivers/driver.h"

int nic_from_hwloc(struct discovery *d);
int nic_rdma_from_sysfs(struct discovery *d);
void nic_firmware_read(struct device *nic); /* sets driver and firmware where unknown */

extern const struct driver_bell nic_bell;

/* Adds a physical NIC that has no network interface, only an RDMA device of that name; or names the
 * RDMA device at the NICs that share its PCI function. */
int nic_rdma_place(struct discovery *d, const char *rdma, const char *pci);

/* nic-nodes.c: struct driver's nodes() */
int nic_nodes(const struct host *host, const struct device *device, struct device_rules *into);
