/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What must be known of a task's network to leave it, whatever became of the agent: a small file
 * each, kept through reboots, since leases of addresses are. */

#include "util/fail.h"
#include "wire/json.h"

enum network_phase {
	NETWORK_JOINING, /* ADD may have been begun */
	NETWORK_JOINED,
	NETWORK_LEAVING, /* DEL is to be run until it works */
};

struct network_record {
	char *container; /* CNI_CONTAINERID, and the file's name */
	char *slice, *task;
	enum network_phase phase;
	json_t *list;	/* the network's configuration as ADD had it; NULL: it is a NIC */
	json_t *result; /* ADD's; NULL: not known */
	json_t *nic;	/* of network_nic.h; NULL: it is a network */
};

void network_record_done(struct network_record *r);
/* The network's name, in the list; the NIC's id. */
const char *network_record_name(const struct network_record *r);
/* Replaces or removes the file "CONTAINER.json"; the directory is made. */
int network_record_write(const char *dir, const struct network_record *r, struct fail *f);
int network_record_remove(const char *dir, const struct network_record *r);
/* -EBADMSG with a sentence. */
int network_record_read(int dir, const char *file, struct network_record *ret, struct fail *f);
