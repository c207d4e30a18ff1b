/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Users and groups of tasks: names to numbers, with the supplementary groups. */

#include "model/task_spec.h"
#include "util/fail.h"

#include <sys/types.h>

/* Fills uid, gid and groups of the spec from its user and group (names or numbers); without them,
 * the caller's. -EINVAL (code "no-such-user") for an unknown name. A number need not be in the
 * database. */
int user_resolve(struct task_spec *spec, uid_t caller_uid, gid_t caller_gid, struct fail *f);

/* By name or number: -EINVAL (codes "no-such-user", "no-such-group") for what is not there. */
int user_find(const char *name, uid_t *ret, struct fail *f);
int user_find_group(const char *name, gid_t *ret, struct fail *f);
enum { USER_GROUPS_MAX = 1024 };
/* The groups that the user is in, beside the one given, which comes first; a user whom nobody knows
 * is in that one only. Returns how many there are. */
size_t user_groups(uid_t uid, gid_t gid, gid_t ret[USER_GROUPS_MAX]);
