/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of huge pages; see page_pool.h. The kernel is judged by what it says afterwards: a write
 * that it takes may have added fewer pages, and one that it refuses some. */
#include "page_pool.h"

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	STEP_BYTES = 64 << 20, /* of one write: on a full node the kernel reclaims and compacts for
				  all of it, and nobody is asked for the time in between */
	GROW_LIMIT_USEC = 10 * 1000000, /* less than a slice may take to be made */
	ACCOUNT_MAX_BYTES = 64 << 10,
	PATH_ROOM = 128,
};

STRTAB_DEFINE(page_account_state, enum page_account_state, [PAGE_ACCOUNT_ASKED] = "asked",
	      [PAGE_ACCOUNT_SETTLED] = "settled", [PAGE_ACCOUNT_GIVING] = "giving");

/* A kernel without NUMA has the pools of the whole machine only. */
static void path_of(const struct host *host, const struct page_pool *p, const char *file,
		    char ret[PATH_ROOM])
{
	char folder[64];

	(void)snprintf(folder, sizeof(folder), "devices/system/node/node%u/hugepages", p->node);
	(void)snprintf(ret, PATH_ROOM, "%s/hugepages-%" PRIu64 "kB/%s",
		       fs_exists(host->sys_fd, "devices/system/node") ? folder
								      : "kernel/mm/hugepages",
		       p->size_bytes >> 10, file); /* fits: 37 + 11 + 20 + 3 + 14 */
}

int page_pool_read(const struct host *host, const struct page_pool *p, struct page_pool_state *ret)
{
	struct page_pool_state s = { 0 };
	char path[PATH_ROOM];
	int r;

	path_of(host, p, "nr_hugepages", path);
	r = fs_read_u64(host->sys_fd, path, &s.total);
	if (r < 0)
		return r;
	path_of(host, p, "free_hugepages", path);
	r = fs_read_u64(host->sys_fd, path, &s.free);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

static int set_total(const struct host *host, const struct page_pool *p, uint64_t wanted,
		     uint64_t *ret)
{
	char path[PATH_ROOM];
	int r, read;

	path_of(host, p, "nr_hugepages", path);
	r = fs_write_format(host->sys_fd, path, "%" PRIu64 "\n", wanted);
	read = fs_read_u64(host->sys_fd, path, ret);
	return read < 0 ? read : r;
}

int page_pool_grow(const struct host *host, const struct page_pool *p, uint64_t before,
		   uint64_t count, uint64_t *ret)
{
	const uint64_t step = p->size_bytes < STEP_BYTES ? STEP_BYTES / p->size_bytes : 1,
		       late = host->monotonic_usec(host) + GROW_LIMIT_USEC;
	uint64_t got = 0;
	int r = 0;

	*ret = 0;
	while (r == 0 && got < count && host->monotonic_usec(host) < late) {
		uint64_t next = count - got < step ? count : got + step, total = before;

		if (next > UINT64_MAX - before)
			return -ERANGE;
		r = set_total(host, p, before + next, &total);
		got = total > before ? total - before : 0;
		if (got < next)
			break;
	}
	*ret = got < count ? got : count;
	return r;
}

int page_pool_shrink(const struct host *host, const struct page_pool *p, uint64_t count,
		     uint64_t *ret)
{
	struct page_pool_state now;
	uint64_t part, total;
	int r = page_pool_read(host, p, &now);

	*ret = 0;
	if (r < 0)
		return r;
	part = count < now.free ? count : now.free;
	if (part == 0)
		return 0;
	if (part > now.total)
		return -EBADMSG;
	total = now.total;
	r = set_total(host, p, now.total - part, &total);
	*ret = total < now.total ? now.total - total : 0;
	return r;
}

void page_account_done(struct page_account *a)
{
	free(a->items);
	*a = (struct page_account){ 0 };
}

int page_account_add(struct page_account *a, const struct page_loan *loan)
{
	struct page_loan *grown;

	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].pool.node == loan->pool.node &&
		    a->items[i].pool.size_bytes == loan->pool.size_bytes) {
			a->items[i].count += loan->count;
			return 0;
		}
	if (a->count >= PAGE_LOANS_MAX)
		return -E2BIG;
	grown = reallocarray(a->items, a->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	a->items = grown;
	a->items[a->count++] = *loan;
	return 0;
}

/* "NODE SIZE BEFORE COUNT" */
static int parse_loan(char *line, struct page_loan *ret)
{
	char *rest = NULL, *words[5] = { NULL };
	uint32_t node;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
	if (!words[3] || words[4] || parse_u32(words[0], &node) < 0 ||
	    parse_u64(words[1], &ret->pool.size_bytes) < 0 ||
	    parse_u64(words[2], &ret->before) < 0 || parse_u64(words[3], &ret->count) < 0 ||
	    ret->pool.size_bytes < 1024)
		return -EBADMSG;
	ret->pool.node = node;
	return 0;
}

/* "BOOT STATE" */
static int parse_head(char *line, const char *boot_id, enum page_account_state *ret)
{
	char *word = strchr(line, ' ');
	int state;

	if (!word)
		return -EBADMSG;
	*word++ = 0;
	if (strcmp(line, boot_id) != 0)
		return -ESTALE;
	state = page_account_state_from_string(word);
	if (state < 0)
		return -EBADMSG;
	*ret = (enum page_account_state)state;
	return 0;
}

static int parse_account(char *text, const char *boot_id, struct page_account *a)
{
	char *rest = NULL, *line = strtok_r(text, "\n", &rest);
	int r = line ? parse_head(line, boot_id, &a->state) : -EBADMSG;

	while (r == 0 && (line = strtok_r(NULL, "\n", &rest))) {
		struct page_loan loan = { 0 };

		r = parse_loan(line, &loan);
		if (r == 0)
			r = page_account_add(a, &loan);
	}
	return r;
}

int page_account_load(const char *path, const char *boot_id, struct page_account *ret)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	_cleanup_free_ char *text = NULL;
	int r = fs_read(AT_FDCWD, path, ACCOUNT_MAX_BYTES, &text, NULL);

	a.state = PAGE_ACCOUNT_SETTLED;
	if (r == 0)
		r = parse_account(text, boot_id, &a);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = TAKE(a, (struct page_account){ 0 });
	return 0;
}

int page_account_save(const char *path, const char *boot_id, const struct page_account *a)
{
	_cleanup_(buf_done) struct buf b = { 0 };

	if (a->count == 0)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	buf_format(&b, "%s %s\n", boot_id, page_account_state_to_string(a->state));
	for (size_t i = 0; i < a->count; i++) {
		const struct page_loan *l = &a->items[i];

		buf_format(&b, "%u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", l->pool.node,
			   l->pool.size_bytes, l->before, l->count);
	}
	if (buf_error(&b))
		return -ENOMEM;
	return fs_replace(AT_FDCWD, path, b.data, b.size, 0600);
}

/* Others may have changed the pool within the same instant: then it is at most the count. */
static void settle_loan(struct page_loan *l, enum page_account_state state, uint64_t total)
{
	const uint64_t came = total > l->before ? total - l->before : 0,
		       went = l->before > total ? l->before - total : 0;

	switch (state) {
	case PAGE_ACCOUNT_ASKED:
		l->count = came < l->count ? came : l->count;
		return;
	case PAGE_ACCOUNT_GIVING:
		l->count = went < l->count ? l->count - went : 0;
		return;
	case PAGE_ACCOUNT_SETTLED:
		return;
	}
}

/* Loans of nothing are none. */
static void become_settled(struct page_account *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].count > 0)
			a->items[kept++] = a->items[i];
	a->count = kept;
	a->state = PAGE_ACCOUNT_SETTLED;
}

/* All pools are read before anything is settled: half of an account would be counted twice. */
int page_account_settle(const struct host *host, struct page_account *a)
{
	struct page_pool_state now[PAGE_LOANS_MAX];

	for (size_t i = 0; i < a->count; i++) {
		int r = page_pool_read(host, &a->items[i].pool, &now[i]);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < a->count; i++)
		settle_loan(&a->items[i], a->state, now[i].total);
	become_settled(a);
	return 0;
}

int page_account_begin(const struct host *host, enum page_account_state state,
		       struct page_account *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct page_loan *l = &a->items[i];
		const uint64_t held = state == PAGE_ACCOUNT_ASKED ? l->count : 0;
		struct page_pool_state now;
		int r = page_pool_read(host, &l->pool, &now);

		if (r < 0)
			return r;
		l->before = now.total > held ? now.total - held : 0;
	}
	a->state = state;
	return 0;
}

void page_account_give(const struct host *host, struct page_account *a)
{
	if (a->state != PAGE_ACCOUNT_GIVING && page_account_begin(host, PAGE_ACCOUNT_GIVING, a) < 0)
		return; /* nothing is given now */
	for (size_t i = 0; i < a->count; i++) {
		uint64_t out;

		(void)page_pool_shrink(host, &a->items[i].pool, a->items[i].count,
				       &out); /* the pool itself tells */
	}
	(void)page_account_settle(host, a); /* what cannot be read now is settled later */
}

int page_pool_refuse(struct fail *f, const struct page_loan *wanted, uint64_t had, const char *why)
{
	return fail_code(f, -ENOSPC, "hugepages-short",
			 "node %u can have only %" PRIu64 " of %" PRIu64
			 " more huge pages of %" PRIu64 " KiB: %s",
			 wanted->pool.node, had, wanted->count, wanted->pool.size_bytes >> 10, why);
}

int page_account_get(const struct host *host, struct page_account *a, struct fail *f)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct page_loan wanted = a->items[i];
		uint64_t had = 0;
		int r = page_pool_grow(host, &wanted.pool, wanted.before, wanted.count, &had);

		if (had == wanted.count)
			continue;
		(void)page_pool_refuse(f, &wanted, had,
				       r < 0 ? strerror(-r) : "its memory is in use, or in pieces");
		a->items[i].count = had;
		a->count = i + 1;
		page_account_give(host, a);
		return -ENOSPC;
	}
	return 0;
}
