/* SPDX-License-Identifier: Apache-2.0 */
/* CPUs that go offline under a slice. Devices that go are tried with a whole agent, in tests/sim.
 */
#include "agent/presence.h"
#include "util/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct heard {
	unsigned readings;
	enum verdict verdict;
	char evidence[256];
	int answer; /* to give back */
};

static int hear(const struct reading *reading, void *userdata)
{
	struct heard *h = userdata;

	assert_string_equal(reading->subject, "node");
	assert_string_equal(reading->type, "held-cpus");
	h->readings++;
	h->verdict = reading->verdict;
	(void)snprintf(h->evidence, sizeof(h->evidence), "%s",
		       reading->evidence ? reading->evidence : "");
	return h->answer;
}

static void hold(struct ledger *l, const char *slice, const char *cpus)
{
	struct allocation *a = NULL;

	assert_int_equal(allocation_new(&a), 0);
	a->slice = strdup(slice);
	cpuset_free(a->cpus);
	assert_int_equal(cpuset_parse(cpus, &a->cpus), 0);
	assert_int_equal(ledger_take(l, &a), 0);
}

static int check(const char *online, struct heard *heard)
{
	_cleanup_(inventory_freep) struct inventory *inv = NULL;
	_cleanup_(ledger_freep) struct ledger *ledger = NULL;
	_cleanup_(health_freep) struct health *health = NULL;

	assert_int_equal(inventory_new(&inv), 0);
	assert_int_equal(ledger_new(&ledger), 0);
	assert_int_equal(health_new(&health), 0);
	cpuset_free(inv->machine.online);
	assert_int_equal(cpuset_parse(online, &inv->machine.online), 0);
	inventory_seal(inv);
	hold(ledger, "first", "2-3");
	hold(ledger, "second", "6-7");
	hold(ledger, "sharing", "");
	return presence_check(inv, ledger, health, hear, heard);
}

static void test_cpus_that_are_online_under_slices_read_well(void **state)
{
	struct heard heard = { .verdict = VERDICT_FAILED };

	(void)state;
	assert_int_equal(check("0,2-3,6-7", &heard), 0); /* those of nobody do not matter */
	assert_int_equal(heard.readings, 1);
	assert_int_equal(heard.verdict, VERDICT_OK);
	assert_string_equal(heard.evidence, "");
}

static void test_cpus_offline_under_slices_are_named_in_one_reading(void **state)
{
	static const struct {
		const char *online, *evidence;
	} vectors[] = {
		{ "0-6", "offline while slices hold them: CPUs 7, the first by slice second" },
		{ "0-2,4-6", "offline while slices hold them: CPUs 3,7, the first by slice first" },
		{ "0", "offline while slices hold them: CPUs 2-3,6-7, the first by slice first" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct heard heard = { 0 };

		assert_int_equal(check(vectors[i].online, &heard), 0);
		assert_int_equal(heard.readings, 1);
		assert_int_equal(heard.verdict, VERDICT_DEGRADED);
		assert_string_equal(heard.evidence, vectors[i].evidence);
	}
}

static void test_what_the_listener_cannot_take_is_given_back(void **state)
{
	struct heard heard = { .answer = -ENOMEM };

	(void)state;
	assert_int_equal(check("0-7", &heard), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpus_that_are_online_under_slices_read_well),
		cmocka_unit_test(test_cpus_offline_under_slices_are_named_in_one_reading),
		cmocka_unit_test(test_what_the_listener_cannot_take_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
