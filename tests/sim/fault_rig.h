/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: an agent on a host that is made up as far as slices change it, the hierarchy of
 * control groups, device programs, huge pages, classes of the caches, interrupts, one disk; and
 * whether that host is, after something failed, as it was. reeve-init is real. */

#include "tests/sim/agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_rig {
	struct agent agent;
	const struct backend *backend;
	char root[64], run[80], slice[32];
	char *before; /* what the host is like without the slice */
	size_t descriptors;
	void (*connect)(struct fault_rig *r); /* after its back end was opened; NULL: nothing */
	const char *(*failed)(const struct fault_rig *r); /* what did */
	unsigned refused, made, stuck, lost, reached;
	unsigned seed;
};

enum { FAULT_SECOND = 1000000 };

/* An agent, and the folders of the host; skips the test where they cannot be. */
void fault_rig_prepare(struct fault_rig *r);
/* The agent looks at that host, and slices are made by that back end. */
void fault_rig_open(struct fault_rig *r, const struct backend *backend);
void fault_rig_close(struct fault_rig *r);
/* All that is made once and stays is there: from here on the host has to be as it is now. */
void fault_rig_remember(struct fault_rig *r);
/* One agent goes, the next is there, and has taken over nothing yet. */
void fault_rig_restart(struct fault_rig *r);

/* Every name of the host, with the text of its files, in order; free() it. */
char *fault_host_now(const struct fault_rig *r);
void fault_assert_same(const struct fault_rig *r, const char *then);
void fault_assert_as_before(struct fault_rig *r);

/* Waits for the answer, which is the caller's. */
void fault_create(struct fault_rig *r, const char *what, struct answer *answer);
void fault_delete(struct fault_rig *r, struct answer *answer);
void fault_resize(struct fault_rig *r, const char *change, struct answer *answer);
void fault_freeze(struct fault_rig *r, bool frozen, struct answer *answer);
/* The same, and it works. */
void fault_create_well(struct fault_rig *r, const char *what);
void fault_delete_well(struct fault_rig *r);
/* It is there no more, or is deleted, at the second try if need be. */
void fault_end(struct fault_rig *r);
