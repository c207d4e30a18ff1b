/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: bpf(2) on a made-up hierarchy of control groups (fake_cgroups.h). Programs are files
 * of a folder, named after their numbers, and what is attached is listed in a file of the cgroup,
 * so that it goes with it, and a program that is forgotten there is seen. */

#include <linux/bpf.h>

#define FAKE_BPF_FILE "bpf.device" /* of every cgroup: "NUMBER NUMBER ..." */

struct fake_bpf {
	const char *folder; /* existing and empty */
	long (*system_call)(long number, ...);
};

/* -1 and errno, as bpf(2). */
long fake_bpf(const struct fake_bpf *b, int command, union bpf_attr *attr);
const char *fake_bpf_name(int command); /* "bpf load"; NULL: not one of those that are made up */
