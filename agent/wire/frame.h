/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages between the agent and reeve-init: one SOCK_SEQPACKET packet each, a header and tagged
 * fields in host byte order (both ends run on one machine). Unknown types and tags are skipped, so
 * that an agent can talk to an older or newer init. libc only, no heap.
 *
 *   header: u32 magic "RVE1", u16 protocol version, u16 type
 *   field:  u16 tag, u16 zero, u32 length, bytes, zero padding to a multiple of 4
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_VERSION = 1,	       /* raised only when an old reader would misunderstand */
	FRAME_LIMIT_BYTES = 160 << 10, /* one packet: argv and env of a task fit */
};

enum frame_type {
	/* agent -> init */
	FRAME_HELLO = 1, /* VERSION; a descriptor: the slice's cgroup, for an init that has none
			  * yet; answered by FRAME_WELCOME and then every task's FRAME_STATUS */
	FRAME_START,	 /* a task; descriptors: stdin, stdout, stderr, and with NETNS its network
			  * namespace; answered by FRAME_STATUS */
	FRAME_SIGNAL,	 /* TASK, SIGNAL: to every process of the task; answered by FRAME_RESULT */
	FRAME_STOP,	 /* TASK, GRACE_USEC: SIGTERM, then cgroup.kill; no restart after it */
	FRAME_FORGET, /* TASK: its final status is safe, drop it; an active one is refused -EBUSY */
	FRAME_QUIT,   /* kill everything, then exit; the socket closes when all is gone */
	FRAME_KEEP,   /* descriptors, to be held instead of those of the last one until reeve-init
		       * ends: who closes his own is not kept waiting by the kernel; no answer */
	/* init -> agent */
	FRAME_WELCOME = 64, /* VERSION, SLICE, PID of init, ABILITIES */
	FRAME_STATUS,	    /* every change of a task, and answer to START / HELLO */
	FRAME_RESULT, /* TASK, ERRNO (0: done): answer to SIGNAL, STOP, FORGET, refused START */
};

enum frame_tag {			       /* (type of value) */
		 FRAME_TAG_VERSION = 1,	       /* u32 */
		 FRAME_TAG_SLICE,	       /* text */
		 FRAME_TAG_TASK,	       /* text: name within the slice */
		 FRAME_TAG_ARGUMENT,	       /* text, repeated, in order */
		 FRAME_TAG_ENVIRONMENT,	       /* text "K=V", repeated */
		 FRAME_TAG_UID,		       /* u32 */
		 FRAME_TAG_GID,		       /* u32 */
		 FRAME_TAG_GROUP,	       /* u32, repeated: supplementary groups */
		 FRAME_TAG_CWD,		       /* text */
		 FRAME_TAG_UMASK,	       /* u32 */
		 FRAME_TAG_LIMIT,	       /* 3 x u64: RLIMIT_*, soft, hard; repeated */
		 FRAME_TAG_GRACE_USEC,	       /* u64: between SIGTERM and cgroup.kill */
		 FRAME_TAG_RESTART,	       /* u32: enum frame_restart */
		 FRAME_TAG_BACKOFF_FIRST_USEC, /* u64 */
		 FRAME_TAG_BACKOFF_MAX_USEC,   /* u64 */
		 FRAME_TAG_RESTARTS_MAX,       /* u32: give up after so many; absent: never */
		 FRAME_TAG_SIGNAL,	       /* u32 */
		 FRAME_TAG_PID,		       /* u32 */
		 FRAME_TAG_STATE,	       /* u32: enum frame_state */
		 FRAME_TAG_EXIT_CODE,	       /* u32: of the last run, when it exited */
		 FRAME_TAG_EXIT_SIGNAL,	       /* u32: when it was killed */
		 FRAME_TAG_OOM_KILLED,	  /* u32: how many of its processes the kernel's OOM killer
					     took */
		 FRAME_TAG_STARTED_USEC,  /* u64: CLOCK_REALTIME of the last start */
		 FRAME_TAG_ENDED_USEC,	  /* u64: CLOCK_REALTIME of the last end */
		 FRAME_TAG_RESTARTS,	  /* u32 */
		 FRAME_TAG_CPU_USER_USEC, /* u64: rusage of all reaped runs */
		 FRAME_TAG_CPU_SYSTEM_USEC,   /* u64 */
		 FRAME_TAG_MEMORY_PEAK_BYTES, /* u64: ru_maxrss, or memory.peak of its cgroup where
						 there is one */
		 FRAME_TAG_ERRNO,	      /* u32: why a start failed */
		 FRAME_TAG_STAGE, /* text: what was being done then: "chdir", "setuid", "exec" */
		 FRAME_TAG_START_TIME, /* u64: field 22 of /proc/PID/stat of the running process */
		 FRAME_TAG_ABILITIES,  /* u32: enum frame_ability; absent: none */
		 FRAME_TAG_NETNS, /* u32, 1: a fourth descriptor is the task's network namespace */
		 FRAME_TAG_OOM_SINGLE, /* u32: 1: the kernel's OOM killer takes one process of the
					* task; absent or 0: all of it */
		 FRAME_TAG_MEMORY_POLICY, /* u32: mode of set_mempolicy(2), MPOL_*; absent: as
					   * reeve-init has it */
		 FRAME_TAG_MEMORY_NODE,	  /* u32, repeated: the nodes of that policy */
		 FRAME_TAG_CPUS,	  /* u32: enum frame_cpus; absent: FRAME_CPUS_ALL */
};

/* What an init can do that one of an earlier version would pass over in silence. */
enum frame_ability {
	FRAME_ABILITY_NETNS = 1,  /* FRAME_TAG_NETNS */
	FRAME_ABILITY_MEMORY = 2, /* OOM_SINGLE, MEMORY_POLICY, MEMORY_NODE */
	FRAME_ABILITY_CPUS = 4,	  /* FRAME_TAG_CPUS */
	FRAME_ABILITY_KEEP = 8,	  /* FRAME_KEEP */
};

/* Of which CPUs of the slice a task has its own cgroup: directly below the slice's, or in one of
 * its two parts. */
enum frame_cpus { FRAME_CPUS_ALL, FRAME_CPUS_EXCLUSIVE, FRAME_CPUS_SHARED, FRAME_CPUS_COUNT };
/* The parts' names, as no task can be named. */
#define FRAME_PART_EXCLUSIVE "@exclusive"
#define FRAME_PART_SHARED "@shared"

enum frame_restart { FRAME_RESTART_NEVER, FRAME_RESTART_ON_FAILURE, FRAME_RESTART_ALWAYS };

enum frame_state {
	FRAME_STATE_RUNNING,
	FRAME_STATE_STOPPING, /* asked to end, within its grace */
	FRAME_STATE_WAITING,  /* ended, restarts after its back-off */
	FRAME_STATE_ENDED,    /* for good: exit facts are final */
	FRAME_STATE_FAILED,   /* could not be started: ERRNO and STAGE */
};

struct frame_writer { /* over the caller's buffer; the first failure sticks */
	char *data;
	size_t size, capacity;
	bool overflow;
};
void frame_begin(struct frame_writer *w, void *room, size_t capacity, enum frame_type type);
void frame_put(struct frame_writer *w, enum frame_tag tag, const void *value, size_t size);
void frame_put_u32(struct frame_writer *w, enum frame_tag tag, uint32_t value);
void frame_put_u64(struct frame_writer *w, enum frame_tag tag, uint64_t value);
void frame_put_text(struct frame_writer *w, enum frame_tag tag,
		    const char *text);	     /* NULL: skipped */
int frame_end(const struct frame_writer *w); /* 0 or -EMSGSIZE */

struct frame_field {
	uint16_t tag;
	const void *value; /* 4-byte aligned when the packet is */
	size_t size;
};
struct frame_reader {
	const char *data;
	size_t size, offset;
};
/* -EBADMSG when it is no whole frame of ours; *ret_type may be one we do not know. */
int frame_open(struct frame_reader *r, const void *packet, size_t size, uint32_t *ret_version,
	       uint32_t *ret_type);
int frame_next(struct frame_reader *r, struct frame_field *ret); /* 1 a field, 0 end, -EBADMSG */
int frame_u32(const struct frame_field *field, uint32_t *ret);	 /* -EBADMSG on another size */
int frame_u64(const struct frame_field *field, uint64_t *ret);
/* A text without NUL inside, copied with one at its end; -EBADMSG, -E2BIG. */
int frame_text(const struct frame_field *field, char *room, size_t size);
