/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: a directory that behaves as a cgroup v2 hierarchy, and system calls that can be told
 * to fail. The program's own open, write, mkdir and the like stand before libc's; what does not
 * concern the hierarchy goes through untouched. One a process. */

#include <stdbool.h>

/* root: an existing, empty directory; it becomes the root of the hierarchy, with every controller
 * enabled. Asserts. */
void fake_cgroups_open(const char *root);

/* Files of a kernel that live elsewhere, /sys and /proc: they keep what they say until they are
 * written. At most two folders. */
void fake_attributes(const char *folder);
/* bpf(2) is answered as far as device programs need it, which are kept in that folder. */
void fake_programs(const char *folder);
/* Classes of resctrl, which are born with their files as cgroups are. */
void fake_classes(const char *folder);

/* A write to a file of that name, below any folder, waits until somebody opens the FIFO for
 * writing; NULL, NULL: none does. For a kernel that takes its time. */
void fake_hold(const char *file, const char *fifo);

/* From now on the n-th operation (from 1) fails, once, with that errno. Operations are what changes
 * or opens something in the hierarchy or below `beside`, and what makes processes and sockets; of
 * the agent's children too. n 0: none fails. */
void fake_fail(unsigned n, int error, const char *beside);
/* Ends that; the number of operations since. */
unsigned fake_fail_end(void);
/* What failed: "mkdirat /tmp/..."; NULL: nothing has. */
const char *fake_failed(void);
