/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files of /dev/shm (POSIX shared memory and named semaphores, shm_overview(7)) and of /dev/mqueue
 * (mq_overview(7)). Both are open to everybody, so nothing in them is taken for what it says it
 * is: no link is followed, and no mount below is entered. */

#include "leftover_sysv.h"

enum { LEFTOVER_PLACES = 2 };

struct leftover_places {
	struct leftover_node devices[LEFTOVER_PLACES]; /* major and minor of each */
	size_t count;
};

/* Those that this host has. */
void leftover_places_find(int root_fd, struct leftover_places *ret);
bool leftover_places_have(const struct leftover_places *p, uint32_t major, uint32_t minor);

/* Every file and directory, what a directory has before itself; 0 where there is no such place.
 * -E2BIG: there are more than the limit; or some are nested deeper than any program does, and all
 * others were visited. */
int leftover_files_each(int root_fd, size_t limit, const struct leftover_walk *walk);
/* -ESTALE: it is another one by now; -ENOENT: it is gone; -ENOTEMPTY: a directory that has files.
 * Between the last look and the removal only its owner could put another in its place. */
int leftover_files_remove(int root_fd, const struct leftover *l);
