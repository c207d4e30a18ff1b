/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A set of small non-negative numbers: CPUs or NUMA nodes, as the kernel numbers them, at most
 * CPUSET_MAX. The one place besides drivers/ that knows hwloc (its bitmaps). Functions that can
 * allocate return 0 or -ENOMEM. */

#include <hwloc/bitmap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUSET_MAX = 65535 };

struct cpuset; /* an hwloc_bitmap_t under our name */

int cpuset_new(struct cpuset **ret);			      /* empty */
int cpuset_copy(struct cpuset **ret, const struct cpuset *s); /* NULL copies to NULL */
struct cpuset *cpuset_free(struct cpuset *s);
static inline void cpuset_freep(struct cpuset **s)
{
	cpuset_free(*s);
}

/* The kernel's list format, cgroup v2 cpuset.cpus: "0-3,8,10-11"; blank or "" is the empty set.
 * -EINVAL on anything else (so also "3-1"), -ERANGE above CPUSET_MAX. */
int cpuset_parse(const char *text, struct cpuset **ret);
char *cpuset_format(const struct cpuset *s); /* "0-3,8", "" when empty; NULL only without memory */
/* The kernel's other format, lib/bitmap-str.c, "%*pb": words of 32 bits in hex, the highest first,
 * with commas between: "ff,ffff0000". -EINVAL, -ERANGE as above. */
int cpuset_parse_mask(const char *text, struct cpuset **ret);
char *cpuset_format_mask(const struct cpuset *s); /* "0" when empty; NULL only without memory */

int cpuset_add(struct cpuset *s, unsigned number);
void cpuset_remove(struct cpuset *s, unsigned number);
bool cpuset_has(const struct cpuset *s, unsigned number);
unsigned cpuset_count(const struct cpuset *s); /* NULL counts 0 */
bool cpuset_empty(const struct cpuset *s);     /* NULL is empty */
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);
bool cpuset_intersects(const struct cpuset *a, const struct cpuset *b); /* NULL never does */
bool cpuset_subset(const struct cpuset *inner, const struct cpuset *outer);
int cpuset_union(struct cpuset *into, const struct cpuset *other);
int cpuset_subtract(struct cpuset *from, const struct cpuset *other);
int cpuset_intersect(struct cpuset *into, const struct cpuset *other);

/* The numbers below 64 * count as bits, the lowest in words[0]. NULL is empty. */
void cpuset_words(const struct cpuset *s, uint64_t *words, size_t count);

/* Walks in rising order: start with previous -1, ends with -1. */
int cpuset_next(const struct cpuset *s, int previous);
#define cpuset_each(number, set) \
	for (int number = cpuset_next(set, -1); number >= 0; number = cpuset_next(set, number))

hwloc_const_bitmap_t cpuset_as_hwloc(const struct cpuset *s);
/* A copy of an hwloc set; -ERANGE when it is infinite or above CPUSET_MAX. NULL gives empty. */
int cpuset_from_hwloc(struct cpuset **ret, hwloc_const_bitmap_t bitmap);
