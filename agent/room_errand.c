/* SPDX-License-Identifier: Apache-2.0 */
/* The child's part of a slice's room; see room_errand.h. It may wait, and it does nothing for long
 * that does not get on: pages that are dirty must be written first, kernel memory never goes. */
#include "room_errand.h"

#include "cgroups/reclaim.h"
#include "cgroups/tree.h"
#include "cgroups/usage.h"
#include "meminfo.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	EMPTY_LIMIT_USEC = 2 * 1000000, /* for killed processes to be gone */
	EMPTY_PAUSE_NSEC = 1000000,
	RECLAIM_LIMIT_USEC = 5 * 1000000,
	WRITEBACK_PAUSE_NSEC = 50 * 1000000,
	STEP_BYTES = 256 << 20, /* of one write, so that the clock is looked at in between */
};

static void rest(long nsec)
{
	const struct timespec pause = { .tv_nsec = nsec };

	(void)nanosleep(&pause, NULL); /* a shorter one is one more look */
}

static void await_empty(const struct host *host)
{
	const uint64_t late = host->monotonic_usec(host) + EMPTY_LIMIT_USEC;
	bool populated = true;

	(void)cg_kill(ROOM_CGROUP_FD); /* who is left is seen here */
	while (cg_populated(ROOM_CGROUP_FD, &populated) == 0 && populated &&
	       host->monotonic_usec(host) < late)
		rest(EMPTY_PAUSE_NSEC);
}

/* 0: it gets on. */
static int reclaim_step(uint64_t *charged)
{
	uint64_t before = *charged, dirty = 0;
	int r = cg_reclaim(ROOM_CGROUP_FD, before < STEP_BYTES ? before : STEP_BYTES);

	if (r < 0 && r != -EAGAIN)
		return r;
	if (cg_charged(ROOM_CGROUP_FD, charged) < 0)
		return -ENODEV;
	if (*charged < before)
		return 0;
	if (cg_dirty(ROOM_CGROUP_FD, &dirty) < 0 || dirty == 0)
		return -EAGAIN;
	rest(WRITEBACK_PAUSE_NSEC);
	return 0;
}

static void reclaim_all(const struct host *host)
{
	const uint64_t late = host->monotonic_usec(host) + RECLAIM_LIMIT_USEC;
	uint64_t charged = 0;
	int r = cg_can_reclaim(ROOM_CGROUP_FD) ? cg_charged(ROOM_CGROUP_FD, &charged) : -ENOENT;

	while (r == 0 && charged > 0 && host->monotonic_usec(host) < late)
		r = reclaim_step(&charged);
}

/* Page cache of a node that no slice is charged any more. */
static uint64_t orphaned(uint32_t node)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	uint64_t all = 0, part;

	if (cg_cache_on_node(ROOM_CGROUP_FD, node, &all) < 0 ||
	    cg_children(ROOM_CGROUP_FD, &names, NULL) < 0)
		return 0;
	for (char **name = names; *name; name++) {
		_cleanup_close_ int cgroup = -1;

		if (cg_open(ROOM_CGROUP_FD, *name, &cgroup) == 0 &&
		    cg_cache_on_node(cgroup, node, &part) == 0)
			all -= part < all ? part : all;
	}
	return all;
}

/* The kernel takes from all slices in turn: never more is asked for than those gone have left. */
static void free_node(const struct host *host, const struct room_node *node)
{
	const uint64_t late = host->monotonic_usec(host) + RECLAIM_LIMIT_USEC;
	uint64_t spare = orphaned(node->number), now = 0, before;
	int r = meminfo_node_free(host, node->number, &now);

	while (r == 0 && now < node->needed_bytes && spare > 0 &&
	       host->monotonic_usec(host) < late) {
		uint64_t step = node->needed_bytes - now;

		step = step < spare ? step : spare;
		step = step < STEP_BYTES ? step : STEP_BYTES;
		spare -= step;
		before = now;
		r = cg_reclaim(ROOM_CGROUP_FD, step);
		if (r == 0 || r == -EAGAIN)
			r = meminfo_node_free(host, node->number, &now);
		if (now <= before)
			return;
	}
}

static void tell(int answer, const char *text)
{
	(void)!write(answer, text, strlen(text)); /* nobody may listen any more */
}

void room_errand(void *argument, int answer)
{
	struct room_work *w = argument;
	struct host host = *w->host;
	struct fail why = { 0 };

	host.sys_fd = ROOM_SYS_FD;
	if (w->gives) {
		await_empty(&host);
		reclaim_all(&host);
		page_account_give(&host, &w->loans);
		return;
	}
	for (size_t i = 0; i < w->nodes_count; i++)
		free_node(&host, &w->nodes[i]);
	if (page_account_get(&host, &w->loans, &why) < 0)
		tell(answer, why.text);
}
