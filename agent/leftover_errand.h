/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The child's part of looking for leftovers, since both may take their time: the look at a slice's
 * processes before its end, and the removal after it. See errand.h; answers are JSON. */

#include "model/leftover.h"
#include "util/fail.h"
#include "util/host.h"
#include "wire/json.h"

#include <sys/types.h>

enum { LEFTOVER_ANSWER_LIMIT_BYTES = 8 << 20, LEFTOVER_TOLD_MAX = 16 };

/* Whether there is anything that matches, with a look that is short enough for the loop. True also
 * where that cannot tell. With `anybody_usec`: whether anybody made anything since. */
bool leftover_suspected(const struct host *host, const struct leftover_claim *claim,
			uint64_t anybody_usec);

struct leftover_look { /* the argument of leftover_look_errand() */
	const char *root;
	const char *cgroup; /* of the slice's processes; NULL: there is none, only these */
	pid_t *pids;
	size_t pids_count;
	pid_t init_pid; /* our own part of it, which makes nothing */
};
void leftover_look_errand(void *look, int answer);
/* Into the claim, with its users as of then. -EBADMSG. */
int leftover_look_answer(const char *answer, size_t size, uint64_t since_usec,
			 struct leftover_claim *claim, struct fail *f);

struct leftover_cleaning { /* the argument of leftover_clean_errand() */
	const char *root;
	const struct leftover_claim *claim;
	bool remove; /* else all is told that would be */
	uint64_t limit_usec;
};
/* {"removed": {"objects", "bytes"}, "left_behind": [..], "left_behind_more": N, "reason": ".."},
 * the last three only where there is any. */
void leftover_clean_errand(void *cleaning, int answer);
/* The same without a child; what cannot be looked at is its reason. NULL without memory. */
json_t *leftover_clean(const struct host *host, const struct leftover_cleaning *c);
