/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by pressure.c (triggers and timers), pressure_act.c (what is done) and pressure_view.c
 * (what is told); nobody else includes it. */

#include "cgroups/usage.h"
#include "manager.h"
#include "model/pressure.h"
#include "pressure.h"
#include "relief.h"

enum { PRESSURE_EVIDENCE_BYTES = 384 };

/* One rule on one subject. */
struct pressure_point {
	struct manager *manager;
	struct slice *slice; /* NULL: the host */
	enum pressure_resource resource;
	const struct pressure_rule *rule;
	struct pressure_state state;
	sd_event_source *trigger, *timer; /* NULL: not armed; not needed yet */
};

struct pressure {
	struct pressure_point points[PRESSURE_RESOURCES];
};

struct pressure_slice {
	struct pressure_point points[PRESSURE_RESOURCES];
	struct relief *relief; /* NULL: no cgroup of its own */
	sd_event_source *due;  /* it is watched from then on; NULL: it is, or nobody will */
	bool recovered;	       /* what an earlier agent had taken is given back */
	char reason[128];      /* why nothing is watched; "" when it is */
};

/* Reads the averages of a point, and in *ret_avg10 that of its rule's kind; -1 not known. */
void pressure_read(const struct pressure_point *p, struct cg_pressure *ret, double *ret_avg10);

/* Of the host's memory. False where it is not told. */
bool pressure_available(const struct host *host, uint64_t *ret_bytes, uint64_t *ret_total_bytes);

/* An event: node.pressure, or slice.pressure of `about` (the point's own slice, or one to which
 * something was done for the host's sake). */
struct pressure_story {
	const char *action, *evidence;
	const struct slice *about;
	json_t *slices; /* of the host's: to whom it was done; borrowed, may be NULL */
};
void pressure_tell(const struct pressure_point *p, const struct pressure_story *story);

/* pressure_act.c. Whether steps on the revocable can help now, and the numbers behind that (why,
 * left as it is for a slice's own). */
bool pressure_able(const struct pressure_point *p, char *why, size_t size);
/* Takes a step and tells it. The slice of the point may be on its way out afterwards. */
void pressure_act(const struct pressure_point *p, enum pressure_action action, const char *why);
/* What is in force, for tasks that were started since. */
void pressure_act_again(const struct pressure_point *p);
/* The state says that nothing is in force any more: undoes it and tells. */
void pressure_restore(const struct pressure_point *p);
