/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The door for requests: who may have how much (model/share.h), how often one may ask, and the
 * queue of those who wait for what is not free now. The smallest dominant share goes first, then
 * who came first; nobody takes what one before him waits for. The queue is looked at when something
 * is released, and when a token or somebody's time is due. */

#include "slice.h"

struct admission;

int admission_new(struct admission **ret, struct manager *m);
/* Nobody waits any more: they were answered. */
struct admission *admission_free(struct admission *a);

struct admission_asker {
	uid_t uid;
	gid_t gid;
};
/* 0 with *ret_number 0: the slice is being made, see carve_create. 0 with a number: the request
 * (moved) waits under it, and the waiter is called once, with a slice or without. A refusal is
 * returned; the waiter is not called then. */
int admission_ask(struct admission *a, struct request *request, const struct admission_asker *who,
		  struct slice_waiter *waiter, uint64_t *ret_number, struct fail *f);
/* Whether a slice that lives may hold this instead: growing needs what making one would. */
int admission_may_grow(struct admission *a, const struct slice *s, const struct allocation *after,
		       struct fail *f);

/* Something may be free that was not: looked at from the loop. NULL: none is there yet. */
void admission_wake(struct admission *a);
/* Takes a request out of the queue; its waiter is told. False: it waits no more, or the agent is
 * being taken down. */
bool admission_withdraw(struct admission *a, uint64_t number);
/* Answers all who wait, and refuses who asks from here on. Returns how many they were. */
size_t admission_close(struct admission *a);

/* "q-7" -> 7; 0: there is none that waits under this name. */
uint64_t admission_find(const struct admission *a, const char *id, uid_t *ret_uid);
/* Those who wait, in their order; with an id: that one alone, NULL without. */
json_t *admission_document(struct admission *a, const char *id_or_null);
