/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Slices and tasks as several verbs show them: the columns, written once. */

#include "ctl/session.h"

extern const struct column show_slices_columns[];
extern const struct column show_resources_columns[]; /* of a RESOURCES object */
extern const struct column show_enforcement_columns[];
extern const struct column show_tasks_columns[];
extern const struct column show_task_columns[];

/* A record, the table of what enforces each limit, and why it is there; or JSON. */
enum ctl_exit show_slice(struct session *s, const json_t *slice);

/* The same as text, for tests. */
void show_slice_text(struct buf *into, const struct screen *screen, const json_t *slice);
