/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pools of huge pages of one node and size, made larger and smaller; and the account of what a
 * slice has had added to them: a file that is written before the pools are touched, so that whoever
 * comes after a crash can give it back. To change a pool may take seconds: room.h does it off the
 * loop. Documentation/admin-guide/mm/hugetlbpage.rst. */

#include "util/fail.h"
#include "util/host.h"
#include "util/strtab.h"

#include <stddef.h>

struct page_pool {
	uint32_t node;
	uint64_t size_bytes;
};

struct page_pool_state {
	uint64_t total, free; /* pages */
};

int page_pool_read(const struct host *host, const struct page_pool *p, struct page_pool_state *ret);
/* Adds up to `count` pages to a pool that has `before`, step by step and for some seconds at most.
 * The kernel may give fewer: *ret says how many there are more, also when an error is returned. */
int page_pool_grow(const struct host *host, const struct page_pool *p, uint64_t before,
		   uint64_t count, uint64_t *ret);
/* Takes up to `count` free pages out of the pool. Pages in use stay: the kernel would only call
 * them surplus. *ret: how many are out. */
int page_pool_shrink(const struct host *host, const struct page_pool *p, uint64_t count,
		     uint64_t *ret);

enum { PAGE_LOANS_MAX = 256 }; /* nodes times sizes of one slice */

struct page_loan {
	struct page_pool pool;
	uint64_t before; /* pages in the pool when they were asked for, or given back */
	uint64_t count;	 /* that are asked for, held, or to go */
};

/* Asked or giving: if the agent ended then, the pools say how many came, or went. */
enum page_account_state { PAGE_ACCOUNT_ASKED, PAGE_ACCOUNT_SETTLED, PAGE_ACCOUNT_GIVING };
STRTAB_DECLARE(page_account_state, enum page_account_state);

struct page_account {
	struct page_loan *items;
	size_t count;
	enum page_account_state state;
};

void page_account_done(struct page_account *a);
/* More for a pool; `before` counts where the account had nothing of it. -E2BIG, -ENOMEM. */
int page_account_add(struct page_account *a, const struct page_loan *loan);
/* The file; an account of nothing has none. -ESTALE: of an earlier boot, of which no page is left;
 * -EBADMSG. */
int page_account_load(const char *path, const char *boot_id, struct page_account *ret);
int page_account_save(const char *path, const char *boot_id, const struct page_account *a);
/* Whatever its state: what is held now, by what the pools have. */
int page_account_settle(const struct host *host, struct page_account *a);
/* From settled to asked or giving: what the pools have without, or with, what is held. */
int page_account_begin(const struct host *host, enum page_account_state state,
		       struct page_account *a);
/* Gives back what is free of it; what is left is what is not back yet. Settled, or still giving,
 * where a pool could not be read afterwards. */
void page_account_give(const struct host *host, struct page_account *a);
/* Adds what it lacks to the pools, all or nothing: -ENOSPC as below, and what is left of it is what
 * could not be taken out again. May take as long as page_pool_grow() a pool. */
int page_account_get(const struct host *host, struct page_account *a, struct fail *f);
/* -ENOSPC, code "hugepages-short": only `had` pages of those wanted can be had. */
int page_pool_refuse(struct fail *f, const struct page_loan *wanted, uint64_t had, const char *why);
