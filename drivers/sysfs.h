/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One attribute of sysfs or procfs into one field of a device. An attribute that is absent, empty
 * or no number leaves the field unknown: only -ENOMEM is worth a caller's look, so these return
 * nothing but that or 0. With dirfd -1 (no such tree) all are absent. */

#include "util/cpuset.h"

#include <stdint.h>

int sysfs_string(int dirfd, const char *path, char **field);	/* first line, trimmed */
int sysfs_link_name(int dirfd, const char *path, char **field); /* where `driver` points */
void sysfs_u32(int dirfd, const char *path, uint32_t *field);
void sysfs_hex(int dirfd, const char *path, uint32_t *field); /* "0x8086" */

enum sysfs_answer { SYSFS_FOUND = 0, SYSFS_ABSENT = 1, SYSFS_GARBAGE = 2 };

/* A list of CPUs or nodes ("0-3,8"; `online`, `cpulist`). *ret is set with SYSFS_FOUND only.
 * -ENOMEM. */
int sysfs_list(int dirfd, const char *path, struct cpuset **ret);
/* The older form, words of 32 bits in hex, highest first: "00000000,000000ff" (`cpumap`). */
int sysfs_mask(int dirfd, const char *path, struct cpuset **ret);
