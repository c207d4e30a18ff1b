/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who has device nodes open: below /proc/PID/fd, by the numbers of what is open
 * and not by its name. What a process has mapped only, and has closed, is not seen. */

#include "util/device_rule.h"

#include <sys/types.h>

struct device_user {
	pid_t pid;
	char command[17]; /* /proc/PID/comm; "" not known */
	struct device_rule node;
};

enum device_users_answer { DEVICE_USERS_NONE = 0, DEVICE_USERS_FOUND = 1 };

/* Whether this process has one of the nodes open. A process that has ended, or may not be looked
 * into, has none; -ENOMEM. */
int device_users_look(int proc_fd, pid_t pid, const struct device_rules *nodes,
		      struct device_user *ret);
/* The first process of the host but this one that has one of these nodes open; *ret is set when one
 * is found. -ENOMEM, or why /proc cannot be read. */
int device_users_find(int proc_fd, const struct device_rules *nodes, struct device_user *ret);
