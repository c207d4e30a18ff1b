/* SPDX-License-Identifier: Apache-2.0 */
/* Guarantees, limits and shares: sentences by hand, then random histories on random machines, in
 * which no limit is ever passed and every guarantee could be called in at any time. The seed is
 * printed; REEVE_TEST_SEED plays one history again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model-fixture.h"
#include "model/share.h"
#include "util/cleanup.h"

#include <errno.h>
#include <time.h>

enum { HISTORIES = 2000, STEPS = 60, ROWS_MAX = 256, USER = 1000 };

#define _cleanup_policy_ _cleanup_(share_policy_done)

static struct share_amounts amounts(const char *text)
{
	struct share_amounts a;

	assert_int_equal(share_amounts_parse(text, 0, &a), 0);
	return a;
}

static struct share_amounts limits(const char *text)
{
	struct share_amounts a;

	assert_int_equal(share_amounts_parse(text, SHARE_NO_LIMIT, &a), 0);
	return a;
}

static struct share_party *party(struct share_policy *p, enum share_kind kind, const char *name)
{
	struct share_party *made = share_policy_add(p, kind, name);

	assert_non_null(made);
	return made;
}

static struct share_row row(const char *role, uint32_t uid, const char *text)
{
	return (struct share_row){ .role = role, .uid = uid, .amounts = amounts(text) };
}

/* 8 cores of 2 threads, all of the pool. */
static struct share_machine machine(const char *text)
{
	return (struct share_machine){ .there = amounts(text), .core_millicpus = 2000 };
}

static void expect(int r, const struct fail *f, const char *code, const char *part)
{
	if (!code) {
		if (r < 0)
			fail_msg("%s", f->text);
		return;
	}
	assert_true(r < 0);
	assert_string_equal(f->code, code);
	if (!strstr(f->text, part))
		fail_msg("\"%s\" should say %s", f->text, part);
}

static void test_limits_are_of_a_role_of_its_users_and_of_users(void **state)
{
	const struct share_row rows[] = { row("batch", USER, "cores=6,memory=10GiB"),
					  row("batch", USER + 1, "cores=5"),
					  row(NULL, USER, "cores=3,gpus=1") };
	static const struct {
		const char *role, *amounts, *code, *part;
		uint32_t uid;
	} vectors[] = {
		{ "batch", "cores=1", NULL, NULL, USER },
		{ "batch", "cores=2", "role-limit",
		  "role batch may have 12 cores at most: in use are "
		  "11 cores, asked for 2 cores",
		  USER + 2 },
		{ "batch", "memory=7GiB", "user-limit",
		  "user 1000 in role batch may have 16384 MiB", USER },
		{ "batch", "memory=7GiB", NULL, NULL, USER + 1 },
		{ NULL, "cores=1", NULL, NULL, USER },
		{ NULL, "cores=2", "user-limit",
		  "user 1000 may have 10 cores at most: in use are 9 "
		  "cores, asked for 2 cores",
		  USER },
		{ NULL, "gpus=2", NULL, NULL, USER }, /* [user] of his own: not those of all */
		{ NULL, "gpus=2", "user-limit", "user 1001 may have 1 GPU at most", USER + 1 },
		{ NULL, "gpus=2", NULL, NULL, 0 }, /* root is exempt from those of all */
		{ "batch", "cores=2", "role-limit", "role batch", 0 },
		{ "default", "gpus=1", NULL, NULL, USER + 1 },
	};
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, rows, ARRAY_SIZE(rows) };
	struct share_party *user;

	(void)state;
	share_policy_init(&p);
	p.user_limit = limits("gpus=1");
	party(&p, SHARE_ROLE, "batch")->limit = limits("cores=12");
	party(&p, SHARE_ROLE, "batch")->user_limit = limits("memory=16GiB");
	user = party(&p, SHARE_USER, "anna");
	user->uid = USER;
	user->limit = limits("cores=10");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct share_row wanted =
			row(vectors[i].role, vectors[i].uid, vectors[i].amounts);
		struct fail f = { 0 };

		expect(share_limit(&t, &wanted, &f), &f, vectors[i].code, vectors[i].part);
	}
}

/* Who is over his limit already may have more of something else. */
static void test_limits_look_at_what_is_asked_for_only(void **state)
{
	const struct share_row rows[] = { row("r", USER, "cores=5") };
	struct share_row wanted = row("r", USER, "memory=2GiB");
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, rows, ARRAY_SIZE(rows) };
	struct fail f = { 0 };

	(void)state;
	share_policy_init(&p);
	party(&p, SHARE_ROLE, "r")->limit = limits("cores=2,memory=2GiB");
	assert_int_equal(share_limit(&t, &wanted, &f), 0);
	wanted.amounts.of[SHARE_CORES] = 1;
	expect(share_limit(&t, &wanted, &f), &f, "role-limit",
	       "in use are 5 cores, asked for 1 core");
}

static void test_huge_pages_are_memory_to_a_limit(void **state)
{
	struct share_row wanted = row("r", USER, "memory=1GiB");
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, NULL, 0 };
	struct fail f = { 0 };

	(void)state;
	share_policy_init(&p);
	party(&p, SHARE_ROLE, "r")->limit = limits("memory=2GiB");
	wanted.amounts.of[SHARE_HUGEPAGES] = GIB;
	assert_int_equal(share_limit(&t, &wanted, &f), 0);
	wanted.amounts.of[SHARE_HUGEPAGES] = 2 * GIB;
	expect(share_limit(&t, &wanted, &f), &f, "role-limit", "asked for 3072 MiB");
}

static void test_a_role_is_for_its_members(void **state)
{
	static const uint32_t gids[] = { 50, 60 };
	_cleanup_policy_ struct share_policy p;
	struct share_party *closed;
	struct fail f = { 0 };

	(void)state;
	share_policy_init(&p);
	assert_true(share_policy_empty(&p));
	assert_int_equal(share_may_use(&p, "anything", USER, NULL, 0, &f), 0);
	(void)party(&p, SHARE_ROLE, "open");
	closed = party(&p, SHARE_ROLE, "closed");
	closed->members_only = true;
	closed->uids = malloc(sizeof(uint32_t));
	closed->gids = malloc(sizeof(uint32_t));
	closed->uids[closed->uids_count++] = USER;
	closed->gids[closed->gids_count++] = 60;
	assert_int_equal(share_may_use(&p, "open", USER + 1, NULL, 0, &f), 0);
	assert_int_equal(share_may_use(&p, "closed", USER, NULL, 0, &f), 0);
	assert_int_equal(share_may_use(&p, "closed", USER + 1, gids, 2, &f), 0);
	assert_int_equal(share_may_use(&p, "closed", 0, NULL, 0, &f), 0);
	assert_int_equal(share_may_use(&p, NULL, USER, NULL, 0, &f), 0);
	assert_int_equal(share_may_use(&p, "default", USER, NULL, 0, &f), 0);
	expect(share_may_use(&p, "closed", USER + 1, gids, 1, &f), &f, "not-that-role",
	       "user 1001 may not use role closed");
	assert_int_equal(f.error, -EPERM);
	expect(share_may_use(&p, "anything", USER, NULL, 0, &f), &f, "no-such-role", "anything");
}

static void test_guarantees_are_kept_from_others(void **state)
{
	static const struct {
		const char *role, *amounts, *code, *part;
	} vectors[] = {
		{ "other", "cores=2", NULL, NULL },
		{ "other", "cores=3", "guaranteed",
		  "6 cores are free, of which 2 cores are not kept for others (guarantees); it "
		  "would take 3 cores" },
		{ "other", "cores=7", NULL, NULL }, /* there are not so many: placement says it */
		{ "sure", "cores=6", NULL, NULL },
		{ "other", "memory=8GiB", NULL, NULL },
		{ "other", "shared-cpus=4", NULL, NULL }, /* 4 cores need 8 of 12 CPUs */
		{ "other", "shared-cpus=4.001", "guaranteed", "12.000 shared CPUs are free" },
		{ "other", "cores=1,shared-cpus=2.001", "guaranteed", "shared CPUs" },
		{ "sure", "cores=4,shared-cpus=4", NULL, NULL },
	};
	const struct share_machine m = machine("cores=6,shared-cpus=12,memory=8GiB,slices=9");
	const struct share_row rows[] = { row("sure", USER, "cores=2") };
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, rows, ARRAY_SIZE(rows) };

	(void)state;
	share_policy_init(&p);
	party(&p, SHARE_ROLE, "sure")->guarantee = amounts("cores=6");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct share_row wanted = row(vectors[i].role, USER + 1, vectors[i].amounts);
		struct fail f = { 0 };

		expect(share_room(&t, &m, &wanted, &f), &f, vectors[i].code, vectors[i].part);
	}
}

/* Hardware failed, or the guarantees were made larger than the machine. */
static void test_who_stays_within_his_guarantee_has_it_also_when_not_all_can(void **state)
{
	const struct share_machine m = machine("cores=4,shared-cpus=8,slices=9");
	struct share_row wanted = row("a", USER, "cores=4");
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, NULL, 0 };
	struct fail f = { 0 };

	(void)state;
	share_policy_init(&p);
	party(&p, SHARE_ROLE, "a")->guarantee = amounts("cores=4");
	party(&p, SHARE_ROLE, "b")->guarantee = amounts("cores=4");
	assert_int_equal(share_room(&t, &m, &wanted, &f), 0);
	wanted.role = "c";
	wanted.amounts = amounts("cores=1");
	expect(share_room(&t, &m, &wanted, &f), &f, "guaranteed", "0 cores are not kept");
}

static void test_no_one_takes_what_another_waits_for(void **state)
{
	static const struct {
		const char *role, *amounts, *code;
	} vectors[] = {
		{ "x", "cores=1", "others-wait" },
		{ "x", "memory=4GiB", NULL },
		{ "x", "memory=4097MiB", "others-wait" },
		{ "x", "gpus=1", NULL },
		{ "sure", "cores=2", NULL }, /* his own */
		{ "sure", "cores=3", "others-wait" },
		{ "x", "shared-cpus=0.001", "others-wait" },
	};
	const struct share_machine m =
		machine("cores=6,shared-cpus=12,memory=8GiB,gpus=1,slices=9");
	struct share_row rows[] = { row("y", USER, "cores=8,memory=4GiB") };
	_cleanup_policy_ struct share_policy p;
	const struct share_table t = { &p, rows, ARRAY_SIZE(rows) };
	struct share_row wanted;
	struct fail f = { 0 };

	(void)state;
	rows[0].waits = true;
	share_policy_init(&p);
	party(&p, SHARE_ROLE, "sure")->guarantee = amounts("cores=2");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		wanted = row(vectors[i].role, USER + 1, vectors[i].amounts);
		expect(share_room(&t, &m, &wanted, &f), &f, vectors[i].code,
		       "requests that come "
		       "first");
	}
	party(&p, SHARE_ROLE, "sure")->guarantee = amounts("cores=12");
	wanted = row("sure", USER + 1, "cores=1");
	assert_int_equal(share_room(&t, &m, &wanted, &f), 0);
	rows[0].role = "sure"; /* one who waits for the same guarantee is not passed by */
	wanted = row("sure", USER + 1, "cores=1");
	expect(share_room(&t, &m, &wanted, &f), &f, "others-wait", "cores");
}

/* Ghodsi et al., NSDI 2011, section 4.1: 9 CPUs and 18 GB, A's tasks want 1 CPU and 4 GB, B's 3
 * CPUs and 1 GB. DRF gives A three and B two, both two thirds of what they have most of. */
static void test_the_smallest_dominant_share_goes_first(void **state)
{
	struct share_machine all = { .there = amounts("shared-cpus=9,memory=18GiB") }, left = all;
	const struct share_row wants[] = { row(NULL, USER, "shared-cpus=1,memory=4GiB"),
					   row(NULL, USER + 1, "shared-cpus=3,memory=1GiB") };
	struct share_row rows[ROWS_MAX];
	_cleanup_policy_ struct share_policy p;
	struct share_table t = { &p, rows, 0 };
	unsigned got[2] = { 0 };
	bool full[2] = { 0 };

	(void)state;
	share_policy_init(&p);
	while (!full[0] || !full[1]) {
		const double a = share_dominant(&t, &all, USER),
			     b = share_dominant(&t, &all, USER + 1);
		const unsigned next = full[0] || (!full[1] && b < a);

		for (unsigned i = SHARE_CPUS; i <= SHARE_MEMORY; i++)
			full[next] |= wants[next].amounts.of[i] > left.there.of[i];
		if (full[next])
			continue;
		for (unsigned i = SHARE_CPUS; i <= SHARE_MEMORY; i++)
			left.there.of[i] -= wants[next].amounts.of[i];
		rows[t.count++] = wants[next];
		got[next]++;
	}
	assert_int_equal(got[0], 3);
	assert_int_equal(got[1], 2);
	assert_true(share_dominant(&t, &all, USER) == 12.0 / 18);
	assert_true(share_dominant(&t, &all, USER + 1) == 6.0 / 9);
}

static void test_the_machine_is_what_the_view_has(void **state)
{
	struct inventory *inv = shape_make((struct shape){ .nodes = 2, .cores = 4, .threads = 2 });
	struct share_machine m;
	struct stage s;

	(void)state;
	shape_add_device(inv, DEVICE_GPU, "gpu-0", 0);
	shape_add_hugepages(inv, 0, 2 << 20, 16);
	for (unsigned i = 6; i < 8; i++)
		shape_core(inv, i)->core.isolated = true;
	stage_open(&s, inv);
	stage_hold(&s, "held", "0-1");
	share_machine_of(&s.view, 5, &m);
	assert_int_equal(m.there.of[SHARE_CORES], 7);
	assert_int_equal(m.cores_apart, 2);
	assert_int_equal(m.core_millicpus, 2000);
	assert_int_equal(m.there.of[SHARE_CPUS], 10000);
	assert_int_equal(m.there.of[SHARE_MEMORY], 16 * GIB - 32 * MIB);
	assert_int_equal(m.there.of[SHARE_HUGEPAGES], 32 * MIB);
	assert_int_equal(m.there.of[SHARE_GPUS], 1);
	assert_int_equal(m.there.of[SHARE_SLICES], 5);
	stage_close(&s);
}

static uint64_t draw(uint64_t *random, uint64_t limit)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (*random * 2685821657736338717ULL >> 11) % limit;
}

/* A machine and its users as sums: rows hold from it. */
struct play {
	uint64_t random;
	struct share_machine all;
	struct share_policy policy;
	struct share_row rows[ROWS_MAX];
	struct share_table table;
	unsigned admitted, refused;
};

static struct share_machine free_of(const struct play *p)
{
	struct share_machine m = p->all;
	struct share_amounts used = { 0 };
	uint64_t cores, pooled;

	for (size_t i = 0; i < p->table.count; i++)
		share_amounts_add(&used, &p->rows[i].amounts);
	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		m.there.of[i] -= i == SHARE_CPUS ? 0 : used.of[i];
	cores = used.of[SHARE_CORES];
	pooled = cores > m.cores_apart ? cores - m.cores_apart : 0;
	m.cores_apart -= cores - pooled;
	m.there.of[SHARE_CPUS] -= used.of[SHARE_CPUS] + pooled * m.core_millicpus;
	return m;
}

static uint64_t cpus_taken(const struct share_machine *m, const struct share_amounts *a)
{
	const uint64_t cores = a->of[SHARE_CORES];

	return a->of[SHARE_CPUS] +
	       (cores > m->cores_apart ? cores - m->cores_apart : 0) * m->core_millicpus;
}

/* As placement would, in sums. */
static bool fits(const struct share_machine *m, const struct share_amounts *a)
{
	return share_there(m, a) && cpus_taken(m, a) <= m->there.of[SHARE_CPUS];
}

static struct share_amounts random_amounts(struct play *p, uint64_t parts)
{
	struct share_amounts a = { 0 };

	for (size_t i = 0; i < SHARE_RESOURCES; i++)
		if (i != SHARE_HUGEPAGES && draw(&p->random, 3) > 0)
			a.of[i] = draw(&p->random, p->all.there.of[i] / parts + 1);
	return a;
}

/* Never more than half of the machine together: cores are taken out of the shared CPUs. */
static void random_policy(struct play *p)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

	share_policy_init(&p->policy);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		struct share_party *one =
			party(&p->policy, i < 4 ? SHARE_ROLE : SHARE_USER, names[i]);

		one->uid = USER + i - 4;
		one->guarantee = random_amounts(p, 2 * ARRAY_SIZE(names));
		if (draw(&p->random, 2) == 0)
			one->limit = random_amounts(p, 2);
		if (draw(&p->random, 3) == 0)
			one->user_limit = random_amounts(p, 3);
		one->limit.of[SHARE_HUGEPAGES] = one->user_limit.of[SHARE_HUGEPAGES] =
			SHARE_NO_LIMIT;
	}
}

static void play_open(struct play *p, uint64_t seed)
{
	const uint64_t cores = 1 + draw(&seed, 64);

	*p = (struct play){ .random = seed };
	p->all.core_millicpus = 1000 * (1 + draw(&p->random, 2));
	p->all.cores_apart = draw(&p->random, 3) ? 0 : draw(&p->random, cores + 1);
	p->all.there =
		(struct share_amounts){ .of = {
						[SHARE_CORES] = cores,
						[SHARE_CPUS] = (cores - p->all.cores_apart) *
							       p->all.core_millicpus,
						[SHARE_MEMORY] = draw(&p->random, 1ULL << 40),
						[SHARE_GPUS] = draw(&p->random, 17),
						[SHARE_SLICES] = 20 + draw(&p->random, 20),
					} };
	random_policy(p);
	p->table = (struct share_table){ &p->policy, p->rows, 0 };
}

static uint64_t held_by(const struct play *p, const struct share_party *one, int64_t uid,
			size_t resource)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->table.count; i++) {
		const struct share_row *r = &p->rows[i];
		const bool his = one->kind == SHARE_ROLE ? r->role && !strcmp(r->role, one->name)
							 : r->uid == one->uid;

		if (his && (uid < 0 || r->uid == uid))
			sum += r->amounts.of[resource];
	}
	return sum;
}

static void assert_no_limit_is_passed(const struct play *p)
{
	for (size_t i = 0; i < p->policy.count; i++) {
		const struct share_party *one = &p->policy.parties[i];

		for (size_t k = 0; k < SHARE_RESOURCES; k++) {
			assert_true(held_by(p, one, -1, k) <= one->limit.of[k]);
			for (uint32_t u = USER; one->kind == SHARE_ROLE && u < USER + 5; u++)
				assert_true(held_by(p, one, u, k) <= one->user_limit.of[k]);
		}
	}
}

/* All that a party has not of its guarantee, at once, by somebody who has no other. */
static void assert_guarantees_are_there(const struct play *p)
{
	const struct share_machine m = free_of(p);

	for (size_t i = 0; i < p->policy.count; i++) {
		const struct share_party *one = &p->policy.parties[i];
		struct share_row wanted = { .role = one->kind == SHARE_ROLE ? one->name : "none",
					    .uid = one->kind == SHARE_ROLE ? 9 : one->uid };
		struct fail f = { 0 };

		for (size_t k = 0; k < SHARE_RESOURCES; k++) {
			const uint64_t held = held_by(p, one, -1, k);

			wanted.amounts.of[k] =
				one->guarantee.of[k] > held ? one->guarantee.of[k] - held : 0;
		}
		if (!fits(&m, &wanted.amounts))
			fail_msg("the guarantee of %s is held by others", one->name);
		if (share_room(&p->table, &m, &wanted, &f) < 0)
			fail_msg("the guarantee of %s: %s", one->name, f.text);
	}
}

static void play_one(struct play *p)
{
	static const char *const roles[] = { "a", "b", "c", "d", "none", NULL };
	const struct share_machine m = free_of(p);
	struct share_row wanted = { .role = roles[draw(&p->random, ARRAY_SIZE(roles))],
				    .uid = USER + (uint32_t)draw(&p->random, 5),
				    .amounts = random_amounts(p, 4) };
	struct fail f = { 0 };

	wanted.amounts.of[SHARE_SLICES] = 1;
	if (fits(&m, &wanted.amounts) && share_limit(&p->table, &wanted, &f) == 0 &&
	    share_room(&p->table, &m, &wanted, &f) == 0) {
		p->rows[p->table.count++] = wanted;
		p->admitted++;
	} else {
		p->refused += f.code != NULL;
	}
}

static void play_end(struct play *p)
{
	const size_t which = draw(&p->random, p->table.count);

	p->table.count--;
	p->rows[which] = p->rows[p->table.count];
}

static void test_random_histories_pass_no_limit_and_keep_every_guarantee(void **state)
{
	const char *given = getenv("REEVE_TEST_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	unsigned admitted = 0, refused = 0;

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < HISTORIES; i++) {
		struct play p;

		play_open(&p, (seed * HISTORIES + i) * 2654435761ULL + 1);
		for (unsigned k = 0; k < STEPS; k++) {
			if (p.table.count > 0 && draw(&p.random, 3) == 0)
				play_end(&p);
			else
				play_one(&p);
			assert_no_limit_is_passed(&p);
			assert_guarantees_are_there(&p);
		}
		admitted += p.admitted;
		refused += p.refused;
		share_policy_done(&p.policy);
	}
	print_message("%u requests were admitted, %u refused by a limit or a guarantee\n", admitted,
		      refused);
	assert_true(admitted > HISTORIES && refused > HISTORIES);
}

/* Whoever is served by the order never had more than another who waited: so no two of a herd are
 * apart by more than one of its slices. */
static void test_a_herd_shares_the_machine_evenly(void **state)
{
	enum { HERD = 50 };
	struct play p;
	uint64_t left = HERD * 3;

	(void)state;
	play_open(&p, 7);
	share_policy_done(&p.policy);
	p.all = (struct share_machine){ .there = amounts("shared-cpus=200,memory=100GiB,gpus=8") };
	for (uint32_t late = 0; left > 0; left--) {
		uint32_t next = 0;
		double least = 2, most = 0;

		for (uint32_t u = 0; u < HERD; u++) {
			const double share = share_dominant(&p.table, &p.all, USER + u);

			if (share < least)
				next = u;
			least = share < least ? share : least;
			most = share > most ? share : most;
		}
		assert_true(most - least <= 1.0 / 200 + 1e-12);
		assert_true(next >= late || next == 0); /* by turns */
		late = next;
		p.rows[p.table.count++] = row(NULL, USER + next, "shared-cpus=1,memory=256MiB");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_are_of_a_role_of_its_users_and_of_users),
		cmocka_unit_test(test_limits_look_at_what_is_asked_for_only),
		cmocka_unit_test(test_huge_pages_are_memory_to_a_limit),
		cmocka_unit_test(test_a_role_is_for_its_members),
		cmocka_unit_test(test_guarantees_are_kept_from_others),
		cmocka_unit_test(test_who_stays_within_his_guarantee_has_it_also_when_not_all_can),
		cmocka_unit_test(test_no_one_takes_what_another_waits_for),
		cmocka_unit_test(test_the_smallest_dominant_share_goes_first),
		cmocka_unit_test(test_the_machine_is_what_the_view_has),
		cmocka_unit_test(test_random_histories_pass_no_limit_and_keep_every_guarantee),
		cmocka_unit_test(test_a_herd_shares_the_machine_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
