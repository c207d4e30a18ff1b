/* SPDX-License-Identifier: Apache-2.0 */
/* Huge pages of slices, on pools that are plain files: what is asked of them, refused, given back,
 * and found again by the next agent. */
#include "agent/hold.h"
#include "agent/hold_hugepages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hold-fixture.h"

#include <inttypes.h>

#define POOL "devices/system/node/node1/hugepages/hugepages-2048kB/"
#define MIB (1ULL << 20)

/* What the kernel would tell: all pages are free that are not said to be used. */
static void set_pool(const struct rig *r, uint64_t total, uint64_t used)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", total);
	put_file(r->s.fd, POOL "nr_hugepages", text);
	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", total - used);
	put_file(r->s.fd, POOL "free_hugepages", text);
}

static uint64_t total_of(const struct rig *r)
{
	uint64_t total = 0;

	assert_int_equal(fs_read_u64(r->s.fd, POOL "nr_hugepages", &total), 0);
	return total;
}

/* One node, number 1, of 200 MiB. */
static void add_node(struct rig *r, uint64_t pages)
{
	struct device *d = NULL;

	assert_int_equal(device_new(&d, DEVICE_NODE, "1"), 0);
	d->memory.number = 1;
	d->memory.memory_bytes = 200 * MIB;
	d->memory.host_memory = true;
	d->memory.hugepages = calloc(1, sizeof(*d->memory.hugepages));
	assert_non_null(d->memory.hugepages);
	d->memory.hugepages[0] = (struct device_hugepages){ 2 * MIB, pages, pages };
	d->memory.hugepages_count = 1;
	assert_int_equal(inventory_add(r->m.inventory, &d), 0);
	inventory_seal(r->m.inventory);
}

static struct device *node_of(const struct rig *r)
{
	return inventory_find(r->m.inventory, "node-1");
}

static void rig_open(struct rig *r, uint64_t total, uint64_t used)
{
	char path[160];

	rig_begin(r);
	(void)snprintf(path, sizeof(path), "%s/" POOL, r->s.path);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	set_pool(r, total, used);
	add_node(r, total);
}

static struct slice *add_slice(struct rig *r, const char *name, uint64_t count)
{
	struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	assert_int_equal(allocation_add_hugepages(a, 1, 2 * MIB, count), 0);
	return rig_slice(r, name, a);
}

/* As a room is made, without the child. */
static int make_room(struct slice *s, struct fail *f)
{
	_cleanup_(page_account_done) struct page_account work = { 0 };
	struct fail said = { 0 };
	int r = hugepages_ask(s, &work, f);

	if (r == 0 && work.count > 0) {
		assert_int_equal(work.state, PAGE_ACCOUNT_ASKED);
		(void)page_account_get(s->manager->host, &work, &said); /* the settling tells */
		r = hugepages_settle(s, &work, &said, f);
	}
	if (r == 0)
		s->state = SLICE_ACTIVE;
	return r;
}

static void give_room_back(struct slice *s)
{
	_cleanup_(page_account_done) struct page_account work = { 0 };
	struct fail f = { 0 };

	assert_int_equal(hugepages_return(s, &work), 0);
	if (work.count == 0)
		return;
	page_account_give(s->manager->host, &work);
	assert_int_equal(hugepages_settle(s, &work, NULL, &f), 0);
}

static void expect_row(struct slice *s, const char *wanted, const char *actual, bool held)
{
	struct enforcements rows = { 0 };
	struct fail f = { 0 };

	assert_int_equal(make_room(s, &f) == 0, held);
	assert_int_equal(hold_hugepages.take(s, &rows, &f), 0);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.items[0].limit, "hugepages_pool");
	assert_string_equal(rows.items[0].wanted, wanted);
	assert_string_equal(rows.items[0].actual, actual);
	assert_int_equal(rows.items[0].mechanism, held ? MECHANISM_POOL : MECHANISM_NONE);
	assert_int_equal(rows.items[0].reason == NULL, held);
	enforcements_done(&rows);
}

static void expect_refused(struct slice *s, const char *words)
{
	struct enforcements rows = { 0 };
	struct fail f = { 0 };

	assert_int_equal(make_room(s, &f), -ENOSPC);
	assert_string_equal(f.code, "hugepages-short");
	if (!strstr(f.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f.text, words);
	f = (struct fail){ 0 };
	assert_int_equal(hold_hugepages.take(s, &rows, &f), -ENOSPC);
	assert_string_equal(f.code, "hugepages-short");
	enforcements_done(&rows);
}

static void expect_left(struct slice *s, uint64_t pages)
{
	struct leaks l = { 0 };
	uint64_t found = 0;

	assert_int_equal(hold_hugepages.left(s, &l), 0);
	if (l.held)
		found = allocation_hugepages(l.held, 1, 2 * MIB);
	assert_true(found == pages);
	assert_int_equal(l.count > 0, pages > 0);
	leaks_done(&l);
}

static void test_hugepages_missing_ones_are_added_and_given_back(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 30);
	expect_row(s, "30", "30", true);
	assert_true(total_of(&r) == 30);
	assert_true(fs_exists(r.s.fd, "hugepages/a"));
	assert_true(r.m.inventory->generation == 1);
	set_pool(&r, 30, 4);
	expect_row(s, "30", "30",
		   true); /* a second time takes nothing; its own use is no one else's */
	assert_true(total_of(&r) == 30);
	set_pool(&r, 30, 0);
	hold_hugepages.give(s);
	assert_true(total_of(&r) == 10);
	expect_left(s, 0);
	assert_false(fs_exists(r.s.fd, "hugepages/a"));
	hold_hugepages.give(s);
	assert_true(total_of(&r) == 10);
	rig_done(&r);
}

static void test_hugepages_that_are_there_are_left_as_they_are(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 10);
	expect_row(s, "10", "10", true);
	assert_true(total_of(&r) == 10);
	assert_false(fs_exists(r.s.fd, "hugepages/a"));
	hold_hugepages.give(s);
	expect_left(s, 0);
	assert_true(total_of(&r) == 10);
	rig_done(&r);
}

static void test_hugepages_that_others_use_are_replaced(void **state)
{
	struct fail f = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 6); /* by a program that is in no slice */
	s = add_slice(&r, "a", 8);
	s = map_remove(r.m.slices, "a"); /* it uses none itself yet: a cgroup would say so */
	assert_int_equal(make_room(s, &f), 0);
	assert_true(total_of(&r) == 14);
	slice_free(s);
	rig_done(&r);
}

static void test_hugepages_of_two_slices_are_kept_apart(void **state)
{
	struct slice *a, *b;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	a = add_slice(&r, "a", 10);
	expect_row(a, "10", "10", true);
	b = add_slice(&r, "b", 10);
	expect_row(b, "10", "10", true);
	assert_true(total_of(&r) == 20);
	set_pool(&r, 20, 0);
	hold_hugepages.give(a); /* had none added */
	rig_forget(&r, "a");
	assert_true(total_of(&r) == 20);
	set_pool(&r, 25, 0); /* the administrator adds five */
	hold_hugepages.give(b);
	assert_true(total_of(&r) == 15);
	rig_done(&r);
}

static void test_hugepages_that_another_slice_waits_for_are_left_to_it(void **state)
{
	struct fail f = { 0 };
	struct slice *a, *b;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	a = add_slice(&r, "a", 10);
	b = add_slice(&r, "b", 8);
	assert_int_equal(make_room(b, &f), 0);
	assert_true(total_of(&r) == 10);
	set_pool(&r, 10, 0);
	expect_row(a, "10", "10", true);
	assert_true(total_of(&r) == 18);
	assert_true(hugepages_lent(a) && !hugepages_lent(b));
	rig_done(&r);
}

/* No size of pages goes while the kernel runs. */
static void test_hugepages_that_cannot_be_read_for_once_stay_in_the_inventory(void **state)
{
	_cleanup_(page_account_done) struct page_account work = { 0 };
	struct fail f = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 30);
	assert_int_equal(hugepages_ask(s, &work, &f), 0);
	put_file(r.s.fd, POOL "free_hugepages", "what\n");
	assert_true(hugepages_settle(s, &work, NULL, &f) < 0);
	assert_int_equal(node_of(&r)->memory.hugepages_count, 1);
	assert_true(node_of(&r)->memory.hugepages[0].total == 10);
	rig_done(&r);
}

/* Every look at the clock is four seconds later: of 2000 pages 1024 come in time. */
static uint64_t slow_time(const struct host *host)
{
	static uint64_t now;

	(void)host;
	return now += 4000000;
}

static void test_hugepages_fewer_than_asked_are_all_undone(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 0, 0);
	node_of(&r)->memory.memory_bytes = 8192 * MIB;
	r.host.monotonic_usec = slow_time;
	s = add_slice(&r, "a", 2000);
	put_file(r.s.fd, POOL "free_hugepages", "1024\n"); /* when it is undone */
	expect_refused(s, "node 1 can have only 64 of 2000 more huge pages of 2048 KiB");
	assert_true(total_of(&r) == 0);
	assert_false(fs_exists(r.s.fd, "hugepages/a"));
	rig_done(&r);
}

static void test_hugepages_are_refused_where_memory_is_promised(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 10); /* all in use by others, and 190 MiB of other memory */
	s = add_slice(&r, "a", 95);
	slice_free(map_remove(r.m.slices, "a"));
	assert_int_equal(slice_new(&s, &r.m, "a"), 0);
	expect_refused(s, "its memory is promised to others");
	assert_true(total_of(&r) == 10);
	assert_false(fs_exists(r.s.fd, "hugepages/a"));
	slice_free(s);
	rig_done(&r);
}

static void test_hugepages_are_not_added_where_the_agent_is_not_to(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	r.config.hugepages = false;
	s = add_slice(&r, "a", 11);
	expect_refused(s, "0 of 1 more huge pages of 2048 KiB: this agent is not to change");
	assert_true(total_of(&r) == 10);
	s->state = SLICE_ACTIVE; /* one that runs is told, and goes on */
	expect_row(s, "11", "10", false);
	rig_done(&r);
}

static void test_hugepages_are_given_back_in_two_halves(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 30);
	expect_row(s, "30", "30", true);
	assert_true(hugepages_lent(s));
	set_pool(&r, 30, 12); /* two of what was added are in use yet */
	give_room_back(s);
	assert_true(total_of(&r) == 12);
	assert_true(hugepages_lent(s));
	set_pool(&r, 12, 10);
	give_room_back(s);
	assert_true(total_of(&r) == 10);
	assert_false(hugepages_lent(s));
	give_room_back(s);
	assert_true(total_of(&r) == 10);
	rig_done(&r);
}

/* The agent ends before it settles; the pools are as far as they are. */
static void test_hugepages_of_an_agent_that_died_on_the_way_are_given_back(void **state)
{
	static const uint64_t reached[] = { 10, 17, 30 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reached); i++) {
		_cleanup_(page_account_done) struct page_account up = { 0 }, down = { 0 };
		struct fail f = { 0 };
		struct slice *s;
		struct rig r;

		rig_open(&r, 10, 0);
		s = add_slice(&r, "a", 30);
		assert_int_equal(hugepages_ask(s, &up, &f), 0);
		assert_true(up.count == 1 && up.items[0].count == 20);
		set_pool(&r, reached[i], 0);
		rig_forget(&r, "a");
		hugepages_adopt(&r.m);
		assert_true(total_of(&r) == 10);

		s = add_slice(&r, "b", 30);
		expect_row(s, "30", "30", true);
		set_pool(&r, 30, 0);
		assert_int_equal(hugepages_return(s, &down), 0);
		assert_true(down.count == 1 && down.items[0].count == 20);
		set_pool(&r, reached[i], 0);
		rig_forget(&r, "b");
		hugepages_adopt(&r.m);
		assert_true(total_of(&r) == 10);
		rig_done(&r);
	}
}

/* A resize asked for four, two had come, and the agent died; what others add later is not its. */
static void test_hugepages_that_were_begun_are_settled_by_the_next_agent(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 10);
	s->state = SLICE_ACTIVE;
	assert_int_equal(mkdirat(r.s.fd, "hugepages", 0700), 0);
	put_file(r.s.fd, "hugepages/a", "boot asked\n1 2097152 8 4\n");
	expect_row(s, "10", "10", true);
	set_pool(&r, 16, 0);
	hold_hugepages.give(s);
	assert_true(total_of(&r) == 14);
	rig_done(&r);
}

static void test_hugepages_that_a_child_did_not_bring_are_missed(void **state)
{
	_cleanup_(page_account_done) struct page_account work = { 0 };
	struct fail f = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 0);
	s = add_slice(&r, "a", 30);
	assert_int_equal(hugepages_ask(s, &work, &f), 0);
	set_pool(&r, 25, 0); /* and it has said nothing */
	assert_int_equal(hugepages_settle(s, &work, NULL, &f), -ENOSPC);
	assert_string_equal(f.code, "hugepages-short");
	assert_non_null(strstr(f.text, "only 15 of 20 more"));
	give_room_back(s);
	assert_true(total_of(&r) == 10);
	rig_done(&r);
}

static void test_hugepages_in_use_are_a_leak_until_they_are_free(void **state)
{
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 0, 0);
	s = add_slice(&r, "a", 8);
	expect_row(s, "8", "8", true);
	set_pool(&r, 8, 3);
	hold_hugepages.give(s);
	assert_true(total_of(&r) == 3);
	set_pool(&r, 3, 3);
	expect_left(s, 3);
	set_pool(&r, 3, 0);
	expect_left(s, 0);
	assert_true(total_of(&r) == 0);
	rig_done(&r);
}

static void test_hugepages_of_slices_that_are_gone_are_given_back_at_start(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 40, 0);
	(void)add_slice(&r, "alive", 5);
	assert_int_equal(mkdirat(r.s.fd, "hugepages", 0700), 0);
	put_file(r.s.fd, "hugepages/alive", "boot settled\n1 2097152 10 5\n");
	put_file(r.s.fd, "hugepages/lost", "boot settled\n1 2097152 15 7\n");
	put_file(r.s.fd, "hugepages/early", "boot asked\n1 2097152 40 9\n"); /* none came */
	put_file(r.s.fd, "hugepages/old", "other settled\n1 2097152 0 5\n");
	put_file(r.s.fd, "hugepages/bad", "garbage\n");
	hugepages_adopt(&r.m);
	assert_true(total_of(&r) == 33);
	assert_true(fs_exists(r.s.fd, "hugepages/alive"));
	assert_false(fs_exists(r.s.fd, "hugepages/lost"));
	assert_false(fs_exists(r.s.fd, "hugepages/early"));
	assert_false(fs_exists(r.s.fd, "hugepages/old"));
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hugepages_missing_ones_are_added_and_given_back),
		cmocka_unit_test(test_hugepages_that_are_there_are_left_as_they_are),
		cmocka_unit_test(test_hugepages_that_others_use_are_replaced),
		cmocka_unit_test(test_hugepages_of_two_slices_are_kept_apart),
		cmocka_unit_test(test_hugepages_that_another_slice_waits_for_are_left_to_it),
		cmocka_unit_test(test_hugepages_that_cannot_be_read_for_once_stay_in_the_inventory),
		cmocka_unit_test(test_hugepages_fewer_than_asked_are_all_undone),
		cmocka_unit_test(test_hugepages_are_refused_where_memory_is_promised),
		cmocka_unit_test(test_hugepages_are_not_added_where_the_agent_is_not_to),
		cmocka_unit_test(test_hugepages_are_given_back_in_two_halves),
		cmocka_unit_test(test_hugepages_of_an_agent_that_died_on_the_way_are_given_back),
		cmocka_unit_test(test_hugepages_that_were_begun_are_settled_by_the_next_agent),
		cmocka_unit_test(test_hugepages_that_a_child_did_not_bring_are_missed),
		cmocka_unit_test(test_hugepages_in_use_are_a_leak_until_they_are_free),
		cmocka_unit_test(test_hugepages_of_slices_that_are_gone_are_given_back_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
