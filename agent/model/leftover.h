/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What outlives the processes that made it: System V shared memory, semaphores and message queues,
 * files of /dev/shm and POSIX message queues. Whether such an object is of a slice that ends, and
 * whether it may be removed with it. Pure. */

#include "util/strtab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum leftover_kind {
	LEFTOVER_SHM,
	LEFTOVER_SEM,
	LEFTOVER_MSG,
	LEFTOVER_FILE,
	LEFTOVER_QUEUE,
	LEFTOVER_KINDS,
};
/* "sysv-shm" "sysv-sem" "sysv-msg" "posix-shm" "posix-mq" */
STRTAB_DECLARE(leftover_kind, enum leftover_kind);

struct leftover_node { /* a file of any kind, as the kernel numbers it */
	uint32_t major, minor;
	uint64_t inode;
};

struct leftover {
	enum leftover_kind kind;
	char *name; /* a file's, below its directory; NULL: System V */
	int32_t id; /* System V */
	uint32_t key;
	uint32_t creator, owner; /* users; of a file one and the same */
	uint64_t bytes;
	uint64_t born_usec; /* CLOCK_REALTIME; where the kernel keeps only changes, the last */
	uint64_t attached;  /* shared memory: by how many */
	int32_t made_by;    /* process number, 0: not known */
	int32_t used_by[2]; /* the last that sent and received, 0: none */
	bool directory;	    /* it is removed when it is empty, and not told */
	struct leftover_node node;
};

struct leftover_user {
	uint32_t uid;
	uint64_t since_usec; /* what this user made before is not the slice's */
};

struct leftover_use { /* by a process of this user: what it was handed by another is not its */
	struct leftover_node node;
	uint32_t uid;
};

struct leftover_process {
	int32_t pid;
	uint64_t started_usec; /* CLOCK_REALTIME */
};

/* What is known of a slice. Each array sorted by the functions below, and owned by its holder. */
struct leftover_claim {
	struct leftover_user *users; /* under which its tasks ran */
	size_t users_count;
	struct leftover_process *processes; /* that it had when its end began, */
	size_t processes_count;
	struct leftover_use *uses; /* and what these had open to write, or mapped so */
	size_t uses_count;
	uint32_t *others; /* users of tasks of other slices */
	size_t others_count;
};

enum { LEFTOVER_USERS_MAX = 1024 };

/* Of a user that is there already the earlier time holds. -E2BIG beyond LEFTOVER_USERS_MAX,
 * -ENOMEM. */
int leftover_claim_user(struct leftover_claim *c, uint32_t uid, uint64_t since_usec);
int leftover_claim_other(struct leftover_claim *c, uint32_t uid);
int leftover_claim_process(struct leftover_claim *c, int32_t pid, uint64_t started_usec);
int leftover_claim_use(struct leftover_claim *c, const struct leftover_use *use);
/* Once, after the last process and use. */
void leftover_claim_sort(struct leftover_claim *c);
void leftover_claim_done(struct leftover_claim *c);
int leftover_node_compare(const void *a, const void *b); /* for qsort and bsearch */

/* Whether it may be the slice's: made since by one of its users. */
bool leftover_matches(const struct leftover_claim *c, const struct leftover *l);

/* What was seen of one that matches. */
struct leftover_signs {
	bool in_use;	   /* some process has it open, mapped or attached, or was the last user */
	bool user_outside; /* processes of its user run that are not the slice's */
	bool unsure;	   /* not everybody could be asked */
};
/* NULL: nobody else can have made it, or wants it. Else the reason why it is not removed. */
const char *leftover_judge(const struct leftover_claim *c, const struct leftover *l,
			   const struct leftover_signs *signs);
