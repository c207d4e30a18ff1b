/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The device nodes that processes of a cgroup, and of those below it, may open: a program of ours
 * at the kernel's hook BPF_CGROUP_DEVICE. An access must be allowed by every program on the way up
 * (BPF_F_ALLOW_MULTI), so ours only ever takes away, and lives beside those of PID 1 and of
 * container runtimes, which it does not touch: ours are known by their name. The cgroup holds the
 * program: it outlives this process and goes with the cgroup. */

#include "util/device_rule.h"

#define CG_DEVICE_NAME "reeve_devices"	   /* at most 15 characters: BPF_OBJ_NAME_LEN */
#define CG_DEVICE_FILE "bpf:cgroup_device" /* what stands for a file in a read-back */
enum { CG_DEVICE_TAG_SIZE = 17, CG_DEVICE_REASON_SIZE = 192 };

/* Loaded once and attached to as many cgroups as want the same rules: loading has the kernel verify
 * and translate, which takes longer than all else here. */
struct cg_device_program {
	int fd;				    /* -1: the kernel refused it */
	char tag[CG_DEVICE_TAG_SIZE];	    /* the kernel's hash of it, in hex; "" when refused */
	int error;			    /* 0, or a negative errno */
	char reason[CG_DEVICE_REASON_SIZE]; /* a sentence why it was refused */
};

/* What the kernel refuses is in *ret; fails only without memory. */
int cg_device_load(const struct device_rules *rules, struct cg_device_program *ret);
void cg_device_unload(struct cg_device_program *p); /* where it is attached it stays */

struct cg_device_filter {
	char actual[CG_DEVICE_TAG_SIZE];    /* tag of ours that is attached; "": none, or not to be
					       known */
	uint32_t id;			    /* of the attached one, 0 none */
	bool holds;			    /* what is attached is exactly the program */
	int error;			    /* 0, or the negative errno of the step that failed */
	char reason[CG_DEVICE_REASON_SIZE]; /* a sentence why it does not hold; "" when it does */
};

/* Makes the program hold for the cgroup. The same one that is there already stays; else it is
 * replaced in one step of the kernel's, so that there is no moment without (Linux 5.6). Then it is
 * read back. A program that was refused leaves what is there, and gives its own reason. */
void cg_device_apply(int cgroup, const struct cg_device_program *p, struct cg_device_filter *ret);

/* Whether the program of that id is the cgroup's one filter of ours. For looking again at what this
 * process has applied. An id is not used again before 2^31 others. */
bool cg_device_holds(int cgroup, uint32_t id);

/* Takes ours away; none is 0. */
int cg_device_remove(int cgroup);
