/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Interrupts away from CPUs that slices hold alone, and those of a slice's own devices onto its
 * CPUs where it asked for that. Two steps, since what was before is written down between them. */

#include "quiet_record.h"
#include "util/host.h"

struct quiet_own { /* an interrupt of a device of a slice that wants it for itself */
	unsigned irq, cpu;
};

struct quiet_plan {
	const struct host *host;
	const struct cpuset *online;
	struct cpuset *away;   /* no interrupts here, but for */
	struct quiet_own *own; /* these; by number, each once */
	size_t own_count;
};
void quiet_plan_done(struct quiet_plan *plan);

struct quiet_stuck { /* an interrupt in use that is served where it should not be */
	unsigned irq;
	struct cpuset *cpus;	 /* there */
	struct cpuset *affinity; /* where it may be */
};

struct quiet_irq_change {
	unsigned irq;
	struct cpuset *now;
	int error; /* of the write */
	bool write;
};

struct quiet_irqs {
	struct quiet_irq_change *changes;
	size_t changes_count;
	struct cpuset *default_now; /* NULL: nothing to write there */
	int default_error;	    /* 0, or why it is not as wanted */
	struct quiet_stuck *stuck;
	size_t stuck_count;
	unsigned moved, unreadable;
	int refusal; /* of the last one that could not be written: a negative errno */
};
void quiet_irqs_done(struct quiet_irqs *work);

/* Reads all interrupts and says in the record what each was and what is wanted. -ENOENT and the
 * like where /proc/irq cannot be listed; -ENOMEM. */
int quiet_irqs_prepare(const struct quiet_plan *plan, struct quiet_record *record,
		       struct quiet_irqs *ret);
/* Writes what differs, and looks at what is left. -ENOMEM: some of it was done. */
int quiet_irqs_apply(const struct quiet_plan *plan, struct quiet_record *record,
		     struct quiet_irqs *work);

/* original without `away`; where nothing online is left of it, online CPUs without it, near ones
 * before others (near NULL: none); where no CPU is left at all, the original. -ENOMEM. */
int quiet_rest(const struct quiet_plan *plan, const struct cpuset *original,
	       const struct cpuset *near, struct cpuset **ret);
