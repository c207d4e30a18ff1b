/* SPDX-License-Identifier: Apache-2.0 */
/* The cpu controller's table: weight among siblings, and bandwidth (sched-bwc.rst). */
#include "cgroups/limit.h"

#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "quota period"; the quota alone leaves the period as it is. */
static int encode_quota(const struct limit_row *row, const void *values, char **ret)
{
	const struct cg_limits *limits = values;
	_cleanup_free_ char *quota = NULL;
	int r = limit_encode_number(row, values, &quota);

	if (r < 0 || !quota)
		return r;
	if (limits->cpu_period_usec == CG_UNSET)
		*ret = TAKE_PTR(quota);
	else if (asprintf(ret, "%s %" PRIu64, quota, limits->cpu_period_usec) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

/* The quota. */
static int decode_quota(const char *text, uint64_t *ret)
{
	_cleanup_free_ char *quota = strndup(text, strcspn(text, " "));

	return quota ? limit_decode_number(quota, ret) : -ENOMEM;
}

/* The kernel answers with quota and period, whether or not both were written. */
static bool verify_quota(int cgroup, const struct limit_row *row, const struct cg_readback *item)
{
	size_t n = strlen(item->wanted);

	if (strchr(item->wanted, ' '))
		return limit_verify_same(cgroup, row, item);
	return strncmp(item->wanted, item->actual, n) == 0 && item->actual[n] == ' ';
}

static const struct limit_kind kind_quota = { .encode = encode_quota,
					      .extract = limit_extract_line,
					      .decode = decode_quota,
					      .verify = verify_quota };

#define AT(m) offsetof(struct cg_limits, m)
static const struct limit_row rows[] = {
	{ "cpu_weight", "cpu", "cpu.weight", LIMIT_NUMBER, &limit_kind_number,
	  .offset = AT(cpu_weight), .initial = "100" },
	{ "cpu_quota", "cpu", "cpu.max", LIMIT_USEC, &kind_quota, .offset = AT(cpu_quota_usec),
	  .initial = "max 100000" },
	/* After its quota: the kernel takes none above it, and no quota below it
	 * (tg_set_cfs_bandwidth()). */
	{ "cpu_burst", "cpu", "cpu.max.burst", LIMIT_USEC, &limit_kind_number,
	  .offset = AT(cpu_burst_usec), .initial = "0", .yields = true },
};

const struct limit_table limit_cpu = { .controller = CG_CPU,
				       .rows = rows,
				       .count = ARRAY_SIZE(rows) };
