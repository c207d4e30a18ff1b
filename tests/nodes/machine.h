/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the tests of whole machines share: a discovery into an inventory, and the inventory as text.
 */

#include "model/inventory.h"
#include "util/fail.h"

/* root: a folder with sys/ and proc/ in it; or xml: a file; the other one NULL. The inventory is
 * sealed. */
int machine_discover(struct inventory **ret, const char *root, const char *xml, struct fail *f);

/* Every known field of every device, a line each, after the machine and the summary; notes last.
 * The caller frees; NULL without memory. */
char *machine_dump(const struct inventory *inv);

void machine_remove(const char *folder); /* with all that is in it */
