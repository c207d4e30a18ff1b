/* SPDX-License-Identifier: Apache-2.0 */
/* The cpuset controller's table: sets of CPUs and nodes, and what became of them. */
#include "cgroups/limit.h"

#include "util/cleanup.h"
#include "util/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int encode_set(const struct limit_row *row, const void *values, char **ret)
{
	const struct cpuset *set =
		*(const struct cpuset *const *)(const void *)((const char *)values + row->offset);

	if (!set)
		return 0;
	*ret = cpuset_format(set);
	return *ret ? 0 : -ENOMEM;
}

static bool same_set(const struct cg_readback *item, struct cpuset **ret_wanted)
{
	_cleanup_(cpuset_freep) struct cpuset *actual = NULL;

	return cpuset_parse(item->wanted, ret_wanted) == 0 &&
	       cpuset_parse(item->actual, &actual) == 0 && cpuset_equal(*ret_wanted, actual);
}

static bool verify_exclusive(int cgroup, const struct limit_row *row,
			     const struct cg_readback *item)
{
	_cleanup_(cpuset_freep) struct cpuset *wanted = NULL;

	(void)cgroup;
	(void)row;
	return same_set(item, &wanted);
}

/* cpuset.cpus is only a request: an ancestor or hotplug may leave nothing of it, and then the
 * kernel lends the parent's CPUs (cgroup-v2.rst, cpuset.cpus.effective). */
static bool verify_effective(int cgroup, const struct limit_row *row,
			     const struct cg_readback *item)
{
	_cleanup_(cpuset_freep) struct cpuset *wanted = NULL, *effective = NULL;
	_cleanup_free_ char *text = NULL;
	char file[64];

	if (!same_set(item, &wanted))
		return false;
	if (cpuset_empty(wanted))
		return true; /* nothing is asked: everything of the parent */
	(void)snprintf(file, sizeof(file), "%s.effective", row->file); /* fits */
	return fs_read_line_new(cgroup, file, &text) == 0 && cpuset_parse(text, &effective) == 0 &&
	       !cpuset_empty(effective) && cpuset_subset(effective, wanted);
}

static const struct limit_kind kind_effective = { .encode = encode_set,
						  .extract = limit_extract_line,
						  .verify = verify_effective };
static const struct limit_kind kind_exclusive = { .encode = encode_set,
						  .extract = limit_extract_line,
						  .verify = verify_exclusive };

#define AT(m) offsetof(struct cg_limits, m)
static const struct limit_row rows[] = {
	{ "cpus", "cpu", "cpuset.cpus", LIMIT_SET, &kind_effective, .offset = AT(cpus) },
	{ "nodes", "memory-nodes", "cpuset.mems", LIMIT_SET, &kind_effective, .offset = AT(nodes) },
	{ "exclusive", "cpu", "cpuset.cpus.exclusive", LIMIT_SET, &kind_exclusive,
	  .offset = AT(exclusive) },
	/* "isolated invalid (reason)" is how the kernel says that it does not hold. */
	{ "partition", "cpu", "cpuset.cpus.partition", LIMIT_WORD, &limit_kind_word,
	  .offset = AT(partition) },
};

const struct limit_table limit_cpuset = { .controller = CG_CPUSET,
					  .rows = rows,
					  .count = ARRAY_SIZE(rows) };
