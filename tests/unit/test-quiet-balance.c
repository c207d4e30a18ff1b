/* SPDX-License-Identifier: Apache-2.0 */
/* What irqbalance is told for slices that come and go, against a stand-in (balancer.h): it goes by
 * what it was told, and by its own settings in the end, whenever its rounds are and whoever is
 * killed. Nothing waits for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balancer.h"
#include "discover.h"
#include "enforce.h"
#include "hold.h"
#include "irqbalance.h"
#include "leak.h"
#include "manager.h"
#include "quiet_internal.h"
#include "util/cleanup.h"
#include "util/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PID = 4711, OWN = 1 << 7, SECOND = 1000000, LOOK = 60 * SECOND };

struct stage {
	char *root, run[300];
	struct config config;
	struct manager manager;
	struct balancer balancer;
	struct slice *slices[4];
	size_t count;
	uint64_t now;
};

static uint64_t stage_now(const struct host *h)
{
	return *(const uint64_t *)h->clock_userdata;
}

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

static void open_stage(struct stage *g)
{
	struct manager *m = &g->manager;

	*g = (struct stage){ .root = tree_new(), .now = SECOND };
	(void)snprintf(g->run, sizeof(g->run), "%s/run", g->root);
	tree_file(g->root, "proc/irq/default_smp_affinity", "ff\n");
	assert_int_equal(config_init(&g->config, NULL), 0);
	free(g->config.runtime_dir);
	g->config.runtime_dir = strdup(g->run);
	m->config = &g->config;
	balancer_open(&g->balancer, g->root, PID, OWN);
	assert_int_equal(host_open(&m->host, g->root, NULL), 0);
	m->host->monotonic_usec = stage_now;
	m->host->clock_userdata = &g->now;
	assert_true(sd_event_new(&m->loop) >= 0);
	assert_int_equal(ledger_new(&m->ledger), 0);
	assert_int_equal(map_new(&m->slices), 0);
	assert_int_equal(inventory_new(&m->inventory), 0);
	cpuset_free(m->inventory->machine.online);
	m->inventory->machine.online = set_of("0-7");
	assert_int_equal(quiet_new(&m->quiet, m), 0);
}

static void close_stage(struct stage *g)
{
	quiet_free(g->manager.quiet);
	sd_event_unref(g->manager.loop);
	for (size_t i = 0; i < g->count; i++) {
		map_remove(g->manager.slices, g->slices[i]->id);
		slice_free(g->slices[i]);
	}
	map_free(g->manager.slices);
	ledger_free(g->manager.ledger);
	inventory_free(g->manager.inventory);
	host_free(g->manager.host);
	config_done(&g->config);
	balancer_close(&g->balancer);
	tree_remove(g->root);
}

/* Until nothing is to be said any more, or it does not answer. */
static void talk(struct stage *g)
{
	while (g->manager.quiet->balance_errand)
		assert_true(sd_event_run(g->manager.loop, UINT64_MAX) >= 0);
}

static void look(struct stage *g)
{
	quiet_look(&g->manager);
	talk(g);
}

/* An agent is killed, and another one finds the slices that are held. */
static void restart(struct stage *g)
{
	struct manager *m = &g->manager;

	m->quiet = quiet_free(m->quiet);
	for (size_t i = 0; i < g->count; i++)
		g->slices[i]->quiet = QUIET_NO;
	assert_int_equal(quiet_new(&m->quiet, m), 0);
	quiet_adopted(m);
	talk(g);
}

static struct slice *begin(struct stage *g, const char *id, const char *cpus)
{
	const struct enforcement row = { .resource = "cpu",
					 .limit = "partition",
					 .mechanism = MECHANISM_PARTITION };
	struct allocation *a = NULL;
	struct slice *s = NULL;

	assert_int_equal(slice_new(&s, &g->manager, id), 0);
	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(id);
	cpuset_free(a->cpus);
	a->cpus = set_of(cpus);
	assert_int_equal(ledger_take(g->manager.ledger, &a), 0);
	assert_int_equal(map_put(g->manager.slices, id, s), 0);
	g->slices[g->count++] = s;
	s->state = SLICE_ACTIVE;
	assert_int_equal(enforcements_add(&s->enforced, &row), 0);
	assert_int_equal(hold_quiet.take(s, &s->enforced, NULL), 0);
	return s;
}

static struct slice *hold(struct stage *g, const char *id, const char *cpus)
{
	struct slice *s = begin(g, id, cpus);

	talk(g);
	return s;
}

/* What irqbalance has yet to read keeps no slice. */
static void end(struct stage *g, struct slice *s)
{
	_cleanup_(leaks_done) struct leaks leaks = { 0 };

	hold_quiet.give(s);
	assert_int_equal(hold_quiet.left(s, &leaks), 0);
	assert_int_equal(leaks.count, 0);
	ledger_release(g->manager.ledger, s->id);
}

static void drop(struct stage *g, struct slice *s)
{
	end(g, s);
	talk(g);
}

static void expect_row(const struct slice *s, enum mechanism how, const char *reason)
{
	const struct enforcement *row = enforcements_find(&s->enforced, "irqbalance");

	assert_non_null(row);
	assert_int_equal(row->mechanism, how);
	if (reason)
		assert_string_equal(row->reason, reason);
	else
		assert_null(row->reason);
}

/* What it leaves alone from its next round on. */
static void expect_after_round(struct stage *g, const char *expected)
{
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	_cleanup_free_ char *text = NULL;

	balancer_round(&g->balancer);
	assert_int_equal(irqbalance_ask(g->manager.host, PID, &setup), 0);
	text = cpuset_format(setup.cpus);
	assert_string_equal(text, expected);
}

static void expect_no_record_later(struct stage *g)
{
	g->now += LOOK;
	look(g);
	assert_false(fs_exists(g->manager.host->root_fd, "run/quiet.json"));
}

static void test_balance_leaves_alone_what_slices_hold_and_its_own(void **state)
{
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	balancer_serve(&g.balancer, NULL);
	a = hold(&g, "a", "2-3");
	expect_row(a, MECHANISM_HOST, NULL);
	expect_after_round(&g, "2-3,7");
	b = hold(&g, "b", "4");
	expect_after_round(&g, "2-4,7");
	drop(&g, a);
	expect_after_round(&g, "4,7");
	drop(&g, b);
	expect_after_round(&g, "7");
	expect_no_record_later(&g);
	close_stage(&g);
}

/* Else what was told for the one would be taken for irqbalance's own, and be there for ever. */
static void test_balance_has_its_own_back_when_slices_come_before_its_round(void **state)
{
	struct stage g;

	(void)state;
	for (int killed = 0; killed < 2; killed++) {
		struct slice *s;

		open_stage(&g);
		balancer_serve(&g.balancer, NULL);
		s = hold(&g, "a", "2-3");
		expect_after_round(&g, "2-3,7");
		drop(&g, s);
		if (killed)
			restart(&g);
		s = hold(&g, "b", "4");
		expect_after_round(&g, "4,7");
		drop(&g, s);
		if (killed)
			restart(&g);
		expect_after_round(&g, "7");
		g.now += LOOK; /* the next agent's first look tells it once more */
		look(&g);
		expect_no_record_later(&g);
		close_stage(&g);
	}
}

/* Its settings may be other ones when the next slice comes, long after. */
static void test_balance_asks_again_when_it_has_read_its_own_settings(void **state)
{
	_cleanup_(cpuset_freep) struct cpuset *other = set_of("6");
	struct slice *s;
	struct stage g;

	(void)state;
	open_stage(&g);
	balancer_serve(&g.balancer, NULL);
	s = hold(&g, "a", "2-3");
	expect_after_round(&g, "2-3,7");
	drop(&g, s);
	balancer_round(&g.balancer);
	expect_no_record_later(&g);
	assert_int_equal(irqbalance_tell_cpus(g.manager.host, PID, other), 0); /* its user */
	balancer_round(&g.balancer);
	s = hold(&g, "b", "2-3");
	expect_after_round(&g, "2-3,6");
	drop(&g, s);
	expect_after_round(&g, "6");
	close_stage(&g);
}

static void test_balance_says_that_it_stands_still_and_when_it_goes_on(void **state)
{
	struct slice *s;
	struct stage g;

	(void)state;
	open_stage(&g);
	s = hold(&g, "a", "2-3"); /* nobody serves yet */
	expect_row(s, MECHANISM_NONE, "irqbalance cannot be told: Connection timed out");
	balancer_serve(&g.balancer, NULL);
	g.now += SECOND;
	look(&g); /* not again so soon: it may hang */
	expect_row(s, MECHANISM_NONE, "irqbalance cannot be told: Connection timed out");
	assert_string_equal(balancer_heard(&g.balancer), "");
	g.now += LOOK;
	look(&g);
	expect_row(s, MECHANISM_HOST, NULL);
	expect_after_round(&g, "2-3,7");
	drop(&g, s);
	expect_after_round(&g, "7");
	close_stage(&g);
}

/* It ends, and another one comes: with settings of its own, and at once although the first hung. */
static void test_balance_meets_the_one_that_comes_after_another(void **state)
{
	enum { NEXT = PID + 1, NEXT_OWN = 1 << 6 };
	_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
	_cleanup_free_ char *text = NULL;
	struct balancer next;
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	s = hold(&g, "a", "2-3");
	expect_row(s, MECHANISM_NONE, "irqbalance cannot be told: Connection timed out");
	assert_int_equal(unlinkat(g.manager.host->proc_fd, "4711/stat", 0), 0);
	assert_int_equal(unlinkat(g.manager.host->proc_fd, "4711", AT_REMOVEDIR), 0);
	look(&g);
	assert_null(enforcements_find(&s->enforced, "irqbalance"));
	balancer_open(&next, g.root, NEXT, NEXT_OWN);
	balancer_serve(&next, NULL);
	look(&g);
	expect_row(s, MECHANISM_HOST, NULL);
	balancer_round(&next);
	assert_int_equal(irqbalance_ask(g.manager.host, NEXT, &setup), 0);
	text = cpuset_format(setup.cpus);
	assert_string_equal(text, "2-3,6");
	drop(&g, s);
	assert_string_equal(balancer_heard(&next), "settings cpus 2-3,6\nsettings cpus 6\n");
	expect_no_record_later(&g);
	close_stage(&g);
	balancer_close(&next);
}

/* It has gone with what it was told, and the one that came since was told nothing. */
static void test_balance_forgets_one_that_ended_with_the_last_slice(void **state)
{
	struct balancer next;
	struct stage g;
	struct slice *s;

	(void)state;
	open_stage(&g);
	balancer_serve(&g.balancer, NULL);
	s = hold(&g, "a", "2-3");
	assert_int_equal(unlinkat(g.manager.host->proc_fd, "4711/stat", 0), 0);
	assert_int_equal(unlinkat(g.manager.host->proc_fd, "4711", AT_REMOVEDIR), 0);
	balancer_open(&next, g.root, PID + 1, OWN);
	balancer_serve(&next, NULL);
	drop(&g, s);
	assert_string_equal(balancer_heard(&next), "");
	assert_false(fs_exists(g.manager.host->root_fd, "run/quiet.json"));
	close_stage(&g);
	balancer_close(&next);
}

/* It stands still: nobody waits until that is known. */
static void test_balance_keeps_nobody_waiting(void **state)
{
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	a = begin(&g, "a", "2-3");
	expect_row(a, MECHANISM_NONE, "irqbalance has not answered yet");
	b = begin(&g, "b", "4");
	expect_row(b, MECHANISM_NONE, "irqbalance has not answered yet");
	assert_non_null(g.manager.quiet->balance_errand);
	talk(&g);
	expect_row(a, MECHANISM_NONE, "irqbalance cannot be told: Connection timed out");
	expect_row(b, MECHANISM_NONE, "irqbalance cannot be told: Connection timed out");
	end(&g, a);
	end(&g, b);
	assert_null(g.manager.quiet->balance_errand); /* it was told nothing */
	assert_false(fs_exists(g.manager.host->root_fd, "run/quiet.json"));
	close_stage(&g);
}

/* Slices that come and go while it is talked to. */
static void test_balance_is_told_what_is_so_when_it_has_answered(void **state)
{
	struct slice *a, *b;
	struct stage g;

	(void)state;
	open_stage(&g);
	balancer_serve(&g.balancer, NULL);
	a = begin(&g, "a", "2-3");
	end(&g, a); /* nobody needs it when it tells its settings */
	talk(&g);
	assert_string_equal(balancer_heard(&g.balancer), "");
	assert_false(fs_exists(g.manager.host->root_fd, "run/quiet.json"));
	a = begin(&g, "b", "2-3");
	b = begin(&g, "c", "4");
	talk(&g);
	expect_row(a, MECHANISM_HOST, NULL);
	expect_row(b, MECHANISM_HOST, NULL);
	end(&g, a);
	a = begin(&g, "d", "5");
	expect_row(a, MECHANISM_NONE, "irqbalance has not answered yet");
	end(&g, b);
	talk(&g);
	expect_row(a, MECHANISM_HOST, NULL);
	expect_after_round(&g, "5,7");
	end(&g, a);
	restart(&g); /* killed in the middle of the talk */
	expect_after_round(&g, "7");
	g.now += LOOK;
	look(&g);
	expect_no_record_later(&g);
	close_stage(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance_leaves_alone_what_slices_hold_and_its_own),
		cmocka_unit_test(test_balance_has_its_own_back_when_slices_come_before_its_round),
		cmocka_unit_test(test_balance_asks_again_when_it_has_read_its_own_settings),
		cmocka_unit_test(test_balance_says_that_it_stands_still_and_when_it_goes_on),
		cmocka_unit_test(test_balance_meets_the_one_that_comes_after_another),
		cmocka_unit_test(test_balance_forgets_one_that_ended_with_the_last_slice),
		cmocka_unit_test(test_balance_keeps_nobody_waiting),
		cmocka_unit_test(test_balance_is_told_what_is_so_when_it_has_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
