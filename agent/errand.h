/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Something that may take its time, done by a short-lived child: the loop goes on, and a deadline
 * ends it. The child is a copy of the agent that keeps none of its descriptors but the standard
 * ones and those that the order names, may wait for children of its own, and dies with the agent.
 */

#include "util/fail.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct errand;

enum { ERRAND_KEPT_FD = 4, ERRAND_KEPT_MAX = 2 };

struct errand_order {
	/* In the child: what it writes to the descriptor is its answer. */
	void (*run)(void *argument, int answer);
	void *argument;
	/* Descriptors that the child has as ERRAND_KEPT_FD and those after it; -1: not there. */
	int kept[ERRAND_KEPT_MAX];
	size_t kept_count;
	size_t limit_bytes; /* of the answer */
	uint64_t limit_usec;
	/* From the loop, once: the child has ended and this is what it wrote (followed by a NUL),
	 * or why is set: -ETIMEDOUT, -E2BIG, -ENOMEM. The errand may be freed in here. */
	void (*done)(const char *answer, size_t size, const struct fail *why, void *userdata);
	void *userdata;
};

int errand_start(struct errand **ret, sd_event *loop, const struct errand_order *order,
		 struct fail *f);
/* Ends it, if it has not; done is not called any more. */
struct errand *errand_free(struct errand *e);
