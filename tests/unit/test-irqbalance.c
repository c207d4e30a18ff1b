/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to irqbalance and heard from it, against a stand-in (balancer.h). What the real one
 * says and does is shown by tests/vm/127-irqbalance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balancer.h"
#include "discover.h"
#include "irqbalance_errand.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define _cleanup_cpuset_ _cleanup_(cpuset_freep)
#define PID 4711

static void expect(const struct cpuset *s, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(s);

	assert_string_equal(text, expected);
}

static struct cpuset *set_of(const char *text)
{
	struct cpuset *s = NULL;

	assert_int_equal(cpuset_parse(text, &s), 0);
	return s;
}

struct stage {
	char *root;
	struct host *host;
	struct balancer balancer;
};

/* A tree with its process and its socket. */
static void open_tree(struct stage *s)
{
	s->root = tree_new();
	balancer_open(&s->balancer, s->root, PID, 0);
	tree_file(s->root, "run/irqbalance/irqbalance.sock", "");   /* no number */
	tree_file(s->root, "run/irqbalance/irqbalance1x.sock", ""); /* garbage */
	tree_file(s->root, "run/irqbalance/irqbalance99.sock", ""); /* of a dead one */
	assert_int_equal(host_open(&s->host, s->root, NULL), 0);
}

static void close_tree(struct stage *s)
{
	balancer_close(&s->balancer);
	host_free(s->host);
	tree_remove(s->root);
}

static void test_irqbalance_is_found_by_its_socket(void **state)
{
	struct stage s;
	pid_t pid = 0;

	(void)state;
	open_tree(&s);
	assert_int_equal(irqbalance_find(s.host, &pid), 0);
	assert_int_equal(pid, PID);
	tree_remove(s.root); /* all of it: nobody there */
	s.root = tree_new();
	host_free(s.host);
	assert_int_equal(host_open(&s.host, s.root, NULL), 0);
	assert_int_equal(irqbalance_find(s.host, &pid), -ENOENT);
	close_tree(&s);
}

static void test_irqbalance_says_what_it_leaves_alone(void **state)
{
	static const struct {
		const char *answer, *cpus, *irqs; /* cpus NULL: it is no answer */
	} vectors[] = {
		{ "SLEEP 10 BANNED 00000000", "", "" },
		{ "SLEEP 10 BANNED 000000ff,ffff0000", "16-39", "" },
		{ "SLEEP 2 IRQ 1 LOAD 0 DIFF 0 CLASS 0 BANNED 00000080", "7", "1" }, /* 1.9.4 */
		{ "SLEEP 1 IRQ 31 LOAD 12 DIFF 3 CLASS 5 IRQ 9 LOAD 0 DIFF 0 CLASS 0 BANNED 8", "3",
		  "9,31" },
		{ "", NULL, NULL },
		{ "SLEEP", NULL, NULL },
		{ "SLEEP ten BANNED 0", NULL, NULL },
		{ "SLEEP -1 BANNED 0", NULL, NULL },
		{ "SLEEP 4294967296 BANNED 0", NULL, NULL },
		{ "SLEEP 10", NULL, NULL },
		{ "SLEEP 10 BANNED", NULL, NULL },
		{ "SLEEP 10 BANNED xyz", NULL, NULL },
		{ "SLEEP 10 BANNED 0 0", NULL, NULL },
		{ "SLEEP 10 IRQ 31 LOAD 0 BANNED 0", NULL, NULL },
		{ "SLEEP 10 IRQ x LOAD 0 DIFF 0 CLASS 0 BANNED 0", NULL, NULL },
		{ "TYPE 0 NUMBER 0", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
		struct stage s;
		int r;

		open_tree(&s);
		balancer_serve(&s.balancer, vectors[i].answer);
		r = irqbalance_ask(s.host, PID, &setup);
		assert_int_equal(r, vectors[i].cpus ? 0 : -EBADMSG);
		if (r == 0) {
			expect(setup.cpus, vectors[i].cpus);
			expect(setup.irqs, vectors[i].irqs);
		} else {
			assert_null(setup.cpus);
		}
		close_tree(&s);
	}
}

/* It takes interrupts at once, and CPUs in its next round. */
static void test_irqbalance_is_told_in_its_own_words(void **state)
{
	static const struct {
		const char *cpus, *irqs;
	} vectors[] = { { "2-3,8", "2-3,8" }, { "40", "31" }, { "", "" } };
	struct stage s;

	(void)state;
	open_tree(&s);
	balancer_serve(&s.balancer, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };
		_cleanup_cpuset_ struct cpuset *cpus = set_of(vectors[i].cpus),
					       *irqs = set_of(vectors[i].irqs);

		assert_int_equal(irqbalance_tell_cpus(s.host, PID, cpus), 0);
		assert_int_equal(irqbalance_tell_irqs(s.host, PID, irqs), 0);
		balancer_round(&s.balancer);
		assert_int_equal(irqbalance_ask(s.host, PID, &setup), 0);
		expect(setup.cpus, vectors[i].cpus);
		expect(setup.irqs, vectors[i].irqs);
		assert_int_equal(setup.round_usec, 10000000);
	}
	assert_string_equal(balancer_heard(&s.balancer),
			    "settings cpus 2-3,8\nsettings ban irqs 2 3 8\n"
			    "settings cpus 40\nsettings ban irqs 31\n"
			    "settings cpus NULL\nsettings ban irqs NONE\n");
	close_tree(&s);
}

/* It reads no more than 500 bytes, and would take half of a list for the whole. */
static void test_irqbalance_is_not_told_what_it_would_not_read(void **state)
{
	_cleanup_cpuset_ struct cpuset *many = set_of("");
	struct stage s;

	(void)state;
	for (unsigned cpu = 0; cpu < 400; cpu += 2)
		assert_int_equal(cpuset_add(many, cpu), 0);
	open_tree(&s);
	assert_int_equal(irqbalance_tell_cpus(s.host, PID, many), -E2BIG);
	assert_int_equal(irqbalance_tell_irqs(s.host, PID, many), -E2BIG);
	close_tree(&s);
}

static uint64_t now_usec(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* It stands (SIGSTOP) or is busy: the socket takes the connection, and nobody answers. */
static void test_irqbalance_that_does_not_answer_is_given_up(void **state)
{
	struct irqbalance_setup setup = { 0 };
	struct stage s;
	uint64_t before = now_usec();

	(void)state;
	open_tree(&s);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ETIMEDOUT); /* its queue is full */
	assert_true(now_usec() - before >= 3 * IRQBALANCE_TIMEOUT_USEC);
	close_tree(&s);
}

static void test_irqbalance_that_has_ended_leaves_a_socket_that_refuses(void **state)
{
	struct irqbalance_setup setup = { 0 };
	struct stage s;

	(void)state;
	open_tree(&s);
	s.balancer.fd = close_fd(s.balancer.fd);
	assert_int_equal(irqbalance_ask(s.host, PID, &setup), -ECONNREFUSED);
	assert_int_equal(irqbalance_ask(s.host, 98, &setup), -ENOENT);
	close_tree(&s);
}

static void test_irqbalance_answer_of_the_child_is_whole_or_none(void **state)
{
	static const struct {
		const char *answer;
		int result;
	} vectors[] = {
		{ "0\n10000000\n2-3,7\n31\n", 0 }, { "0\n0\n\n\n", 0 },
		{ "110\n0\n\n\n", -ETIMEDOUT },	   { "", -EBADMSG }, /* it died */
		{ "0\n1\n2\n3", -EBADMSG },	   { "0\n1\n2\n3\n4", -EBADMSG },
		{ "-110\n0\n\n\n", -EBADMSG },	   { "4096\n0\n\n\n", -EBADMSG },
		{ "0\n-1\n\n\n", -EBADMSG },	   { "0\n1\nx\n\n", -EBADMSG },
		{ "0\n1\n\n3-\n", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		_cleanup_(irqbalance_setup_done) struct irqbalance_setup setup = { 0 };

		assert_int_equal(
			irqbalance_answer(vectors[i].answer, strlen(vectors[i].answer), &setup),
			vectors[i].result);
		assert_true(vectors[i].result < 0 ? !setup.cpus : setup.cpus && setup.irqs);
		if (i == 0) {
			expect(setup.cpus, "2-3,7");
			expect(setup.irqs, "31");
			assert_int_equal(setup.round_usec, 10000000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_irqbalance_is_found_by_its_socket),
		cmocka_unit_test(test_irqbalance_says_what_it_leaves_alone),
		cmocka_unit_test(test_irqbalance_is_told_in_its_own_words),
		cmocka_unit_test(test_irqbalance_is_not_told_what_it_would_not_read),
		cmocka_unit_test(test_irqbalance_that_does_not_answer_is_given_up),
		cmocka_unit_test(test_irqbalance_that_has_ended_leaves_a_socket_that_refuses),
		cmocka_unit_test(test_irqbalance_answer_of_the_child_is_whole_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
