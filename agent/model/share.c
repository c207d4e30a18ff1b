/* SPDX-License-Identifier: Apache-2.0 */
/* Guarantees, limits and shares; see share.h. A request that waits counts as if it had what it asks
 * for: what it would have out of a guarantee is then neither kept twice nor given away. */
#include "model/share.h"

#include "model/bounded.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_role(const char *a, const char *b)
{
	return strcmp(a ? a : "default", b ? b : "default") == 0;
}

void share_policy_init(struct share_policy *p)
{
	*p = (struct share_policy){ .user_limit = share_amounts_all(SHARE_NO_LIMIT) };
}

void share_policy_done(struct share_policy *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->parties[i].name);
		free(p->parties[i].uids);
		free(p->parties[i].gids);
	}
	free(p->parties);
	share_policy_init(p);
}

static const struct share_party *find(const struct share_policy *p, enum share_kind kind,
				      const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->parties[i].kind == kind && strcmp(p->parties[i].name, name) == 0)
			return &p->parties[i];
	return NULL;
}

static bool has_user(const struct share_policy *p, uint32_t uid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->parties[i].kind == SHARE_USER && p->parties[i].uid == uid)
			return true;
	return false;
}

const struct share_party *share_policy_role(const struct share_policy *p, const char *name)
{
	return find(p, SHARE_ROLE, name ? name : "default");
}

struct share_party *share_policy_add(struct share_policy *p, enum share_kind kind, const char *name)
{
	const struct share_party *there = find(p, kind, name);
	struct share_party *grown;

	if (there)
		return &p->parties[there - p->parties];
	if (p->count == SHARE_PARTIES_MAX)
		return NULL;
	grown = realloc(p->parties, (p->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	p->parties = grown;
	grown += p->count;
	*grown = (struct share_party){ .kind = kind,
				       .name = strdup(name),
				       .limit = share_amounts_all(SHARE_NO_LIMIT),
				       .user_limit = share_amounts_all(SHARE_NO_LIMIT) };
	if (!grown->name)
		return NULL;
	p->count++;
	return grown;
}

bool share_policy_empty(const struct share_policy *p)
{
	if (p->count > 0)
		return false;
	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		if (p->user_limit.of[i] != SHARE_NO_LIMIT)
			return false;
	return true;
}

static bool is_member(const struct share_party *role, uint32_t uid, const uint32_t *gids,
		      size_t gids_count)
{
	for (size_t i = 0; i < role->uids_count; i++)
		if (role->uids[i] == uid)
			return true;
	for (size_t i = 0; i < role->gids_count; i++)
		for (size_t k = 0; k < gids_count; k++)
			if (role->gids[i] == gids[k])
				return true;
	return uid == 0 || !role->members_only;
}

int share_may_use(const struct share_policy *p, const char *name, uint32_t uid,
		  const uint32_t *gids, size_t gids_count, struct fail *f)
{
	const struct share_party *role = share_policy_role(p, name);
	bool roles = false;

	for (size_t i = 0; i < p->count; i++)
		roles |= p->parties[i].kind == SHARE_ROLE;
	if (!role && roles && !same_role(name, NULL))
		return fail_code(f, -EINVAL, "no-such-role", "there is no role %.64s here", name);
	if (!role || is_member(role, uid, gids, gids_count))
		return 0;
	return fail_code(f, -EPERM, "not-that-role", "user %u may not use role %s", uid,
			 role->name);
}

/* Of whom rows are summed up: NULL and -1 are everybody. */
struct whose {
	const struct share_party *party;
	int64_t uid;
};

static bool is_his(const struct share_row *row, const struct whose *w)
{
	if (w->uid >= 0 && row->uid != w->uid)
		return false;
	if (!w->party)
		return true;
	return w->party->kind == SHARE_ROLE ? same_role(row->role, w->party->name)
					    : row->uid == w->party->uid;
}

static struct share_amounts sum_of(const struct share_table *t, const struct whose *w)
{
	struct share_amounts sum = { 0 };

	for (size_t i = 0; i < t->count; i++)
		if (is_his(&t->rows[i], w))
			share_amounts_add(&sum, &t->rows[i].amounts);
	return sum;
}

/* Memory in huge pages is memory to whom it is limited. */
static uint64_t limited(const struct share_amounts *a, enum share_resource i)
{
	return a->of[i] + (i == SHARE_MEMORY ? a->of[SHARE_HUGEPAGES] : 0);
}

struct limit {
	struct whose whose;
	const struct share_amounts *most;
	const char *code;
	char text[96]; /* whose */
};

static int check_limit(const struct share_table *t, const struct share_row *wanted,
		       const struct limit *l, struct fail *f)
{
	const struct share_amounts used = sum_of(t, &l->whose);

	for (enum share_resource i = 0; i < SHARE_RESOURCES; i++) {
		const uint64_t now = limited(&used, i), more = limited(&wanted->amounts, i);
		char a[SHARE_TEXT_BYTES], b[SHARE_TEXT_BYTES], c[SHARE_TEXT_BYTES];

		if (l->most->of[i] == SHARE_NO_LIMIT || more == 0 || now + more <= l->most->of[i])
			continue;
		return fail_code(f, -EDQUOT, l->code,
				 "%s may have %s at most: in use are %s, asked for %s", l->text,
				 share_text(i, l->most->of[i], a), share_text(i, now, b),
				 share_text(i, more, c));
	}
	return 0;
}

static int check_role(const struct share_table *t, const struct share_row *wanted, struct fail *f)
{
	const struct share_party *role = share_policy_role(t->policy, wanted->role);
	struct limit all = { .whose = { role, -1 }, .code = "role-limit" },
		     each = { .whose = { role, wanted->uid }, .code = "user-limit" };
	int r;

	if (!role)
		return 0;
	all.most = &role->limit;
	each.most = &role->user_limit;
	(void)snprintf(all.text, sizeof(all.text), "role %.63s", role->name); /* fits */
	(void)snprintf(each.text, sizeof(each.text), "user %u in role %.63s", wanted->uid,
		       role->name); /* fits */
	r = check_limit(t, wanted, &all, f);
	return r < 0 ? r : check_limit(t, wanted, &each, f);
}

int share_limit(const struct share_table *t, const struct share_row *wanted, struct fail *f)
{
	struct limit own = { .whose = { NULL, wanted->uid }, .code = "user-limit" };
	int r = check_role(t, wanted, f);

	(void)snprintf(own.text, sizeof(own.text), "user %u", wanted->uid); /* fits */
	for (size_t i = 0; r == 0 && i < t->policy->count; i++) {
		const struct share_party *p = &t->policy->parties[i];

		if (p->kind != SHARE_USER || p->uid != wanted->uid)
			continue;
		own.most = &p->limit;
		r = check_limit(t, wanted, &own, f);
	}
	if (r < 0 || wanted->uid == 0 || has_user(t->policy, wanted->uid))
		return r;
	own.most = &t->policy->user_limit;
	return check_limit(t, wanted, &own, f);
}

static uint64_t at_most(uint64_t value)
{
	return value < SHARE_MOST ? value : SHARE_MOST;
}

static void count_cores(const struct view *v, const struct cpuset *pool, struct share_machine *ret)
{
	inventory_each (core, v->inventory, DEVICE_CORE) {
		const uint64_t millicpus = cpuset_count(core->core.cpus) * 1000ULL;

		if (millicpus > ret->core_millicpus)
			ret->core_millicpus = millicpus;
		if (view_core_free(v, core))
			ret->cores_apart += !cpuset_intersects(core->core.cpus, pool);
	}
}

void share_machine_of(const struct view *v, uint64_t slices_free, struct share_machine *ret)
{
	_cleanup_(cpuset_freep) struct cpuset *pool = NULL;
	struct share_machine m = { .hugepages_grow = v->hugepages_grow };
	int64_t shared = view_shared_free(v);
	struct resources r;

	view_free(v, &r);
	if (view_shared_pool(v, &pool) == 0) /* else: all cores count as apart */
		count_cores(v, pool, &m);
	m.there.of[SHARE_CORES] = r.cores;
	m.there.of[SHARE_CPUS] = shared > 0 ? (uint64_t)shared : 0;
	m.there.of[SHARE_MEMORY] = at_most(r.memory_bytes);
	for (size_t i = 0; i < r.hugepages_count; i++)
		m.there.of[SHARE_HUGEPAGES] = add_bounded(
			m.there.of[SHARE_HUGEPAGES],
			multiply_bounded(r.hugepages[i].size_bytes, r.hugepages[i].count));
	m.there.of[SHARE_HUGEPAGES] = at_most(m.there.of[SHARE_HUGEPAGES]);
	m.there.of[SHARE_GPUS] = r.gpus;
	m.there.of[SHARE_SLICES] = at_most(slices_free);
	*ret = m;
}

/* What is taken in all, where one resource is taken out of another one. */
struct balance {
	int64_t of[SHARE_RESOURCES];
};

static int64_t above(int64_t value, int64_t floor)
{
	return value > floor ? value - floor : 0;
}

/* What is left of the machine when all this is taken from it; negative: so much is lacking. */
static struct balance left_of(const struct share_machine *m, const struct share_amounts *taken)
{
	struct balance b;

	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		b.of[i] = (int64_t)m->there.of[i] - (int64_t)taken->of[i];
	b.of[SHARE_CPUS] -= above((int64_t)taken->of[SHARE_CORES], (int64_t)m->cores_apart) *
			    (int64_t)m->core_millicpus;
	if (m->hugepages_grow && b.of[SHARE_HUGEPAGES] < 0) {
		b.of[SHARE_MEMORY] += b.of[SHARE_HUGEPAGES];
		b.of[SHARE_HUGEPAGES] = 0;
	}
	return b;
}

bool share_there(const struct share_machine *free_now, const struct share_amounts *wanted)
{
	const struct balance b = left_of(free_now, wanted);

	/* The pool may lose less than the largest core. */
	return b.of[SHARE_CORES] >= 0 && b.of[SHARE_MEMORY] >= 0 && b.of[SHARE_HUGEPAGES] >= 0 &&
	       b.of[SHARE_GPUS] >= 0 && b.of[SHARE_SLICES] >= 0;
}

/* Adds what of the guarantees is not used, with `wanted` (NULL: without) and the rows that wait, or
 * without those. */
static void add_unused(const struct share_table *t, const struct share_row *wanted,
		       struct share_amounts *to)
{
	for (size_t i = 0; i < t->policy->count; i++) {
		const struct share_party *p = &t->policy->parties[i];
		const struct whose w = { p, -1 };
		struct share_amounts used = sum_of(t, &w);

		if (wanted && is_his(wanted, &w))
			share_amounts_add(&used, &wanted->amounts);
		for (size_t k = 0; k < SHARE_RESOURCES; k++)
			to->of[k] += subtract_bounded(p->guarantee.of[k], used.of[k]);
	}
}

static struct share_amounts waiting(const struct share_table *t)
{
	struct share_amounts sum = { 0 };

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].waits)
			share_amounts_add(&sum, &t->rows[i].amounts);
	return sum;
}

/* Rows that wait and are served by the same guarantees. */
static struct share_amounts waiting_beside(const struct share_table *t, const struct share_row *one)
{
	struct share_amounts sum = { 0 };

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].waits &&
		    (t->rows[i].uid == one->uid || same_role(t->rows[i].role, one->role)))
			share_amounts_add(&sum, &t->rows[i].amounts);
	return sum;
}

/* What is left of the machine beyond all that is kept for somebody, and beyond those who wait for
 * the same guarantees; without the row and with it. */
struct slack {
	struct balance before, after;
	struct balance beside_before, beside;
	struct balance alone; /* beyond nothing but the row */
};

static struct slack slack_of(const struct share_table *t, const struct share_machine *m,
			     const struct share_row *wanted)
{
	struct share_amounts kept = waiting(t), with = kept, beside = waiting_beside(t, wanted);
	struct slack s = { .beside_before = left_of(m, &beside),
			   .alone = left_of(m, &wanted->amounts) };

	add_unused(t, NULL, &kept);
	add_unused(t, wanted, &with);
	share_amounts_add(&with, &wanted->amounts);
	share_amounts_add(&beside, &wanted->amounts);
	s.before = left_of(m, &kept);
	s.after = left_of(m, &with);
	s.beside = left_of(m, &beside);
	return s;
}

/* Cores that are apart from the pool are taken from it all the same where others need them. */
static bool is_kept(const struct slack *s, enum share_resource i)
{
	if (s->after.of[i] >= 0 || s->alone.of[i] < 0)
		return false; /* it is left; or there is not that much, and placement says so */
	return s->after.of[i] < s->before.of[i] ||
	       (s->beside.of[i] < 0 && s->beside.of[i] < s->beside_before.of[i]);
}

static int check_room(const struct share_table *t, const struct share_machine *m,
		      const struct share_row *wanted, const char *code, struct fail *f)
{
	const struct slack s = slack_of(t, m, wanted);

	for (enum share_resource i = 0; i < SHARE_RESOURCES; i++) {
		char a[SHARE_TEXT_BYTES], b[SHARE_TEXT_BYTES], c[SHARE_TEXT_BYTES];
		const int64_t spare = s.before.of[i] > 0 ? s.before.of[i] : 0;

		if (!is_kept(&s, i))
			continue;
		return fail_code(
			f, -ENOSPC, code,
			"%s are free, of which %s are not kept for others (%s); it would "
			"take %s",
			share_text(i, m->there.of[i], a), share_text(i, (uint64_t)spare, b),
			strcmp(code, "guaranteed") == 0 ? "guarantees" : "requests that come first",
			share_text(i, m->there.of[i] - (uint64_t)s.alone.of[i], c));
	}
	return 0;
}

static int copy_settled(const struct share_table *t, struct share_row **ret, size_t *ret_count)
{
	*ret = calloc(t->count + 1, sizeof(**ret));
	*ret_count = 0;
	for (size_t i = 0; *ret && i < t->count; i++)
		if (!t->rows[i].waits)
			(*ret)[(*ret_count)++] = t->rows[i];
	return *ret ? 0 : -ENOMEM;
}

int share_room(const struct share_table *t, const struct share_machine *free_now,
	       const struct share_row *wanted, struct fail *f)
{
	_cleanup_free_ struct share_row *settled = NULL;
	struct share_table alone = { .policy = t->policy };
	int r;

	if (copy_settled(t, &settled, &alone.count) < 0)
		return fail_set(f, -ENOMEM, "out of memory");
	alone.rows = settled;
	r = check_room(&alone, free_now, wanted, "guaranteed", f);
	return r < 0 || alone.count == t->count ? r
						: check_room(t, free_now, wanted, "others-wait", f);
}

static double fraction(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : part > 0 ? 1 : 0;
}

static uint64_t cpu_of(const struct share_machine *m, uint64_t cores, uint64_t millicpus)
{
	return cores * m->core_millicpus + millicpus;
}

double share_dominant(const struct share_table *t, const struct share_machine *all, uint32_t uid)
{
	const uint64_t cpu = cpu_of(all, all->cores_apart, all->there.of[SHARE_CPUS]);
	struct share_amounts used = { 0 };
	double dominant, other;

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].uid == uid && !t->rows[i].waits)
			share_amounts_add(&used, &t->rows[i].amounts);
	dominant = fraction(cpu_of(all, used.of[SHARE_CORES], used.of[SHARE_CPUS]), cpu);
	other = fraction(limited(&used, SHARE_MEMORY), limited(&all->there, SHARE_MEMORY));
	dominant = other > dominant ? other : dominant;
	other = fraction(used.of[SHARE_GPUS], all->there.of[SHARE_GPUS]);
	return other > dominant ? other : dominant;
}
