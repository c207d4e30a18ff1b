/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last step of a slice's way down: the proof that all it held is back. What is not stays out of
 * the offers, is told once as a leak, and is looked at again until it has come back. */

#include "slice.h"

/* Its processes and cgroup are gone: what its tasks left in shared memory goes as well. Frees it,
 * having told everybody; or keeps it, deleting, with its leaks. */
void handback_prove(struct slice *s);

/* It could not be taken away at all: it keeps everything it held until somebody tries again. */
void handback_stuck(struct slice *s, const struct fail *why);

/* After a restart of the agent, for a slice that is lost and not in the map: whether something of
 * what the ledger has for it is left. Then it was put in the map and stays there as above; else
 * the ledger was released, and the slice is still the caller's. */
bool handback_inherit(struct slice *s);
