/* SPDX-License-Identifier: Apache-2.0 */
/* The device nodes of a NIC: those by which programs drive its RDMA device past the kernel
 * (Documentation/infiniband/user_verbs.rst, user_mad.rst). rdma_cm makes connections over all RDMA
 * devices, and uses none without its uverbs node. The network interface itself has no node. */
#include "drivers/nic.h"
#include "drivers/nodes.h"
#include "util/cleanup.h"

#include <errno.h>

int nic_nodes(const struct host *host, const struct device *device, struct device_rules *into)
{
	static const char *const classes[] = { "infiniband_verbs", "infiniband_mad" };
	size_t before = into->count;
	int r = 0;

	if (device->kind != DEVICE_NIC || !device->nic.rdma)
		return 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(classes); i++)
		r = nodes_add_class(host,
				    &(struct nodes_class){ .name = classes[i],
							   .file = "ibdev",
							   .content = device->nic.rdma },
				    into);
	if (r == 0 && into->count > before)
		r = nodes_add_dev(host, false, "class/misc/rdma_cm/dev", into);
	return r;
}
