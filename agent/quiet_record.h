/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the host had before the agent kept noise off CPUs: nobody else knows it, so it is written
 * down before anything is changed, in a file of the runtime directory that outlives the agent and
 * not the boot, as the settings do. */

#include "util/cpuset.h"
#include "util/fail.h"

#include <stdbool.h>
#include <sys/types.h>

enum { QUIET_UNITS_MAX = 8 };

/* One setting that is a set of CPUs: what it was, and what the agent makes of it. */
struct quiet_kept {
	struct cpuset *original; /* to be put back; NULL: it is as it was */
	struct cpuset *written;	 /* what the agent wants there */
	struct cpuset *previous; /* what it wanted before: an agent may die between the two */
};
void quiet_kept_done(struct quiet_kept *k);
/* `now` is there. What the agent did not write is somebody else's, and what is to be put back. */
int quiet_kept_begin(struct quiet_kept *k, const struct cpuset *now);
/* *want (taken over) is to be there: 1 when it has to be written, 0 when it is there. */
int quiet_kept_aim(struct quiet_kept *k, const struct cpuset *now, struct cpuset **want);
/* It was written, or (error negative) refused, and `now` is there still: keeps nothing of what is
 * as it was. */
void quiet_kept_end(struct quiet_kept *k, const struct cpuset *now, int error);

struct quiet_irq {
	unsigned irq;
	struct quiet_kept kept;
};

struct quiet_record {
	struct cpuset *cpus;	/* that were to be quiet last */
	struct cpuset *seen;	/* numbers of interrupts that were there then */
	struct quiet_irq *irqs; /* that are not where they were; by number */
	size_t irqs_count;
	struct quiet_kept irq_default, workqueues;
	pid_t irqbalance;	      /* which was told, 0 none */
	struct cpuset *balance_cpus;  /* that it left alone before, and */
	struct cpuset *balance_irqs;  /* interrupts likewise */
	struct cpuset *balance_asked; /* interrupts that it was told to leave alone beside those */
	struct {
		char *name;		/* "system.slice" */
		struct cpuset *allowed; /* its AllowedCPUs before; empty: all */
	} units[QUIET_UNITS_MAX];
	size_t units_count;
};

int quiet_record_init(struct quiet_record *r); /* -ENOMEM */
void quiet_record_done(struct quiet_record *r);

struct quiet_irq *quiet_record_irq(const struct quiet_record *r, unsigned irq); /* or NULL */
int quiet_record_add_irq(struct quiet_record *r, unsigned irq, struct quiet_irq **ret); /* new */
/* Drops those that are as they were. */
void quiet_record_tidy(struct quiet_record *r);
bool quiet_record_empty(const struct quiet_record *r); /* nothing is to be put back */

/* The text of the file, heap, NULL without memory; and back. A text of another boot is an empty
 * record. -EBADMSG with a sentence: *ret is untouched. */
char *quiet_record_text(const struct quiet_record *r, const char *boot_id);
int quiet_record_parse(const char *text, const char *boot_id, struct quiet_record *ret,
		       struct fail *f);
