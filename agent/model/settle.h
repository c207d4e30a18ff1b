/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Makes the allocation of what was found: which cores, bytes and devices it is. */

#include "model/search.h"

/* label: of the region, for the sentence. Without a slice, and without shares of caches. -ENOMEM.
 */
int settle(struct search *s, const char *label, struct allocation **ret);
