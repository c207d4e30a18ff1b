/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages of slices; see hold_hugepages.h. What is there is asked of the kernel each time, what
 * is promised of the ledger; only what was added for whom is kept, in one account a slice below the
 * runtime directory, which a reboot empties as it empties the pools. */
#include "hold_hugepages.h"

#include "cgroups/hugetlb.h"
#include "document.h"
#include "drivers/hugepages.h"
#include "hold.h"
#include "resize.h"
#include "room.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int folder_of(const struct manager *m, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/hugepages", m->config->runtime_dir) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static int account_of(const struct manager *m, const char *slice, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/hugepages/%s", m->config->runtime_dir, slice) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static struct device *node_numbered(const struct manager *m, uint32_t number)
{
	inventory_each (node, m->inventory, DEVICE_NODE)
		if (node->memory.number == number)
			return node;
	return NULL;
}

/* One change of the inventory, told as every other is. */
static json_t *change_of(const struct device *before, const struct device *after)
{
	for (const struct device_field *f = device_own_fields(DEVICE_NODE); f->name; f++)
		if (f->type == FIELD_HUGEPAGES && !device_field_equal(f, before, after))
			return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o}", "change", "changed", "id",
					 after->id, "class", "node", "field", f->name, "before",
					 document_field(f, before), "after",
					 document_field(f, after));
	return NULL;
}

static int reread_node(struct manager *m, struct device *node, json_t *changes)
{
	bool only = m->inventory->first[DEVICE_NODE + 1] - m->inventory->first[DEVICE_NODE] == 1;
	struct device before = *node;
	struct device_node found = { .number = node->memory.number };
	json_t *change;
	int r = hugepages_fill(&found, m->host, only);

	if (r == 0 && found.hugepages_count < before.memory.hugepages_count) {
		free(found.hugepages); /* no size goes while the kernel runs: one was not read */
		return 0;
	}
	if (r < 0)
		return r;
	/* A kernel has the sizes that it had: one of them could not be read just now. */
	if (found.hugepages_count < before.memory.hugepages_count) {
		free(found.hugepages);
		return 0;
	}
	node->memory.hugepages = found.hugepages;
	node->memory.hugepages_count = found.hugepages_count;
	change = change_of(&before, node);
	free(before.memory.hugepages);
	return change ? json_array_append_new(changes, change) : 0;
}

/* The pools as they are now, into the inventory: offers are made from it. */
static void reread(struct manager *m)
{
	_cleanup_json_ json_t *changes = json_array(), *data = NULL;
	_cleanup_free_ char *text = NULL;
	int r = changes ? 0 : -ENOMEM;

	inventory_each (node, m->inventory, DEVICE_NODE)
		if (r == 0)
			r = reread_node(m, node, changes);
	if (r == 0 && json_array_size(changes) == 0)
		return;
	m->inventory->generation++;
	data = json_pack("{s:I,s:O}", "generation", (json_int_t)m->inventory->generation, "changes",
			 changes);
	text = data ? json_text(data) : NULL;
	if (r < 0 || journal_report(m->journal, EVENT_INVENTORY_CHANGED, NULL, text) < 0)
		log_error(NULL, "an event was lost");
}

/* Pages of the pool that slices use; one whose cgroup does not tell counts with all it holds. */
static uint64_t used_by_slices(const struct manager *m, const struct page_pool *p)
{
	size_t cursor = 0;
	uint64_t sum = 0, bytes;

	for (const struct slice *s; (s = map_next(m->slices, &cursor, NULL));) {
		const struct allocation *a = ledger_find(m->ledger, s->id);

		if (s->top_fd >= 0 &&
		    cg_hugetlb_node(s->top_fd, p->size_bytes, p->node, &bytes) == 0)
			sum += bytes / p->size_bytes;
		else if (a)
			sum += allocation_hugepages(a, p->node, p->size_bytes);
	}
	return sum;
}

struct promise {
	uint64_t total;	 /* pages that the pool has */
	uint64_t needed; /* that it must have: what all slices hold, and what others use */
};

/* Pages that are promised to a slice which has not had its turn at the pools. */
static uint64_t not_made_yet(const struct slice *s, const struct page_pool *p)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id),
				*before = resize_before(s);
	uint64_t has = 0, gets;

	if (room_is_made(s) || !a)
		return 0;
	gets = allocation_hugepages(a, p->node, p->size_bytes);
	if (s->state != SLICE_CREATING)
		has = allocation_hugepages(before ? before : a, p->node, p->size_bytes);
	return gets > has ? gets - has : 0;
}

/* What the ledger promises of a pool, but for what others wait for: that will be added for them. */
static uint64_t promised(const struct slice *s, const struct page_pool *p)
{
	const struct manager *m = s->manager;
	uint64_t sum = ledger_hugepages(m->ledger, p->node, p->size_bytes), part;
	size_t cursor = 0;

	for (const struct slice *o; (o = map_next(m->slices, &cursor, NULL));) {
		part = o == s ? 0 : not_made_yet(o, p);
		sum -= part < sum ? part : sum;
	}
	return sum;
}

static int look(const struct slice *s, const struct page_pool *p, struct promise *ret)
{
	const struct manager *m = s->manager;
	struct page_pool_state now;
	uint64_t used, slices = used_by_slices(m, p);
	int r = page_pool_read(m->host, p, &now);

	if (r < 0)
		return r;
	used = now.total > now.free ? now.total - now.free : 0;
	*ret = (struct promise){
		.total = now.total,
		.needed = promised(s, p) + (used > slices ? used - slices : 0),
	};
	return 0;
}

/* What the ledger has promised is counted in the view already; what others use beyond must be free.
 */
static bool has_memory(const struct manager *m, const struct page_pool *p, uint64_t total)
{
	const struct device *node = node_numbered(m, p->node);
	struct view v = manager_view(m);
	uint64_t counted = ledger_hugepages(m->ledger, p->node, p->size_bytes);

	for (size_t i = 0; node && i < node->memory.hugepages_count; i++)
		if (node->memory.hugepages[i].size_bytes == p->size_bytes &&
		    node->memory.hugepages[i].total > counted)
			counted = node->memory.hugepages[i].total;
	return node &&
	       (total <= counted || total - counted <= view_memory_free(&v, node) / p->size_bytes);
}

/* What is missing from one pool, into the account and to the fresh ones. */
static int plan(const struct slice *s, const struct page_pool *p, struct page_account *a,
		struct page_account *fresh, struct fail *f)
{
	const struct manager *m = s->manager;
	struct view v = manager_view(m);
	struct promise now;
	struct page_loan loan = { .pool = *p };
	int r = look(s, p, &now);

	if (r < 0)
		return fail_set(f, r, "the huge pages of node %u cannot be counted: %s", p->node,
				strerror(-r));
	if (now.needed <= now.total)
		return 0;
	loan.before = now.total;
	loan.count = now.needed - now.total;
	if (!v.hugepages_grow)
		return page_pool_refuse(f, &loan, 0,
					"this agent is not to change how many there are");
	if (!has_memory(m, p, now.needed))
		return page_pool_refuse(f, &loan, 0, "its memory is promised to others");
	r = page_account_add(fresh, &loan);
	return r < 0 ? r : page_account_add(a, &loan);
}

static bool seen_before(const struct allocation *a, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (a->hugepages[k].node == a->hugepages[i].node &&
		    a->hugepages[k].size_bytes == a->hugepages[i].size_bytes)
			return true;
	return false;
}

static int make_folder(const struct manager *m)
{
	char folder[PATH_MAX];
	int r = folder_of(m, folder);

	return r < 0 ? r : fs_make_dirs(folder, 0700);
}

bool hugepages_wanted(const struct slice *s)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	return a && a->hugepages_count > 0 && manager_is_at_home(s->manager);
}

bool hugepages_lent(const struct slice *s)
{
	char path[PATH_MAX];

	return account_of(s->manager, s->id, path) == 0 && access(path, F_OK) == 0;
}

/* What was begun is settled once, by what the pools have now: later others will have changed them.
 */
static int load_settled(const struct manager *m, const char *path, struct page_account *ret)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	bool begun;
	int r = page_account_load(path, m->boot_id, &a);

	if (r < 0)
		return r;
	begun = a.state != PAGE_ACCOUNT_SETTLED;
	r = page_account_settle(m->host, &a);
	if (r == 0 && begun)
		r = page_account_save(path, m->boot_id, &a);
	if (r == 0)
		*ret = TAKE(a, (struct page_account){ 0 });
	return r;
}

/* The account, and what is to be added to it. */
static int ask(const struct slice *s, struct page_account *account, struct page_account *fresh,
	       struct fail *f)
{
	const struct manager *m = s->manager;
	const struct allocation *a = ledger_find(m->ledger, s->id);
	int r = page_account_begin(m->host, PAGE_ACCOUNT_ASKED, account);

	for (size_t i = 0; r == 0 && i < a->hugepages_count; i++) {
		const struct page_pool p = { a->hugepages[i].node, a->hugepages[i].size_bytes };

		r = seen_before(a, i) ? 0 : plan(s, &p, account, fresh, f);
	}
	return r;
}

int hugepages_ask(struct slice *s, struct page_account *ret, struct fail *f)
{
	_cleanup_(page_account_done) struct page_account account = { 0 }, fresh = { 0 };
	struct manager *m = s->manager;
	char path[PATH_MAX];
	int r;

	if (!hugepages_wanted(s))
		return 0;
	r = account_of(m, s->id, path);
	if (r == 0)
		r = make_folder(m);
	if (r == 0)
		r = load_settled(m, path, &account);
	if (r == -ESTALE || r == -EBADMSG) /* nothing of it can be given back */
		r = 0;
	if (r == 0)
		r = ask(s, &account, &fresh, f);
	if (r == 0 && fresh.count > 0) /* before anything is changed */
		r = page_account_save(path, m->boot_id, &account);
	if (r < 0)
		return f->error ? r
				: fail_set(f, r, "the account %s of its huge pages: %s", path,
					   strerror(-r));
	fresh.state = PAGE_ACCOUNT_ASKED;
	*ret = TAKE(fresh, (struct page_account){ 0 });
	return 0;
}

/* The first loan of which the pool has less than was asked for. */
static int check(const struct host *host, const struct page_account *work, struct fail *f)
{
	for (size_t i = 0; i < work->count; i++) {
		const struct page_loan *l = &work->items[i];
		struct page_pool_state now = { 0 };
		uint64_t came;
		int r = page_pool_read(host, &l->pool, &now);

		came = now.total > l->before ? now.total - l->before : 0;
		if (r < 0 || came < l->count)
			return page_pool_refuse(f, l, came,
						r < 0 ? strerror(-r)
						      : "its memory is in use, or in pieces");
	}
	return 0;
}

int hugepages_settle(struct slice *s, const struct page_account *work, const struct fail *said,
		     struct fail *f)
{
	_cleanup_(page_account_done) struct page_account account = { 0 };
	struct manager *m = s->manager;
	char path[PATH_MAX];
	int r = account_of(m, s->id, path);

	if (r == 0)
		r = load_settled(m, path, &account);
	reread(m);
	if (r < 0)
		return fail_set(f, r, "the account %s of its huge pages: %s", path, strerror(-r));
	if (said && said->error < 0) {
		*f = *said;
		return said->error;
	}
	return work->state == PAGE_ACCOUNT_ASKED ? check(m->host, work, f) : 0;
}

/* What of the slice's own share the pool has, when all others are served. */
static int add_row(const struct slice *s, const struct allocation *a, size_t i,
		   struct enforcements *rows)
{
	const struct page_pool p = { a->hugepages[i].node, a->hugepages[i].size_bytes };
	uint64_t own = allocation_hugepages(a, p.node, p.size_bytes), has = own;
	char wanted[24], actual[24], file[64];
	struct promise now = { 0 };
	int r = look(s, &p, &now);
	struct enforcement row = { .resource = "hugepages",
				   .limit = "hugepages_pool",
				   .mechanism = MECHANISM_POOL,
				   .file = file,
				   .wanted = wanted,
				   .actual = actual };

	if (r == 0 && now.needed > now.total)
		has = own > now.needed - now.total ? own - (now.needed - now.total) : 0;
	(void)snprintf(file, sizeof(file), "node%u/hugepages-%" PRIu64 "kB/nr_hugepages", p.node,
		       p.size_bytes >> 10);
	(void)snprintf(wanted, sizeof(wanted), "%" PRIu64, own);
	(void)snprintf(actual, sizeof(actual), "%" PRIu64, has);
	if (r < 0 || has < own) {
		row.mechanism = MECHANISM_NONE;
		row.reason = r < 0	     ? strerror(-r)
			     : *room_lack(s) ? room_lack(s)
					     : "the pool has become smaller";
	}
	if (r < 0)
		row.actual = NULL;
	return enforcements_add(rows, &row);
}

static int hugepages_take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);

	if (!hugepages_wanted(s))
		return 0;
	for (size_t i = 0; i < a->hugepages_count; i++) {
		const struct enforcement *row;

		if (seen_before(a, i))
			continue;
		if (add_row(s, a, i, rows) < 0)
			return -ENOMEM;
		row = &rows->items[rows->count - 1];
		if (s->state == SLICE_CREATING && row->mechanism == MECHANISM_NONE)
			return fail_code(f, -ENOSPC, "hugepages-short",
					 "there are %s of %s huge pages (%s): %s",
					 row->actual ? row->actual : "an unknown number",
					 row->wanted, row->file, row->reason);
	}
	return 0;
}

/* The account of a slice, about to be given back; nothing in it: it had none, or none came. */
static int begin_giving(const struct manager *m, const char *path, struct page_account *ret)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	int r = load_settled(m, path, &a);

	if (r == -ESTALE || (r == 0 && a.count == 0)) {
		(void)unlink(path); /* said again at the next start otherwise */
		return 0;
	}
	if (r == 0)
		r = page_account_begin(m->host, PAGE_ACCOUNT_GIVING, &a);
	if (r == 0)
		r = page_account_save(path, m->boot_id, &a);
	if (r == 0)
		*ret = TAKE(a, (struct page_account){ 0 });
	return r;
}

int hugepages_return(struct slice *s, struct page_account *ret)
{
	char path[PATH_MAX];
	int r = account_of(s->manager, s->id, path);

	return r < 0 ? r : begin_giving(s->manager, path, ret);
}

/* What is free of what was added for a slice; *ret is what is not. While another slice has a pool
 * changed, nothing is: whoever looks again finds more. */
static int give_back(struct manager *m, const char *slice, struct page_account *ret)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	char path[PATH_MAX];
	int r = account_of(m, slice, path);

	if (r == 0 && room_pools_busy(m))
		return page_account_load(path, m->boot_id, ret);
	if (r == 0)
		r = begin_giving(m, path, &a);
	if (r < 0 || a.count == 0)
		return r;
	page_account_give(m->host, &a);
	r = page_account_save(path, m->boot_id, &a);
	reread(m);
	*ret = TAKE(a, (struct page_account){ 0 });
	return r;
}

static void hugepages_give(struct slice *s)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	int r = give_back(s->manager, s->id, &a);

	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "its huge pages cannot be given back: %s", strerror(-r));
}

static uint64_t held_bytes(const struct manager *m, const struct slice *s, uint64_t size_bytes)
{
	const struct allocation *a = ledger_find(m->ledger, s->id);
	uint64_t sum = 0;

	for (size_t i = 0; a && i < a->hugepages_count; i++)
		if (a->hugepages[i].size_bytes == size_bytes)
			sum += a->hugepages[i].count * size_bytes;
	return sum;
}

/* Files on hugetlbfs keep pages after the last process: they are charged to the cgroup above the
 * slice's, and to none of the slices there. */
static uint64_t orphaned(const struct slice *s, uint64_t size_bytes)
{
	const struct manager *m = s->manager;
	_cleanup_close_ int above = -1;
	uint64_t all = 0, part;
	size_t cursor = 0;

	if (slice_open_above(s, &above) < 0 || cg_hugetlb_current(above, size_bytes, &all) < 0)
		return 0;
	for (const struct slice *o; (o = map_next(m->slices, &cursor, NULL));) {
		if (o == s)
			continue;
		if (o->top_fd < 0 || cg_hugetlb_current(o->top_fd, size_bytes, &part) < 0)
			part = held_bytes(m, o, size_bytes); /* it is going, or has leaks too */
		all -= part < all ? part : all;
	}
	return all / size_bytes;
}

static int left_in_use(const struct slice *s, struct leaks *ret)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	int r = 0;

	for (size_t i = 0; a && r == 0 && i < a->hugepages_count; i++) {
		struct allocation_hugepages part = a->hugepages[i];
		uint64_t left = seen_before(a, i) ? 0 : orphaned(s, part.size_bytes);

		part.count = left < part.count ? left : part.count;
		if (part.count > 0)
			r = leaks_add_hugepages(ret, &part,
						"huge pages are still in use, by a file on "
						"hugetlbfs or a process that left the slice");
	}
	return r;
}

static int hugepages_left(struct slice *s, struct leaks *ret)
{
	_cleanup_(page_account_done) struct page_account a = { 0 };
	int r = give_back(s->manager, s->id, &a);

	if (r < 0)
		return leaks_add_note(ret, "the account of its huge pages cannot be read");
	for (size_t i = 0; r == 0 && i < a.count; i++)
		r = leaks_add_hugepages(
			ret,
			&(struct allocation_hugepages){ .node = a.items[i].pool.node,
							.size_bytes = a.items[i].pool.size_bytes,
							.count = a.items[i].count },
			"huge pages that were added for it are still in use");
	return r < 0 || a.count > 0 ? r : left_in_use(s, ret);
}

const struct hold hold_hugepages = {
	.name = "huge pages",
	.take = hugepages_take,
	.give = hugepages_give,
	.left = hugepages_left,
};

void hugepages_adopt(struct manager *m)
{
	_cleanup_(fs_names_freep) char **names = NULL;
	char path[PATH_MAX];

	if (!manager_is_at_home(m) || folder_of(m, path) < 0 ||
	    fs_list(AT_FDCWD, path, &names, NULL) < 0)
		return; /* none was ever added */
	for (char **name = names; *name; name++) {
		_cleanup_(page_account_done) struct page_account a = { 0 };
		int r;

		if (map_get(m->slices, *name))
			continue;
		r = give_back(m, *name, &a);
		if (r < 0 || a.count > 0)
			log_warning(&(struct log_about){ .slice = *name, .code = "leak" },
				    "huge pages that were added for it are not given back: %s",
				    r < 0 ? strerror(-r) : "they are still in use");
	}
}
