/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Huge pages of slices that are really there: where a pool has fewer than are promised from it,
 * memory of that node is added to it, and taken out again with the slice. See hold.h for
 * hold_hugepages. */

#include "manager.h"

/* After a restart: gives back what was added for slices that there are no more. */
void hugepages_adopt(struct manager *m);
