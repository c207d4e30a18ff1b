/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Device rules as a program for the kernel's virtual machine: BPF_PROG_TYPE_CGROUP_DEVICE, called
 * with struct bpf_cgroup_dev_ctx for every open(2) and mknod(2) of a device node (linux/bpf.h,
 * kernel/bpf/cgroup.c). It answers 1, go on, where one rule allows all that is asked, else 0, which
 * becomes EPERM. Pure: nothing is asked of the kernel here. */

#include "util/device_rule.h"

struct bpf_insn;

/* BPF_MAXINSNS: what every kernel takes. Newer ones take more, of which nobody has the nodes. */
enum { CG_DEVICE_INSTRUCTIONS_MAX = 4096 };

/* The same rules give the same instructions, so that the kernel's tag (a hash of them) tells
 * whether a program is the one wanted. The caller frees *ret. No rule at all allows nothing.
 * -ENOMEM; -E2BIG where there are more rules than instructions, some 500. */
int cg_device_assemble(const struct device_rules *rules, struct bpf_insn **ret, size_t *ret_count);
