/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* irqbalance, which moves interrupts all day: told over its socket which CPUs and interrupts it is
 * to leave alone, rather than fought. Protocol: irqbalance(1), "API"; version 1.8 and later, which
 * take lists of CPUs. It acts in its next round, some seconds later. */

#include "util/cpuset.h"
#include "util/host.h"

#include <sys/types.h>

enum {
	/* Of each step, in whole seconds: it answers between two rounds. */
	IRQBALANCE_TIMEOUT_USEC = 1000000,
	IRQBALANCE_MESSAGE_MAX = 499, /* it reads no more at once (its sock_handle()) */
};

struct irqbalance_setup {
	uint64_t round_usec; /* between two of its rounds; it goes by new settings from the next on
			      */
	struct cpuset *cpus; /* that it leaves alone */
	struct cpuset *irqs; /* likewise, as far as somebody said so */
};
void irqbalance_setup_done(struct irqbalance_setup *setup);

/* Whether one listens below run/irqbalance; its process number, -ENOENT without. */
int irqbalance_find(const struct host *host, pid_t *ret);
/* What it left alone in its last round. -ECONNREFUSED: it is gone, and its socket is left;
 * -ETIMEDOUT; -EBADMSG for an answer that is none. */
int irqbalance_ask(const struct host *host, pid_t pid, struct irqbalance_setup *ret);
/* Replaces its list, whatever was in it; an empty one makes it go by its own configuration again.
 * -E2BIG: the list is longer than what it reads. */
int irqbalance_tell_cpus(const struct host *host, pid_t pid, const struct cpuset *cpus);
int irqbalance_tell_irqs(const struct host *host, pid_t pid, const struct cpuset *irqs);
