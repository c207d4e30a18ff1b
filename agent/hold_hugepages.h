/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Huge pages of slices that are really there: where a pool has fewer than are promised from it,
 * memory of that node is added to it, and taken out again with the slice. See hold.h for
 * hold_hugepages. */

#include "manager.h"
#include "page_pool.h"

/* Whether it holds any, or has had some added. */
bool hugepages_wanted(const struct slice *s);
bool hugepages_lent(const struct slice *s);

/* Two halves of one change, in the middle of which the pools are changed (page_account_get() or
 * _give() with what was asked or is returned) by somebody who may take his time; its count is 0
 * where there is nothing to change. -ENOSPC (code "hugepages-short"): the memory is promised to
 * others, or the agent is not to. */
int hugepages_ask(struct slice *s, struct page_account *ret, struct fail *f);
int hugepages_return(struct slice *s, struct page_account *ret);
/* `said`: what came of it as far as somebody knows, NULL nothing. The account follows what the
 * pools have; an error that was said, or less than was asked for, is one here. */
int hugepages_settle(struct slice *s, const struct page_account *work, const struct fail *said,
		     struct fail *f);

/* After a restart: gives back what was added for slices that there are no more. */
void hugepages_adopt(struct manager *m);
