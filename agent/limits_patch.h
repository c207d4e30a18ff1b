/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Other limits for a slice that lives: what a JSON merge patch (RFC 7396) leaves of those that its
 * request has. null takes one away, a list stands for the whole list. */

#include "model/limits.h"

/* `patch` is {"limits": ...}. *ret is to be released by limits_done; *ret_changed: they are others
 * than they were. -EINVAL, -ERANGE with a sentence; -ENOMEM. */
int limits_patch(const struct request_limits *now, const char *patch, struct request_limits *ret,
		 bool *ret_changed, struct fail *f);

/* Whether a row of enforcement is for a limit that can be patched so. */
bool limits_patch_names(const char *row);
