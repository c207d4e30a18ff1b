/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of quiet*.c: the state, and the steps for what is no interrupt. Each step has two halves
 * with the writing of the record between them. */

#include "errand.h"
#include "irqbalance_errand.h"
#include "manager.h"
#include "quiet.h"
#include "quiet_irqs.h"
#include "quiet_record.h"

struct quiet {
	struct manager *manager;
	char *path;  /* of the record */
	char *saved; /* its text; NULL: there is no file */
	int save_error;
	struct quiet_record record;
	struct cpuset *cpus;   /* that are to be quiet */
	struct cpuset *inside; /* those of them that no partition holds */
	struct quiet_plan plan;
	struct quiet_irqs irqs; /* as of the last time */
	int irqs_error;		/* they cannot be listed */
	bool settled;		/* the plan is carried out */
	/* workqueues */
	struct cpuset *workers;	 /* where unbound work may run; NULL: not known */
	struct cpuset *isolated; /* CPUs that the kernel keeps free of it itself */
	struct cpuset *workers_now;
	int workers_error;
	bool workers_write;
	/* irqbalance */
	pid_t balance;		       /* 0: there is none */
	struct errand *balance_errand; /* NULL: nobody talks to it */
	struct irqbalance_work balance_work;
	int balance_error;	      /* of the last word with it */
	uint64_t balance_after_usec;  /* it did not answer: not asked again before */
	uint64_t balance_parted_usec; /* by then it has read its own settings; 0: not told them */
	struct cpuset *balance_told, *balance_told_irqs; /* NULL: nothing yet */
	/* housekeeping */
	struct cpuset *units_told; /* CPUs that they were kept off; NULL: nothing */
	struct fail units_why;	   /* why they are not */
	sd_event_source *look;
};

/* Writes the record down; one of nothing has no file. Negative errno: the one before is there. */
int quiet_save(struct quiet *q);

int quiet_workers_prepare(struct quiet *q);
void quiet_workers_apply(struct quiet *q);
int quiet_balance_prepare(struct quiet *q);
int quiet_balance_apply(struct quiet *q);
/* It was told to leave these alone, by its own word. */
bool quiet_balance_told(const struct quiet *q, const struct cpuset *cpus);
int quiet_units_prepare(struct quiet *q);
int quiet_units_apply(struct quiet *q);

/* The rows of a slice that is held, as of the last settling. */
int quiet_rows(const struct slice *s, struct enforcements *rows);
/* One row that nothing is done, and why. */
int quiet_refuse(const struct slice *s, const char *limit, const char *reason,
		 struct enforcements *rows);
