/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who may have how much, and who is next. Roles and users have guarantees, which are kept free for
 * them, and limits, which they never exceed. Among those who wait, the one goes first whose user
 * has the smallest dominant share: the largest of the fractions that he has of the machine's CPUs,
 * memory and GPUs. Pure: what is held and what there is are handed in. */

#include "model/free.h"
#include "model/share_amounts.h"
#include "util/fail.h"

#include <stdbool.h>

enum share_kind { SHARE_ROLE, SHARE_USER };
enum { SHARE_PARTIES_MAX = 256, SHARE_MEMBERS_MAX = 256 };

struct share_party { /* a role, or a user in all roles */
	enum share_kind kind;
	char *name;
	uint32_t uid;			 /* of a user */
	struct share_amounts guarantee;	 /* 0: none */
	struct share_amounts limit;	 /* of all together; SHARE_NO_LIMIT */
	struct share_amounts user_limit; /* of each user of a role; SHARE_NO_LIMIT */
	bool members_only;		 /* else everybody may use the role */
	uint32_t *uids, *gids;		 /* who may */
	size_t uids_count, gids_count;
};

struct share_policy {
	struct share_party *parties;
	size_t count;
	struct share_amounts user_limit; /* of each user who is no party, but root */
};
void share_policy_init(struct share_policy *p);
void share_policy_done(struct share_policy *p);
/* The party, made without guarantee or limits when there is none; NULL: too many, no memory. */
struct share_party *share_policy_add(struct share_policy *p, enum share_kind kind,
				     const char *name);
const struct share_party *share_policy_role(const struct share_policy *p, const char *name);
bool share_policy_empty(const struct share_policy *p); /* everybody may have everything */

/* Whether the user may use the role: "no-such-role" when some are configured and this is none (but
 * "default" always is), "not-that-role". Root may use all. */
int share_may_use(const struct share_policy *p, const char *role, uint32_t uid,
		  const uint32_t *gids, size_t gids_count, struct fail *f);

struct share_row { /* a slice, or a request that waits and comes first */
	const char *role;
	uint32_t uid;
	struct share_amounts amounts;
	bool waits;
};
struct share_table {
	const struct share_policy *policy;
	const struct share_row *rows;
	size_t count;
};

/* Whether all rows and this one stay within the limits, in every resource of which it has any:
 * -EDQUOT, "role-limit" or "user-limit". */
int share_limit(const struct share_table *t, const struct share_row *wanted, struct fail *f);

struct share_machine {
	struct share_amounts there; /* free, or all of it */
	uint64_t cores_apart;	    /* of the cores: not of the shared pool */
	uint64_t core_millicpus;    /* what the pool loses by any other one, at most */
	bool hugepages_grow;
};
void share_machine_of(const struct view *v, uint64_t slices_free, struct share_machine *ret);

/* Whether what is free without this row is still enough for what is guaranteed to others and for
 * the rows that wait: -ENOSPC, "guaranteed" or "others-wait". One who stays within a guarantee of
 * his own waits for none but those whom the same one serves. Whether there is that much at all is
 * for placement to say. */
int share_room(const struct share_table *t, const struct share_machine *free_now,
	       const struct share_row *wanted, struct fail *f);
/* Whether there is that much: the sums, not the places. */
bool share_there(const struct share_machine *free_now, const struct share_amounts *wanted);

/* The fraction of the machine, of what he has most of; rows that wait do not count. */
double share_dominant(const struct share_table *t, const struct share_machine *all, uint32_t uid);
