/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Classes of the cache and memory controllers for slices, by resctrl where the administrator has
 * mounted it: what there is goes to the inventory, a slice that asks gets a group "reeve-<id>" of
 * its own with ways of the caches that nobody else has, and the default group, of all the rest, is
 * shrunk by them and gets them back. See hold.h for hold_resctrl. */

#include "manager.h"

/* Fills inv->cache. Not mounted, unreadable, or not wanted: it stays empty. -ENOMEM. */
int resctrl_discover(const struct manager *m, struct inventory *inv);
/* After a restart: removes groups of slices that there are no more, and gives the default group
 * what is free; tried again until that is done. */
void resctrl_adopt(struct manager *m);
