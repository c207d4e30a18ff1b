/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A first go in a child. hwloc trusts its XML: a file in which one number is wrong can make it read
 * through a null pointer or allocate without end, and its author is whoever wrote the file. What
 * loads in a child with bounds loads here too, because loading is deterministic. */

#include "util/fail.h"

/* Calls load(argument) in a child with bounds on memory, CPU time and wall time, and answers what
 * it returned there: 0 or a negative errno. -EBADMSG, with a sentence, when the child crashed or
 * passed a bound. For single-threaded programs (fork). */
int topology_trial(int (*load)(void *argument), void *argument, struct fail *f);
