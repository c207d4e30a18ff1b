/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which CPUs serve an interrupt: the kernel's files below /proc/irq
 * (Documentation/core-api/irq/irq-affinity.rst) and the interrupts of a PCI device. Nothing here
 * decides anything. */

#include "util/cpuset.h"
#include "util/host.h"

/* Their numbers; those above CPUSET_MAX are left out. -ENOENT where the host shows none. */
int irq_list(const struct host *host, struct cpuset **ret);

/* The CPUs that it may be served by, and the ones (mostly one) that serve it now. The latter is the
 * former where the kernel does not tell (-ENOENT only when the interrupt is gone). A list that
 * cannot be read is -EBADMSG. */
int irq_read(const struct host *host, unsigned irq, struct cpuset **ret);
int irq_read_effective(const struct host *host, unsigned irq, struct cpuset **ret);
/* -EIO or -EPERM: the kernel manages it, or it is bound to a CPU by its nature; -EROFS, -EACCES:
 * not here, a container; -EINVAL: none of the CPUs is online. */
int irq_write(const struct host *host, unsigned irq, const struct cpuset *cpus);
/* Whether a driver has it in use: then there is a directory with the name of its action. */
bool irq_in_use(const struct host *host, unsigned irq);
/* The CPUs of the NUMA node that it belongs to; empty where it belongs to none. */
int irq_read_node(const struct host *host, unsigned irq, struct cpuset **ret);

/* What interrupts that appear from now on may be served by. */
int irq_read_default(const struct host *host, struct cpuset **ret);
int irq_write_default(const struct host *host, const struct cpuset *cpus);

/* The message interrupts of a PCI device (Documentation/ABI/testing/sysfs-bus-pci, msi_irqs), added
 * to the set. None is 0: a line that is shared with others is nobody's own. */
int irq_of_device(const struct host *host, const char *pci, struct cpuset *into);
