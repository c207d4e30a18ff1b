/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the other slices of an owner are, for a request that wants to stay apart from them. Looked
 * up when placement is asked, and not kept. */

#include "manager.h"

/* Sets request->apart_nodes, where it asks for it and has an owner. -ENOMEM. */
int apart_find(const struct manager *m, struct request *request);
void apart_forget(struct request *request);
