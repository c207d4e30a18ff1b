/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A NIC of a slice that one of its tasks has for itself: what is written down of it (the "nic" of a
 * network_record) is all that it takes to bring it home, and to go on showing it meanwhile. */

#include "drivers/nic-move.h"
#include "model/device.h"
#include "model/task_spec.h"
#include "network_record.h"

struct slice;

struct network_nic {		   /* texts into the document */
	const char *device, *boot; /* its id; the boot that its number is of */
	struct nic_home home;
	const char *interface; /* its name there */
	const char *addresses[TASK_ADDRESSES_MAX + 1], *gateways[TASK_GATEWAYS_MAX + 1];
};

/* At the door, of a NIC that no task has. Refused where the slice does not hold it (-EINVAL, code
 * "nic-not-held"), where it is no network interface (any more) (-EINVAL, "no-interface"), and where
 * the host uses it (-EBUSY, "nic-in-use"). */
int network_nic_find(const struct slice *s, const struct task_nic *wish, json_t **ret,
		     struct fail *f);
/* -EBADMSG, -EINVAL, -ERANGE with a sentence. */
int network_nic_read(const json_t *nic, struct network_nic *ret, struct fail *f);
/* What the task shows: {"nic", "interface", "addresses", "gateways", "mac", "rdma"}. NULL without
 * memory.
 */
json_t *network_nic_summary(const json_t *nic);
/* As it was in the inventory, and not to be offered, since a task has it. -ENOMEM. */
int network_nic_device(const struct network_record *record, struct device **ret);
