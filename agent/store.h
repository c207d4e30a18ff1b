/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What must outlive the agent and neither the kernel nor PID 1 knows: which slices were promised to
 * whom, and the event numbers in use. Advisory: what runs is asked of the kernel. SQLite in WAL
 * mode; a damaged or newer store is set aside (renamed), never deleted. */

#include "util/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Opens or makes DIR/reeve.db. *ret_set_aside says that there was one that could not be read. */
int store_open(struct store **ret, const char *dir, bool *ret_set_aside, struct fail *f);
struct store *store_free(struct store *s);
static inline void store_freep(struct store **s)
{
	store_free(*s);
}

uint64_t store_sequence(const struct store *s); /* the highest event number handed out; 0 none */
int store_set_sequence(struct store *s, uint64_t sequence);

/* One record (JSON) a slice, and one a task of it. */
int store_put_slice(struct store *s, const char *slice, const char *record, struct fail *f);
int store_put_task(struct store *s, const char *slice, const char *task, const char *record,
		   struct fail *f);
int store_remove_task(struct store *s, const char *slice, const char *task);
int store_remove_slice(struct store *s, const char *slice); /* and its tasks */
/* In order of their names. A negative return of the callback stops. task is NULL for a slice. */
typedef int (*store_visit)(const char *slice, const char *task, const char *record, void *userdata);
int store_each_slice(struct store *s, store_visit visit, void *userdata);
int store_each_task(struct store *s, const char *slice, store_visit visit, void *userdata);
