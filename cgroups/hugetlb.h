/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of the hugetlb controller: one set a page size, named as the kernel names it. See
 * "HugeTLB" in Documentation/admin-guide/cgroup-v2.rst. */

#include <stdint.h>

/* (2 MiB, "rsvd.max") -> "hugetlb.2MB.rsvd.max". -EINVAL below 1 KiB, -ENOMEM. */
int cg_hugetlb_file(uint64_t page_bytes, const char *what, char **ret);
/* What the cgroup and all below it use of this size, in bytes. -ENOENT without the controller. */
int cg_hugetlb_current(int cgroup, uint64_t page_bytes, uint64_t *ret);
/* The same, or what mappings there have reserved and not touched yet (Linux 5.7), if that is more.
 */
int cg_hugetlb_claimed(int cgroup, uint64_t page_bytes, uint64_t *ret);
/* What is used of one node (Linux 5.17); a node that the file does not name has 0. -EBADMSG for a
 * file of another form. */
int cg_hugetlb_node(int cgroup, uint64_t page_bytes, uint32_t node, uint64_t *ret);
