/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tasks of a slice leave in shared memory and message queues, which no cgroup takes with
 * it: a look before their end at who has what, the removal after it, and what of it is told. It
 * keeps no slice from being deleted. */

#include "model/leftover.h"
#include "util/fail.h"
#include "wire/json.h"

#include <sys/types.h>

struct leftovers;     /* of one slice; NULL: it never had a task */
struct leftover_desk; /* of all */
struct manager;
struct slice;

int leftover_desk_new(struct leftover_desk **ret, struct manager *m);
struct leftover_desk *leftover_desk_free(struct leftover_desk *d);

/* A task is about to run as this user; it is in the slice's record before it does. Without memory
 * less is found later. */
void leftovers_note_user(struct slice *s, uid_t uid);
/* What the record of a slice has of it, for the next agent. */
int leftovers_put_record(const struct slice *s, json_t *record);
void leftovers_take_record(struct slice *s, const json_t *record);

/* Before its tasks are ended: whether its processes are being looked at; then carve_end() is called
 * with the grace. */
bool leftovers_look(struct slice *s, uint64_t grace_usec);
/* They are gone already: nobody is waited for. */
void leftovers_look_over(struct slice *s);
/* After all its processes are gone, once: whether something is being removed; then handback_prove()
 * is called again. */
bool leftovers_await(struct slice *s);
/* "left_behind" and so on, into its document. */
int leftovers_put(const struct slice *s, json_t *document);
struct leftovers *leftovers_free(struct leftovers *l);

/* Outside of the loop, for slices that were lost: their part is kept, and cleaned when all others
 * are known. */
void leftovers_inherit(const struct slice *s);
void leftovers_clean_lost(struct manager *m);
