/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How reeve-init comes into being: cloned straight into its cgroup, with three descriptors and
 * nothing else of the agent's. */

#include "pin.h"
#include "util/fail.h"

#include <stdbool.h>
#include <sys/types.h>

enum { BIRTH_SEATS = 4 };

/* Descriptors of low numbers, /dev/null but for the moment of a birth: see birth.c. Owned by the
 * manager, and opened before anything else, while low numbers are to be had. */
struct birth_seats {
	int fds[BIRTH_SEATS];
	bool open;
};
int birth_seats_open(struct birth_seats *seats); /* negative errno */
void birth_seats_close(struct birth_seats *seats);

struct birth {
	const char *path, *slice;
	int listener, cgroup, record; /* what it gets as 3, 4 and 5; cgroup -1: none yet */
	int leaf_fd;		      /* the cgroup to be born in, -1 none */
	struct pin pin;
};

/* Returns when it executes (vfork(2)); ret_pidfd is -1 where the kernel gives none. */
int birth_init(const struct birth *b, const struct birth_seats *seats, pid_t *ret_pid,
	       int *ret_pidfd, struct fail *f);
