/* SPDX-License-Identifier: Apache-2.0 */
/* Pins by system call, for what no cpuset controller holds: the affinity and the memory policy with
 * which reeve-init was started, and that its tasks inherit. A task could undo them, and the rows
 * say so. See hold.h and pin.h. */
#include "hold.h"

#include "enforce.h"
#include "manager.h"
#include "pin.h"
#include "util/cleanup.h"

#include <string.h>

static bool held_by_cpuset(const struct enforcements *rows, const char *limit)
{
	const struct enforcement *row = enforcements_find(rows, limit);

	return row && row->mechanism == MECHANISM_CPUSET;
}

static int read_affinity(struct slice *s, const struct cpuset *cpus, struct enforcements *rows)
{
	_cleanup_(cpuset_freep) struct cpuset *actual = NULL;
	_cleanup_free_ char *wanted_text = NULL, *actual_text = NULL;
	struct enforcement row = { .resource = "cpu",
				   .limit = "cpus",
				   .file = "sched_setaffinity" };
	int r = pin_read_cpus(s->init_pid, &actual);

	wanted_text = cpuset_format(cpus);
	actual_text = r == 0 ? cpuset_format(actual) : NULL;
	row.wanted = wanted_text;
	row.actual = actual_text;
	row.mechanism = r == 0 && cpuset_equal(actual, cpus) ? MECHANISM_AFFINITY : MECHANISM_NONE;
	if (row.mechanism == MECHANISM_NONE)
		row.reason = r < 0 ? strerror(-r) : "the kernel holds another set";
	else
		row.reason = "no cpuset controller on cgroup v2 here: a task could undo it";
	return enforcements_add(rows, &row);
}

static int take_affinity(struct slice *s, struct enforcements *rows, struct fail *f)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	const struct cpuset *cpus;
	int r;

	(void)f; /* the table's own sentence is enough */
	if (held_by_cpuset(rows, "cpus")) {
		/* A pin would keep tasks from a shared pool that has grown; refused: within it. */
		(void)pin_release(s->manager->host, s->init_pid);
		return 0;
	}
	r = enforce_cpus(s, &cpus, &pool);
	return r < 0 ? r : read_affinity(s, cpus, rows);
}

static int take_policy(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_free_ char *wanted = NULL, *actual = NULL;
	struct enforcement row = { .resource = "memory-nodes",
				   .limit = "nodes",
				   .file = "set_mempolicy" };
	bool only = a->memory_count > 0, bound;
	int r;

	(void)f; /* the table's own sentence is enough */
	if (held_by_cpuset(rows, "nodes") || cpuset_empty(a->nodes))
		return 0;
	wanted = cpuset_format(a->nodes);
	r = pin_read_policy(s->manager->host, s->init_pid, &actual);
	row.wanted = wanted;
	row.actual = actual;
	bound = r == 0 && strncmp(actual, only ? "bind:" : "prefer", only ? 5 : 6) == 0;
	row.mechanism = bound ? MECHANISM_POLICY : MECHANISM_NONE;
	if (!bound)
		row.reason = r < 0 ? "this kernel does not tell memory policies"
				   : "the kernel holds another policy";
	else if (!only)
		row.reason = "preferred only: the request set no memory aside";
	return enforcements_add(rows, &row);
}

const struct hold hold_affinity = { .name = "affinity", .take = take_affinity };
const struct hold hold_policy = { .name = "memory policy", .take = take_policy };
