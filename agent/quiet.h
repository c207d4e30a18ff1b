/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The host's noise off the CPUs that slices hold alone: interrupts, the kernel's unbound work, and,
 * where no partition can be made, everybody else. Only for CPUs that a cpuset or a partition truly
 * holds: a host without that controller is left as it is. */

struct manager;
struct quiet; /* the manager's: what was before, and what was done last */

enum quiet_hold { QUIET_NO, QUIET_CPUSET, QUIET_PARTITION }; /* what holds a slice's CPUs */

/* Reads what an agent before has written down. -ENOMEM. */
int quiet_new(struct quiet **ret, struct manager *m);
struct quiet *quiet_free(struct quiet *q); /* what is quiet stays so: slices run on */

/* hold_quiet of hold.h stands behind cpuset and partition, by whose rows it knows what holds the
 * CPUs. Its own: interrupts, those of the slice's devices, workqueues, irqbalance and housekeeping,
 * as far as they apply. What cannot be had is a row with a reason. */

/* All slices that live are known again: what was kept quiet for others is put back. */
void quiet_adopted(struct manager *m);
/* Hardware changed: interrupts may have come. Also looked at once a minute while a slice needs it,
 * since nothing tells when a driver sets up its queues anew, or irqbalance is started. */
void quiet_look(struct manager *m);
