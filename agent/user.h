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
