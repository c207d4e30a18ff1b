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

#include "scratch.h"

#include <inttypes.h>
#include <stdlib.h>

#define POOL "devices/system/node/node1/hugepages/hugepages-2048kB/"
#define MIB (1ULL << 20)

struct rig {
	struct scratch s;
	struct host host;
	struct config config;
	struct manager m;
};

static uint64_t no_time(const struct host *host)
{
	(void)host;
	return 1;
}

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

	*r = (struct rig){ 0 };
	scratch_open(&r->s);
	r->host = (struct host){ .sys_fd = r->s.fd,
				 .proc_fd = -1,
				 .root_fd = -1,
				 .cgroup_fd = -1,
				 .monotonic_usec = no_time,
				 .realtime_usec = no_time };
	r->config = (struct config){ .hugepages = true, .runtime_dir = r->s.path };
	r->m = (struct manager){ .host = &r->host, .config = &r->config, .boot_id = "boot" };
	(void)snprintf(path, sizeof(path), "%s/" POOL, r->s.path);
	assert_int_equal(fs_make_dirs(path, 0755), 0);
	set_pool(r, total, used);
	assert_int_equal(inventory_new(&r->m.inventory), 0);
	assert_int_equal(ledger_new(&r->m.ledger), 0);
	assert_int_equal(map_new(&r->m.slices), 0);
	assert_int_equal(journal_new(&r->m.journal, &r->host, NULL, 16, NULL), 0);
	add_node(r, total);
}

static void rig_done(struct rig *r)
{
	size_t cursor = 0;

	for (struct slice *s; (s = map_next(r->m.slices, &cursor, NULL));)
		slice_free(s);
	map_free(r->m.slices);
	ledger_free(r->m.ledger);
	inventory_free(r->m.inventory);
	journal_free(r->m.journal);
	scratch_done(&r->s);
}

static struct slice *add_slice(struct rig *r, const char *name, uint64_t count)
{
	struct allocation *a = NULL;
	struct slice *s = NULL;

	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(name);
	assert_int_equal(allocation_add_hugepages(a, 1, 2 * MIB, count), 0);
	assert_int_equal(ledger_take(r->m.ledger, &a), 0);
	assert_int_equal(slice_new(&s, &r->m, name), 0);
	assert_int_equal(map_put(r->m.slices, name, s), 0);
	return s;
}

static void forget(struct rig *r, const char *name)
{
	ledger_release(r->m.ledger, name);
	slice_free(map_remove(r->m.slices, name));
}

static void expect_row(struct slice *s, const char *wanted, const char *actual, bool held)
{
	struct enforcements rows = { 0 };

	assert_int_equal(hold_hugepages.take(s, &rows, NULL), 0);
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

	assert_int_equal(hold_hugepages.take(s, &rows, &f), -ENOSPC);
	assert_string_equal(f.code, "hugepages-short");
	if (!strstr(f.text, words))
		fail_msg("\"%s\" does not say \"%s\"", f.text, words);
	assert_int_equal(rows.count, 0);
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
	struct enforcements rows = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r, 10, 6); /* by a program that is in no slice */
	s = add_slice(&r, "a", 8);
	s = map_remove(r.m.slices, "a"); /* it uses none itself yet: a cgroup would say so */
	assert_int_equal(hold_hugepages.take(s, &rows, NULL), 0);
	assert_true(total_of(&r) == 14);
	enforcements_done(&rows);
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
	forget(&r, "a");
	assert_true(total_of(&r) == 20);
	set_pool(&r, 25, 0); /* the administrator adds five */
	hold_hugepages.give(b);
	assert_true(total_of(&r) == 15);
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
		cmocka_unit_test(test_hugepages_fewer_than_asked_are_all_undone),
		cmocka_unit_test(test_hugepages_are_refused_where_memory_is_promised),
		cmocka_unit_test(test_hugepages_are_not_added_where_the_agent_is_not_to),
		cmocka_unit_test(test_hugepages_in_use_are_a_leak_until_they_are_free),
		cmocka_unit_test(test_hugepages_of_slices_that_are_gone_are_given_back_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
