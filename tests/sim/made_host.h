/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For tests: the parts of a host that an agent (agent.h) is to change, in the folders below its
 * own: cgroup/ and sys/. */

#include "tests/sim/agent.h"

/* A hierarchy of control groups that is made up (fake_cgroups.h), for the back end cgroupfs; the
 * agent was opened with another. Again after a restart: the same one. */
void made_hierarchy(struct agent *a);
/* A pool of 2 MiB pages, all free, that the agent may change. */
void made_hugepages(struct agent *a, unsigned pages);
/* The first memory node has so many pages of 2 MiB, as far as the inventory knows. */
void made_pages(struct inventory *inventory, unsigned pages);
