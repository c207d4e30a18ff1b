/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by one table: what a limit is called, its file, how it is written, and what reading it
 * back must give; see control.h. It judges only by what the kernel says afterwards, and rolls
 * nothing back: the caller removes a cgroup that does not hold. */
#include "cgroups/control.h"

#include "cgroups/hugetlb.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct limit {
	const char *name;
	enum cg_controller controller;
	const char *file;
	size_t offset; /* of the member of struct cg_limits */
	/* Text to write, *ret NULL where the member is unset; 0 or -ENOMEM. */
	int (*encode)(const struct limit *limit, const struct cg_limits *limits, char **ret);
	bool (*verify)(int cgroup, const struct cg_readback *item);
};

static const void *member(const struct limit *limit, const struct cg_limits *limits)
{
	return (const char *)limits + limit->offset;
}

static int encode_set(const struct limit *limit, const struct cg_limits *limits, char **ret)
{
	const struct cpuset *set = *(const struct cpuset *const *)member(limit, limits);

	if (!set)
		return 0;
	*ret = cpuset_format(set);
	return *ret ? 0 : -ENOMEM;
}

static int encode_word(const struct limit *limit, const struct cg_limits *limits, char **ret)
{
	const char *word = *(const char *const *)member(limit, limits);

	if (!word)
		return 0;
	*ret = strdup(word);
	return *ret ? 0 : -ENOMEM;
}

static int format_number(uint64_t value, char **ret)
{
	if (value == CG_MAX)
		*ret = strdup("max");
	else if (asprintf(ret, "%" PRIu64, value) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

static int encode_number(const struct limit *limit, const struct cg_limits *limits, char **ret)
{
	uint64_t value = *(const uint64_t *)member(limit, limits);

	return value == CG_UNSET ? 0 : format_number(value, ret);
}

/* "quota period"; the quota alone leaves the period as it is. */
static int encode_quota(const struct limit *limit, const struct cg_limits *limits, char **ret)
{
	_cleanup_free_ char *quota = NULL;
	int r = encode_number(limit, limits, &quota);

	if (r < 0 || !quota)
		return r;
	if (limits->cpu_period_usec == CG_UNSET)
		*ret = TAKE_PTR(quota);
	else if (asprintf(ret, "%s %" PRIu64, quota, limits->cpu_period_usec) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

static bool verify_same(int cgroup, const struct cg_readback *item)
{
	(void)cgroup;
	return strcmp(item->wanted, item->actual) == 0;
}

/* The kernel answers with quota and period, whether or not both were written. */
static bool verify_quota(int cgroup, const struct cg_readback *item)
{
	size_t n = strlen(item->wanted);

	if (strchr(item->wanted, ' '))
		return verify_same(cgroup, item);
	return strncmp(item->wanted, item->actual, n) == 0 && item->actual[n] == ' ';
}

static bool same_set(const struct cg_readback *item, struct cpuset **ret_wanted)
{
	_cleanup_(cpuset_freep) struct cpuset *actual = NULL;

	return cpuset_parse(item->wanted, ret_wanted) == 0 &&
	       cpuset_parse(item->actual, &actual) == 0 && cpuset_equal(*ret_wanted, actual);
}

static bool verify_exclusive(int cgroup, const struct cg_readback *item)
{
	_cleanup_(cpuset_freep) struct cpuset *wanted = NULL;

	(void)cgroup;
	return same_set(item, &wanted);
}

/* cpuset.cpus is only a request: an ancestor or hotplug may leave nothing of it, and then the
 * kernel lends the parent's CPUs (cgroup-v2.rst, cpuset.cpus.effective). */
static bool verify_effective(int cgroup, const struct cg_readback *item)
{
	_cleanup_(cpuset_freep) struct cpuset *wanted = NULL, *effective = NULL;
	_cleanup_free_ char *text = NULL;
	char file[64];

	if (!same_set(item, &wanted))
		return false;
	if (cpuset_empty(wanted))
		return true; /* nothing is asked: everything of the parent */
	(void)snprintf(file, sizeof(file), "%s.effective", item->file);
	return fs_read_line_new(cgroup, file, &text) == 0 && cpuset_parse(text, &effective) == 0 &&
	       !cpuset_empty(effective) && cpuset_subset(effective, wanted);
}

/* page_counter_memparse() rounds down to pages. */
static bool rounded(const struct cg_readback *item, uint64_t unit_bytes)
{
	uint64_t wanted, actual;

	if (strcmp(item->wanted, item->actual) == 0)
		return true;
	return parse_u64(item->wanted, &wanted) == 0 && parse_u64(item->actual, &actual) == 0 &&
	       actual <= wanted && wanted - actual < unit_bytes;
}

static bool verify_bytes(int cgroup, const struct cg_readback *item)
{
	long page = sysconf(_SC_PAGESIZE);

	(void)cgroup;
	return rounded(item, page > 0 ? (uint64_t)page : 4096);
}

#define AT(m) offsetof(struct cg_limits, m)
static const struct limit table[] = {
	{ "cpus", CG_CPUSET, "cpuset.cpus", AT(cpus), encode_set, verify_effective },
	{ "nodes", CG_CPUSET, "cpuset.mems", AT(nodes), encode_set, verify_effective },
	{ "exclusive", CG_CPUSET, "cpuset.cpus.exclusive", AT(exclusive), encode_set,
	  verify_exclusive },
	/* "isolated invalid (reason)" is how the kernel says that it does not hold. */
	{ "partition", CG_CPUSET, "cpuset.cpus.partition", AT(partition), encode_word,
	  verify_same },

	{ "cpu_weight", CG_CPU, "cpu.weight", AT(cpu_weight), encode_number, verify_same },
	{ "cpu_quota", CG_CPU, "cpu.max", AT(cpu_quota_usec), encode_quota, verify_quota },

	{ "memory_min", CG_MEMORY, "memory.min", AT(memory_min_bytes), encode_number,
	  verify_bytes },
	{ "memory_low", CG_MEMORY, "memory.low", AT(memory_low_bytes), encode_number,
	  verify_bytes },
	{ "memory_high", CG_MEMORY, "memory.high", AT(memory_high_bytes), encode_number,
	  verify_bytes },
	{ "memory_max", CG_MEMORY, "memory.max", AT(memory_max_bytes), encode_number,
	  verify_bytes },
	{ "swap_max", CG_MEMORY, "memory.swap.max", AT(swap_max_bytes), encode_number,
	  verify_bytes },
	{ "oom_group", CG_MEMORY, "memory.oom.group", AT(oom_group), encode_number, verify_same },

	{ "pids_max", CG_PIDS, "pids.max", AT(pids_max), encode_number, verify_same },
};
#undef AT

static void readback_done(struct cg_readback *item)
{
	free(item->file);
	free(item->wanted);
	free(item->actual);
	*item = (struct cg_readback){ 0 };
}

void cg_readbacks_done(struct cg_readbacks *r)
{
	for (size_t i = 0; i < r->count; i++)
		readback_done(&r->items[i]);
	free(r->items);
	*r = (struct cg_readbacks){ 0 };
}

/* Writes one limit, and files what came of it as the next item. */
static void put(int cgroup, uint32_t enabled, struct cg_readbacks *into, struct cg_readback item)
{
	if (!(enabled & CG_BIT(item.controller)))
		item.error = -EOPNOTSUPP;
	else /* a write of no bytes never reaches the kernel's handler: the empty set is a newline
	      */
		item.error = fs_write(cgroup, item.file, *item.wanted ? item.wanted : "\n");
	into->items[into->count++] = item;
}

static int put_limits(int cgroup, uint32_t enabled, const struct cg_limits *limits,
		      struct cg_readbacks *into)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct cg_readback item = { .limit = table[i].name,
					    .controller = table[i].controller };
		int r = table[i].encode(&table[i], limits, &item.wanted);

		if (r < 0)
			return r;
		if (!item.wanted)
			continue;
		item.file = strdup(table[i].file);
		if (!item.file) {
			readback_done(&item);
			return -ENOMEM;
		}
		put(cgroup, enabled, into, item);
	}
	return 0;
}

/* Pages in use, and those that are promised to a mapping before they are touched (Linux 5.7):
 * without the second a slice could reserve what is another's and never use it. */
static const struct {
	const char *limit, *what;
} hugepage_limits[] = { { "hugepages", "max" }, { "hugepages_reserved", "rsvd.max" } };

static int put_hugepage_limit(int cgroup, uint32_t enabled, const struct cg_hugepages *pages,
			      size_t which, struct cg_readbacks *into)
{
	struct cg_readback item = { .limit = hugepage_limits[which].limit,
				    .controller = CG_HUGETLB };
	int r = cg_hugetlb_file(pages->page_bytes, hugepage_limits[which].what, &item.file);

	if (r == 0)
		r = format_number(pages->limit_bytes, &item.wanted);
	if (r < 0) {
		readback_done(&item);
		return r;
	}
	put(cgroup, enabled, into, item);
	return 0;
}

static int put_hugepages(int cgroup, uint32_t enabled, const struct cg_limits *limits,
			 struct cg_readbacks *into)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < limits->hugepages_count; i++)
		for (size_t k = 0; r == 0 && k < ARRAY_SIZE(hugepage_limits); k++)
			r = put_hugepage_limit(cgroup, enabled, &limits->hugepages[i], k, into);
	return r;
}

/* A limit on huge pages is rounded down to whole ones. */
static bool verify_hugepages(const struct cg_readback *item, const struct cg_limits *limits)
{
	for (size_t i = 0; i < limits->hugepages_count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(hugepage_limits); k++) {
			_cleanup_free_ char *file = NULL;

			if (cg_hugetlb_file(limits->hugepages[i].page_bytes,
					    hugepage_limits[k].what, &file) == 0 &&
			    strcmp(file, item->file) == 0)
				return rounded(item, limits->hugepages[i].page_bytes);
		}
	return false;
}

static bool verify(int cgroup, const struct cg_readback *item, const struct cg_limits *limits)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, item->limit) == 0)
			return table[i].verify(cgroup, item);
	return verify_hugepages(item, limits);
}

/* Only after everything was written: a partition changes what the sets before it became. */
static int read_back(int cgroup, const struct cg_limits *limits, struct cg_readback *item)
{
	int r;

	if (item->error == -EOPNOTSUPP)
		return 0;
	r = fs_read_line_new(cgroup, item->file, &item->actual);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && item->error == 0)
		item->error = r;
	item->holds = r == 0 && verify(cgroup, item, limits);
	return 0;
}

int cg_apply(int cgroup, uint32_t enabled, const struct cg_limits *limits, struct cg_readbacks *ret)
{
	_cleanup_(cg_readbacks_done) struct cg_readbacks made = { 0 };
	int r;

	made.items =
		calloc(ARRAY_SIZE(table) + ARRAY_SIZE(hugepage_limits) * limits->hugepages_count,
		       sizeof(*made.items));
	if (!made.items)
		return -ENOMEM;
	r = put_limits(cgroup, enabled, limits, &made);
	if (r == 0)
		r = put_hugepages(cgroup, enabled, limits, &made);
	for (size_t i = 0; r == 0 && i < made.count; i++)
		r = read_back(cgroup, limits, &made.items[i]);
	if (r < 0)
		return r;
	*ret = TAKE(made, (struct cg_readbacks){ 0 });
	return 0;
}
