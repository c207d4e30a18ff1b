/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a FRAME_START asks for: its packet, kept as it came for every later run, and the numbers
 * in it. Everything is checked here, so that the child that reads the packet again cannot fail on
 * it. Owns the packet. */

#include "wire/frame.h"

enum {
	ORDER_NAME_BYTES = 64, /* with its NUL */
	ORDER_LEAF_BYTES = ORDER_NAME_BYTES + sizeof(FRAME_PART_EXCLUSIVE),
	ORDER_NODES_MAX = 1024, /* the kernel's own largest MAX_NUMNODES */
	ORDER_ABSENT = -1,	/* as u32: this uid, gid, umask or policy was not given */
};

struct order {
	char name[ORDER_NAME_BYTES]; /* [a-z0-9-]+, never "init" */
	char leaf[ORDER_LEAF_BYTES]; /* its cgroup below the slice's: "name", "@shared/name" */
	uint32_t cpus;		     /* enum frame_cpus: which of them */
	void *packet;
	size_t packet_bytes;
	uint32_t uid, gid, umask;
	uint32_t oom_single;	/* 1: the OOM killer takes one process, not all */
	uint32_t memory_policy; /* MPOL_* */
	uint32_t argument_count, environment_count, group_count;
	uint32_t restart; /* enum frame_restart */
	uint32_t restarts_max;
	uint32_t netns; /* 1: it is to run in a network namespace that came with it */
	uint64_t grace_usec, backoff_first_usec, backoff_max_usec;
};

/* Copies the packet. -EBADMSG: a field has another size than its tag; -EINVAL: a value is out of
 * range, there is no argument, or a uid comes without a gid; -ENOMEM. */
int order_init(struct order *o, const void *packet, size_t size);
void order_done(struct order *o);
void order_drop_packet(struct order *o); /* no further run will need it */

/* A reader at the first field of the kept packet. */
struct frame_reader order_reader(const struct order *o);
/* A name is one path component and not ours: -EINVAL. */
int order_name(const struct frame_field *field, char room[ORDER_NAME_BYTES]);
