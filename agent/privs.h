/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capabilities: what the agent needs and why, what is missing, and dropping the rest.
 * capabilities(7). */

#include "util/fail.h"

/* Drops every capability that the table does not list from the effective and permitted sets. Tasks
 * are not affected: the bounding set stays. */
int privs_drop(struct fail *f);

/* "" when all are there; else a sentence naming what is missing and what does not work without it.
 * The caller frees; NULL without memory. */
char *privs_missing_text(void);
/* The names of the missing ones, "sys_resource", NULL-terminated array of at most `room` - 1. */
unsigned privs_missing(const char **names, unsigned room);
