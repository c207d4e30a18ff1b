/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations and the ledger: who holds what, and that nothing is held twice. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/allocation.h"
#include "util/cleanup.h"

static struct allocation *made(const char *slice, const char *cpus)
{
	_cleanup_(cpuset_freep) struct cpuset *set = NULL;
	struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	assert_int_equal(cpuset_parse(cpus, &set), 0);
	assert_int_equal(cpuset_union(a->cpus, set), 0);
	a->slice = slice ? strdup(slice) : NULL;
	return a;
}

static struct ledger *opened(void)
{
	struct ledger *l = NULL;

	assert_int_equal(ledger_new(&l), 0);
	return l;
}

static void take(struct ledger *l, struct allocation *a)
{
	assert_int_equal(ledger_take(l, &a), 0);
	assert_null(a);
}

static void expect_cpus(const struct ledger *l, const char *expected)
{
	_cleanup_free_ char *text = cpuset_format(ledger_cpus(l));

	assert_string_equal(text, expected);
}

static void test_ledger_names_the_holders_until_they_release(void **state)
{
	_cleanup_(ledger_freep) struct ledger *l = opened();
	struct allocation *a = made("a", "0-3"), *b = made("b", "8");
	size_t cursor = 0;

	(void)state;
	assert_int_equal(allocation_add_device(a, "gpu-0"), 0);
	assert_int_equal(allocation_add_device(a, "nic-0"), 0);
	take(l, a);
	take(l, b);
	assert_int_equal(ledger_count(l), 2);
	expect_cpus(l, "0-3,8");
	assert_string_equal(ledger_cpu_holder(l, 3), "a");
	assert_string_equal(ledger_cpu_holder(l, 8), "b");
	assert_null(ledger_cpu_holder(l, 4));
	assert_string_equal(ledger_device_holder(l, "nic-0"), "a");
	assert_null(ledger_device_holder(l, "disk-0"));
	assert_ptr_equal(ledger_find(l, "b"), b);
	assert_null(ledger_find(l, "c"));
	ledger_release(l, "c");
	ledger_release(l, "a");
	ledger_release(l, "a");
	expect_cpus(l, "8");
	assert_null(ledger_cpu_holder(l, 0));
	assert_null(ledger_device_holder(l, "gpu-0"));
	assert_ptr_equal(ledger_next(l, &cursor), b);
	assert_null(ledger_next(l, &cursor));
	ledger_release(l, b->slice); /* its own copy of the name */
	assert_int_equal(ledger_count(l), 0);
	expect_cpus(l, "");
	take(l, made("a", "0-3")); /* the name and the CPUs are free again */
}

static void test_ledger_sums_memory_pages_and_shares(void **state)
{
	_cleanup_(ledger_freep) struct ledger *l = opened();
	struct allocation *a = made("a", ""), *b = made("b", "");

	(void)state;
	assert_int_equal(allocation_add_memory(a, 0, 5), 0);
	assert_int_equal(allocation_add_memory(a, 1, 7), 0);
	assert_int_equal(allocation_add_memory(b, 1, 100), 0);
	assert_int_equal(allocation_add_hugepages(a, 1, 2048, 3), 0);
	assert_int_equal(allocation_add_hugepages(b, 1, 2048, 4), 0);
	assert_int_equal(allocation_add_hugepages(b, 1, 4096, 9), 0);
	a->shared_millicpus = UINT32_MAX;
	b->shared_millicpus = UINT32_MAX;
	assert_true(allocation_memory_total(a) == 12);
	assert_true(cpuset_has(a->nodes, 0) && cpuset_has(a->nodes, 1));
	assert_false(cpuset_has(b->nodes, 0));
	take(l, a);
	take(l, b);
	assert_true(ledger_memory(l, 0) == 5);
	assert_true(ledger_memory(l, 1) == 107);
	assert_true(ledger_memory(l, 2) == 0);
	assert_true(ledger_hugepages(l, 1, 2048) == 7);
	assert_true(ledger_hugepages(l, 1, 4096) == 9);
	assert_true(ledger_hugepages(l, 0, 2048) == 0);
	assert_true(ledger_shared_millicpus(l) == 2ULL * UINT32_MAX);
	ledger_release(l, "b");
	assert_true(ledger_memory(l, 1) == 7);
	assert_true(ledger_shared_millicpus(l) == UINT32_MAX);
}

static void test_allocation_sums_stop_at_the_limit_instead_of_wrapping(void **state)
{
	_cleanup_(ledger_freep) struct ledger *l = opened();
	struct allocation *a = made("a", "");

	(void)state;
	assert_int_equal(allocation_add_memory(a, 0, UINT64_MAX), 0);
	assert_int_equal(allocation_add_memory(a, 0, 2), 0);
	assert_int_equal(allocation_add_hugepages(a, 0, 1, UINT64_MAX - 1), 0);
	assert_int_equal(allocation_add_hugepages(a, 0, 1, 3), 0);
	assert_true(allocation_memory_total(a) == UINT64_MAX);
	take(l, a);
	assert_true(ledger_memory(l, 0) == UINT64_MAX);
	assert_true(ledger_hugepages(l, 0, 1) == UINT64_MAX);
}

static void test_allocation_on_a_node_that_cannot_be_is_refused(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = made(NULL, "");

	(void)state;
	assert_int_equal(allocation_add_memory(a, 70000, 1), -ERANGE);
	assert_int_equal(allocation_add_hugepages(a, UINT32_MAX, 1, 1), -ERANGE);
	assert_true(cpuset_empty(a->nodes));
}

/* Whether taking it ends the process: a child tries. */
static bool dies(struct ledger *l, struct allocation *a)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		static const struct rlimit no_core = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &no_core); /* its core dump would help no one */
		(void)signal(SIGABRT, SIG_DFL);
		(void)fclose(stderr); /* what assert says is expected */
		(void)ledger_take(l, &a);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	allocation_free(a);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_ledger_dies_rather_than_hand_anything_out_twice(void **state)
{
	_cleanup_(ledger_freep) struct ledger *l = opened();
	struct allocation *held = made("a", "0-3"), *again = made("b", "4"), *same = made("b", "5"),
			  *fine = made("b", "6");

	(void)state;
	assert_int_equal(allocation_add_device(held, "gpu-0"), 0);
	take(l, held);
	assert_true(dies(l, made("b", "3-5"))); /* a CPU */
	assert_true(dies(l, made("a", "9")));	/* a name */
	assert_true(dies(l, made(NULL, "9")));	/* no name */
	assert_int_equal(allocation_add_device(again, "gpu-0"), 0);
	assert_true(dies(l, again)); /* a device */
	assert_int_equal(allocation_add_device(same, "gpu-1"), 0);
	assert_int_equal(allocation_add_device(same, "gpu-1"), 0);
	assert_true(dies(l, same)); /* a device in itself */
	assert_false(dies(l, fine));
	expect_cpus(l, "0-3");
}

static void test_ledger_replaces_in_one_step(void **state)
{
	_cleanup_(ledger_freep) struct ledger *l = opened();
	_cleanup_(allocation_freep) struct allocation *both = NULL, *less = NULL;
	struct allocation *first = made("a", "0-3"), *next = made("a", "2-5");

	(void)state;
	assert_int_equal(allocation_add_device(first, "gpu-0"), 0);
	assert_int_equal(allocation_add_device(next, "gpu-1"), 0);
	assert_int_equal(allocation_add_memory(first, 0, 10), 0);
	assert_int_equal(allocation_add_memory(first, 0, 5), 0); /* a node may be there twice */
	assert_int_equal(allocation_add_memory(next, 1, 7), 0);
	take(l, made("b", "8"));
	assert_int_equal(allocation_join(&both, first, next), 0);
	assert_int_equal(allocation_less(&less, both, next), 0);
	assert_int_equal(cpuset_count(both->cpus), 6);
	assert_int_equal(allocation_memory_total(both), 22);
	assert_true(cpuset_has(less->cpus, 1) && !cpuset_has(less->cpus, 2));
	assert_true(less->devices_count == 1 && allocation_has_device(less, "gpu-0"));
	assert_true(less->memory_count == 1 && less->memory[0].bytes == 15);
	take(l, first);
	assert_int_equal(ledger_replace(l, &next), 0);
	assert_null(next);
	expect_cpus(l, "2-5,8");
	assert_null(ledger_device_holder(l, "gpu-0"));
	assert_string_equal(ledger_device_holder(l, "gpu-1"), "a");
	assert_int_equal(ledger_memory(l, 0), 0);
	assert_int_equal(ledger_memory(l, 1), 7);
	assert_int_equal(ledger_count(l), 2);
	ledger_release(l, "a");
	expect_cpus(l, "8");
}

static void test_allocation_copies_have_its_share_of_the_caches(void **state)
{
	_cleanup_(allocation_freep) struct allocation *a = made(NULL, "0-1"),
						      *none = made(NULL, "2"), *both = NULL;

	(void)state;
	assert_int_equal(cache_shares_add(&a->cache, 4, 0xf0), 0);
	a->cache.bandwidth_percent = 30;
	for (int i = 0; i < 3; i++) { /* of itself, with one that has none, and behind it */
		both = allocation_free(both);
		assert_int_equal(allocation_join(&both, i == 2 ? none : a, i == 1 ? none : a), 0);
		assert_int_equal(both->cache.count, 1);
		assert_int_equal(both->cache.items[0].domain, 4);
		assert_int_equal(both->cache.items[0].ways, 0xf0);
		assert_int_equal(both->cache.bandwidth_percent, 30);
	}
}

static void test_allocation_free_takes_null(void **state)
{
	(void)state;
	assert_null(allocation_free(NULL));
	assert_null(ledger_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger_names_the_holders_until_they_release),
		cmocka_unit_test(test_ledger_sums_memory_pages_and_shares),
		cmocka_unit_test(test_allocation_sums_stop_at_the_limit_instead_of_wrapping),
		cmocka_unit_test(test_allocation_on_a_node_that_cannot_be_is_refused),
		cmocka_unit_test(test_ledger_dies_rather_than_hand_anything_out_twice),
		cmocka_unit_test(test_ledger_replaces_in_one_step),
		cmocka_unit_test(test_allocation_copies_have_its_share_of_the_caches),
		cmocka_unit_test(test_allocation_free_takes_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
