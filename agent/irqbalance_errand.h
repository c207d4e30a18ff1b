/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Talking to irqbalance (irqbalance.h) as an errand's child does it: one that stands still, or is
 * busy with a round, is waited for there. */

#include "irqbalance.h"

#include <stddef.h>

enum {
	IRQBALANCE_ANSWER_LIMIT_BYTES = 128 << 10, /* two lists of numbers, from 64 KiB of text */
	IRQBALANCE_LIMIT_USEC = 7 * 1000000,	   /* two orders of three steps, and a margin */
};

struct irqbalance_work {
	const struct host *host; /* the child has its root_fd kept */
	pid_t pid;
	bool asks;		    /* else it tells */
	struct cpuset *cpus, *irqs; /* NULL: of those it is told nothing */
};
void irqbalance_work_done(struct irqbalance_work *w);

/* The errand's run; the argument is a work. */
void irqbalance_errand(void *work, int answer);
/* What came of it: what irqbalance said, empty where it was told something; or the error of
 * irqbalance.h. -EBADMSG: the child died. */
int irqbalance_answer(const char *answer, size_t size, struct irqbalance_setup *ret);
