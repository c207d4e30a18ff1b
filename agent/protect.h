/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent protects itself from what it lets run: the kernel's OOM killer takes it late, its
 * memory is not taken back, and it gets its turn on a busy CPU. Under systemd the shipped units do
 * that (reeved.service, reeved.slice); here is the same for an agent that was started otherwise. */

#include "util/host.h"

/* What could not be done, as a sentence, *ret NULL: nothing. `tree` is the agent's own cgroup below
 * the root of the hierarchy to be ("reeve-12ab-agent"), NULL: no cgroups here. The agent goes there
 * only from the root of the hierarchy, where nobody has placed it. -ENOMEM. */
int protect_self(const struct host *host, const char *tree, char **ret);
/* Back to the root, so that nothing is left of it. */
void protect_undo(const struct host *host, const char *tree);
