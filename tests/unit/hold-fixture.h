/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests of what slices hold (agent/hold.h): a manager without an agent, on a machine of plain
 * files. */

#include "agent/manager.h"

#include "scratch.h"

#include <stdlib.h>

struct rig {
	struct scratch s; /* stands for /sys */
	struct host host;
	struct config config;
	struct manager m;
};

static inline uint64_t rig_no_time(const struct host *host)
{
	(void)host;
	return 1;
}

/* With an empty inventory, which is the test's to fill and to seal. */
static inline void rig_begin(struct rig *r)
{
	*r = (struct rig){ 0 };
	scratch_open(&r->s);
	r->host = (struct host){ .sys_fd = r->s.fd,
				 .proc_fd = -1,
				 .root_fd = -1,
				 .cgroup_fd = -1,
				 .monotonic_usec = rig_no_time,
				 .realtime_usec = rig_no_time };
	r->config = (struct config){ .hugepages = true, .resctrl = true, .runtime_dir = r->s.path };
	r->m = (struct manager){ .host = &r->host, .config = &r->config, .boot_id = "boot" };
	assert_int_equal(inventory_new(&r->m.inventory), 0);
	assert_int_equal(ledger_new(&r->m.ledger), 0);
	assert_int_equal(map_new(&r->m.slices), 0);
	assert_int_equal(journal_new(&r->m.journal, &r->host, NULL, 16, NULL), 0);
}

static inline void rig_done(struct rig *r)
{
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(r->m.slices, &cursor, NULL));)
		slice_free(s);
	map_free(r->m.slices);
	ledger_free(r->m.ledger);
	inventory_free(r->m.inventory);
	journal_free(r->m.journal);
	scratch_done(&r->s);
}

/* A slice that holds this; takes `a` over. */
static inline struct slice *rig_slice(struct rig *r, const char *name, struct allocation *a)
{
	struct slice *s = NULL;

	a->slice = strdup(name);
	assert_int_equal(ledger_take(r->m.ledger, &a), 0);
	assert_int_equal(slice_new(&s, &r->m, name), 0);
	assert_int_equal(map_put(r->m.slices, name, s), 0);
	return s;
}

static inline void rig_forget(struct rig *r, const char *name)
{
	ledger_release(r->m.ledger, name);
	slice_free(map_remove(r->m.slices, name));
}
