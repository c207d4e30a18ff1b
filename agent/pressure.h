/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pressure as the kernel announces it, of the host and of each slice, and what is done about it by
 * the policy of reeved.conf(5), section [pressure]. The kernel polls for us (PSI triggers): this
 * sleeps while nothing stalls, and reads averages only while something is in force. */

#include "model/pressure_rule.h"
#include "util/fail.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stddef.h>

struct manager;
struct slice;
struct pressure;       /* of the host; owned by the manager */
struct pressure_slice; /* of one slice; owned by it */

/* Arms the host's triggers; those that cannot be had are said in the log. */
int pressure_new(struct pressure **ret, struct manager *m, struct fail *f);
struct pressure *pressure_free(struct pressure *p);

/* What an earlier agent had taken from the tasks for a while is given back, once. -ENOMEM. */
int pressure_recover(struct slice *s);
/* Triggers are held by slices as other things are: hold_pressure (hold.h) arms them, after that.
 * This is its other half, for who cannot wait until the cgroup goes: what was taken for a while is
 * given back. Idempotent. */
void pressure_detach(struct slice *s);
struct pressure_slice *pressure_slice_free(struct pressure_slice *p);

/* As when the kernel announces it; slice NULL: of the host. */
void pressure_heard(struct manager *m, struct slice *s, enum pressure_resource resource);

/* Whether tasks of a slice stand still for it. */
bool pressure_froze(const struct slice *s);
/* Whether steps of the host's rules are in force, and which. */
bool pressure_on_host(const struct pressure *p, char *evidence, size_t size);
/* [{"slice","throttled","frozen"}]: what is in force on slices now. */
json_t *pressure_actions(const struct manager *m);
/* {"watched": ["memory", ..], "throttled", "frozen", "reason": why nothing is watched} */
json_t *pressure_slice_document(const struct slice *s);
