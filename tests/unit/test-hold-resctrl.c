/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of slices in a directory that stands in for resctrl: a schemata keeps what is not named
 * when it is written (attributes.h); masks are kept as they are. */
#include "agent/hold.h"
#include "agent/hold_resctrl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attributes.h"
#include "hold-fixture.h"

#define RDT "fs/resctrl/"
#define CPU "devices/system/cpu/cpu"

static void put_at(const struct rig *r, const char *path, const char *text)
{
	char folder[192], *slash;

	(void)snprintf(folder, sizeof(folder), "%s/%s", r->s.path, path);
	slash = strrchr(folder, '/');
	assert_non_null(slash);
	*slash = 0;
	assert_int_equal(fs_make_dirs(folder, 0755), 0);
	put_file(r->s.fd, path, text);
}

/* CPUs 0 and 1 have cache 0, 2 and 3 have cache 4. */
static void put_machine(const struct rig *r)
{
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		char path[96];

		(void)snprintf(path, sizeof(path), CPU "%u/cache/index0/level", cpu);
		put_at(r, path, "1\n");
		(void)snprintf(path, sizeof(path), CPU "%u/cache/index1/level", cpu);
		put_at(r, path, "3\n");
		(void)snprintf(path, sizeof(path), CPU "%u/cache/index1/id", cpu);
		put_at(r, path, cpu < 2 ? "0\n" : "4\n");
		(void)snprintf(path, sizeof(path), CPU "%u/cache/index1/size", cpu);
		put_at(r, path, "24576K\n");
	}
	put_at(r, RDT "info/L3/num_closids", "4\n");
	put_at(r, RDT "info/L3/cbm_mask", "fff\n");
	put_at(r, RDT "info/L3/min_cbm_bits", "1\n");
	put_at(r, RDT "info/MB/num_closids", "8\n");
	put_at(r, RDT "info/MB/min_bandwidth", "10\n");
	put_at(r, RDT "info/MB/bandwidth_gran", "10\n");
	put_at(r, RDT "schemata", "L3:0=fff;4=fff\nMB:0=90;4=90\n");
	put_at(r, RDT "tasks", "1\n");
}

static void rig_open(struct rig *r)
{
	rig_begin(r);
	cpuset_free(r->m.inventory->machine.online);
	assert_int_equal(cpuset_parse("0-3", &r->m.inventory->machine.online), 0);
	inventory_seal(r->m.inventory);
	put_machine(r);
}

/* A slice that holds these ways of cache 0; its group as the kernel would make it. */
static struct slice *add_slice(struct rig *r, const char *name, uint64_t ways, uint32_t percent)
{
	struct allocation *a = NULL;
	struct slice *s = NULL;
	char path[64];

	assert_int_equal(allocation_new(&a), 0);
	assert_int_equal(cache_shares_add(&a->cache, 0, ways), 0);
	a->cache.bandwidth_percent = percent;
	s = rig_slice(r, name, a);
	s->init_pid = 4711;
	s->request.cache =
		(struct cache_request){ .ways = ways ? 1 : 0, .bandwidth_percent = percent };
	(void)snprintf(path, sizeof(path), RDT "reeve-%s/schemata", name);
	put_at(r, path, "L3:0=fff\nMB:0=90\n");
	(void)snprintf(path, sizeof(path), RDT "reeve-%s/tasks", name);
	put_at(r, path, "");
	return s;
}

static void drop_files(struct rig *r, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), RDT "reeve-%s/schemata", name);
	(void)unlinkat(r->s.fd, path, 0); /* the kernel's go with the directory */
	(void)snprintf(path, sizeof(path), RDT "reeve-%s/tasks", name);
	(void)unlinkat(r->s.fd, path, 0);
}

static void expect_row(const struct enforcements *rows, const char *limit, const char *wanted,
		       enum mechanism mechanism)
{
	const struct enforcement *row = enforcements_find(rows, limit);

	assert_non_null(row);
	if (row->mechanism != mechanism)
		fail_msg("%s: %s", limit, row->reason ? row->reason : "held");
	if (wanted)
		assert_string_equal(row->wanted, wanted);
}

static void test_resctrl_discovers_caches_classes_and_other_groups(void **state)
{
	const struct cache_control *c;
	struct rig r;

	(void)state;
	rig_open(&r);
	put_at(&r, RDT "theirs/schemata", "L3:0=00f;4=fff\nMB:0=90;4=90\n");
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	c = &r.m.inventory->cache;
	assert_true(c->ways && c->bandwidth && c->mask == 0xfff);
	assert_int_equal(c->classes, 3);
	assert_int_equal(c->classes_foreign, 1);
	assert_int_equal(c->domains_count, 2);
	assert_true(c->domains[1].id == 4 && c->domains[1].bytes == 24 << 20);
	assert_true(cpuset_has(c->domains[1].cpus, 3) && !cpuset_has(c->domains[1].cpus, 1));
	assert_true(c->domains[0].foreign == 0xf && c->domains[1].foreign == 0);
	rig_done(&r);
}

static void test_resctrl_knows_no_percent_of_absolute_numbers(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	put_at(&r, RDT "schemata", "MB:0=2048;4=2048\nL3:0=fff;4=fff\n");
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	assert_true(r.m.inventory->cache.ways && !r.m.inventory->cache.bandwidth);
	rig_done(&r);
}

static void test_resctrl_that_is_garbled_or_not_wanted_is_none(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.config.resctrl = false;
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	assert_false(cache_control_present(&r.m.inventory->cache));
	r.config.resctrl = true;
	put_at(&r, RDT "schemata", "L3:0\n");
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	assert_false(cache_control_present(&r.m.inventory->cache));
	assert_int_equal(unlinkat(r.s.fd, RDT "schemata", 0), 0);
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	assert_false(cache_control_present(&r.m.inventory->cache));
	rig_done(&r);
}

static void test_resctrl_share_is_taken_from_the_default_group_and_given_back(void **state)
{
	struct enforcements rows = { 0 };
	struct leaks leaks = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	s = add_slice(&r, "a", 0xf00, 50);
	assert_int_equal(hold_resctrl.take(s, &rows, NULL), 0);
	expect_row(&rows, "l3", "0=f00", MECHANISM_RESCTRL);
	expect_row(&rows, "memory_bandwidth", "0=50", MECHANISM_RESCTRL);
	assert_file(r.s.fd, RDT "reeve-a/schemata", "L3:0=f00\nMB:0=50\n");
	assert_file(r.s.fd, RDT "reeve-a/tasks", "4711\n");
	assert_file(r.s.fd, RDT "schemata", "L3:0=0ff;4=fff\nMB:0=90;4=90\n");
	assert_true(fs_exists(r.s.fd, "resctrl"));
	enforcements_done(&rows);
	assert_int_equal(hold_resctrl.take(s, &rows, NULL), 0); /* once more: nothing changes */
	assert_file(r.s.fd, RDT "schemata", "L3:0=0ff;4=fff\nMB:0=90;4=90\n");
	enforcements_done(&rows);
	hold_resctrl.give(s); /* the stand-in's directory is not empty: it stays */
	assert_int_equal(hold_resctrl.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 1);
	leaks_done(&leaks);
	drop_files(&r, "a");
	assert_int_equal(hold_resctrl.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 0);
	assert_file(r.s.fd, RDT "schemata", "L3:0=fff;4=fff\nMB:0=90;4=90\n");
	assert_false(fs_exists(r.s.fd, "resctrl"));
	rig_done(&r);
}

static void test_resctrl_gives_back_what_the_administrator_had_set(void **state)
{
	struct enforcements rows = { 0 };
	struct slice *a, *b;
	struct rig r;

	(void)state;
	rig_open(&r);
	put_at(&r, RDT "schemata", "L3:0=ff0;4=0ff\nMB:0=90;4=90\n");
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	a = add_slice(&r, "a", 0xc00, 0);
	assert_int_equal(hold_resctrl.take(a, &rows, NULL), 0);
	b = add_slice(&r, "b", 0x300, 0);
	assert_int_equal(hold_resctrl.take(b, &rows, NULL), 0);
	assert_file(r.s.fd, RDT "schemata", "L3:0=0f0;4=0ff\nMB:0=90;4=90\n");
	drop_files(&r, "a");
	hold_resctrl.give(a);
	ledger_release(r.m.ledger, "a");
	assert_file(r.s.fd, RDT "schemata", "L3:0=0f0;4=0ff\nMB:0=90;4=90\n");
	drop_files(&r, "b");
	hold_resctrl.give(b);
	assert_file(r.s.fd, RDT "schemata", "L3:0=ff0;4=0ff\nMB:0=90;4=90\n");
	enforcements_done(&rows);
	rig_done(&r);
}

static void test_resctrl_slice_without_a_class_says_why(void **state)
{
	struct enforcements rows = { 0 };
	struct allocation *a = NULL;
	struct slice *s = NULL;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup("a");
	assert_int_equal(ledger_take(r.m.ledger, &a), 0);
	assert_int_equal(slice_new(&s, &r.m, "a"), 0);
	assert_int_equal(map_put(r.m.slices, "a", s), 0);
	s->request.cache = (struct cache_request){ .ways = 2, .bandwidth_percent = 10 };
	assert_int_equal(hold_resctrl.take(s, &rows, NULL), 0);
	expect_row(&rows, "l3", NULL, MECHANISM_NONE);
	expect_row(&rows, "memory_bandwidth", NULL, MECHANISM_NONE);
	assert_non_null(strstr(rows.items[0].reason, "no cache allocation"));
	assert_false(fs_exists(r.s.fd, RDT "reeve-a"));
	enforcements_done(&rows);
	rig_done(&r);
}

static void test_resctrl_that_is_refused_is_a_row(void **state)
{
	struct enforcements rows = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	put_at(&r, RDT "info/last_cmd_status", "no free closid\n");
	s = add_slice(&r, "a", 0xf00, 0);
	drop_files(&r, "a"); /* there is no schemata to write */
	assert_int_equal(hold_resctrl.take(s, &rows, NULL), 0);
	expect_row(&rows, "l3", "0=f00", MECHANISM_NONE);
	assert_non_null(strstr(rows.items[0].reason, "no free closid"));
	enforcements_done(&rows);
	rig_done(&r);
}

static void test_resctrl_slice_is_a_leak_until_the_default_group_has_its_share(void **state)
{
	struct enforcements rows = { 0 };
	struct leaks leaks = { 0 };
	struct slice *s;
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	s = add_slice(&r, "a", 0xf00, 0);
	assert_int_equal(hold_resctrl.take(s, &rows, NULL), 0);
	drop_files(&r, "a");
	put_at(&r, RDT "schemata", "L3:0=0ff\nMB:0=90;4=90\n"); /* no write of cache 4 */
	hold_resctrl.give(s);
	assert_false(fs_exists(r.s.fd, RDT "reeve-a"));
	assert_int_equal(hold_resctrl.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 1);
	leaks_done(&leaks);
	put_at(&r, RDT "schemata", "L3:0=0ff;4=fff\nMB:0=90;4=90\n");
	assert_int_equal(hold_resctrl.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 0);
	assert_file(r.s.fd, RDT "schemata", "L3:0=fff;4=fff\nMB:0=90;4=90\n");
	enforcements_done(&rows);
	rig_done(&r);
}

/* The slice and its group are gone, and nothing but the saved file tells of them. */
static void test_resctrl_that_a_slice_left_narrow_is_widened_when_it_can_be(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_true(sd_event_new(&r.m.loop) >= 0);
	assert_int_equal(resctrl_discover(&r.m, r.m.inventory), 0);
	put_file(r.s.fd, "resctrl", "boot\nL3:0=fff;4=fff\nMB:0=90;4=90\n");
	put_at(&r, RDT "schemata", "L3:0=0ff\nMB:0=90;4=90\n"); /* no write of cache 4 */
	resctrl_adopt(&r.m);
	assert_non_null(r.m.resctrl.due);
	assert_file(r.s.fd, RDT "schemata", "L3:0=0ff\nMB:0=90;4=90\n");
	put_at(&r, RDT "schemata", "L3:0=0ff;4=fff\nMB:0=90;4=90\n");
	while (r.m.resctrl.due)
		assert_true(sd_event_run(r.m.loop, UINT64_MAX) >= 0);
	assert_file(r.s.fd, RDT "schemata", "L3:0=fff;4=fff\nMB:0=90;4=90\n");
	assert_false(fs_exists(r.s.fd, "resctrl"));
	sd_event_unref(r.m.loop);
	rig_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resctrl_discovers_caches_classes_and_other_groups),
		cmocka_unit_test(test_resctrl_knows_no_percent_of_absolute_numbers),
		cmocka_unit_test(test_resctrl_that_is_garbled_or_not_wanted_is_none),
		cmocka_unit_test(test_resctrl_share_is_taken_from_the_default_group_and_given_back),
		cmocka_unit_test(test_resctrl_gives_back_what_the_administrator_had_set),
		cmocka_unit_test(test_resctrl_slice_without_a_class_says_why),
		cmocka_unit_test(test_resctrl_that_is_refused_is_a_row),
		cmocka_unit_test(
			test_resctrl_slice_is_a_leak_until_the_default_group_has_its_share),
		cmocka_unit_test(test_resctrl_that_a_slice_left_narrow_is_widened_when_it_can_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
