/* SPDX-License-Identifier: Apache-2.0 */
/* resctrl; see hold_resctrl.h. What slices hold is in the ledger, what the kernel holds is read
 * from it; only what the default group had before the first slice is kept, in a file of the runtime
 * directory that is written before anything is changed and goes when all is given back. */
#include "hold_resctrl.h"

#include "cgroups/resctrl.h"
#include "hold.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "reeve-"

enum {
	NAME_ROOM = 80,
	SAVED_MAX_BYTES = 1 << 20,
	AGAIN_FIRST_USEC = 1000000, /* until what an agent before has left is tried again */
	AGAIN_LAST_USEC = 60 * 1000000,
};

/* The resource whose lines say what a domain has: with code and data apart, both lines. */
static bool is_l3(const char *resource)
{
	return strcmp(resource, "L3") == 0 || strcmp(resource, "L3DATA") == 0 ||
	       strcmp(resource, "L3CODE") == 0;
}

struct grip { /* one look at resctrl */
	int root;
	struct rdt_info info;
	struct rdt_shares shares; /* of the default group */
};

static void grip_done(struct grip *g)
{
	rdt_shares_done(&g->shares);
	close_fd(g->root);
}

static int grip_open(const struct manager *m, struct grip *ret)
{
	int r = rdt_open(m->host->sys_fd, &ret->root);

	if (r < 0)
		return r;
	r = rdt_read_info(ret->root, &ret->info);
	return r < 0 ? r : rdt_read(ret->root, NULL, &ret->shares);
}

/* Which cache of the third level a CPU has, and how large it is. */
static int read_cache(const struct manager *m, unsigned cpu, uint32_t *ret_id, uint64_t *ret_bytes)
{
	for (unsigned i = 0; i < 16; i++) {
		char path[96], size[32];
		uint64_t level, id;
		int r;

		(void)snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/cache/index%u/level",
			       cpu, i);
		r = fs_read_u64(m->host->sys_fd, path, &level);
		if (r < 0)
			return r;
		if (level != 3)
			continue;
		(void)snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/cache/index%u/id", cpu,
			       i);
		r = fs_read_u64(m->host->sys_fd, path, &id);
		if (r < 0 || id > UINT32_MAX)
			return r < 0 ? r : -ERANGE;
		(void)snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/cache/index%u/size",
			       cpu, i);
		if (fs_read_line(m->host->sys_fd, path, size, sizeof(size)) < 0 ||
		    parse_bytes(size, ret_bytes) < 0)
			*ret_bytes = 0;
		*ret_id = (uint32_t)id;
		return 0;
	}
	return -ENOENT;
}

static struct cache_domain *domain_of(struct cache_control *c, uint32_t id)
{
	for (size_t i = 0; i < c->domains_count; i++)
		if (c->domains[i].id == id)
			return &c->domains[i];
	return NULL;
}

static int add_domain(struct cache_control *c, uint32_t id)
{
	_cleanup_(cpuset_freep) struct cpuset *none = NULL;

	if (domain_of(c, id))
		return 0;
	if (cpuset_new(&none) < 0)
		return -ENOMEM;
	return cache_control_add(c, &(struct cache_domain){ .id = id, .cpus = none });
}

static int add_domains(const struct grip *g, struct cache_control *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->shares.count; i++)
		if (is_l3(g->shares.items[i].resource) ||
		    (c->bandwidth && strcmp(g->shares.items[i].resource, "MB") == 0))
			r = add_domain(c, g->shares.items[i].domain);
	return r;
}

static int add_cpus(const struct manager *m, const struct inventory *inv, struct cache_control *c)
{
	cpuset_each (cpu, inv->machine.online) {
		struct cache_domain *d;
		uint64_t bytes;
		uint32_t id;

		if (read_cache(m, (unsigned)cpu, &id, &bytes) < 0 || !(d = domain_of(c, id)))
			continue; /* then no request of its can be met */
		d->bytes = bytes;
		if (cpuset_add(d->cpus, (unsigned)cpu) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* AMD's numbers are eighths of a GB/s, and those of the software controller MiB/s: a per cent of
 * them is not known. */
static bool in_percent(const struct grip *g, const struct inventory *inv)
{
	for (size_t i = 0; i < g->shares.count; i++)
		if (strcmp(g->shares.items[i].resource, "MB") == 0 &&
		    g->shares.items[i].value > 100)
			return false;
	inventory_each (package, inv, DEVICE_PACKAGE)
		if (package->package.vendor && (strstr(package->package.vendor, "AMD") ||
						strstr(package->package.vendor, "Hygon")))
			return false;
	return !fs_exists(g->root, "mba_MBps_event");
}

static bool is_ours(const char *group)
{
	return strncmp(group, PREFIX, strlen(PREFIX)) == 0;
}

static void add_foreign_ways(const struct rdt_shares *s, struct cache_control *c)
{
	for (size_t i = 0; i < s->count; i++) {
		struct cache_domain *d = domain_of(c, s->items[i].domain);

		if (d && is_l3(s->items[i].resource) && s->items[i].value != c->mask)
			d->foreign |= s->items[i].value;
	}
}

/* Classes that somebody else has made: counted, and their ways left alone. */
static int add_foreign(const struct grip *g, struct cache_control *c)
{
	_cleanup_(fs_names_freep) char **groups = NULL;
	size_t count = 0;
	int r = rdt_list(g->root, &groups, &count);

	for (size_t i = 0; r == 0 && i < count; i++) {
		_cleanup_(rdt_shares_done) struct rdt_shares s = { 0 };

		if (is_ours(groups[i]))
			continue;
		c->classes_foreign++;
		if (rdt_read(g->root, groups[i], &s) == 0) /* else one that is locked */
			add_foreign_ways(&s, c);
	}
	return r;
}

static int fill(const struct manager *m, const struct grip *g, const struct inventory *inv,
		struct cache_control *c)
{
	const struct rdt_info *i = &g->info;
	int r;

	*c = (struct cache_control){
		.ways = i->l3,
		.bandwidth = i->bandwidth && in_percent(g, inv),
		.mask = i->l3_mask,
		.shareable = i->l3_shareable,
		.ways_minimum = i->l3_minimum,
		.classes = i->classes > 0 ? i->classes - 1 : 0,
		.bandwidth_minimum = i->bandwidth_minimum,
		.bandwidth_step = i->bandwidth_step,
	};
	r = add_domains(g, c);
	if (r == 0)
		r = add_cpus(m, inv, c);
	return r < 0 ? r : add_foreign(g, c);
}

int resctrl_discover(const struct manager *m, struct inventory *inv)
{
	_cleanup_(grip_done) struct grip g = { .root = -1 };
	_cleanup_(cache_control_done) struct cache_control c = { 0 };
	int r;

	if (!m->config->resctrl || !manager_is_at_home(m))
		return 0;
	r = grip_open(m, &g);
	if (r == 0)
		r = fill(m, &g, inv, &c);
	if (r < 0 && r != -ENOENT && r != -ENOMEM)
		log_warning(NULL, "what /sys/fs/resctrl says cannot be used: %s", strerror(-r));
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	inv->cache = TAKE(c, (struct cache_control){ 0 });
	return 0;
}

static int saved_path(const struct manager *m, char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/resctrl", m->config->runtime_dir) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

/* What the default group had before; -ENOENT: nothing of it was taken in this boot. */
static int load_saved(const struct manager *m, struct rdt_shares *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX], *end;
	int r = saved_path(m, path);

	if (r == 0)
		r = fs_read(AT_FDCWD, path, SAVED_MAX_BYTES, &text, NULL);
	if (r < 0)
		return r;
	end = strchr(text, '\n');
	if (end)
		*end = 0;
	if (!end || strcmp(text, m->boot_id) != 0)
		return -ENOENT;
	return rdt_parse(end + 1, ret);
}

static int save(const struct manager *m, const struct grip *g, struct rdt_shares *ret)
{
	_cleanup_free_ char *text = NULL, *all = NULL;
	char path[PATH_MAX];
	int n, r = saved_path(m, path);

	if (r == 0)
		r = fs_read(g->root, "schemata", SAVED_MAX_BYTES, &text, NULL);
	if (r < 0)
		return r;
	n = asprintf(&all, "%s\n%s", m->boot_id, text);
	if (n < 0) {
		all = NULL;
		return -ENOMEM;
	}
	r = fs_replace(AT_FDCWD, path, all, (size_t)n, 0600);
	return r < 0 ? r : rdt_parse(text, ret);
}

/* What slices hold; without `except`, which is about to give it back. */
static int held_by_slices(const struct manager *m, const char *except, struct cache_use *ret)
{
	const struct cache_control *c = &m->inventory->cache;
	size_t cursor = 0;
	int r = cache_use_new(c, ret);

	for (const struct allocation *a; r == 0 && (a = ledger_next(m->ledger, &cursor));)
		if (!except || strcmp(a->slice, except) != 0)
			cache_use_add(c, &a->cache, ret);
	return r;
}

static uint64_t held_in(const struct manager *m, const struct cache_use *u, uint32_t domain)
{
	const struct cache_control *c = &m->inventory->cache;

	for (size_t i = 0; i < c->domains_count; i++)
		if (c->domains[i].id == domain)
			return u->ways[i];
	return 0;
}

/* The shares of the default group as they should be, where they are not; *ret_taken: any are taken.
 */
static int plan_default(const struct manager *m, const struct cache_use *u,
			const struct rdt_shares *before, struct rdt_shares *ret, bool *ret_taken)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < before->count; i++) {
		struct rdt_share share = before->items[i];
		const uint64_t held = held_in(m, u, share.domain);

		if (!is_l3(share.resource))
			continue;
		*ret_taken = *ret_taken || held != 0;
		if (held)
			share.value = cache_default(share.value, held);
		if (share.value) /* else nothing would be left: the kernel refuses that */
			r = rdt_add(ret, &share);
	}
	return r;
}

/* The default group keeps off what slices hold, and has all it had when none does. */
static int balance(const struct manager *m, const struct grip *g, const char *except)
{
	_cleanup_(rdt_shares_done) struct rdt_shares before = { 0 }, after = { 0 };
	_cleanup_(cache_use_done) struct cache_use use = { 0 };
	bool taken = false;
	char path[PATH_MAX];
	int r = held_by_slices(m, except, &use);

	if (r < 0)
		return r;
	r = load_saved(m, &before);
	if (r == -ENOENT && use.classes == 0)
		return 0;		   /* it is as its owner made it */
	if (r == -ENOENT || r == -EBADMSG) /* one that cannot be read just now is not lost */
		r = save(m, g, &before);
	if (r == 0)
		r = plan_default(m, &use, &before, &after, &taken);
	if (r == 0)
		r = rdt_write(g->root, NULL, &g->info, &after);
	if (r == 0 && !taken && saved_path(m, path) == 0)
		(void)unlink(path); /* it says what is true */
	return r;
}

static void name_of(const struct slice *s, char ret[NAME_ROOM])
{
	(void)snprintf(ret, NAME_ROOM, PREFIX "%s", s->id); /* an id has 40 bytes at most */
}

/* What the slice is to have, in the kernel's words. */
static int wanted_shares(const struct grip *g, const struct cache_shares *c, struct rdt_shares *ret)
{
	static const char *const together[] = { "L3", NULL }, *const apart[] = { "L3DATA", "L3CODE",
										 NULL };
	int r = 0;

	for (const char *const *name = g->info.cdp ? apart : together; *name; name++)
		for (size_t i = 0; r == 0 && i < c->count; i++) {
			struct rdt_share share = { .domain = c->items[i].domain,
						   .value = c->items[i].ways };

			(void)snprintf(share.resource, sizeof(share.resource), "%s", *name);
			if (share.value)
				r = rdt_add(ret, &share);
		}
	for (size_t i = 0; r == 0 && c->bandwidth_percent > 0 && i < c->count; i++)
		r = rdt_add(ret, &(struct rdt_share){ .resource = "MB",
						      .domain = c->items[i].domain,
						      .value = c->bandwidth_percent });
	return r;
}

/* "0=f0;1=f" of those that are wanted, as `actual` has them. */
static char *text_of(const struct rdt_shares *wanted, const struct rdt_shares *actual, bool l3)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < wanted->count; i++) {
		const struct rdt_share *w = &wanted->items[i],
				       *a = rdt_find(actual, w->resource, w->domain);

		if (is_l3(w->resource) != l3 || strcmp(w->resource, "L3CODE") == 0)
			continue;
		buf_format(&b, "%s%u=", b.size ? ";" : "", w->domain);
		if (a)
			buf_format(&b, l3 ? "%" PRIx64 : "%" PRIu64, a->value);
	}
	if (b.size == 0)
		buf_text(&b, "");
	return buf_steal(&b);
}

static bool same(const struct rdt_shares *wanted, const struct rdt_shares *actual, bool l3)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct rdt_share *w = &wanted->items[i],
				       *a = rdt_find(actual, w->resource, w->domain);

		if (is_l3(w->resource) == l3 && (!a || a->value != w->value))
			return false;
	}
	return true;
}

struct outcome {
	struct rdt_shares wanted, actual;
	const char *reason; /* why it does not hold, NULL it may */
	char room[384];
};

static void outcome_done(struct outcome *o)
{
	rdt_shares_done(&o->wanted);
	rdt_shares_done(&o->actual);
}

static int add_row(const struct slice *s, const struct outcome *o, bool l3,
		   struct enforcements *rows)
{
	_cleanup_free_ char *wanted = text_of(&o->wanted, &o->wanted, l3),
			    *actual = text_of(&o->wanted, &o->actual, l3);
	bool good = !o->reason && same(&o->wanted, &o->actual, l3);
	char file[NAME_ROOM + 16];

	if (!wanted || !actual)
		return -ENOMEM;
	(void)snprintf(file, sizeof(file), PREFIX "%s/schemata", s->id);
	return enforcements_add(
		rows,
		&(struct enforcement){ .resource = l3 ? "cache" : "memory-bandwidth",
				       .limit = l3 ? "l3" : "memory_bandwidth",
				       .mechanism = good ? MECHANISM_RESCTRL : MECHANISM_NONE,
				       .file = file,
				       .wanted = wanted,
				       .actual = actual,
				       .reason = good	     ? NULL
						 : o->reason ? o->reason
							     : "the kernel holds another share" });
}

static void refused(const struct grip *g, const char *step, int error, struct outcome *o)
{
	char status[256] = "";

	rdt_status(g->root, status, sizeof(status));
	(void)snprintf(o->room, sizeof(o->room), "%s: %s%s%s", step, strerror(-error),
		       *status ? ", " : "", status); /* may be cut */
	o->reason = o->room;
}

/* The group with its share and its first process, whose children are in it too. */
static void put_group(const struct slice *s, const struct grip *g, struct outcome *o)
{
	const char *step = "its group cannot be made";
	char name[NAME_ROOM];
	bool in = false;
	int r;

	name_of(s, name);
	r = rdt_make(g->root, name);
	if (r == 0) {
		step = "the default group keeps its share";
		r = balance(s->manager, g, NULL);
	}
	if (r == 0) {
		step = "schemata";
		r = rdt_write(g->root, name, &g->info, &o->wanted);
	}
	if (r == 0) {
		step = "tasks";
		r = rdt_add_task(g->root, name, s->init_pid);
	}
	if (r < 0)
		refused(g, step, r, o);
	if (rdt_read(g->root, name, &o->actual) < 0 && !o->reason)
		o->reason = "schemata cannot be read back";
	if (!o->reason && (rdt_has_task(g->root, name, s->init_pid, &in) < 0 || !in))
		o->reason = "its processes are not in the group";
}

/* Best effort got nothing: why, as things are now. */
static int say_none(const struct slice *s, const struct allocation *a, struct enforcements *rows)
{
	const struct cache_request *request = &s->request.cache;
	_cleanup_(cache_use_done) struct cache_use use = { 0 };
	_cleanup_(cache_shares_done) struct cache_shares shares = { 0 };
	char why[CACHE_WHY_ROOM] = "nothing was left when it was made";
	struct view v = manager_view(s->manager);
	struct enforcement row = { .mechanism = MECHANISM_NONE, .reason = why };
	int r = view_cache_use(&v, &use);

	if (r == 0)
		r = cache_pick(&s->manager->inventory->cache, &use,
			       &(struct cache_wish){ .request = request, .cpus = a->cpus }, &shares,
			       why);
	if (r < 0)
		return r;
	row.resource = "cache";
	row.limit = "l3";
	r = request->ways > 0 || request->bytes > 0 ? enforcements_add(rows, &row) : 0;
	row.resource = "memory-bandwidth";
	row.limit = "memory_bandwidth";
	return r == 0 && request->bandwidth_percent > 0 ? enforcements_add(rows, &row) : r;
}

static int resctrl_take(struct slice *s, struct enforcements *rows, struct fail *f)
{
	const struct allocation *a = ledger_find(s->manager->ledger, s->id);
	_cleanup_(grip_done) struct grip g = { .root = -1 };
	_cleanup_(outcome_done) struct outcome o = { 0 };
	int r;

	(void)f; /* what the kernel refuses is a row */
	if (!a || cache_request_empty(&s->request.cache))
		return 0;
	if (a->cache.count == 0)
		return say_none(s, a, rows);
	r = grip_open(s->manager, &g);
	if (r == 0)
		r = wanted_shares(&g, &a->cache, &o.wanted);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		o.reason = "/sys/fs/resctrl cannot be read any more";
	else
		put_group(s, &g, &o);
	r = s->request.cache.ways > 0 || s->request.cache.bytes > 0 ? add_row(s, &o, true, rows)
								    : 0;
	return r == 0 && a->cache.bandwidth_percent > 0 ? add_row(s, &o, false, rows) : r;
}

/* The group first: its ways may be had by one group at a time. */
static int give_back(const struct slice *s)
{
	_cleanup_(grip_done) struct grip g = { .root = -1 };
	char name[NAME_ROOM];
	int r = grip_open(s->manager, &g);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it is mounted no more */
	name_of(s, name);
	r = rdt_remove(g.root, name);
	return r < 0 ? r : balance(s->manager, &g, s->id);
}

static void resctrl_give(struct slice *s)
{
	int r = cache_request_empty(&s->request.cache) ? 0 : give_back(s);

	if (r < 0)
		log_warning(&(struct log_about){ .slice = s->id },
			    "its share of the caches cannot be given back: %s", strerror(-r));
}

/* Again, until it is done: the group may be gone and its share not yet the default group's. */
static int resctrl_left(struct slice *s, struct leaks *ret)
{
	char why[160];
	int r = cache_request_empty(&s->request.cache) ? 0 : give_back(s);

	if (r == 0 || r == -ENOMEM)
		return r;
	(void)snprintf(why, sizeof(why),
		       "its class of the cache and memory controllers is not given back: %s",
		       strerror(-r)); /* fits */
	return leaks_add_note(ret, why);
}

const struct hold hold_resctrl = {
	.name = "share of the caches",
	.take = resctrl_take,
	.give = resctrl_give,
	.left = resctrl_left,
};

/* Another agent beside the host's own (a trial, a test) has no say about what it did not make. */
static int remove_orphans(const struct manager *m, const struct grip *g)
{
	_cleanup_(fs_names_freep) char **groups = NULL;
	size_t count = 0;
	int r = 0;

	if (strcmp(m->config->runtime_dir, "/run/reeve") != 0)
		return 0;
	r = rdt_list(g->root, &groups, &count);
	for (size_t i = 0; i < count; i++)
		if (is_ours(groups[i]) && !map_get(m->slices, groups[i] + strlen(PREFIX))) {
			int k = rdt_remove(g->root, groups[i]);

			r = k < 0 ? k : r;
		}
	return r;
}

static int tidy(const struct manager *m)
{
	_cleanup_(grip_done) struct grip g = { .root = -1 };
	int k, r = grip_open(m, &g);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it is not mounted */
	r = remove_orphans(m, &g);
	k = balance(m, &g, NULL);
	return k < 0 ? k : r;
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	resctrl_adopt(userdata);
	return 0;
}

/* No slice has it for a leak that would be looked at: so the clock does. */
void resctrl_adopt(struct manager *m)
{
	struct resctrl_duty *d = &m->resctrl;
	bool known = d->due != NULL;
	int r = m->config->resctrl && manager_is_at_home(m) ? tidy(m) : 0;

	d->due = sd_event_source_disable_unref(d->due);
	if (r == 0 && known)
		log_notice(NULL, "resctrl: the default group has all that no slice holds again");
	if (r == 0)
		return;
	if (!known) {
		d->backoff = (struct backoff){ .first_usec = AGAIN_FIRST_USEC,
					       .max_usec = AGAIN_LAST_USEC };
		log_error(&(struct log_about){ .code = "leak" },
			  "resctrl: groups that slices have left, or their share, cannot be given "
			  "back to the default group, and it is tried again: %s",
			  strerror(-r));
	}
	if (sd_event_add_time_relative(m->loop, &d->due, CLOCK_MONOTONIC, backoff_next(&d->backoff),
				       0, on_again, m) < 0)
		log_error(NULL, "out of memory: it is tried again by the next agent");
}
