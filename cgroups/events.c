/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel counts and announces about a cgroup: cgroup.events and memory.events. Reading
 * only; who watches the files is the caller's business. */
#include "cgroups/keyed.h"
#include "cgroups/tree.h"

#include "util/cleanup.h"

#include <errno.h>

struct states { /* UINT64_MAX: the file did not say */
	uint64_t populated, frozen;
};

static const struct keyed state_keys[] = {
	{ "populated", offsetof(struct states, populated) },
	{ "frozen", offsetof(struct states, frozen) },
};

static int read_states(int cgroup, struct states *ret)
{
	*ret = (struct states){ UINT64_MAX, UINT64_MAX };
	return keyed_read(cgroup, "cgroup.events", state_keys, ARRAY_SIZE(state_keys), ret);
}

static int as_bool(uint64_t value, bool *ret)
{
	if (value > 1)
		return -EBADMSG;
	*ret = value == 1;
	return 0;
}

int cg_populated(int cgroup, bool *ret)
{
	struct states states;
	int r = read_states(cgroup, &states);

	return r < 0 ? r : as_bool(states.populated, ret);
}

int cg_frozen(int cgroup, bool *ret)
{
	struct states states;
	int r = read_states(cgroup, &states);

	return r < 0 ? r : as_bool(states.frozen, ret);
}

static const struct keyed memory_keys[] = {
	{ "low", offsetof(struct cg_memory_events, low) },
	{ "high", offsetof(struct cg_memory_events, high) },
	{ "max", offsetof(struct cg_memory_events, max) },
	{ "oom", offsetof(struct cg_memory_events, oom) },
	{ "oom_kill", offsetof(struct cg_memory_events, oom_kill) },
	{ "oom_group_kill", offsetof(struct cg_memory_events, oom_group_kill) }, /* since 5.17 */
};

int cg_memory_events(int cgroup, struct cg_memory_events *ret)
{
	struct cg_memory_events events = { 0 };
	int r = keyed_read(cgroup, "memory.events", memory_keys, ARRAY_SIZE(memory_keys), &events);

	if (r < 0)
		return r;
	*ret = events;
	return 0;
}
